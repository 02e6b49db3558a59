"""Iterative mixed-state ptychography: the engine under probe retrieval and refinement.

A step takes a few frames, replaces predicted by measured amplitudes, and moves object and probe by what the
changed exit waves ask for on average. Positions between pixels shift the probe, by Fourier interpolation,
so that the object is never blurred.

Shape legend: n frames, K frames of a step, P probe modes, N patch side, H and W canvas.

Source:
    Maiden, Johnson and Li, Optica 4, 736 (2017): regularised updates (rPIE), here for several frames at once.
    Thibault and Menzel, Nature 494, 68 (2013): mixed states.
"""

from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptycho.physics import sweeps
from ptycho.physics.canvas import Canvas
from ptycho.physics.limits import INTENSITY_FLOOR
from ptycho.physics.noise import POISSON_EPS
from ptycho.physics.sweeps import Frames, Layout, Steps

from . import physics

Device: TypeAlias = str | torch.device


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
        device, (height, width) = picture.device, picture.shape
        layout = Layout.of(frames.positions, probe.shape[-1], Canvas(origin_px, (height, width)))
        self._start, self._rest, self._window = (
            torch.from_numpy(array).to(device) for array in (layout.start, layout.rest, layout.window)
        )
        self._good = None if frames.good is None else torch.as_tensor(frames.good, device=device)
        self._rng = np.random.default_rng(self.steps.seed)

    def sweep(self, *, learn_probe: bool = False) -> float:
        """Visit every frame once, in random order.

        Args:
            learn_probe: Move the probe too, and leave its modes orthogonal.

        Returns:
            Misfit met on the way: summed squared amplitude error, as a share of the measured energy.
        """
        error = energy = 0.0
        for chosen in sweeps.visits(len(self.frames), self.steps.batch_size, self._rng):
            measured = torch.as_tensor(self.frames.source(chosen)).to(self.picture.device)
            rows = torch.from_numpy(chosen).to(self.picture.device)
            shares = self._step(measured, rows, learn_probe=learn_probe)
            error, energy = error + shares[0], energy + shares[1]
        if learn_probe and len(self.probe) > 1:
            self.probe = orthogonalise(self.probe)
        return error / max(energy, POISSON_EPS)

    def read(self) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
        """Return object (H, W) and probe (P, N, N) as they are now."""
        return self.picture.cpu().numpy(), self.probe.cpu().numpy()

    def _step(self, measured: Tensor, rows: Tensor, *, learn_probe: bool) -> tuple[float, float]:
        index = self._start[rows][:, None, None] + self._window
        patches = self.picture.reshape(-1)[index]
        probe = shift(self.probe.expand(len(rows), *self.probe.shape), self._rest[rows])
        fields = physics.propagate(patches[:, None] * probe)
        amplitude = (fields.real.square() + fields.imag.square()).sum(1).sqrt()
        gap = measured - amplitude
        if self._good is not None:
            gap = torch.where(self._good, gap, 0.0)
            measured = torch.where(self._good, measured, 0.0)
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
    """Mix incoherent modes into orthogonal ones, strongest first; all intensities stay as they are."""
    return torch.from_numpy(sweeps.orthogonalise(probe.cpu().numpy())).to(probe.device)


def engine_maker(frames: Frames, steps: Steps | None, device: Device) -> sweeps.EngineMaker:
    """Say how estimates over these frames are made on a device."""

    def make(
        picture: NDArray[np.complex64], origin_px: tuple[int, int], probe: NDArray[np.complex64]
    ) -> Estimate:
        on_device = [torch.as_tensor(array, device=device) for array in (picture, probe)]
        return Estimate(frames, on_device[0], origin_px, on_device[1], steps)

    return make
