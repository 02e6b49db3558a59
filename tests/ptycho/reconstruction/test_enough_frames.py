"""A dense scan is thinned for a first picture; one that is not dense is taken whole."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptycho.reconstruction.enough_frames import BEAMS_ENOUGH, FEWEST, beams_on_a_pixel, enough_frames

N = 32
WIDTH = 6.0


def gaussian_beam() -> np.ndarray:
    """Draw a beam whose intensity fills 4 pi WIDTH² pixels."""
    axis = np.square(np.arange(N) - N // 2)
    return np.exp(-(axis + axis[:, None]) / (4 * WIDTH**2))[None].astype(np.complex64)


def grid(side: int, step: float, rng: np.random.Generator) -> np.ndarray:
    """Lay a jittered grid of positions out, in any order."""
    lines = np.arange(side) * step
    places = np.stack(np.meshgrid(lines, lines), axis=-1).reshape(-1, 2)
    return rng.permutation(places + rng.uniform(-0.2, 0.2, places.shape) * step)


@given(side=st.integers(1, 30), step=st.floats(0.2, 60), seed=st.integers(0, 99))
def test_what_is_chosen_covers_the_field(side: int, step: float, seed: int) -> None:
    """Frames are few but enough: as many beams as are needed meet on a pixel, or all that there are."""
    positions = grid(side, step, np.random.default_rng(seed))
    chosen = enough_frames(positions, gaussian_beam())
    assert np.array_equal(chosen, np.unique(chosen))
    light = np.square(np.abs(gaussian_beam()[0]))
    all_beams = beams_on_a_pixel(positions, light)
    beams = all_beams * len(chosen) / len(positions)
    assert beams >= 0.999 * min(all_beams, BEAMS_ENOUGH / 1.5)
    assert len(chosen) >= min(len(positions), FEWEST / 1.5)
    # Nowhere does a hole open that is wider than the thinned grid's steps.
    thinned_step = step * np.sqrt(len(positions) / len(chosen))
    gap = np.linalg.norm(positions[:, None] - positions[chosen], axis=-1).min(axis=1).max()
    assert gap <= 3 * thinned_step


@given(seed=st.integers(0, 99))
def test_the_order_of_the_file_plays_no_part(seed: int) -> None:
    """Whatever order the frames lie in, the same places are chosen."""
    rng = np.random.default_rng(seed)
    positions = grid(16, 2.0, rng)
    order = rng.permutation(len(positions))
    places = [
        {tuple(place) for place in given[enough_frames(given, gaussian_beam())].tolist()}
        for given in (positions, positions[order])
    ]
    assert places[0] == places[1]
    assert len(places[0]) < len(positions)


def test_frames_without_overlap_are_all_taken() -> None:
    """Single shots, and many shots at one place, of which the first few are as good as all."""
    apart = grid(8, 40.0, np.random.default_rng(0))
    assert len(enough_frames(apart, gaussian_beam())) == len(apart)
    together = np.zeros((64, 2))
    assert len(enough_frames(together, gaussian_beam())) == FEWEST


def test_beams_on_a_pixel_are_counted_by_area() -> None:
    """An even disc of area A on a field of area F meets A n / F others."""
    axis = np.square(np.arange(N) - N // 2)
    disc = (axis + axis[:, None] <= 64).astype(np.float32)
    positions = grid(40, 2.0, np.random.default_rng(0))
    assert abs(beams_on_a_pixel(positions, disc) / (disc.sum() / 4.0) - 1) < 0.4
