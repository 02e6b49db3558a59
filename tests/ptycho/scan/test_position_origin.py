"""Which point of a patch a position names, found from the file's own object."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.raw_data import RawData
from ptycho.scan.frames import FrameStack
from ptycho.scan.position_origin import place_positions
from ptycho.settings.data import PositionOrigin


def parts(scan: RawData) -> tuple[np.ndarray, FrameStack, np.ndarray, np.ndarray]:
    """Take a scan apart into positions, frames, probe and object."""
    assert scan.probe_modes is not None
    assert scan.object_truth is not None
    return scan.positions, scan._valid.frames, scan.probe_modes, scan.object_truth


def test_centres_are_recognised(tiny_scan: RawData) -> None:
    """Positions that are patch centres on the object are left alone."""
    positions, frames, probe, truth = parts(tiny_scan)
    placement, why = place_positions("auto", positions, frames, probe, truth)
    assert (placement.name, placement.on_object) == ("centre", True)
    np.testing.assert_array_equal(placement.shift, [0.0, 0.0])
    assert why.startswith("positions name the patch centre (shift 0, 0 px): ")


def test_corners_are_recognised(tiny_scan: RawData) -> None:
    """Positions that are patch corners on the object are moved by N/2."""
    positions, frames, probe, truth = parts(tiny_scan)
    placement, why = place_positions("auto", positions - 32.0, frames, probe, truth)
    assert (placement.name, placement.on_object) == ("corner", True)
    np.testing.assert_array_equal(placement.shift, [32.0, 32.0])
    assert why.startswith("positions name the patch corner (shift 32, 32 px): misfit of the forward model")


def test_corners_are_told_from_centres_on_a_wide_object(tiny_scan: RawData) -> None:
    """Where both fit, the forward model decides."""
    positions, frames, probe, truth = parts(tiny_scan)
    wide = np.pad(truth, 40, mode="symmetric")
    for name, shift in (("centre", 40.0), ("corner", 8.0)):
        placement, why = place_positions("auto", positions + shift, frames, probe, wide)
        assert placement.name == name
        assert "misfit of the forward model on 16 frames: centre " in why


def test_scan_on_the_middle_of_the_object_is_recognised(tiny_scan: RawData) -> None:
    """Positions from any origin are laid on the middle of the object when that explains the frames."""
    positions, frames, probe, truth = parts(tiny_scan)
    middle = (positions.min(axis=0) + positions.max(axis=0)) / 2
    off = np.array(truth.shape[::-1]) // 2 - middle
    assert np.abs(off).max() < 1.0
    wide = np.pad(truth, 20, mode="symmetric")
    placement, why = place_positions("auto", positions - positions.min(axis=0), frames, probe, wide)
    assert placement.name == "centred scan"
    np.testing.assert_allclose(placement.shift, positions.min(axis=0) + 20.0 + off, atol=1e-9)
    assert why.startswith("positions lie on the middle of the object (shift ")


@pytest.mark.parametrize(("setting", "shift"), [("centre", 0.0), ("corner", 32.0)])
def test_setting_places_the_positions(tiny_scan: RawData, setting: PositionOrigin, shift: float) -> None:
    """A setting holds whatever the object says; an object that then does not fit is no truth."""
    positions, frames, probe, truth = parts(tiny_scan)
    placement, why = place_positions(setting, positions, frames, probe, truth)
    np.testing.assert_array_equal(placement.shift, [shift, shift])
    assert placement.on_object == (setting == "centre")
    assert why == f"positions name the patch {setting}, as declared"


def test_no_object_means_centres(tiny_scan: RawData) -> None:
    """Without an object the contract's rule holds."""
    positions, frames, probe, _ = parts(tiny_scan)
    placement, why = place_positions("auto", positions, frames, probe, None)
    assert (placement.name, placement.on_object) == ("centre", False)
    assert why == "positions name the patch centre: there is no object to test"


def test_small_object_tells_nothing(tiny_scan: RawData) -> None:
    """An object that no placement keeps the scan within is no truth."""
    positions, frames, probe, truth = parts(tiny_scan)
    placement, why = place_positions("auto", positions, frames, probe, truth[:70, :70])
    assert (placement.name, placement.on_object) == ("centre", False)
    assert why == "positions name the patch centre: objectGuess (70, 70) is too small for this scan to tell"


def test_without_a_probe_the_usual_placement_holds(tiny_scan: RawData) -> None:
    """Without a probe there is no forward model to compare."""
    positions, frames, _, truth = parts(tiny_scan)
    placement, why = place_positions("auto", positions, frames, None, truth)
    assert placement.name == "centre"
    assert why.endswith("it fits objectGuess, and there is no probe to test others")
