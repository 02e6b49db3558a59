"""The steps of a reconstruction with torch, by the names that clients know.

Whoever calls these means torch, whatever backend the configuration names. Importing this module does not
import torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ptycho.clients.backend_selector import (
    load_inference_bundle_with_backend,
    run_cdi_example_with_backend,
    train_cdi_model_with_backend,
)
from ptycho.clients.saved_network import (
    expected_by_config,
    expected_by_params,
    find_archive,
    open_predictor,
    require_network,
)
from ptycho.clients.storage import ModelManager
from ptyconf.errors import error_text

if TYPE_CHECKING:
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
MODEL_NAME = "diffraction_to_obj"
"""What clients call the network that turns diffraction into patches of the object."""


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
    bundle_dir: str | Path,
    config: TrainingConfig | InferenceConfig | None = None,
    *,
    model_name: str = MODEL_NAME,
) -> tuple[Predictor, dict[str, Any]]:
    """Open a trained network, whichever backend wrote it.

    Args:
        bundle_dir: The folder that holds ``wts.h5.zip``, or the folder above it.
        config: What the network is taken for; None takes what populated `params.cfg`.
        model_name: Which network of the bundle; there is one.

    Returns:
        The network, whose ``predict`` gives patches, and a copy of the legacy settings.

    Raises:
        FileNotFoundError: "Model directory does not exist", or "Model archive not found".
        BundleError: The bundle cannot be read.
        ValueError: The network is not the one that it is taken for.
    """
    _require_name(model_name)
    if config is None:
        return open_predictor(find_archive(bundle_dir), expected_by_params(), BACKEND)
    return load_inference_bundle_with_backend(bundle_dir, _by_torch(config))


def save_torch_bundle(
    models_dict: Predictor | Mapping[str, Any],
    base_path: str | Path,
    config: TrainingConfig | InferenceConfig | None = None,
    intensity_scale: float | None = None,
) -> Path:
    """Write a network to a bundle, whole or not at all.

    Args:
        models_dict: The network by its name, "diffraction_to_obj"; or the network itself; or the results of
            the training that hold it under "model".
        base_path: A folder, or the archive itself, with or without its ``.zip``.
        config: What the network is taken for; None takes it as it is.
        intensity_scale: The caller's intensity scale, which must be that of the network; None asks nothing.

    Returns:
        The archive, ``wts.h5.zip``.

    Raises:
        OSError: The folder cannot be written.
        ValueError: There is no network among the models, or it is not the one that it is taken for.
    """
    model = _network_among(models_dict) if isinstance(models_dict, Mapping) else models_dict
    if config is not None:
        require_network(model, expected_by_config(config))
    if intensity_scale is not None and not math.isclose(intensity_scale, model.intensity_scale, rel_tol=1e-6):
        raise ValueError(
            error_text(
                f"intensity_scale = {intensity_scale!r}, and the network was trained with "
                f"{model.intensity_scale!r}",
                expected="the network's own: its bundle holds that",
                hint="leave intensity_scale out",
            )
        )
    return ModelManager.save_model(model, base_path)


def load_torch_bundle(
    base_path: str | Path, model_name: str = MODEL_NAME
) -> tuple[Predictor, dict[str, Any]]:
    """Open a network without asking what `params.cfg` takes it for.

    Args:
        base_path: A folder, or the archive itself, with or without its ``.zip``.
        model_name: Which network of the bundle; there is one.

    Returns:
        The network and a copy of the legacy settings.

    Raises:
        FileNotFoundError: There is no bundle.
        BundleError: It cannot be read.
    """
    _require_name(model_name)
    base = Path(base_path)
    archive = base.with_name(base.name + ".zip")
    return open_predictor(archive if archive.is_file() else find_archive(base), {}, BACKEND)


def _network_among(models: Mapping[str, Any]) -> Predictor:
    for name in (MODEL_NAME, "model"):
        if name in models:
            return cast("Predictor", models[name])
    raise ValueError(
        error_text(
            "there is no network among the models",
            expected=f"'{MODEL_NAME}'",
            known=", ".join(map(repr, models)) or "nothing",
            hint=f"save_torch_bundle({{'{MODEL_NAME}': results['model']}}, path)",
        )
    )


def _require_name(model_name: str) -> None:
    if model_name != MODEL_NAME:
        raise ValueError(
            error_text(
                f"a bundle holds no network {model_name!r}",
                expected=repr(MODEL_NAME),
                hint="leave model_name out",
            )
        )


def _by_torch(config: Any) -> Any:
    """Let torch do what a configuration asks of the contract's default backend."""
    return replace(config, backend=BACKEND) if hasattr(config, "backend") else config
