"""Train and reconstruct with the backend that the configuration names; it is never replaced by another.

Every function writes the configuration to the legacy dict first (CONFIG-001), then looks at the backend's
name, then imports the backend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptycho.backends.base import Backend, Library, library_of, load_backend
from ptycho.clients.configuration import require_configuration, require_training_config
from ptycho.clients.saved_network import expected_by_config, find_archive, open_predictor
from ptycho.clients.training import StitchOptions, scan_of, stitch, train
from ptycho.errors import BackendError
from ptycho.settings.legacy import publish

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
    "Backend",
    "BackendError",
    "load_backend",
    "load_inference_bundle_with_backend",
    "run_cdi_example_with_backend",
    "train_cdi_model_with_backend",
]


def train_cdi_model_with_backend(
    train_data: RawData | PtychoDataContainer,
    test_data: RawData | PtychoDataContainer | None,
    config: TrainingConfig,
    torch_execution_config: PyTorchExecutionConfig | None = None,
) -> dict[str, Any]:
    """Train on a scan with the backend that the configuration names.

    Args:
        train_data: What is learned from; a share of its frames is held out to judge the epochs.
        test_data: A scan to reconstruct later, refused now if it does not fit the network; None for none.
        config: What the run reads and minimises. Every value of it holds.
        torch_execution_config: How the run is carried out, on either backend.

    Returns:
        history (a list for each quantity), backend, model (its ``predict`` gives patches), resolution (every
        setting with its origin), best_epoch, seconds, device, decisions, interrupted, training.

    Raises:
        ValueError: The backend is unknown, or settings and scans do not go together.
        BackendError: The framework is missing; a RuntimeError.
    """
    library = _library_of(config)
    test = None if test_data is None else scan_of(test_data, "test_data")
    return train(library, scan_of(train_data, "train_data"), test, config, torch_execution_config)


def run_cdi_example_with_backend(  # noqa: PLR0913  The signature is a public contract.
    train_data: RawData | PtychoDataContainer,
    test_data: RawData | PtychoDataContainer | None,
    config: TrainingConfig,
    flip_x: bool = False,
    flip_y: bool = False,
    transpose: bool = False,
    M: int | None = None,
    do_stitching: bool = False,
    torch_execution_config: PyTorchExecutionConfig | None = None,
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None, dict[str, Any]]:
    """Train on a scan and, if asked for, reconstruct another; nothing is written to the disk.

    Args:
        train_data: What is learned from.
        test_data: What is reconstructed; None for nothing.
        config: What the run reads and minimises. Every value of it holds.
        flip_x: The columns of the test scan's positions count the other way.
        flip_y: Its rows count the other way.
        transpose: Its patches are transposed before they are stitched.
        M: Side of the central square of each patch that is stitched, in pixels; None takes all that is lit.
        do_stitching: Reconstruct the test scan.
        torch_execution_config: How the run is carried out, on either backend.

    Returns:
        Amplitude and phase of the test scan, shape (H, W), or None without stitching; and what
        `train_cdi_model_with_backend` returns, with amplitude, phase and reconstruction where there are.

    Raises:
        ValueError: The backend is unknown, or settings and scans do not go together.
        BackendError: The framework is missing; a RuntimeError.
    """
    library = _library_of(config)
    scan = scan_of(train_data, "train_data")
    test = None if test_data is None else scan_of(test_data, "test_data")
    options = StitchOptions(flip_x=flip_x, flip_y=flip_y, transpose=transpose, M=M)
    options.require_part_of(scan.N)
    results = train(library, scan, test, config, torch_execution_config)
    if test is None or not do_stitching:
        return None, None, results
    results |= stitch(library, results, test, options)
    return results["amplitude"], results["phase"], results


def load_inference_bundle_with_backend(
    bundle_dir: str | Path, config: TrainingConfig | InferenceConfig
) -> tuple[Predictor, dict[str, Any]]:
    """Open a trained network with the backend that the configuration names, whichever backend wrote it.

    Args:
        bundle_dir: The folder that holds ``wts.h5.zip``, or the folder above it.
        config: What the network is taken for: its N, gridsize, and every field that was named.

    Returns:
        The network, whose ``predict`` gives patches, and a copy of the legacy settings.

    Raises:
        FileNotFoundError: "Model directory does not exist", or "Model archive not found".
        TypeError: The configuration is none.
        ValueError: The backend is unknown, or the network is not the one that the configuration describes.
        BackendError: The framework is missing; a RuntimeError.
    """
    require_configuration(config)
    publish(config)
    load_backend(config.backend)
    return open_predictor(find_archive(bundle_dir), expected_by_config(config), config.backend)


def _library_of(config: TrainingConfig) -> Library:
    require_training_config(config)
    publish(config)
    library = library_of(config.backend)
    library.load()  # A missing framework is told before a scan is looked at.
    return library
