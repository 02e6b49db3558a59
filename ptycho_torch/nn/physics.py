"""Differentiable forward model of far-field ptychography, equal to the numpy reference in `ptycho.physics`.

Shape legend: B groups, C positions of a group, P probe modes, N patch side, M canvas side. Offsets are
pixels in the order [x, y] (column, row). A positive offset moves content to larger indices.
"""

import math

import torch
from torch import Tensor

from ptycho.physics.limits import COVERAGE_FLOOR, INTENSITY_FLOOR, WIENER_LEVEL


def propagate(waves: Tensor) -> Tensor:
    """Carry waves to the far field; energy is conserved and zero frequency lands at [N/2, N/2]."""
    fields: Tensor = torch.fft.fftshift(torch.fft.fft2(waves, norm="ortho"), dim=(-2, -1))
    return fields


def back_propagate(fields: Tensor) -> Tensor:
    """Invert `propagate`."""
    waves: Tensor = torch.fft.ifft2(torch.fft.ifftshift(fields, dim=(-2, -1)), norm="ortho")
    return waves


def _shift_matrix(shift: Tensor, rows: int, columns: int, origin: float) -> Tensor:
    """Return the linear-interpolation matrices (..., rows, columns) that move a line by shift + origin."""
    target = torch.arange(rows, dtype=shift.dtype, device=shift.device)
    source = torch.arange(columns, dtype=shift.dtype, device=shift.device)
    distance = target[:, None] - source[None, :] - (shift[..., None, None] + origin)
    return (1 - distance.abs()).clamp(min=0)


def _apply(matrix_y: Tensor, images: Tensor, matrix_x: Tensor) -> Tensor:
    """Apply separable real matrices to the rows and columns of real or complex images.

    Mixed precision ends here: half floats would round positions, and torch knows no complex ones.
    """
    with torch.autocast(images.device.type, enabled=False):
        if not images.is_complex():
            return matrix_y @ images @ matrix_x.mT
        parts = [matrix_y @ part @ matrix_x.mT for part in (images.real, images.imag)]
        return torch.complex(parts[0], parts[1])


