"""The TensorFlow backend behind command line and clients: prepare, train, pack, unpack, reconstruct.

TensorFlow is imported when a function is called, not before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.bundle.archive import Bundle
from ptycho.run.settings import prepare_inference, prepare_training

from .start import start

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptycho.training.outcome import Model, Training
    from ptycho.training.preparation import Prepared
    from ptyconf import Resolution

    from .model import PtychoNetwork

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

BACKEND = "tensorflow"


def begin(resolution: Resolution) -> None:
    """Let TensorFlow come up with the threads of the settings, and without GPUs where they name the CPU.

    It keeps what it comes up with, and comes up when it makes its first tensor: the weights of a bundle.
    """
    start()
    from .strategy import hide_gpus
    from .threads import take_threads_for_reconstruction

    take_threads_for_reconstruction(resolution["execution.threads"])
    if resolution["execution.accelerator"] == "cpu":
        hide_gpus()


def train(prepared: Prepared, scan: RawData, folder: Path) -> Training[PtychoNetwork]:
    """Train on a scan; leave checkpoints and metrics in the folder.

    Raises:
        ValueError: The settings and the scan do not go together.
    """
    start()
    from ptycho.training.outcome import leave

    from . import train as training

    return leave(training.train(prepared, scan, folder), prepared.resolution, scan)


def pack(model: Model[PtychoNetwork], resolution: Resolution, home: Path) -> Bundle:
    """Turn a model into what the bundle in that folder will hold."""
    start()
    from ptyconf.report import dump_toml, to_json

    from . import weights

    return Bundle(
        backend=BACKEND,
        network=model.network.settings.as_dict(),
        normalisation=model.normalisation.as_dict(),
        probe=model.network.probe.numpy(),
        weights=weights.export(model.network),
        settings_toml=dump_toml(resolution, folder=home),
        provenance=to_json(resolution),
    )


def unpack(bundle: Bundle) -> Model[PtychoNetwork]:
    """Turn what a bundle holds into a model.

    Raises:
        ValueError: The weights do not belong to the network that the bundle describes.
    """
    start()
    from ptycho.network.settings import NetworkSettings
    from ptycho.network.size import require_like_size
    from ptycho.physics.scale import Normalisation
    from ptycho.training.outcome import Model

    from . import weights
    from .model import PtychoNetwork

    normalisation = Normalisation.from_dict(bundle.normalisation)
    settings = NetworkSettings(**bundle.network)
    require_like_size(settings, bundle.weights)
    network = PtychoNetwork(settings, bundle.probe, normalisation.intensity_scale, dtype="float32")
    weights.load(network, bundle.weights)
    return Model(network, normalisation)


def reconstruct(model: Model[PtychoNetwork], resolution: Resolution, scan: RawData) -> Reconstruction:
    """Reconstruct a scan with a model, on the device that the settings ask for.

    Raises:
        ValueError: The scan does not fit the model.
    """
    start()
    from ptycho.reconstruction.picture import Options, batch_size_of, place_scan
    from ptycho.settings.execution import PyTorchExecutionConfig

    from . import infer
    from .strategy import device_of

    execution = resolution.build(PyTorchExecutionConfig)
    return infer.reconstruct(
        model.network,
        model.normalisation,
        place_scan(resolution, scan),
        batch_size=batch_size_of(execution, int(resolution["inference.batch_size"])),
        device=device_of(execution),
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
    import tensorflow as tf

    patches = model.network.patches_graph(
        tf.convert_to_tensor(np.asarray(X, np.float32)),
        tf.convert_to_tensor(np.asarray(relative, np.float32)),
    )
    found: NDArray[np.complex64] = patches.numpy()
    return found
