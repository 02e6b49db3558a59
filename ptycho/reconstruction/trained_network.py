"""What a backend does for a reconstruction; all else is done here, once for both."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ptycho.network.inference import Inference
from ptycho.network.settings import NetworkSettings
from ptycho.physics.operations import Array
from ptycho.scan.frame_store import Indices
from ptycho.scan.raw_data import RawData

from .iteration import FrameSource, SweepLibrary

Patches = NDArray[np.complex64]
Amplitudes = NDArray[np.float32]
Positions = NDArray[np.float64]

PIXELS_AT_ONCE = 2**17
"""Pixels of all modes of the frames that a network encodes at once: 32 frames of 64 x 64."""


class TrainedNetwork(Protocol):
    """A network on its device, ready for one scan: the scan's bad pixels are those that it leaves out.

    Shape legend: B groups, C positions of a group, P probe modes, N patch side.
    """

    @property
    def settings(self) -> NetworkSettings:
        """Shape of the network."""
        ...

    @property
    def device(self) -> str:
        """Where it computes."""
        ...

    @property
    def memory_errors(self) -> tuple[type[Exception], ...]:
        """Errors that may mean that memory ran out."""
        ...

    def lacks_memory(self, error: Exception) -> bool:
        """Tell a lack of memory from other errors, and free what can be freed."""
        ...

    def probe(self) -> Patches:
        """Give the probe modes on the network's scale, shape (P, N, N)."""
        ...

    def infer(
        self, frames: Amplitudes, members: Indices, relative: NDArray[np.float32], shown: Indices
    ) -> tuple[Patches, Amplitudes]:
        """Run the network over groups, and give what it says about the leader of each.

        Args:
            frames: Normalised amplitudes X, each once, shape (M, N, N).
            members: Which of them each group holds, shape (B, C); column 0 leads.
            relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).
            shown: Groups whose predicted amplitude is wanted.

        Returns:
            Patches of the leaders, shape (B, N, N), and predicted amplitudes, shape (len(shown), N, N).
        """
        ...

    def picture(self, frames: FrameSource, positions: Positions, first: Indices) -> Patches:
        """Reconstruct all frames on one canvas, where the architecture does that.

        Args:
            frames: Gives normalised amplitudes X by index.
            positions: Patch centres [x, y] in pixels, shape (n, 2).
            first: Some pixel [x, y] of the picture's grid near the positions.

        Returns:
            The picture that all patches reach at positions rounded to whole pixels, shape (H, W), with rows
            and columns behind it.
        """
        ...

    def diffract(self, patches: Patches) -> Amplitudes:
        """Predict far-field amplitudes in the units of X: (n, N, N) -> (n, N, N)."""
        ...

    def gain(self) -> float:
        """Give the learned factor between the probe and what the network's patches are multiplied by."""
        ...

    def sweeps(self, threads: int | None) -> SweepLibrary:
        """Give the array library and the device for sweeps, with CPU threads as set or as it chooses."""
        ...


class OnDevice:
    """What the trained networks of all backends have in common.

    Args:
        network: The network on its device.
        device: Where it computes.
    """

    def __init__(self, network: Inference, device: str) -> None:
        self.network = network
        self.device = device

    @property
    def settings(self) -> NetworkSettings:
        """Shape of the network."""
        return self.network.settings

    def probe(self) -> Patches:
        """Give the probe modes on the network's scale, shape (P, N, N)."""
        modes: Patches = self.network.physics.ops.to_numpy(self.network.probe).astype(
            np.complex64, copy=False
        )
        return modes

    @property
    def good(self) -> Array:
        """True where a detector pixel of the scan is good, shape (N, N)."""
        return self.network.good_pixels

    def picture(self, frames: FrameSource, positions: Positions, first: Indices) -> Patches:
        """Reconstruct all frames on one canvas."""
        ops, good, N = self.network.physics.ops, self.good, self.settings.N

        def measured(span: slice) -> Array:
            rows = np.arange(span.start, min(span.stop, len(positions)))
            return ops.from_numpy(np.asarray(frames(rows), np.float32), good)

        relative = ops.from_numpy((first - positions).astype(np.float32), good)
        portion = max(1, PIXELS_AT_ONCE // (self.settings.probe_modes * N**2))
        picture: Patches = ops.to_numpy(self.network.picture(measured, relative, good, portion))
        return picture

    def gain(self) -> float:
        """Give the learned factor between the probe and what the network's patches are multiplied by."""
        return float(self.network.physics.ops.to_numpy(self.network.gain))


def good_pixels(scan: RawData) -> NDArray[np.bool_]:
    """Tell which pixels of a scan's frames are good, shape (N, N); all where it has no mask."""
    return np.ones((scan.N, scan.N), bool) if scan.mask is None else scan.mask
