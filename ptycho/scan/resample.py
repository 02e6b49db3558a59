"""Carry probe, object and positions along when the detector is cropped or binned.

A detector cropped from M to m pixels sees coarser object pixels, by M / m; the width of the frame on the
sample stays. A detector binned by b sees the same object pixels on a frame that is b times narrower.
"""

import numpy as np
from numpy.typing import NDArray

from ptycho.scan.frames import Detector

__all__ = ["coarsen_object", "resample_probe"]

ComplexArray = NDArray[np.complexfloating]


def resample_probe(modes: ComplexArray, detector: Detector) -> ComplexArray:
    """Give the probe on the pixels of the cropped and binned detector, with its energy kept.

    Args:
        modes: Shape (P, M, M), zero position at [M/2, M/2].
        detector: What happens to the frames.

    Returns:
        Shape (P, side, side), same dtype.

    Source:
        The discrete Fourier transform's scaling: cropping in one domain coarsens the other.
    """
    result = modes
    side = detector.square_px
    if detector.crop_px < side:
        spectrum = _shifted_fft(modes, np.fft.fft2)
        start = side // 2 - detector.crop_px // 2
        middle = slice(start, start + detector.crop_px)
        result = _shifted_fft(spectrum[:, middle, middle], np.fft.ifft2)
    elif detector.crop_px > side:
        # A wider detector sees finer pixels; what it does not measure of the beam is taken as dark.
        before = detector.crop_px // 2 - side // 2
        pad = (before, detector.crop_px - side - before)
        spectrum = np.pad(_shifted_fft(modes, np.fft.fft2), ((0, 0), pad, pad))
        result = _shifted_fft(spectrum, np.fft.ifft2)
    if detector.bin != 1:
        start = detector.crop_px // 2 - detector.side // 2
        middle = slice(start, start + detector.side)
        result = result[:, middle, middle] * _half_bin_ramp(detector)
    return result.astype(modes.dtype, copy=False)


def coarsen_object(guess: ComplexArray, factor: float) -> ComplexArray:
    """Sample an object on pixels that are 1 / factor times as wide, without aliasing.

    Args:
        guess: Complex transmission, shape (H, W).
        factor: Ratio of the old pixel to the new; pixel [0, 0] stays where it is.

    Returns:
        Shape (floor(H factor), floor(W factor)), same dtype.
    """
    if factor == 1.0:
        return guess
    spectrum = np.fft.fft2(guess)
    for axis, length in enumerate(guess.shape):
        keep = np.abs(np.fft.fftfreq(length)) <= factor / 2
        spectrum *= keep[:, np.newaxis] if axis == 0 else keep
    smooth = np.fft.ifft2(spectrum)
    grid = np.meshgrid(*(np.arange(int(length * factor)) / factor for length in guess.shape), indexing="ij")
    from scipy import ndimage

    sampled: ComplexArray = ndimage.map_coordinates(smooth, grid, order=3, mode="nearest")
    return sampled.astype(guess.dtype, copy=False)


def _half_bin_ramp(detector: Detector) -> ComplexArray:
    """Tilt that moves zero frequency from the first pixel of its bin to the bin's middle."""
    offset = (detector.bin - 1) / (2 * detector.bin)
    index = np.arange(detector.side) - detector.side // 2
    ramp = np.exp(-2j * np.pi * offset * index / detector.side)
    return np.outer(ramp, ramp)


def _shifted_fft(field: ComplexArray, transform: np.ufunc | object) -> ComplexArray:
    axes = (-2, -1)
    shifted = np.fft.ifftshift(field, axes=axes)
    moved = transform(shifted, norm="ortho")  # type: ignore[operator]
    return np.fft.fftshift(moved, axes=axes)
