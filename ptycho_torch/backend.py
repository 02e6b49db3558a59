"""The torch backend behind command line and clients: prepare, train, pack, unpack, reconstruct.

torch and Lightning are imported when a function is called, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.bundle.archive import Bundle
from ptycho_torch.config_factory import inference_payload as prepare_inference
from ptycho_torch.config_factory import training_payload as prepare_training

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptycho.training.outcome import Model, Training
    from ptycho.training.preparation import Prepared
    from ptycho_torch.nn.model import PtychoNetwork
    from ptyconf import Resolution

__all__ = [
    "begin",
    "infer_patches",
    "pack",
    "prepare_inference",
    "prepare_training",
    "reconstruct",
    "train",
    "unpack",
]

BACKEND = "pytorch"


def begin(resolution: Resolution) -> None:
    """Do nothing: torch takes threads and devices where it computes."""


def train(prepared: Prepared, scan: RawData, folder: Path) -> Training[PtychoNetwork]:
    """Train on a scan; leave checkpoints and metrics in the folder.

    Raises:
        ValueError: The settings and the scan do not go together.
    """
    from ptycho.training.outcome import leave
    from ptycho_torch.lit import train as lit

    return leave(lit.train(prepared, scan, folder), prepared.resolution, scan)


def pack(model: Model[PtychoNetwork], resolution: Resolution, home: Path) -> Bundle:
    """Turn a model into what the bundle in that folder will hold."""
    from ptycho_torch.nn import weights
    from ptyconf.report import dump_toml, to_json

    return Bundle(
        backend=BACKEND,
        network=model.network.settings.as_dict(),
        normalisation=model.normalisation.as_dict(),
        probe=model.network.probe.detach().cpu().numpy(),
        weights=weights.export(model.network),
        settings_toml=dump_toml(resolution, folder=home),
        provenance=to_json(resolution),
    )


def unpack(bundle: Bundle) -> Model[PtychoNetwork]:
    """Turn what a bundle holds into a model.

    Raises:
        ValueError: The weights do not belong to the network that the bundle describes.
    """
    from ptycho.network.settings import NetworkSettings
    from ptycho.network.size import require_like_size
    from ptycho.physics.scale import Normalisation
    from ptycho.training.outcome import Model
    from ptycho_torch.nn import weights
    from ptycho_torch.nn.model import PtychoNetwork

    normalisation = Normalisation.from_dict(bundle.normalisation)
    settings = NetworkSettings(**bundle.network)
    require_like_size(settings, bundle.weights)
    network = PtychoNetwork(settings, bundle.probe, normalisation.intensity_scale)
    weights.load(network, bundle.weights)
    return Model(network.eval(), normalisation)


def reconstruct(model: Model[PtychoNetwork], resolution: Resolution, scan: RawData) -> Reconstruction:
    """Reconstruct a scan with a model, on the device that the settings ask for.

    Raises:
        ValueError: The scan does not fit the model.
    """
    from ptycho.reconstruction.picture import Options, batch_size_of, place_scan
    from ptycho.settings.execution import PyTorchExecutionConfig
    from ptycho_torch.lit import infer
    from ptycho_torch.lit.trainer import require_device

    execution = resolution.build(PyTorchExecutionConfig)
    return infer.reconstruct(
        model.network,
        model.normalisation,
        place_scan(resolution, scan),
        batch_size=batch_size_of(execution, int(resolution["inference.batch_size"])),
        device=require_device(execution),
        options=Options.of(resolution, execution),
    )


def infer_patches(
    model: Model[PtychoNetwork], X: NDArray[np.float32], relative: NDArray[np.float32]
) -> NDArray[np.complex64]:
    """Infer object patches on the device of the model's weights.

    Args:
        model: A trained model.
        X: Normalised amplitude, shape (B, C, N, N).
        relative: Group mean minus position [x, y] in pixels, shape (B, C, 2).

    Returns:
        Complex patches, shape (B, C, N, N); those of the unet agree within their group already.
    """
    import numpy as np
    import torch

    device = model.network.mask.device
    with torch.inference_mode():
        patches = model.network.patches(
            torch.from_numpy(np.ascontiguousarray(X, np.float32)).to(device),
            torch.from_numpy(np.ascontiguousarray(relative, np.float32)).to(device),
        )
    found: NDArray[np.complex64] = patches.cpu().numpy()
    return found
