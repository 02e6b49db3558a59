"""Probe, object and positions follow the detector's crop and binning, judged by the forward model."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.optics.model import draw_beam
from ptycho.physics.fourier import far_field_amplitude
from ptycho.scan.forward import cut_patches
from ptycho.scan.frames import Detector, FrameStack
from ptycho.scan.resample import coarsen_object, resample_probe
from ptycho.simulate.objects import draw_object


@pytest.fixture
def smooth_scan(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give object, positions and probe of a scan whose frames are dark at the detector's edge."""
    truth = draw_object("textures", (160, 150), rng)
    from scipy import ndimage

    smooth = ndimage.gaussian_filter(truth.real, 2.5) + 1j * ndimage.gaussian_filter(truth.imag, 2.5)
    positions = np.array([[70.0, 80.0], [73.0, 76.0], [80.0, 72.0]])
    return smooth, positions, draw_beam("gaussian", 96)[np.newaxis]


def misfit(predicted: np.ndarray, measured: np.ndarray) -> float:
    """Compare two stacks of amplitudes."""
    return float(np.linalg.norm(predicted - measured) / np.linalg.norm(measured))


def test_cropped_detector_sees_the_coarse_object(
    smooth_scan: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Coarse probe and coarse object predict the middle of the detector."""
    truth, positions, probe = smooth_scan
    detector = Detector(side_px=96, corner=False, crop_px=48, bin=1)
    full = far_field_amplitude(cut_patches(truth, positions, 96), probe)
    measured = FrameStack(full, "amplitude", detector).amplitudes()
    coarse = coarsen_object(truth, 0.5)
    assert coarse.shape == (80, 75)
    predicted = far_field_amplitude(cut_patches(coarse, positions * 0.5, 48), resample_probe(probe, detector))
    assert misfit(predicted, measured) < 0.01
    wrong = far_field_amplitude(cut_patches(coarse, positions * 0.5, 48), probe[:, 24:72, 24:72])
    assert misfit(wrong, measured) > 0.1


@pytest.mark.parametrize("binned", [2, 3])
def test_binned_detector_sees_the_narrow_probe(
    smooth_scan: tuple[np.ndarray, np.ndarray, np.ndarray], binned: int
) -> None:
    """The middle of the probe predicts binned frames better the narrower the probe is."""
    truth, positions, _ = smooth_scan
    width = (np.arange(96) - 48) / 6.0
    probe = np.exp(-0.5 * np.add.outer(width**2, width**2))[np.newaxis].astype(complex)
    detector = Detector(side_px=96, corner=False, crop_px=96, bin=binned)
    full = far_field_amplitude(cut_patches(truth, positions, 96), probe)
    measured = FrameStack(full**2, "counts", detector).amplitudes()
    side = 96 // binned
    patches = cut_patches(truth, positions, side)
    predicted = far_field_amplitude(patches, resample_probe(probe, detector))
    assert misfit(predicted, measured) < 0.1
    start = 48 - side // 2
    untilted = far_field_amplitude(patches, probe[:, start : start + side, start : start + side])
    assert misfit(untilted, measured) > 2 * misfit(predicted, measured)


def test_untouched_detector_changes_nothing(smooth_scan: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    """Without crop and bin probe and object are handed through."""
    truth, _, probe = smooth_scan
    assert resample_probe(probe, Detector(96, False, 96, 1)) is probe
    assert coarsen_object(truth, 1.0) is truth


def test_probe_energy_and_precision_survive() -> None:
    """A crop of the detector that cuts no light keeps the probe's energy and its dtype."""
    probe = draw_beam("gaussian", 64)[np.newaxis].astype(np.complex64)
    coarse = resample_probe(probe, Detector(64, False, 32, 1))
    assert coarse.dtype == np.complex64
    assert np.sum(np.abs(coarse) ** 2) == pytest.approx(1.0, rel=1e-3)


def test_only_what_a_coarse_pixel_resolves_stays() -> None:
    """A wave below the new Nyquist frequency stays what it is; one above vanishes, and is not folded back."""
    x = np.arange(80)
    for period, survives in ((8, True), (3.2, True), (2.5, False)):
        wave = np.tile(np.cos(2 * np.pi * x / period), (40, 1)).astype(complex)
        coarse = coarsen_object(wave, 0.75)
        expected = np.cos(2 * np.pi * np.arange(60) / 0.75 / period) * survives
        np.testing.assert_allclose(coarse[5:-5, 5:-5].real, np.tile(expected[5:-5], (20, 1)), atol=0.1)


def test_coarse_constant_stays_constant() -> None:
    """Resampling keeps transmission: a constant object stays what it is."""
    coarse = coarsen_object(np.full((40, 30), 0.5 + 0.2j), 0.75)
    assert coarse.shape == (30, 22)
    np.testing.assert_allclose(coarse, 0.5 + 0.2j, atol=1e-12)
