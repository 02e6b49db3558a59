"""A trained network on a device of TensorFlow, ready for one scan."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho.network.settings import NetworkSettings
from ptycho.physics.stitch import Stitched
from ptycho.physics.sweeps import Picture
from ptycho.raw_data import RawData
from ptycho.scan.store import FrameStore, Indices

from .model import PtychoNetwork
from .module import plain_network
from .refinement import refine
from .strategy import short_name
from .weights import export


class TensorFlowEngine:
    """Copy a network to a device, with the bad pixels of this scan in place of those of the training.

    Args:
        network: A trained network; it is left as it is.
        scan: Says which pixels are bad.
        device: Where to compute, as TensorFlow calls it.
    """

    memory_errors: tuple[type[Exception], ...] = (tf.errors.ResourceExhaustedError, MemoryError)

    def __init__(self, network: PtychoNetwork, scan: RawData, device: str = "/CPU:0") -> None:
        self._device = device
        good = np.ones((scan.N, scan.N), bool) if scan.mask is None else scan.mask
        C, N = network.settings.positions, network.settings.N
        with tf.device(device):
            self.network = plain_network(network.settings, export(network) | {"mask": good})
            # Compiled here, not by its first call: TensorFlow counts such calls, and warns a process that
            # makes many of them, as one that reconstructs small scans does.
            self._infer = tf.function(self._leaders, autograph=False).get_concrete_function(
                tf.TensorSpec((None, N, N), tf.float32),
                tf.TensorSpec((None, C), tf.int64),
                tf.TensorSpec((None, C, 2), tf.float32),
                tf.TensorSpec((None,), tf.int64),
            )

    @property
    def settings(self) -> NetworkSettings:
        """Shape of the network."""
        return self.network.settings

    @property
    def device(self) -> str:
        """Where it computes."""
        return short_name(self._device)

    def lacks_memory(self, error: Exception) -> bool:
        """Tell a lack of memory from other errors; TensorFlow frees what it can by itself."""
        return isinstance(error, self.memory_errors)

    def probe(self) -> NDArray[np.complex64]:
        """Give the probe modes on the network's scale, shape (P, N, N)."""
        probe: NDArray[np.complex64] = self.network.probe.numpy()
        return probe

    def infer(
        self, frames: NDArray[np.float32], members: Indices, relative: NDArray[np.float32], shown: Indices
    ) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
        """Run the network over groups, and give what it says about the leader of each."""
        with tf.device(self._device):
            patches, wanted = self._infer(frames, members, relative, shown)
        return patches.numpy(), wanted.numpy()

    def _leaders(
        self, frames: tf.Tensor, members: tf.Tensor, relative: tf.Tensor, shown: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        prediction = self.network((tf.gather(frames, members), relative))
        return prediction.patches[:, 0], tf.gather(prediction.amplitude[:, 0], shown)

    def diffract(self, patches: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Predict far-field amplitudes in the units of X."""
        with tf.device(self._device):
            amplitudes: NDArray[np.float32] = self.network.diffract(tf.convert_to_tensor(patches)).numpy()
        return amplitudes

    def refine(
        self, store: FrameStore, scan: RawData, whole: Stitched, sweeps: int
    ) -> tuple[NDArray[np.complex64], list[float]]:
        """Move a stitched picture towards what all frames together measured."""
        gain = np.exp(self.network.log_gain.numpy())
        refined = refine(
            store.frames,
            scan.positions,
            Picture(whole.object, whole.coverage, whole.origin_px),
            gain * self.probe(),
            sweeps=sweeps,
            mask=scan.mask,
            device=self._device,
        )
        return refined.object, refined.misfits
