"""Random scans are what their answers say, and the same whenever their number is the same."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.physics.canvas import cut
from ptycho.physics.fourier import far_field_amplitude
from ptycho.zoo.lessons import PIXELS, draw_lesson


@settings(max_examples=8)
@given(st.integers(0, 10**6))
def test_a_lesson_is_normalised_and_can_be_answered(number: int) -> None:
    """Mean energy (N/2)², amplitudes that a bounded object explains, a canvas that holds all patches."""
    lesson = draw_lesson(0, number)
    n, N, _ = lesson.measured.shape
    assert n * N**2 <= PIXELS
    assert np.isclose(np.square(lesson.expected, dtype=float).sum((1, 2)).mean(), (N / 2) ** 2, rtol=1e-4)
    assert np.abs(lesson.object).max() <= 1 + 1e-4
    assert lesson.object.shape == lesson.canvas.shape
    assert lesson.probe.shape == lesson.true_probe.shape
    assert 1e3 <= lesson.nphotons <= 1e9
    assert np.isfinite(lesson.measured).all()


@settings(max_examples=6)
@given(st.integers(0, 10**6))
def test_the_answer_explains_the_frames(number: int) -> None:
    """At whole pixels the true object and probe give the noiseless frames."""
    lesson = draw_lesson(1, number)
    if not np.array_equal(lesson.positions, np.rint(lesson.positions)):
        return
    patches = cut(lesson.object, lesson.positions, lesson.probe.shape[-1], origin_px=lesson.canvas.origin_px)
    predicted = far_field_amplitude(patches, lesson.true_probe)
    assert np.linalg.norm(predicted - lesson.expected) < 1e-3 * np.linalg.norm(lesson.expected)


def test_equal_numbers_give_equal_lessons() -> None:
    """Seed and number settle everything."""
    first, again, other = draw_lesson(0, 5), draw_lesson(0, 5), draw_lesson(0, 6)
    np.testing.assert_array_equal(first.measured, again.measured)
    np.testing.assert_array_equal(first.probe, again.probe)
    assert first.measured.shape != other.measured.shape or not np.array_equal(first.measured, other.measured)
