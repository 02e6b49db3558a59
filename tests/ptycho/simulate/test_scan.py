"""Simulated scans: what they promise about counts, truth and randomness."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.physics.fourier import far_field_amplitude
from ptycho.raw_data import RawData
from ptycho.simulate.scan import Simulation, simulate
from ptycho.simulate.trajectories import draw_positions

SMALL = Simulation(N=32, n_frames=30, nphotons=1e5)


def windows(scan: RawData) -> np.ndarray:
    """Cut the windows of a scan at whole positions out of its object."""
    assert scan.object_truth is not None
    half = scan.N // 2
    corners = np.rint(scan.positions).astype(int) - half
    return np.stack([scan.object_truth[y : y + scan.N, x : x + scan.N] for x, y in corners])


def test_every_setting_says_what_it_does() -> None:
    """Every setting but the contrast carries a help text."""
    assert all(item.metadata.get("help") for item in fields(Simulation) if item.name != "contrast")


@pytest.mark.parametrize("modes", [1, 3])
def test_counts_follow_the_forward_model(modes: int) -> None:
    """Counts are |far field of object x probe|² with Poisson noise: chi² per pixel is 1."""
    scan = simulate(replace(SMALL, integer_positions=True, probe_modes=modes, nphotons=1e7))
    assert scan.probe_modes is not None
    assert scan.probe_modes.shape == (modes, 32, 32)
    expected = far_field_amplitude(windows(scan), scan.probe_modes).astype(float) ** 2
    bright = expected > 20
    chi2 = (scan.diff3d - expected)[bright] ** 2 / expected[bright]
    assert chi2.mean() == pytest.approx(1.0, abs=0.05)


def test_labels_are_the_true_patches() -> None:
    """The patches for supervised training are those that made the frames, at fractions of a pixel too."""
    scan = simulate(replace(SMALL, noise=False, nphotons=1e8))
    assert not np.allclose(scan.positions, np.rint(scan.positions))
    predicted = far_field_amplitude(scan.labels(), scan.probe_modes)
    assert np.linalg.norm(predicted - scan.amplitudes()) < 1e-3 * np.linalg.norm(scan.amplitudes())


@pytest.mark.parametrize("nphotons", [1e3, 1e5, 1e9])
def test_photons_have_their_effect(nphotons: float) -> None:
    """Frames hold the photons asked for, on average, in the narrowest counter that takes them."""
    scan = simulate(replace(SMALL, nphotons=nphotons))
    assert scan.mean_square() == pytest.approx(nphotons, rel=0.02)
    assert scan.quantity == "counts"
    assert scan.diff3d.dtype == (np.uint32 if nphotons == 1e9 else np.uint16)
    assert scan.metadata is not None
    assert scan.metadata["physics_parameters"] == {"nphotons": nphotons, "N": 32}


def test_equal_settings_give_equal_scans() -> None:
    """A simulation is repeated bit for bit."""
    one, same = simulate(SMALL), simulate(SMALL)
    np.testing.assert_array_equal(one.diff3d, same.diff3d)
    np.testing.assert_array_equal(one.positions, same.positions)


def test_seeds_are_independent() -> None:
    """The object's seed changes the object alone; the other seed changes positions and photons alone."""
    one, other_object = simulate(SMALL), simulate(replace(SMALL, object_seed=1))
    np.testing.assert_array_equal(one.positions, other_object.positions)
    assert one.objectGuess is not None
    assert other_object.objectGuess is not None
    assert (
        abs(np.corrcoef(np.abs(one.objectGuess).ravel(), np.abs(other_object.objectGuess).ravel())[0, 1])
        < 0.5
    )
    assert not np.array_equal(one.positions, simulate(replace(SMALL, seed=1)).positions)


@pytest.mark.parametrize("trajectory", ["raster", "spiral"])
@pytest.mark.parametrize("integer_positions", [False, True])
def test_path_covers_its_area(trajectory: Any, integer_positions: bool) -> None:
    """Neighbours are about one step apart, and every patch lies within the object."""
    settings = Simulation(
        N=32, n_frames=100, trajectory=trajectory, step_px=4, jitter_px=1, integer_positions=integer_positions
    )
    scan = simulate(settings)
    distance = np.linalg.norm(scan.positions[:, None] - scan.positions[None], axis=-1)
    nearest = np.median(np.sort(distance, axis=1)[:, 1])
    assert 2.0 < nearest < 4.5
    assert np.allclose(scan.positions, np.rint(scan.positions)) == integer_positions
    assert scan.object_truth is not None
    assert np.all(scan.positions >= 16)
    assert np.all(scan.positions + 16 <= np.array(scan.object_truth.shape[::-1]))


def test_path_has_the_frames_asked_for(rng: np.random.Generator) -> None:
    """Numbers that fill no square are kept too."""
    assert draw_positions("raster", 31, 5.0, 1.5, rng).shape == (31, 2)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("N", 33, "an even number of at least 8"),
        ("n_frames", 0, "at least 1"),
        ("probe_modes", 0, "at least 1"),
        ("step_px", 0.0, "more than 0 and less than 2^31"),
        ("jitter_px", -1.0, "0 or more"),
        ("nphotons", 0.0, "more than 0 and less than 2^32, what a pixel can count"),
        ("trajectory", "random", "raster or spiral"),
    ],
)
def test_impossible_settings_are_refused(name: str, value: Any, expected: str) -> None:
    """A setting out of range is refused by name."""
    with pytest.raises(ScanError) as caught:
        simulate(replace(SMALL, **{name: value}))
    assert str(caught.value) == f"{name} = {value} cannot be simulated\n  expected  {expected}"


@pytest.mark.parametrize(
    ("changed", "what", "hint"),
    [
        ({"step_px": 1e9}, r"an object of \d+ x \d+ px", "a smaller step_px or n_frames"),
        ({"n_frames": 10**8}, "100000000 frames of 64 x 64 px", "a smaller n_frames or N"),
    ],
)
def test_what_does_not_fit_is_refused(changed: dict[str, Any], what: str, hint: str) -> None:
    """Before memory is taken, what needs it, how much, and what helps."""
    with pytest.raises(ScanError) as caught:
        simulate(Simulation(**changed))
    first, expected, advice = str(caught.value).splitlines()
    assert re.fullmatch(rf"{what} cannot be simulated: that takes [\d.]+ GB of memory", first)
    assert re.fullmatch(r"  expected  no more than the [\d.]+ [GM]B that are free", expected)
    assert advice == f"  try       {hint}"
