"""Sharpen a stitched picture against all frames of its scan: the physics has the last word.

The network supplies what iterations lack, a good start; a few sweeps supply what the network lacks, the
agreement of every frame with every other. The probe stays as it was learned.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .iteration import Estimate, Frames, FrameSource, Positions, Steps, canvas_of

COVERED = 1e-3
"""Share of the best coverage below which a pixel of the picture is no start to rely on."""


@dataclass(frozen=True)
class Refined:
    """A refined picture.

    Attributes:
        object: Same canvas as the picture that went in, complex64.
        misfits: Squared amplitude error of each sweep, as a share of the measured energy.
    """

    object: NDArray[np.complex64]
    misfits: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Picture:
    """A stitched object to refine.

    Attributes:
        object: Complex picture, shape (H, W).
        coverage: Summed weights of each pixel, shape (H, W).
        origin_px: [x, y] of pixel [0, 0] in the coordinates of the positions, whole pixels.
    """

    object: NDArray[np.complexfloating[Any, Any]]
    coverage: NDArray[np.floating[Any]]
    origin_px: tuple[float, float]


def refine(
    frames: FrameSource,
    positions: Positions,
    picture: Picture,
    probe: NDArray[np.complexfloating[Any, Any]],
    *,
    sweeps: int,
    mask: NDArray[np.bool_] | None = None,
    steps: Steps | None = None,
    device: str | torch.device = "cpu",
) -> Refined:
    """Move a picture towards what all frames together measured.

    Args:
        frames: Gives normalised amplitudes X by index into the positions.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        picture: What the network and the stitching gave.
        probe: Modes on the network's scale, learned gain included, shape (P, N, N).
        sweeps: Times that all frames are visited.
        mask: True where a detector pixel is good, shape (N, N).
        steps: How to move.
        device: Where to compute.

    Returns:
        The picture on its own canvas, and the misfit of each sweep.
    """
    modes = torch.as_tensor(np.asarray(probe, np.complex64), device=device)
    origin, shape = canvas_of(positions, modes.shape[-1])
    start, window = _enlarge(picture, origin, shape)
    good = None if mask is None else torch.as_tensor(mask, device=device)
    canvas = torch.as_tensor(start, device=device)
    estimate = Estimate(Frames(frames, positions, good), canvas, origin, modes, steps)
    misfits = [estimate.sweep() for _ in range(sweeps)]
    return Refined(object=estimate.picture.cpu().numpy()[window], misfits=misfits)


def _enlarge(
    picture: Picture, origin: tuple[int, int], shape: tuple[int, int]
) -> tuple[NDArray[np.complex64], tuple[slice, slice]]:
    """Lay a picture on the canvas of all patches, and fill what the network never saw with its mean.

    Returns:
        The canvas, and the place of the picture on it.
    """
    known = picture.coverage > COVERED * picture.coverage.max()
    mean = picture.object[known].mean() if known.any() else 1.0
    filled = np.where(known, picture.object, mean)
    left, top = (round(float(p)) - o for p, o in zip(picture.origin_px, origin, strict=True))
    height, width = picture.object.shape
    if left < 0 or top < 0 or top + height > shape[0] or left + width > shape[1]:
        raise ValueError(
            f"the picture of {height} x {width} pixels reaches beyond what its patches cover\n"
            f"  expected  at most {shape[0]} x {shape[1]} pixels from [x, y] = {list(origin)}\n"
            "  try       the origin that stitching gave with the picture"
        )
    canvas = np.full(shape, mean, np.complex64)
    window = (slice(top, top + height), slice(left, left + width))
    canvas[window] = filled
    return canvas, window
