"""Iterative mixed-state ptychography: the engine under probe retrieval and refinement.

A step takes a few frames, replaces predicted by measured amplitudes, and moves object and probe by what the
changed exit waves ask for on average. Positions between pixels shift the probe, by Fourier interpolation,
so that the object is never blurred.

Shape legend: n frames, K frames of a step, P probe modes, N patch side, H and W canvas.

Source:
    Maiden, Johnson and Li, Optica 4, 736 (2017): regularised updates (rPIE), here for several frames at once.
    Thibault and Menzel, Nature 494, 68 (2013): mixed states.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptycho.physics.limits import INTENSITY_FLOOR
from ptycho.physics.noise import POISSON_EPS

from . import physics

FrameSource = Callable[[NDArray[np.int64]], Tensor | NDArray[np.float32]]
"""Gives the normalised amplitudes X of frames by their indices, shape (K, N, N)."""

Positions = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Frames:
    """Measured frames and where they were taken.

    Attributes:
        source: Gives normalised amplitudes by index into the positions.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        good: True where a detector pixel is good, shape (N, N), or None.
    """

    source: FrameSource
    positions: Positions
    good: Tensor | None = None

    def __len__(self) -> int:
        return len(self.positions)


@dataclass(frozen=True)
class Steps:
    """How an iteration moves.

    Attributes:
        batch_size: Frames of a step.
        object_damping: 0 divides an object update by the local illumination, 1 by the brightest one.
        probe_damping: The same for the probe, by the object's intensity.
        seed: Seed of the order of the frames.
    """

    batch_size: int = 16
    object_damping: float = 0.1
    probe_damping: float = 0.1
    seed: int = 0


class Estimate:
    """Object canvas and probe of a scan, moved by sweeps over its frames.

    Args:
        frames: The measurement.
        picture: Complex object, shape (H, W).
        origin_px: [x, y] of the picture's pixel [0, 0] in the coordinates of the positions, whole pixels.
        probe: Complex modes on the network's scale, shape (P, N, N).
        steps: How to move.

    Raises:
        ValueError: A patch does not lie on the picture.
    """

    def __init__(
        self,
        frames: Frames,
        picture: Tensor,
        origin_px: tuple[int, int],
        probe: Tensor,
        steps: Steps | None = None,
    ) -> None:
        self.frames = frames
        self.picture = picture.clone()
        self.probe = probe.clone()
        self.steps = steps or Steps()
        n = probe.shape[-1]
        corner = np.asarray(frames.positions, np.float64) - n // 2 - np.asarray(origin_px)
        whole = np.rint(corner).astype(np.int64)
        height, width = picture.shape
        if len(whole) and not (whole.min() >= 0 and (whole.max(0) + n <= (width, height)).all()):
            raise ValueError(
                f"a patch lies beyond the picture of {height} x {width} pixels\n"
                "  expected  every position at least N/2 pixels inside\n"
                "  try       canvas_of(positions, N) for origin and shape"
            )
        device = picture.device
        self._start = torch.from_numpy(whole[:, 1] * width + whole[:, 0]).to(device)
        self._rest = torch.from_numpy((corner - whole).astype(np.float32)).to(device)
        axis = torch.arange(n, device=device)
        self._window = axis[:, None] * width + axis[None, :]
        self._rng = np.random.default_rng(self.steps.seed)

    def sweep(self, *, learn_probe: bool = False) -> float:
        """Visit every frame once, in random order.

        Args:
            learn_probe: Move the probe too, and leave its modes orthogonal.

        Returns:
            Misfit met on the way: summed squared amplitude error, as a share of the measured energy.
        """
        error = energy = 0.0
        for chosen in self._batches():
            measured = torch.as_tensor(self.frames.source(chosen), device=self.picture.device)
            rows = torch.from_numpy(chosen).to(self.picture.device)
            shares = self._step(measured, rows, learn_probe=learn_probe)
            error, energy = error + shares[0], energy + shares[1]
        if learn_probe and len(self.probe) > 1:
            self.probe = orthogonalise(self.probe)
        return error / max(energy, POISSON_EPS)

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        order = self._rng.permutation(len(self.frames))
        for start in range(0, len(order), self.steps.batch_size):
            yield order[start : start + self.steps.batch_size]

    def _step(self, measured: Tensor, rows: Tensor, *, learn_probe: bool) -> tuple[float, float]:
        index = self._start[rows][:, None, None] + self._window
        patches = self.picture.reshape(-1)[index]
        probe = shift(self.probe.expand(len(rows), *self.probe.shape), self._rest[rows])
        fields = physics.propagate(patches[:, None] * probe)
        amplitude = (fields.real.square() + fields.imag.square()).sum(1).sqrt()
        gap = measured - amplitude
        if self.frames.good is not None:
            gap = torch.where(self.frames.good, gap, 0.0)
            measured = torch.where(self.frames.good, measured, 0.0)
        ratio = gap / amplitude.clamp(min=INTENSITY_FLOOR**0.5)
        change = physics.back_propagate(fields * ratio[:, None])
        if learn_probe:
            self._move_probe(patches, change, self._rest[rows])
        self._move_object(index, probe, change)
        return float(gap.square().sum()), float(measured.square().sum())

    def _move_object(self, index: Tensor, probe: Tensor, change: Tensor) -> None:
        flat = self.picture.reshape(-1)
        light = (probe.real.square() + probe.imag.square()).sum(1)
        pull = (probe.conj() * change).sum(1)
        where = index.reshape(-1)
        total = torch.zeros_like(flat).index_add_(0, where, pull.reshape(-1))
        weight = torch.zeros_like(flat.real).index_add_(0, where, light.reshape(-1))
        damping = self.steps.object_damping
        moved = flat + total / ((1 - damping) * weight + damping * weight.max())
        self.picture = moved.reshape(self.picture.shape)

    def _move_probe(self, patches: Tensor, change: Tensor, rest: Tensor) -> None:
        pull = shift(patches.conj()[:, None] * change, -rest).sum(0)
        weight = (patches.real.square() + patches.imag.square()).sum(0)
        damping = self.steps.probe_damping
        self.probe = self.probe + pull / ((1 - damping) * weight + damping * weight.max())


def shift(waves: Tensor, offsets: Tensor) -> Tensor:
    """Move waves (K, P, N, N) by +offsets (K, 2) = [x, y] pixels with Fourier interpolation, cyclic."""
    frequency = torch.fft.fftfreq(waves.shape[-1], device=waves.device, dtype=offsets.dtype)
    turn = torch.exp(-2j * torch.pi * offsets[..., None] * frequency)
    ramp = turn[:, 1, None, :, None] * turn[:, 0, None, None, :]
    moved: Tensor = torch.fft.ifft2(torch.fft.fft2(waves) * ramp)
    return moved


def orthogonalise(probe: Tensor) -> Tensor:
    """Mix incoherent modes into orthogonal ones, strongest first; all intensities stay as they are.

    Source:
        Thibault and Menzel, Nature 494, 68 (2013): modes are defined up to a unitary mixing.
    """
    flat = probe.reshape(len(probe), -1)
    _, vectors = torch.linalg.eigh(flat @ flat.mH)
    mixed = vectors.flip(-1).mH @ flat
    # The main mode keeps its global phase, and with it the object.
    product = (mixed[0] * flat[0].conj()).sum()
    phase = torch.polar(torch.ones_like(product.real), -product.angle())
    return torch.cat([mixed[:1] * phase, mixed[1:]]).reshape(probe.shape)


def canvas_of(positions: Positions, n: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return origin [x, y] and shape (H, W) of the smallest canvas that holds every patch."""
    first = np.floor(np.min(positions, axis=0)).astype(int) - n // 2
    last = np.ceil(np.max(positions, axis=0)).astype(int) + n - n // 2
    width, height = (last - first).tolist()
    return (int(first[0]), int(first[1])), (height, width)
