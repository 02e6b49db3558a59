"""Probes by name and numbers: the beams that the numbers describe, and refusals of those that cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.optics.kind import Sampling
from ptycho.optics.model import draw_beam, model_beam
from ptycho.optics.waves import radius_px
from ptycho.settings.probe_model import ProbeModel

N, PIXEL_M, WAVELENGTH_M = 64, 30e-9, 1.55e-10
SAMPLING = Sampling(N, PIXEL_M, WAVELENGTH_M)

ZONE_PLATE = ProbeModel("zone_plate", diameter_m=180e-6, outer_zone_width_m=75e-9, stop_m=60e-6)
PINHOLE = ProbeModel("pinhole", diameter_m=768e-9)
GAUSSIAN = ProbeModel("gaussian", width_m=400e-9)
ELECTRONS = Sampling(N, 0.2e-10, 1.97e-12)
LENS = ProbeModel("electron_lens", semi_angle_rad=0.0205, defocus_m=5e-9)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Give the modulus of the inner product of two beams of unit energy."""
    return float(abs(np.vdot(a, b)))


def propagated(beam: np.ndarray, distance_m: float) -> np.ndarray:
    """Let a beam go through free space: exp(-i pi wavelength z q²) on its far field."""
    q = radius_px(N) / (N * PIXEL_M)
    far = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(beam)))
    far = far * np.exp(-1j * np.pi * WAVELENGTH_M * distance_m * q**2)
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(far)))


def width_px(beam: np.ndarray) -> float:
    """Give the root of the second moment of a beam along x, in pixels."""
    energy = np.abs(beam) ** 2
    x = np.arange(N) - N // 2
    return float(np.sqrt((energy.sum(axis=0) * x**2).sum() / energy.sum()))


def test_simulated_beams_are_those_of_numbers() -> None:
    """What a simulation scans with is what a model of the same numbers describes."""
    # The rim at 0.2 N px of the detector, the stop a third of it, the phase at the rim 0.2 pi 0.2 N rad.
    outer = 0.2 * N / (N * PIXEL_M)
    defocus = -0.04 * N * np.pi / (np.pi * WAVELENGTH_M * outer**2)
    plate = replace(ZONE_PLATE, outer_zone_width_m=1 / (2 * outer), defocus_m=defocus)
    assert overlap(model_beam(plate, SAMPLING), draw_beam("zone_plate", N)) == pytest.approx(1)
    way = 0.35 * N * PIXEL_M**2 / WAVELENGTH_M
    hole = replace(PINHOLE, diameter_m=0.4 * N * PIXEL_M, distance_m=way)
    assert overlap(model_beam(hole, SAMPLING), draw_beam("pinhole", N)) == pytest.approx(1)
    waist = N / 4 * PIXEL_M / np.sqrt(2)
    rayleigh = 2 * np.pi * waist**2 / (4 * np.log(2)) / WAVELENGTH_M
    gaussian = replace(GAUSSIAN, width_m=waist, defocus_m=rayleigh)
    assert overlap(model_beam(gaussian, SAMPLING), draw_beam("gaussian", N)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("model", "way"),
    [(ZONE_PLATE, "defocus_m"), (PINHOLE, "distance_m"), (GAUSSIAN, "defocus_m")],
    ids=["zone_plate", "pinhole", "gaussian"],
)
@given(near=st.floats(1e-6, 1e-4), more=st.floats(1e-6, 1e-4))
def test_free_space_joins_any_two_planes(model: ProbeModel, way: str, near: float, more: float) -> None:
    """The beam farther away is the beam nearby after the way between them, for every optic that has one."""
    here = model_beam(replace(model, **{way: near}), SAMPLING)
    there = model_beam(replace(model, **{way: near + more}), SAMPLING)
    assert overlap(propagated(here, more), there) > 0.999


