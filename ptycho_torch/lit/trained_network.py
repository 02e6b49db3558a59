"""A trained network on a device of torch, ready for one scan."""

import copy
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptycho.network.precision import Precision
from ptycho.reconstruction.iteration import FrameSource
from ptycho.reconstruction.trained_network import OnDevice, good_pixels
from ptycho.scan.frame_store import Indices
from ptycho.scan.raw_data import RawData
from ptycho_torch.nn.iteration import TorchSweeps
from ptycho_torch.nn.model import PtychoNetwork

HALF: dict[Precision, torch.dtype] = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
"""What convolutions compute in where that is not single precision."""


class TrainedTorchNetwork(OnDevice):
    """Use a network on a device, with the bad pixels of this scan in place of those of the training.

    Args:
        network: A trained network; it is left as it is.
        scan: Says which pixels are bad.
        device: Where to compute.
        precision: Floating point of the convolutions.
    """

    memory_errors: tuple[type[Exception], ...] = (torch.OutOfMemoryError, MemoryError, RuntimeError)

    def __init__(
        self,
        network: PtychoNetwork,
        scan: RawData,
        device: str | torch.device = "cpu",
        precision: Precision = "32-true",
    ) -> None:
        self._device = torch.device(device)
        self._half = HALF.get(precision)
        self._good = torch.as_tensor(good_pixels(scan)).to(self._device)
        here = network if _ready(network, self._device) else copy.deepcopy(network).to(self._device).eval()
        super().__init__(here, str(self._device))

    @property
    def good(self) -> Tensor:
        """True where a detector pixel of the scan is good, shape (N, N)."""
        return self._good

    def lacks_memory(self, error: Exception) -> bool:
        """Tell a lack of memory from other errors; torch's CPU allocator raises a plain RuntimeError."""
        text = str(error)
        lacking = (
            isinstance(error, torch.OutOfMemoryError | MemoryError)
            or "DefaultCPUAllocator" in text
            or "MPS backend out of memory" in text
        )
        if lacking and torch.cuda.is_available():
            torch.cuda.empty_cache()
        return lacking

    def infer(
        self, frames: NDArray[np.float32], members: Indices, relative: NDArray[np.float32], shown: Indices
    ) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
        """Run the network over groups, and give what it says about the leader of each."""
        with torch.inference_mode(), self._arithmetic():
            X = torch.from_numpy(frames).to(self._device)[torch.from_numpy(members).to(self._device)]
            places = torch.from_numpy(relative).to(self._device)
            leaders = self.network.agreed_patches(X, places, self._good)[:, 0]
            patches: NDArray[np.complex64] = leaders.cpu().numpy()
        if not len(shown):  # MKL refuses to transform nothing.
            return patches, np.empty((0, *patches.shape[1:]), np.float32)
        return patches, self.diffract(patches[shown])

    def picture(
        self, frames: FrameSource, positions: NDArray[np.float64], first: Indices
    ) -> NDArray[np.complex64]:
        """Reconstruct all frames on one canvas, keeping nothing for slopes."""
        with torch.inference_mode(), self._arithmetic():
            return super().picture(frames, positions, first)

    def diffract(self, patches: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Predict far-field amplitudes in the units of X."""
        with torch.inference_mode():
            tensor = torch.from_numpy(patches).to(self._device)
            amplitudes: NDArray[np.float32] = self.network.diffract(tensor).cpu().numpy()
        return amplitudes

    def _arithmetic(self) -> AbstractContextManager[None]:
        return nullcontext() if self._half is None else torch.autocast(self._device.type, dtype=self._half)

    def sweeps(self, threads: int | None) -> TorchSweeps:
        """Give torch on the device, for sweeps over the frames."""
        return TorchSweeps.on(self._device, threads)


def _ready(network: PtychoNetwork, device: torch.device) -> bool:
    """Tell whether a network lies on a device, ready to infer: a copy of its layers costs a pass."""
    wanted = torch.empty(0, device=device).device  # "cuda" alone names no device, where it lands is one.
    return not network.training and network.mask.device == wanted
