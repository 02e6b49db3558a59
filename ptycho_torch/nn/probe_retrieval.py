"""Learn the probe from the training frames by iterative reconstruction, before a network relies on it.

A network that back-projects with a wrong probe has nothing to learn from; an analytic guess is wrong enough.
A few sweeps of mixed-state ptychography over the same frames correct it within seconds.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .iteration import Estimate, Frames, FrameSource, Positions, Steps, canvas_of

START_AMPLITUDE = 0.7
"""Uniform object to start from: what a probe of twice the mean frame energy needs."""

PROBE_REST = 1
"""Sweeps in which the object alone moves, so that the probe does not absorb it."""


@dataclass(frozen=True)
class Retrieval:
    """A retrieved probe, and the by-products.

    Attributes:
        probe: Orthogonal modes on the network's scale, strongest first, shape (P, N, N), complex64.
        object: Object of the training frames, complex64.
        origin_px: [x, y] of the object's pixel [0, 0].
        misfits: Squared amplitude error of each sweep, as a share of the measured energy.
    """

    probe: NDArray[np.complex64]
    object: NDArray[np.complex64]
    origin_px: tuple[int, int]
    misfits: list[float] = field(default_factory=list)


def retrieve_probe(
    frames: FrameSource,
    positions: Positions,
    probe: NDArray[np.complexfloating[Any, Any]],
    *,
    sweeps: int,
    mask: NDArray[np.bool_] | None = None,
    steps: Steps | None = None,
    device: str | torch.device = "cpu",
) -> Retrieval:
    """Reconstruct object and probe together from the frames of a training.

    The energy of the probe stays what it was, because object amplitudes are bounded on its scale.

    Args:
        frames: Gives normalised amplitudes X by index into the positions.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        probe: Modes to start from on the network's scale, shape (P, N, N).
        sweeps: Times that all frames are visited.
        mask: True where a detector pixel is good, shape (N, N).
        steps: How to move.
        device: Where to compute.

    Returns:
        The probe, the object and the misfit of each sweep.
    """
    start = torch.as_tensor(np.asarray(probe, np.complex64), device=device)
    origin, shape = canvas_of(positions, start.shape[-1])
    empty = torch.full(shape, START_AMPLITUDE, dtype=start.dtype, device=device)
    good = None if mask is None else torch.as_tensor(mask, device=device)
    estimate = Estimate(Frames(frames, positions, good), empty, origin, start, steps)
    misfits = [estimate.sweep(learn_probe=number >= PROBE_REST) for number in range(sweeps)]
    gain = (start.abs().square().sum() / estimate.probe.abs().square().sum()).sqrt()
    return Retrieval(
        probe=(estimate.probe * gain).cpu().numpy(),
        object=(estimate.picture / gain).cpu().numpy(),
        origin_px=origin,
        misfits=misfits,
    )
