"""The TensorFlow backend behind command line and clients, of which `ptycho.backends.base.Backend` tells more.

Every function that needs TensorFlow starts it first, quietly.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ptycho.backends.model import pack as pack_model
from ptycho.backends.model import reconstruct as reconstruct_model
from ptycho.backends.model import unpack as unpack_model

from .start import start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ptycho.backends.base import Result
    from ptycho.bundle.archive import Bundle
    from ptycho.reconstruction.iteration import SweepLibrary
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptycho.training.plan import TrainingConfigurations, WatchedFolder
    from ptycho.training.result import TrainingResult
    from ptycho.training.trained_model import Model
    from ptyconf import Resolution

    from .model import PtychoNetwork


def begin(resolution: Resolution) -> None:
    """Let TensorFlow come up with the threads of the settings, and without GPUs where they name the CPU.

    It keeps what it comes up with, and comes up when it makes its first tensor: the weights of a bundle.
    """
    start()
    from .devices import hide_gpus
    from .threads import take_threads_for_reconstruction

    take_threads_for_reconstruction(resolution["execution.threads"])
    if resolution["execution.accelerator"] == "cpu":
        hide_gpus()


def train(
    configurations: TrainingConfigurations, scan: RawData, folder: Path | WatchedFolder
) -> TrainingResult[PtychoNetwork]:
    """Train in TensorFlow's graphs."""
    start()
    from .train import train as train_network

    return train_network(configurations, scan, folder)


def pack(model: Model[PtychoNetwork], resolution: Resolution, home: Path) -> Bundle:
    """Write down what TensorFlow holds."""
    start()
    from . import weights

    return pack_model("tensorflow", model, weights.export(model.network), resolution, home)


def unpack(bundle: Bundle) -> Model[PtychoNetwork]:
    """Build TensorFlow's network in single precision, whatever it was trained with."""
    start()
    from . import model, weights

    return unpack_model(bundle, partial(model.PtychoNetwork, seed=None, dtype="float32"), weights.load)


def reconstruct(model: Model[PtychoNetwork], resolution: Resolution, scan: RawData) -> Reconstruction:
    """Let TensorFlow compute the patches."""
    start()
    from . import devices, infer

    return reconstruct_model(infer.reconstruct, devices.device_of, model, resolution, scan)


def with_sweeps(resolution: Resolution, work: Callable[[SweepLibrary], Result]) -> Result:
    """Do work that sweeps over frames, on the device and the threads that the settings ask for."""
    begin(resolution)
    from ptycho.settings.execution import PyTorchExecutionConfig

    from . import devices
    from .iteration import TensorFlowSweeps

    execution = resolution.build(PyTorchExecutionConfig)
    return work(TensorFlowSweeps.on(devices.device_of(execution), execution.threads))


def infer_patches(
    model: Model[PtychoNetwork], X: NDArray[np.float32], relative: NDArray[np.float32]
) -> NDArray[np.complex64]:
    """Infer patches in a graph that the network keeps; it is made anew for groups of another shape."""
    import numpy as np
    import tensorflow as tf

    groups = [tf.convert_to_tensor(np.asarray(array, np.float32)) for array in (X, relative)]
    patches: NDArray[np.complex64] = model.network.patches_graph(*groups).numpy()
    return patches
