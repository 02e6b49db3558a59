"""The torch backend behind command line and clients, as `ptycho.backends.base.Backend` describes it.

torch and Lightning are imported when a function is called, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.backends import model as models
from ptycho_torch.config_factory import inference_payload, training_payload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ptycho.backends.base import Result
    from ptycho.bundle.archive import Bundle
    from ptycho.network.settings import NetworkSettings
    from ptycho.reconstruction.iteration import SweepLibrary
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptycho.training.plan import TrainingConfigurations, WatchedFolder
    from ptycho.training.result import TrainingResult
    from ptycho.training.trained_model import Model
    from ptycho_torch.nn.model import PtychoNetwork
    from ptyconf import Resolution

BACKEND = "pytorch"

prepare_training, prepare_inference = training_payload, inference_payload


def begin(resolution: Resolution) -> None:
    """Do nothing: torch takes threads and devices where it computes."""


def train(
    configurations: TrainingConfigurations, scan: RawData, folder: Path | WatchedFolder
) -> TrainingResult[PtychoNetwork]:
    """Train under Lightning."""
    from ptycho_torch.lit import train as lightning

    return lightning.train(configurations, scan, folder)


def pack(model: Model[PtychoNetwork], resolution: Resolution, home: Path) -> Bundle:
    """Write down what torch holds."""
    from ptycho_torch.nn.weights import export

    return models.pack(BACKEND, model, export(model.network), resolution, home)


def unpack(bundle: Bundle) -> Model[PtychoNetwork]:
    """Build torch's network, for inference."""
    from ptycho_torch.nn.model import PtychoNetwork
    from ptycho_torch.nn.weights import load

    def make(settings: NetworkSettings, probe: NDArray[np.complex64], scale: float) -> PtychoNetwork:
        return PtychoNetwork(settings, probe, scale, seed=None).eval()

    return models.unpack(bundle, make, load)


def reconstruct(model: Model[PtychoNetwork], resolution: Resolution, scan: RawData) -> Reconstruction:
    """Let torch compute the patches."""
    from ptycho_torch.lit.devices import require_device
    from ptycho_torch.lit.infer import reconstruct as with_torch

    return models.reconstruct(with_torch, require_device, model, resolution, scan)


def with_sweeps(resolution: Resolution, work: Callable[[SweepLibrary], Result]) -> Result:
    """Do work that sweeps over frames, on the device and the threads that the settings ask for."""
    from ptycho.settings.execution import PyTorchExecutionConfig
    from ptycho_torch.lit.devices import require_device
    from ptycho_torch.nn.iteration import TorchSweeps

    execution = resolution.build(PyTorchExecutionConfig)
    return work(TorchSweeps.on(require_device(execution), execution.threads))


def infer_patches(
    model: Model[PtychoNetwork], X: NDArray[np.float32], relative: NDArray[np.float32]
) -> NDArray[np.complex64]:
    """Infer patches where the model's weights lie; those of the unet agree within their group already."""
    import numpy as np
    import torch

    device = model.network.mask.device
    with torch.inference_mode():
        tensors = (
            torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(device) for array in (X, relative)
        )
        patches: NDArray[np.complex64] = model.network.patches(*tensors).cpu().numpy()
    return patches
