"""What the detector would see of a known object: the forward model along a scan."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ptycho.errors import ScanError
from ptycho.physics.fourier import far_field_amplitude
from ptyconf.errors import error_text

__all__ = ["cut_patches", "scan_amplitudes"]

Complex = NDArray[np.complexfloating[Any, Any]]
Positions = NDArray[np.float64]

SPLINE_ORDER: Literal[3] = 3
"""Cubic: a bilinear patch between two pixels would be a blurred one, and no scan blurs its object."""

CHUNK = 128


def cut_patches(guess: Complex, positions: Positions, N: int) -> NDArray[np.complex64]:
    """Cut the N x N patches out of an object, at fractions of a pixel too.

    Args:
        guess: Object, shape (H, W).
        positions: Patch centres [x, y] in object pixels, shape (n, 2).
        N: Side of a patch; its centre is pixel [N/2, N/2].

    Returns:
        Shape (n, N, N).

    Raises:
        ScanError: A patch reaches over the edge of the object.
    """
    corners = positions - N // 2
    _refuse_outside(corners, guess.shape, N)
    whole = np.floor(corners + 1e-9).astype(np.int64)
    rest = corners - whole
    if np.all(np.abs(rest) < 1e-6):
        return np.stack([guess[y : y + N, x : x + N] for x, y in whole]).astype(np.complex64)
    from scipy import ndimage

    double = guess.astype(np.complex128)
    parts = [ndimage.spline_filter(part, SPLINE_ORDER, mode="mirror") for part in (double.real, double.imag)]
    patches = np.empty((len(positions), N, N), np.complex64)
    index = np.arange(N)
    for patch, (x, y) in zip(patches, corners, strict=True):
        grid = np.stack(np.meshgrid(y + index, x + index, indexing="ij"))
        real, imaginary = (
            ndimage.map_coordinates(part, grid, order=SPLINE_ORDER, mode="mirror", prefilter=False)
            for part in parts
        )
        patch[...] = real + 1j * imaginary
    return patches


def scan_amplitudes(patches: Complex, probe_modes: Complex) -> NDArray[np.float32]:
    """Predict the amplitude of every frame, in the probe's unit, shape (n, N, N)."""
    frames = np.empty(patches.shape, np.float32)
    for start in range(0, len(patches), CHUNK):
        frames[start : start + CHUNK] = far_field_amplitude(patches[start : start + CHUNK], probe_modes)
    return frames


def _refuse_outside(corners: Positions, shape: tuple[int, ...], N: int) -> None:
    limits = np.array([shape[1], shape[0]]) - N
    outside = np.flatnonzero(np.any((corners < -1e-6) | (corners > limits + 1e-6), axis=1))
    if len(outside):
        x, y = corners[outside[0]] + N // 2
        raise ScanError(
            error_text(
                f"the patch of position {outside[0]} at x = {x:g}, y = {y:g} reaches over the edge of the "
                f"object ({len(outside)} of {len(corners)} patches do)",
                expected=f"x in {N // 2} .. {limits[0] + N // 2}, y in {N // 2} .. {limits[1] + N // 2}",
                hint=f"a larger object, or positions that name patch centres, {N // 2} px from its edges",
            )
        )
