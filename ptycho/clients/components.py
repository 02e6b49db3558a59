"""The steps of a reconstruction by the names that clients know; the configuration selects the backend.

Importing this module imports no framework.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.clients.backend_selector import run_cdi_example_with_backend, train_cdi_model_with_backend
from ptycho.clients.saved_network import expected_by_params, find_archive, open_predictor
from ptycho.run.resolve import Sources, resolve_layers
from ptycho.scan.callers import tell_unconfigured
from ptycho.scan.raw_data import RawData
from ptycho.scan.source import ScanSource
from ptycho.settings import views
from ptycho.settings.layers import BARE_NAMES
from ptycho.settings.legacy import publish
from ptycho.settings.plain_files import load_yaml_config
from ptycho.settings.training import TrainingConfig
from ptyconf import ConfigError, Problem
from ptyconf.sources import mapping

if TYPE_CHECKING:
    import argparse

    from numpy.typing import NDArray

    from ptycho.clients.container import PtychoDataContainer
    from ptycho.clients.predictor import Predictor
    from ptycho.settings.data import Quantity
    from ptycho.settings.execution import PyTorchExecutionConfig
    from ptyconf import Layer, Resolution

__all__ = [
    "load_data",
    "load_inference_bundle",
    "run_cdi_example",
    "save_outputs",
    "setup_configuration",
    "train_cdi_model",
]

_log = logging.getLogger(__name__)

_IN_CONFIG = ("training.", "model.")
_NO_SETTINGS = ("config", "config_file", "yaml_path")
"""Arguments of a command line that name a file of settings."""


def load_data(  # noqa: PLR0913  The signature is a public contract.
    file_path: str | Path,
    n_images: int | None = None,
    n_subsample: int | None = None,
    flip_x: bool = False,
    flip_y: bool = False,
    swap_xy: bool = False,
    coord_scale: float = 1.0,
    subsample_seed: int | None = None,
    *,
    quantity: Quantity | None = None,
) -> RawData:
    """Read a scan file, whose coordinates may need mending.

    Args:
        file_path: An .npz file.
        n_images: Another name of n_subsample, which wins.
        n_subsample: Frames to keep, a sorted random choice; None keeps all.
        flip_x: Columns count the other way.
        flip_y: Rows count the other way.
        swap_xy: The coordinates are (row, column).
        coord_scale: Pixels for each unit of the coordinates; comes last.
        subsample_seed: Seed of the choice of frames.
        quantity: Whether the frames are counts or amplitudes; None decides by the values.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: The file is damaged, or the scan cannot be used as it stands.
    """
    tell_unconfigured(Path(file_path), __name__)
    scan = RawData.from_file(file_path, quantity=quantity)
    if flip_x or flip_y or swap_xy or coord_scale != 1.0:
        pairs = [(scan.xcoords, scan.ycoords), (scan.xcoords_start, scan.ycoords_start)]
        sign_x, sign_y = coord_scale * (-1 if flip_x else 1), coord_scale * (-1 if flip_y else 1)
        turned = [(sign_x * x, sign_y * y) for x, y in pairs]
        (x, y), (x_start, y_start) = [pair[::-1] for pair in turned] if swap_xy else turned
        scan = RawData(
            x,
            y,
            x_start,
            y_start,
            scan.diff3d,
            scan.probeGuess,
            scan.scan_index,
            scan.objectGuess,
            scan.Y,
            metadata=scan.metadata,
            options=replace(scan.options, quantity=scan.quantity),
            source=ScanSource(path=scan.source),
        )
    wanted = n_images if n_subsample is None else n_subsample
    if wanted is None or wanted >= len(scan):
        return scan
    drawn = np.random.default_rng(subsample_seed).choice(len(scan), wanted, replace=False)
    return scan.subset(np.sort(drawn))


def setup_configuration(
    args: argparse.Namespace | Mapping[str, Any] | None = None, yaml_path: str | Path | None = None
) -> TrainingConfig:
    """Resolve a TrainingConfig from arguments above a settings file, and write it to `params.cfg`.

    Args:
        args: Settings by name or path, as a command line gives them; None counts as not given.
        yaml_path: A settings file, YAML or TOML.

    Raises:
        ConfigError: Everything that is wrong with the settings, together; also one that a TrainingConfig has
            no place for.
        ValueError: "Failed to load config from ..."
    """
    given = dict(args) if isinstance(args, Mapping) else {} if args is None else vars(args)
    values = {name: value for name, value in given.items() if value is not None and name not in _NO_SETTINGS}
    layers: list[Layer] = []
    if values:
        layers.append(mapping.layer("flags", values, label="args", sections=BARE_NAMES["train"], kind="flag"))
    if yaml_path is not None and Path(yaml_path).suffix in {".yaml", ".yml"}:
        written, label = load_yaml_config(yaml_path), str(yaml_path)
        layers.append(mapping.layer("file", written, label=label, sections=BARE_NAMES["train"], kind="yaml"))
    elif yaml_path is not None:
        layers += Sources(files=[yaml_path]).layers("train")
    resolution = resolve_layers(layers)
    _require_place(resolution)
    config = resolution.build(views.TRAINING)
    publish(config)
    return config


def _require_place(resolution: Resolution) -> None:
    """Refuse what somebody wrote and a TrainingConfig cannot carry."""
    problems = [
        Problem(
            f"'{path}' has no place in a TrainingConfig",
            path=path,
            origin=resolution.trace(path).winner.origin,
            expected="settings of training and model",
            hint="`ptycho train`, or execution_config of run_cdi_example",
        )
        for path in resolution
        if resolution.winner_layer(path) in {"flags", "file", "included"} and not path.startswith(_IN_CONFIG)
    ]
    if problems:
        raise ConfigError(problems)


def train_cdi_model(
    train_data: RawData | PtychoDataContainer,
    test_data: RawData | PtychoDataContainer | None,
    config: TrainingConfig,
    execution_config: PyTorchExecutionConfig | None = None,
) -> dict[str, Any]:
    """Train on a scan; see `ptycho.workflows.backend_selector.train_cdi_model_with_backend`."""
    return train_cdi_model_with_backend(train_data, test_data, config, execution_config)


def run_cdi_example(  # noqa: PLR0913  The signature is a public contract.
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
        config,
        flip_x=flip_x,
        flip_y=flip_y,
        transpose=transpose,
        M=M,
        do_stitching=do_stitching,
        torch_execution_config=execution_config,
    )


def save_outputs(
    amplitude: NDArray[Any] | None,
    phase: NDArray[Any] | None,
    results: Mapping[str, Any],
    output_prefix: str | Path,
) -> list[Path]:
    """Draw what `run_cdi_example` gave.

    Args:
        amplitude: Shape (H, W), or None.
        phase: Shape (H, W) in rad, or None.
        results: What came with them; says where nothing was scanned.
        output_prefix: Folder to draw into; made when missing.

    Returns:
        reconstructed_amplitude.png and reconstructed_phase.png; nothing where there is no picture.

    Raises:
        OSError: The folder cannot be written.
    """
    if amplitude is None or phase is None:
        _log.info("there is no picture to save: no scan was reconstructed (do_stitching=True does)")
        return []
    from ptycho.report.figures.object import save_amplitude, save_phase

    folder = Path(output_prefix)
    folder.mkdir(parents=True, exist_ok=True)
    reconstruction = results.get("reconstruction")
    picture = np.squeeze(amplitude) * np.exp(1j * np.squeeze(phase))
    coverage = None if reconstruction is None else reconstruction.coverage
    if coverage is not None and coverage.shape != picture.shape:
        coverage = coverage.T
    drawn = [folder / "reconstructed_amplitude.png", folder / "reconstructed_phase.png"]
    save_amplitude(drawn[0], picture, coverage=coverage)
    save_phase(drawn[1], picture, coverage=coverage)
    return drawn


def load_inference_bundle(model_dir: str | Path) -> tuple[Predictor, dict[str, Any]]:
    """Open a trained network with the backend that wrote it.

    `params.cfg` then describes the network, and its intensity_scale is the factor that ``predict`` expects.

    Args:
        model_dir: The folder that holds ``wts.h5.zip``, or the folder above it.

    Returns:
        The network, whose ``predict`` gives patches, and a copy of the legacy settings.

    Raises:
        FileNotFoundError: "Model directory does not exist", or "Model archive not found".
        BundleError: The bundle cannot be read.
        BackendError: The framework is missing; a RuntimeError.
        ValueError: `params.cfg` was populated for another N, gridsize or architecture.
    """
    return open_predictor(find_archive(model_dir), expected_by_params())
