"""A model of the probe on the pixels of a scan: it stands above the file's, on whatever crop is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.optics.kind import Sampling
from ptycho.optics.model import model_beam
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions
from ptycho.settings.probe_model import ProbeModel

MODEL = ProbeModel("pinhole", diameter_m=400e-9, distance_m=50e-6)
WAVELENGTH_M, DISTANCE_M, DETECTOR_M = 1.55e-10, 1.0, 75e-6
OPTIONS = ScanOptions(
    wavelength_m=WAVELENGTH_M, distance_m=DISTANCE_M, pixel_size_m=DETECTOR_M, probe_model=MODEL
)


def read(scan: RawData, options: ScanOptions, *, probe: bool = True) -> RawData:
    """Read the arrays of a scan by other settings."""
    return RawData(
        scan.xcoords, scan.ycoords, None, None, scan.diff3d, scan.probeGuess if probe else None, None,
        options=replace(options, quantity="counts", centre="middle", position_origin="centre"),
    )  # fmt: skip


@pytest.mark.parametrize("probe", [True, False])
def test_a_model_stands_above_the_file(tiny_scan: RawData, *, probe: bool) -> None:
    """The probe is the model's, whether the file holds another or none, and the decisions say so."""
    scan = read(tiny_scan, OPTIONS, probe=probe)
    pixel_m = WAVELENGTH_M * DISTANCE_M / (scan.N * DETECTOR_M)
    expected = model_beam(MODEL, Sampling(scan.N, pixel_m, WAVELENGTH_M))
    assert scan.probe_modes is not None
    np.testing.assert_allclose(scan.probe_modes[0], expected, atol=1e-6)
    instead = ", in place of the file's" if probe else ""
    assert (
        f"the probe is the model of a pinhole (diameter_m = 4e-07, distance_m = 5e-05){instead}"
        in scan.decisions
    )


def test_a_model_follows_crop_and_bin(tiny_scan: RawData) -> None:
    """On the middle of the detector, pixels of the sample are larger, and the same hole has fewer of them."""
    whole, cropped, binned = (
        read(tiny_scan, replace(OPTIONS, **more)) for more in ({}, {"crop_px": 48}, {"bin": 2})
    )
    for scan in (whole, cropped, binned):
        assert scan.probe_modes is not None
        assert scan.object_pixel_m is not None
        energy = np.abs(scan.probe_modes[0]) ** 2
        axis = np.arange(scan.N) - scan.N // 2
        spread = np.sqrt((energy.sum(axis=0) * axis**2).sum() / energy.sum()) * scan.object_pixel_m
        assert spread == pytest.approx(400e-9 / 4, rel=0.08)  # Of a disk: a quarter of the diameter.


def test_a_model_needs_pixels_in_metres(tiny_scan: RawData) -> None:
    """Without the geometry a model is refused, with the settings that are missing."""
    with pytest.raises(ScanError) as caught:
        read(tiny_scan, replace(OPTIONS, distance_m=None))
    assert str(caught.value) == (
        "the model of the probe is in metres, and nothing says how large the pixels of arrays in memory are\n"
        "  expected  data.distance_m\n"
        "  try       data.distance_m = ...; data.energy_kev will do in place of the wavelength"
    )