def place(images: Tensor, offsets: Tensor, side: int) -> Tensor:
    """Move images by their offsets and lay them centred on squares of another side, zero outside.

    Bilinear interpolation is separable, so one banded matrix per axis moves, pads and crops in one
    product, differentiable with respect to the images and the offsets alike.

    Args:
        images: Real or complex images, shape (..., N, N).
        offsets: Displacement [x, y] in pixels, shape (..., 2).
        side: Side of the result; larger pads, smaller crops around pixel N/2.

    Returns:
        Images of shape (..., side, side).
    """
    n = images.shape[-1]
    origin = float(side // 2 - n // 2)
    matrix_x = _shift_matrix(offsets[..., 0], side, n, origin)
    matrix_y = _shift_matrix(offsets[..., 1], side, n, origin)
    return _apply(matrix_y, images, matrix_x)


def translate(images: Tensor, offsets: Tensor) -> Tensor:
    """Move the content of images by +offsets = [x, y] pixels, bilinear, with zeros flowing in."""
    return place(images, offsets, images.shape[-1])


def canvas_side(relative: Tensor, n: int) -> int:
    """Return the side of a square canvas on which no position of any group is cut off."""
    reach = math.ceil(float(relative.detach().abs().max())) if relative.numel() else 0
    return n + 2 * reach


def merge_group(patches: Tensor, relative: Tensor, weights: Tensor) -> Tensor:
    """Average the overlapping patches of each group on a canvas of its own.

    Args:
        patches: Complex object patches, shape (B, C, N, N).
        relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).
        weights: Non-negative confidence of each patch pixel, shape (N, N).

    Returns:
        Canvases, shape (B, M, M); pixels that no weight reaches are zero.
    """
    side = canvas_side(relative, patches.shape[-1])
    placed = place(patches * weights, -relative, side).sum(1)
    total = place(weights.expand(*patches.shape), -relative, side).sum(1)
    reached = total > COVERAGE_FLOOR * total.amax(dim=(-2, -1), keepdim=True)
    return torch.where(reached, placed / torch.where(reached, total, 1.0), 0.0)


def extract_group(canvas: Tensor, relative: Tensor, n: int) -> Tensor:
    """Cut each position's N x N window out of its group's canvas: (B, M, M) -> (B, C, N, N)."""
    count = relative.shape[1]
    spread = canvas[:, None].expand(-1, count, -1, -1)
    return place(spread, relative, n)


def overlap(patches: Tensor, relative: Tensor, weights: Tensor) -> Tensor:
    """Make the patches of each group agree where they overlap: merge, then extract.

    A group of one position keeps its patch untouched.
    """
    if patches.shape[1] == 1:
        return patches
    return extract_group(merge_group(patches, relative, weights), relative, patches.shape[-1])


def disk_mask(n: int, *, device: torch.device | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return 1 within N/4 of pixel [N/2, N/2] and 0 beyond, shape (N, N)."""
    axis = torch.arange(n, device=device) - n // 2
    inside = axis[:, None] ** 2 + axis[None, :] ** 2 <= (n / 4) ** 2
    return inside.to(dtype)


def smooth(waves: Tensor, sigma: float) -> Tensor:
    """Blur complex waves with a Gaussian of `sigma` pixels, cut at four sigma, zero outside the frame."""
    if sigma == 0:
        return waves
    n = waves.shape[-1]
    reach = int(4 * sigma + 0.5)
    axis = torch.arange(n, dtype=waves.real.dtype, device=waves.device)
    distance = (axis[:, None] - axis[None, :]).abs()
    steps = torch.arange(-reach, reach + 1, dtype=axis.dtype, device=waves.device)
    total = torch.exp(-0.5 * (steps / sigma) ** 2).sum()
    matrix = torch.where(distance <= reach, torch.exp(-0.5 * (distance / sigma) ** 2), 0.0) / total
    return _apply(matrix, waves, matrix)


def exit_waves(patches: Tensor, probe: Tensor, *, disk: Tensor | None = None, sigma: float = 0.0) -> Tensor:
    """Illuminate every patch with every probe mode, then apply the disk and the smoothing where asked.

    Args:
        patches: Complex transmission, shape (..., N, N).
        probe: Complex modes in normalised amplitude, shape (P, N, N).
        disk: Mask of the illuminated field, shape (N, N), or None.
        sigma: Width of the Gaussian smoothing in pixels; 0 switches it off.

    Returns:
        Exit waves, shape (..., P, N, N).

    Source:
        Thibault and Menzel, Nature 494, 68 (2013): mixed states.
    """
    waves = patches[..., None, :, :] * probe
    if disk is not None:
        waves = waves * disk
    return smooth(waves, sigma)


def intensity(waves: Tensor) -> Tensor:
    """Add the far-field intensities of incoherent modes: (..., P, N, N) -> (..., N, N)."""
    fields = propagate(waves)
    return (fields.real.square() + fields.imag.square()).sum(-3)


def amplitude(waves: Tensor) -> Tensor:
    """Return the far-field amplitude of incoherent modes, with a finite slope where it vanishes."""
    return intensity(waves).clamp(min=INTENSITY_FLOOR).sqrt()


def illumination(probe: Tensor) -> Tensor:
    """Add the intensities of all probe modes: (P, N, N) -> (N, N)."""
    return (probe.real.square() + probe.imag.square()).sum(0)


def back_project(measured: Tensor, probe: Tensor, level: float = WIENER_LEVEL) -> Tensor:
    """Estimate the object from measured amplitudes and the phase of the empty beam.

    The measured amplitude takes the phase of the main probe mode's far field, travels back, and is
    divided by the probe with a Wiener filter.

    Args:
        measured: Far-field amplitude, zero frequency at [N/2, N/2], shape (..., N, N).
        probe: Complex modes, main mode first, shape (P, N, N).
        level: Regularisation, as a fraction of the brightest probe intensity.

    Returns:
        Complex object estimates, shape (..., N, N).
    """
    main = probe[0]
    far = propagate(main)
    wave = back_propagate(measured * torch.exp(1j * far.angle()))
    power = main.real.square() + main.imag.square()
    return wave * main.conj() / (power + level * power.max())
