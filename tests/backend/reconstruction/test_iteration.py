"""Sweeps: they fit, they respect masks, and their steps are those of the numpy reference."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.physics import fourier, sweeps
from ptycho.physics.canvas import Canvas
from ptycho.reconstruction import iteration
from ptycho.reconstruction.iteration import Iteration, Measurement, SweepSettings
from ptycho.reconstruction.short_sweeps import sweep_frames

LEARN_PROBE = SweepSettings(learn_probe=True)


def start(scan, library, **changes):
    """Begin an iteration at a flat object."""
    arguments = {"measurement": scan.measurement(), "picture": np.full_like(scan.truth, 0.7)} | changes
    return Iteration(library, canvas=scan.canvas, probe=scan.probe, **arguments)


@given(dx=st.floats(-3, 3), dy=st.floats(-3, 3))
@settings(max_examples=25)
def test_fourier_shift_there_and_back(library, dx, dy):
    """Moving by d and by -d is the identity, and energy stays."""
    rng = np.random.default_rng(0)
    waves = rng.standard_normal((2, 1, 16, 16)) + 1j * rng.standard_normal((2, 1, 16, 16))
    d = np.array([[dx, dy]] * 2)
    there = sweeps.shift(library.operations, library.array(waves), library.array(d))
    back = library.operations.to_numpy(sweeps.shift(library.operations, there, library.array(-d)))
    np.testing.assert_allclose(back, waves, atol=1e-12)
    energy = np.sum(np.abs(library.operations.to_numpy(there)) ** 2)
    assert energy == pytest.approx(np.sum(np.abs(waves) ** 2), rel=1e-12)


def test_fourier_shift_moves_right_and_down(library):
    """Whole pixels: content follows [x, y] = (column, row), and one wave is moved by each offset."""
    wave = np.zeros((1, 1, 8, 8), np.complex64)
    wave[0, 0, 2, 3] = 1
    offsets = library.array(np.array([[2.0, 1.0], [0.0, 3.0]], np.float32))
    there = library.operations.to_numpy(sweeps.shift(library.operations, library.array(wave), offsets))
    assert there[0, 0, 3, 5].real == pytest.approx(1, abs=1e-5)
    assert there[1, 0, 5, 3].real == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("modes", [1, 3])
@pytest.mark.parametrize(("whole", "dark"), [(True, 0.0), (False, 0.0), (True, 0.01)])
def test_a_step_is_that_of_the_reference(scanned, library, move_waves, modes, whole, dark):
    """All frames at once move object and probe as a plain numpy loop over the frames says."""
    scan = scanned(modes=modes)
    positions = np.rint(scan.positions) if whole else scan.positions
    canvas = Canvas.around(positions, 32)
    picture = np.resize(scan.truth, canvas.shape)
    measurement = scan.measurement(positions=positions)
    iteration = Iteration(library, measurement, canvas, picture, scan.probe)
    misfit = iteration.sweep(SweepSettings(49, 0.2, 0.3, learn_probe=True, dark=dark))
    expected = reference_step(
        move_waves, scan.X, positions - 16 - canvas.origin_px, picture, scan.probe, (0.2, 0.3, dark)
    )
    row, probe = iteration.read()
    np.testing.assert_allclose(row, expected[0], atol=2e-5)
    gram = [np.einsum("pij,pkl->ijkl", p[:, ::8, ::8], p[:, ::8, ::8].conj()) for p in (probe, expected[1])]
    np.testing.assert_allclose(gram[0], gram[1], atol=2e-4 * np.abs(gram[1]).max())
    assert misfit == pytest.approx(expected[2], rel=1e-4)


def reference_step(moved, X, corners, picture, probe, dampings):
    """Move object and probe by all frames at once; the modes of the probe are left as they fall."""
    N, total, light = probe.shape[-1], np.zeros_like(picture), np.zeros(picture.shape)
    asked, passed, error = np.zeros_like(probe), np.zeros((N, N)), 0.0
    for frame, corner in zip(X, corners, strict=True):
        column, row = np.rint(corner).astype(int)
        here, rest = (slice(row, row + N), slice(column, column + N)), corner - [column, row]
        there = moved(probe, rest)
        fields = fourier.propagate(picture[here] * there)
        amplitude = np.linalg.norm(fields, axis=0)
        ratio = frame / amplitude - 1
        if dampings[2]:
            ratio = 0.5 * ratio + 0.25 * (frame**2 - amplitude**2) / (amplitude**2 + dampings[2])
        change = fourier.back_propagate(fields * ratio)
        total[here] += (there.conj() * change).sum(0)
        light[here] += (np.abs(there) ** 2).sum(0)
        asked += moved(picture[here].conj() * change, -rest)
        passed += np.abs(picture[here]) ** 2
        error += np.sum((frame - amplitude) ** 2)
    steps = [
        pull / ((1 - damping) * weight + damping * weight.max())
        for pull, weight, damping in ((total, light, dampings[0]), (asked, passed, dampings[1]))
    ]
    return picture + steps[0], probe + steps[1], error / np.sum(X**2)


@pytest.mark.parametrize("modes", [1, 2])
def test_numpy_sweeps_as_the_backend_does(scanned, library, modes):
    """Three sweeps end at the same object, probe and misfits, whichever library computes."""
    scan = scanned(modes=modes)
    given = (scan.X, scan.positions, scan.probe)
    here, there = sweep_frames(*given, sweeps=3), sweep_frames(*given, sweeps=3, library=library)
    # Rounding grows from sweep to sweep: 1e-6 after the first one.
    assert np.linalg.norm(here.object - there.object) < 1e-3 * np.linalg.norm(there.object)
    light, expected = ((np.abs(one.probe) ** 2).sum(0) for one in (here, there))
    assert np.linalg.norm(light - expected) < 1e-3 * np.linalg.norm(expected)
    np.testing.assert_allclose(here.misfits, there.misfits, rtol=1e-3)


def test_truth_is_a_fixed_point(scanned, library):
    """Where every amplitude is explained, a sweep moves nothing."""
    scan = scanned()
    iteration = start(scan, library, picture=scan.truth)
    assert iteration.sweep(LEARN_PROBE) < 1e-10
    assert np.abs(iteration.read()[0] - scan.truth).max() < 1e-3


@pytest.mark.parametrize("modes", [1, 2])
def test_sweeps_lower_the_misfit(scanned, library, modes):
    """From a flat object the misfit falls by two orders of magnitude."""
    iteration = start(scanned(modes=modes), library)
    misfits = [iteration.sweep() for _ in range(30)]
    assert misfits[-1] < 0.01 * misfits[0]


@pytest.mark.parametrize("dark", [0.0, 0.01])
def test_bad_pixels_do_not_pull(scanned, library, dark):
    """A hot masked pixel, or one that is not a number, leaves the same object as no hot pixel."""
    scan = scanned()
    good = np.ones((32, 32), bool)
    good[16, 17] = False
    pictures = []
    for wild in (0.0, 1e5, np.nan):
        spoilt = scan.X.copy()
        spoilt[:, 16, 17] = wild
        iteration = start(scan, library, measurement=scan.measurement(frames=spoilt.__getitem__, good=good))
        iteration.sweep(SweepSettings(learn_probe=True, dark=dark))
        pictures.append(iteration.read()[0])
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])


def test_the_same_seed_sweeps_alike(scanned, library):
    """Order is drawn from the seed alone."""
    scan, runs = scanned(), []
    for seed in (1, 1, 2):
        iteration = start(scan, library, seed=seed)
        iteration.sweep()
        runs.append(iteration.read()[0])
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_the_start_is_left_alone(scanned, library):
    """An iteration moves copies."""
    scan = scanned()
    flat, probe = np.full_like(scan.truth, 0.7), scan.probe.copy()
    iteration = Iteration(library, scan.measurement(), scan.canvas, flat, probe)
    iteration.sweep(LEARN_PROBE)
    assert (flat == np.complex64(0.7)).all()
    np.testing.assert_array_equal(probe, scan.probe)
    assert not np.array_equal(iteration.read()[1], probe)


def test_a_patch_beyond_the_picture_is_an_error(library):
    """The error says how large the picture is and how to get a fitting one."""
    measurement = Measurement(lambda i: np.zeros((len(i), 8, 8), np.float32), np.array([[20.0, 4.0]]))
    canvas, probe = Canvas((0, 0), (10, 10)), np.ones((1, 8, 8), np.complex64)
    with pytest.raises(ValueError, match="beyond the picture") as error:
        Iteration(library, measurement, canvas, np.ones((10, 10), np.complex64), probe)
    assert str(error.value) == (
        "a patch lies beyond the picture of 10 x 10 pixels\n"
        "  expected  every position at least N/2 pixels inside\n"
        "  try       Canvas.around(positions, N) for origin and shape"
    )


def test_smoothing_computes_as_the_rest_of_a_sweep_does(scanned, library, monkeypatch):
    """How many threads a library lets compute in a sweep holds to its end."""
    open_sweeps, at_smoothing = [], []
    workers, smoothed = type(library).workers, iteration.smoothness.without_noise

    @contextmanager
    def counted(*arguments):
        with workers(*arguments) as others:
            open_sweeps.append(others)
            yield others
            open_sweeps.pop()

    def watched(*arguments):
        at_smoothing.append(len(open_sweeps))
        return smoothed(*arguments)

    monkeypatch.setattr(type(library), "workers", counted)
    monkeypatch.setattr(iteration.smoothness, "without_noise", watched)
    start(scanned(), library).sweep(SweepSettings(noise=0.01, smoothing=1.0))
    assert at_smoothing == [1]
    assert not open_sweeps


@pytest.mark.parametrize("portion", [1, 5, 30])
def test_portions_make_the_step_of_all_frames(scanned, library, monkeypatch, portion):
    """Cut into portions of any size, a step moves object, probe and shifts as it does whole."""
    scan = scanned(modes=2)
    chosen = SweepSettings(batch_size=len(scan.positions), learn_probe=True, find_shifts=True)
    whole = start(scan, library)
    monkeypatch.setattr(iteration, "PORTION_PIXELS", portion * scan.probe.size)
    monkeypatch.setattr(iteration, "CANVAS_SHARE", scan.truth.size)
    cut = start(scan, library)
    assert cut._portion == portion
    assert cut.sweep(chosen) == pytest.approx(whole.sweep(chosen), rel=1e-5)
    for moved, expected in zip((*cut.read(), cut.shifts), (*whole.read(), whole.shifts), strict=True):
        np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_do_not_change_the_picture(scanned, library, monkeypatch, threads):
    """Any number of threads gives the same object, probe and shifts, bit for bit."""
    scan = scanned(modes=2)
    monkeypatch.setattr(iteration, "PORTION_PIXELS", 1)
    monkeypatch.setattr(iteration, "CANVAS_SHARE", scan.truth.size)
    with library.workers(1) as alone, replace(library, threads=threads).workers(1) as others:
        assert alone is None
        assert others is not None
    chosen = SweepSettings(batch_size=len(scan.positions), learn_probe=True, find_shifts=True)
    one, many = (start(scan, replace(library, threads=count)) for count in (1, threads))
    for work in (one, many):
        assert work._portion == 1
        work.sweep(chosen)
        work.sweep(chosen)
    for alone, beside in zip((*one.read(), one.shifts), (*many.read(), many.shifts), strict=True):
        np.testing.assert_array_equal(alone, beside)
