"""A trained network on a device of TensorFlow, ready for one scan."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ptycho.network.precision import Precision
from ptycho.reconstruction.iteration import FrameSource
from ptycho.reconstruction.trained_network import OnDevice, good_pixels
from ptycho.scan.frame_store import Indices
from ptycho.scan.raw_data import RawData

from .devices import short_name
from .iteration import TensorFlowSweeps
from .model import PtychoNetwork
from .module import network_of
from .precision import policy_of
from .weights import export


class TrainedTensorFlowNetwork(OnDevice):
    """Use a network on a device, with the bad pixels of this scan in place of those of the training.

    Args:
        network: A trained network; it is left as it is.
        scan: Says which pixels are bad.
        device: Where to compute, as TensorFlow calls it.
        precision: Floating point of the convolutions.
    """

    memory_errors: tuple[type[Exception], ...] = (tf.errors.ResourceExhaustedError, MemoryError)

    def __init__(
        self,
        network: PtychoNetwork,
        scan: RawData,
        device: str = "/CPU:0",
        precision: Precision = "32-true",
    ) -> None:
        self._device, policy = device, policy_of(precision)
        with tf.device(device):
            self._good = tf.constant(good_pixels(scan))
            ready = _ready(network, device, policy)
            here = network if ready else network_of(network.settings, export(network), policy)
            self._here = here
            super().__init__(here, short_name(device))

    @property
    def good(self) -> tf.Tensor:
        """True where a detector pixel of the scan is good, shape (N, N)."""
        return self._good

    def lacks_memory(self, error: Exception) -> bool:
        """Tell a lack of memory from other errors; TensorFlow frees what it can by itself."""
        return isinstance(error, self.memory_errors)

    def infer(
        self, frames: NDArray[np.float32], members: Indices, relative: NDArray[np.float32], shown: Indices
    ) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
        """Run the network over groups, and give what it says about the leader of each."""
        with tf.device(self._device):
            arrays = [tf.convert_to_tensor(array) for array in (frames, members, relative, shown)]
            patches, wanted = self._here.leaders_graph(*arrays, self._good)
        return patches.numpy(), wanted.numpy()

    def picture(
        self, frames: FrameSource, positions: NDArray[np.float64], first: Indices
    ) -> NDArray[np.complex64]:
        """Reconstruct all frames on one canvas, operation by operation: every scan has its own shapes."""
        with tf.device(self._device):
            return super().picture(frames, positions, first)

    def diffract(self, patches: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Predict far-field amplitudes in the units of X."""
        with tf.device(self._device):
            amplitudes: NDArray[np.float32] = self.network.diffract(tf.convert_to_tensor(patches)).numpy()
        return amplitudes

    def sweeps(self, threads: int | None) -> TensorFlowSweeps:
        """Give TensorFlow on the device, for sweeps over the frames."""
        return TensorFlowSweeps.on(self._device, threads)


def _ready(network: PtychoNetwork, device: str, policy: str) -> bool:
    """Tell whether a network lies on a device, with convolutions of a precision."""
    where = tf.DeviceSpec.from_string(tf.convert_to_tensor(network.log_gain).device)
    wanted = tf.DeviceSpec.from_string(device)
    same_place = (where.device_type, where.device_index) == (wanted.device_type, wanted.device_index)
    return same_place and network.variable_dtype == "float32" and network.dtype_policy.name == policy
