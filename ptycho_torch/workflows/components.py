"""The steps of a reconstruction with torch, by the names that clients know.

Whoever calls these means torch, whatever backend the configuration names. Importing this module does not
import torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ptycho.clients.backend_selector import (
    load_inference_bundle_with_backend,
    run_cdi_example_with_backend,
    train_cdi_model_with_backend,
)
from ptycho.clients.saved_network import expected_by_params, find_archive, open_predictor
from ptycho.clients.storage import ModelManager

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ptycho.clients.container import PtychoDataContainer
    from ptycho.clients.predictor import Predictor
    from ptycho.scan.raw_data import RawData
    from ptycho.settings.execution import PyTorchExecutionConfig
    from ptycho.settings.inference import InferenceConfig
    from ptycho.settings.training import TrainingConfig

__all__ = [
    "load_inference_bundle_torch",
    "load_torch_bundle",
    "run_cdi_example_torch",
    "save_torch_bundle",
    "train_cdi_model_torch",
]

BACKEND = "pytorch"


def train_cdi_model_torch(
    train_data: RawData | PtychoDataContainer,
    test_data: RawData | PtychoDataContainer | None,
    config: TrainingConfig,
    execution_config: PyTorchExecutionConfig | None = None,
) -> dict[str, Any]:
    """Train on a scan; see `ptycho.workflows.backend_selector.train_cdi_model_with_backend`."""
    return train_cdi_model_with_backend(train_data, test_data, _by_torch(config), execution_config)


def run_cdi_example_torch(  # noqa: PLR0913  The signature is a public contract.
    train_data: RawData | PtychoDataContainer,
    test_data: RawData | PtychoDataContainer | None,
    config: TrainingConfig,
    flip_x: bool = False,
    flip_y: bool = False,
    transpose: bool = False,
    M: int | None = None,
    do_stitching: bool = False,
    execution_config: PyTorchExecutionConfig | None = None,
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None, dict[str, Any]]:
    """Train on a scan and, if asked for, reconstruct another; nothing is written to the disk.

    See `ptycho.workflows.backend_selector.run_cdi_example_with_backend`.
    """
    return run_cdi_example_with_backend(
        train_data,
        test_data,
        _by_torch(config),
        flip_x=flip_x,
        flip_y=flip_y,
        transpose=transpose,
        M=M,
        do_stitching=do_stitching,
        torch_execution_config=execution_config,
    )


def load_inference_bundle_torch(
    bundle_dir: str | Path, config: TrainingConfig | InferenceConfig | None = None
) -> tuple[Predictor, dict[str, Any]]:
    """Open a trained network, whichever backend wrote it.

    Args:
        bundle_dir: The folder that holds ``wts.h5.zip``, or the folder above it.
        config: What the network is taken for; None takes what populated `params.cfg`.

    Returns:
        The network, whose ``predict`` gives patches, and a copy of the legacy settings.

    Raises:
        FileNotFoundError: "Model directory does not exist", or "Model archive not found".
        BundleError: The bundle cannot be read.
        ValueError: The network is not the one that it is taken for.
    """
    if config is None:
        return open_predictor(find_archive(bundle_dir), expected_by_params(), BACKEND)
    return load_inference_bundle_with_backend(bundle_dir, _by_torch(config))


def save_torch_bundle(trained: Predictor | Mapping[str, Any], path: str | Path) -> Path:
    """Write a network to a bundle, whole or not at all.

    Args:
        trained: The network, or the results of the training that hold it under "model".
        path: A folder, or the archive itself.

    Returns:
        The archive, ``wts.h5.zip``.

    Raises:
        OSError: The folder cannot be written.
    """
    model = trained["model"] if isinstance(trained, Mapping) else trained
    return ModelManager.save_model(model, path)


def load_torch_bundle(path: str | Path) -> tuple[Predictor, dict[str, Any]]:
    """Open a network without asking what `params.cfg` takes it for.

    Args:
        path: A folder, or the archive itself.

    Returns:
        The network and a copy of the legacy settings.

    Raises:
        FileNotFoundError: There is no bundle.
        BundleError: It cannot be read.
    """
    return open_predictor(find_archive(path), {}, BACKEND)


def _by_torch(config: Any) -> Any:
    """Let torch do what a configuration asks of the contract's default backend."""
    return replace(config, backend=BACKEND) if hasattr(config, "backend") else config
