"""Patches in a client's hands become one picture."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.physics.canvas import cut
from ptycho.tf_helper import reassemble_position


def test_true_patches_come_back_in_their_places() -> None:
    """Whatever their phases were: every pixel of the picture is that of the object, at its place."""
    rng = np.random.default_rng(1)
    truth = np.exp(1j * np.linspace(0, 2, 130 * 120).reshape(130, 120)).astype(np.complex64)
    positions = np.stack([rng.uniform(40, 80, 60), rng.uniform(40, 90, 60)], axis=1)
    patches = cut(truth, positions, 64) * np.exp(1j * rng.uniform(-3, 3, (60, 1, 1)))
    picture = reassemble_position(patches[..., None].astype(np.complex64), positions[:, None, :, None], M=40)
    found = np.squeeze(picture)
    assert all(side % 2 == 0 for side in found.shape)
    middle = (positions.min(axis=0) + positions.max(axis=0)) / 2
    expected = cut(truth, np.array([middle]), 20)[0]
    rows = slice(found.shape[0] // 2 - 10, found.shape[0] // 2 + 10)
    columns = slice(found.shape[1] // 2 - 10, found.shape[1] // 2 + 10)
    seen = found[rows, columns]
    turn = np.exp(-1j * np.angle(np.vdot(expected, seen)))
    assert np.abs(seen * turn - expected).max() < 5e-3


def test_the_middle_of_the_positions_is_the_middle() -> None:
    """A bright square of one patch lies where its position is, seen from pixel [H/2, W/2]."""
    patches = np.zeros((3, 64, 64, 1), np.complex64)
    patches[1, 30:34, 30:34] = 1
    positions = np.array([[100.0, 50.0], [113.0, 58.0], [140.0, 90.0]])
    found = np.squeeze(reassemble_position(patches, positions[:, None, :, None], M=8))
    rows, columns = np.nonzero(np.abs(found) > 0.5)
    middle = np.array([120.0, 70.0])
    expected = np.array([113.0, 58.0]) - middle + np.array(found.shape[::-1]) / 2
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(tuple(expected))


@pytest.mark.parametrize("M", [1, 20, 64])
def test_only_the_middle_of_a_patch_is_used(M: int) -> None:
    """One patch gives a picture of its central square and nothing beside it."""
    found = reassemble_position(np.ones((1, 64, 64, 1), np.complex64), np.full((1, 1, 2, 1), 7.0), M=M)
    assert found.shape == (2 * -(-M // 2), 2 * -(-M // 2), 1)
    assert found.dtype == np.complex64
    assert np.count_nonzero(found) == M**2


@pytest.mark.parametrize(
    ("patches", "offsets", "M", "text"),
    [
        (
            np.ones((2, 64, 64)),
            np.ones((2, 1, 2, 1)),
            20,
            (
                "the patches have shape (2, 64, 64)\n"
                "  expected  (groups, N, N, 1), at least one\n"
                "  try       what model.predict gave"
            ),
        ),
        (
            np.ones((2, 64, 64, 1)),
            np.ones((2, 1, 2, 4)),
            20,
            (
                "the offsets have shape (2, 1, 2, 4)\n"
                "  expected  (2, 1, 2, 1), the position of each patch\n"
                "  try       the global_offsets of the container that the patches came from"
            ),
        ),
        (
            np.ones((2, 64, 64, 1)),
            np.ones((2, 1, 2, 1)),
            65,
            (
                "M = 65 is no side of a central part of patches of 64 x 64 pixels\n"
                "  expected  1 to 64\n"
                "  try       M = 20"
            ),
        ),
        (
            np.ones((2, 64, 64, 1)),
            np.ones((2, 1, 2, 1)),
            20.0,
            (
                "M = 20.0 is no side of a central part of patches of 64 x 64 pixels\n"
                "  expected  1 to 64\n"
                "  try       M = 20"
            ),
        ),
        (
            np.ones((2, 64, 64, 1)),
            np.array([[1.0, 2.0], [3.0, np.nan]]).reshape(2, 1, 2, 1),
            20,
            (
                "the offsets hold values that are NaN or infinite\n"
                "  expected  positions in pixels\n"
                "  try       the global_offsets of the container that the patches came from"
            ),
        ),
        (
            np.ones((2, 64, 64, 1)),
            np.array([[0.0, 0.0], [2e6, 1e6]]).reshape(2, 1, 2, 1),
            20,
            (
                "the offsets span a picture of 1000020 x 2000020 pixels\n"
                f"  expected  at most {2**30} pixels\n"
                "  try       offsets in pixels of the object, if these are in other units"
            ),
        ),
    ],
    ids=["patches", "offsets", "M", "fraction", "no number", "other units"],
)
def test_what_does_not_fit_is_refused(patches: np.ndarray, offsets: np.ndarray, M: int, text: str) -> None:
    """The error tells the shape, the one that was expected, and where to get it."""
    with pytest.raises(ValueError, match="  expected  ") as caught:
        reassemble_position(patches, offsets, M)
    assert str(caught.value) == text
