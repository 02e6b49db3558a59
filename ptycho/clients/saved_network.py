"""A saved network in a client's hands: found, checked against what the client expects, and opened."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.backends.base import load_backend
from ptycho.backends.convert import convert, move
from ptycho.backends.trained_network import OpenedBundle, with_settings
from ptycho.bundle.archive import FILE_NAME, locate
from ptycho.bundle.read import read_bundle
from ptycho.clients.configuration import named_fields
from ptycho.clients.predictor import Predictor, remember
from ptycho.run.bundle_layer import FREE_SETTINGS
from ptycho.settings import legacy_dict as params
from ptycho.settings import views
from ptycho.settings.inference import InferenceConfig
from ptycho.settings.legacy import publish
from ptycho.settings.model import ModelConfig
from ptycho.settings.training import TrainingConfig
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptycho.bundle.archive import Bundle

__all__ = ["expected_by_config", "expected_by_params", "find_archive", "open_predictor", "require_network"]

Expected = dict[str, tuple[Any, str]]
"""What a caller takes a network for: the value of each field, and where it was said."""

_log = logging.getLogger(__name__)

_SHAPES_DATA = ("N", "gridsize")
"""What a client's data must agree on with the network, named or not."""


def find_archive(model_dir: str | Path) -> Path:
    """Find the bundle of a folder, or of the one folder in it that has one.

    Raises:
        MissingBundleError: "Model directory does not exist", or "Model archive not found"; both a
            FileNotFoundError and a ValueError.
        ValueError: "Model path is not a directory".
    """
    folder = Path(model_dir)
    if folder.is_file() and folder.suffix != ".zip":
        raise ValueError(
            error_text(
                f"Model path is not a directory: {folder}",
                expected=f"a folder that holds {FILE_NAME}, or that file",
                hint="the folder that the training was saved in",
            )
        )
    archive = locate(folder)
    if archive.parent != folder and archive != folder:
        _log.info("%s holds one trained network, in %s: that one is opened", folder, archive.parent.name)
    return archive


def open_predictor(
    archive: Path, expected: Expected, backend: str | None = None
) -> tuple[Predictor, dict[str, Any]]:
    """Open a bundle; `params.cfg` then describes its network.

    Args:
        archive: The bundle.
        expected: What the caller takes the network for.
        backend: The backend that computes; None takes the one that wrote the bundle.

    Returns:
        The network, and a copy of the legacy settings that it was trained with.

    Raises:
        BundleError: The bundle cannot be read.
        BackendError: The framework is missing.
        ValueError: The network is not the one that the caller takes it for.
    """
    trained = with_settings(archive, read_bundle(archive))
    _require_agreement(str(trained.archive), trained.bundle.network, expected)
    backend = backend or trained.bundle.backend
    model = trained.load(backend)

    def pack(home: Path) -> Bundle:
        return move(trained, home) if backend == trained.bundle.backend else convert(trained, backend, home)

    predictor = remember(Predictor(backend, load_backend(backend), model, pack))
    _publish(trained, predictor.intensity_scale)
    return predictor, params.params()


def expected_by_params() -> Expected:
    """Give what `params.cfg` says of the network, if a configuration populated it.

    Clients fix N and gridsize there, for they shape the data. An architecture counts where it is not the
    default, which a program without such a field leaves there.
    """
    if not params.is_populated():
        return {}
    names = [*_SHAPES_DATA]
    if params.cfg.get("architecture", ModelConfig.architecture) != ModelConfig.architecture:
        names.append("architecture")
    return {name: (params.cfg[name], _where(name)) for name in names if name in params.cfg}


def expected_by_config(config: TrainingConfig | InferenceConfig) -> Expected:
    """Give what a configuration says of the network: N, gridsize, and every field that its caller named."""
    model, kind = config.model, type(config).__name__
    names = {*_SHAPES_DATA, *named_fields(model)}
    return {name: (getattr(model, name), f"{kind}.model.{name}") for name in sorted(names)}


def _where(name: str) -> str:
    writer = params.writer(name)
    return f"params.cfg[{name!r}]" + ("" if writer is None else f", written at {writer}")


def require_network(predictor: Predictor, expected: Expected) -> None:
    """Accept a network that is the one that the caller takes it for.

    Raises:
        ValueError: It is another one.
    """
    _require_agreement(repr(predictor), predictor.settings.as_dict(), expected)


def _require_agreement(holder: str, settings: Mapping[str, Any], expected: Expected) -> None:
    network = {name: value for name, value in settings.items() if name not in FREE_SETTINGS}
    wrong = {name: claim for name, claim in expected.items() if name in network and claim[0] != network[name]}
    if not wrong:
        return
    actual = ", ".join(f"{name} = {network[name]!r}" for name in wrong)
    asked = ", ".join(f"{name} = {value!r}" for name, (value, _) in wrong.items())
    hint = f"update_legacy_dict(params.cfg, config) with {actual}, or a network trained with {asked}"
    raise ValueError(
        error_text(
            f"{holder} holds a network with {actual}, and {asked} is asked for",
            written_in="; ".join(dict.fromkeys(place for _, place in wrong.values())),
            expected=actual,
            hint=hint,
        )
    )


def _publish(trained: OpenedBundle, intensity_scale: float) -> None:
    """Let the legacy dict describe the network that was opened; a sealed dict stays sealed."""
    photons = float(trained.bundle.normalisation["nphotons"])
    publish(
        trained.settings.build(views.MODEL),
        measured={"nphotons": photons, "intensity_scale": intensity_scale},
    )