def test_the_rim_of_the_cone_is_where_optics_says() -> None:
    """A zone plate ends at 1 / (2 outer zone width), a lens at semi-angle / wavelength."""
    for model, sampling, rim_per_m in (
        (ZONE_PLATE, SAMPLING, 1 / (2 * 75e-9)),
        (LENS, ELECTRONS, 0.0205 / ELECTRONS.known_wavelength_m),
    ):
        far = np.abs(np.fft.fftshift(np.fft.fft2(model_beam(model, sampling))))
        lit = radius_px(N)[far > 0.5 * far.max()]
        assert lit.max() / (N * sampling.pixel_m) == pytest.approx(rim_per_m, abs=1 / (N * sampling.pixel_m))
    far = np.abs(np.fft.fftshift(np.fft.fft2(model_beam(ZONE_PLATE, SAMPLING))))
    assert far[N // 2, N // 2] == pytest.approx(0, abs=1e-9 * far.max())  # The central stop.


def test_both_sides_of_the_focus_are_as_wide() -> None:
    """Defocus spreads a beam to either side alike, and turns its phase over."""
    before, behind = (model_beam(replace(LENS, defocus_m=z), ELECTRONS) for z in (-8e-9, 8e-9))
    assert width_px(before) == pytest.approx(width_px(behind))
    assert width_px(behind) > width_px(model_beam(replace(LENS, defocus_m=0.0), ELECTRONS))
    np.testing.assert_allclose(before, behind.conj(), atol=1e-12)


def test_spherical_aberration_bends_as_much_as_it_says() -> None:
    """C3 with the defocus that flattens the rim leaves the phase pi C3 angle^4 / (2 wavelength) between."""
    aberration = 1e-6
    balanced = replace(LENS, spherical_aberration_m=aberration, defocus_m=-aberration * 0.0205**2 / 2)
    far = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(model_beam(balanced, ELECTRONS))))
    rim = round(0.0205 / ELECTRONS.known_wavelength_m * N * ELECTRONS.pixel_m)
    between = round(rim / np.sqrt(2))
    angle = between / (N * ELECTRONS.pixel_m) * ELECTRONS.known_wavelength_m
    expected = (
        -np.pi
        / ELECTRONS.known_wavelength_m
        * (-aberration * 0.0205**2 / 2 * angle**2 + aberration * angle**4 / 2)
    )
    turn = np.angle(far[N // 2, N // 2 + between] / far[N // 2, N // 2])
    assert turn == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("model", "sampling", "first_line"),
    [
        (
            replace(ZONE_PLATE, defocus_m=0.01),
            SAMPLING,
            "the beam of a zone plate (diameter_m = 0.00018, outer_zone_width_m = 7.5e-08, stop_m = 6e-05",
        ),
        (
            replace(ZONE_PLATE, outer_zone_width_m=10e-9),
            SAMPLING,
            "the beam of a zone plate (diameter_m = 0.00018, outer_zone_width_m = 1e-08, stop_m = 6e-05",
        ),
        (replace(GAUSSIAN, width_m=2e-12), SAMPLING, "the beam of a gaussian (width_m = 2e-12) opens wider"),
        (replace(PINHOLE, diameter_m=1e-3), SAMPLING, "the beam of a pinhole (diameter_m = 0.001) is wider"),
        (LENS, ELECTRONS._replace(wavelength_m=None), "the model of the probe needs the wavelength"),
        (ProbeModel("pinhole"), SAMPLING, "the model of a pinhole lacks diameter_m"),
        (replace(PINHOLE, width_m=1e-6), SAMPLING, "a pinhole has no width_m"),
        (replace(PINHOLE, diameter_m=768.0), SAMPLING, "diameter_m = 768.0 is no such length in metres"),
        (ProbeModel("laser"), SAMPLING, "kind = laser is no optic that is known here"),
    ],
)  # fmt: skip
def test_a_beam_that_cannot_be_is_refused(model: ProbeModel, sampling: Sampling, first_line: str) -> None:
    """What is incomplete, in another unit, or does not fit on the pixels of the scan is said with figures."""
    with pytest.raises(ScanError) as caught:
        model_beam(model, sampling)
    assert str(caught.value).startswith(first_line)
    assert "\n  expected  " in str(caught.value)
