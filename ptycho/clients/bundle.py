"""A bundle in a client's hands: found, checked against what the client says, and turned into a network."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.backends.base import load_backend
from ptycho.backends.convert import convert, move
from ptycho.backends.trained import load_model, resolution_of
from ptycho.bundle.archive import FILE_NAME, locate
from ptycho.bundle.read import read_bundle
from ptycho.clients.configuration import named_fields
from ptycho.clients.predictor import Predictor, remember
from ptycho.settings import legacy_dict as params
from ptycho.settings import views
from ptycho.settings.classes import InferenceConfig, ModelConfig, TrainingConfig, update_legacy_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ptycho.bundle.archive import Bundle
    from ptyconf import Resolution

__all__ = ["find", "open_network", "said_in_config", "said_in_params"]

_log = logging.getLogger(__name__)

_SHAPES_DATA = ("N", "gridsize")
"""What a client's data must agree on with the network, named or not."""

_FREE = ("probe_trainable", "intensity_scale_trainable")


def find(model_dir: str | Path) -> Path:
    """Find the bundle of a folder, or of the one folder in it that has one.

    Raises:
        FileNotFoundError: "Model directory does not exist", or "Model archive not found".
        ValueError: "Model path is not a directory".
    """
    folder = Path(model_dir)
    if folder.is_file() and folder.suffix != ".zip":
        raise ValueError(
            f"Model path is not a directory: {folder}\n"
            f"  expected  a folder that holds {FILE_NAME}, or that file\n"
            "  try       the folder that the training was saved in"
        )
    archive = locate(folder)
    if archive.parent != folder and archive != folder:
        _log.info("%s holds one trained network, in %s: that one is opened", folder, archive.parent.name)
    return archive


def open_network(
    archive: Path, said: Mapping[str, tuple[Any, str]], name: str | None = None
) -> tuple[Predictor, dict[str, Any]]:
    """Open a bundle; `params.cfg` then describes its network.

    Args:
        archive: The bundle.
        said: What the caller takes the network for: values and where they were said, by field.
        name: The backend that computes; None takes the one that wrote the bundle.

    Returns:
        The network, and a copy of the legacy settings that it was trained with.

    Raises:
        BundleError: The bundle cannot be read.
        BackendError: The framework is missing.
        ValueError: The network is not the one that the caller takes it for.
    """
    held = read_bundle(archive)
    settings = resolution_of(archive, held)
    _require_agreement(archive, held, said)
    name = name or held.backend
    model = load_model(name, archive, held)

    def pack(home: Path) -> Bundle:
        if name != held.backend:
            return convert(name, archive, held, home)
        return move(archive, held, home)

    predictor = remember(Predictor(name, load_backend(name), model, pack))
    _publish(settings, held, predictor.intensity_scale)
    return predictor, params.params()


def said_in_params() -> dict[str, tuple[Any, str]]:
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


def said_in_config(config: TrainingConfig | InferenceConfig) -> dict[str, tuple[Any, str]]:
    """Give what a configuration says of the network: N, gridsize, and every field that its caller named."""
    model, kind = config.model, type(config).__name__
    names = {*_SHAPES_DATA, *named_fields(model)}
    return {name: (getattr(model, name), f"{kind}.model.{name}") for name in sorted(names)}


def _where(name: str) -> str:
    writer = params.writer(name)
    return f"params.cfg[{name!r}]" + ("" if writer is None else f", written at {writer}")


def _require_agreement(archive: Path, held: Bundle, said: Mapping[str, tuple[Any, str]]) -> None:
    known = {name: value for name, value in held.network.items() if name not in _FREE}
    wrong = {name: each for name, each in said.items() if name in known and each[0] != known[name]}
    if not wrong:
        return
    told = ", ".join(f"{name} = {known[name]!r}" for name in wrong)
    asked = ", ".join(f"{name} = {value!r}" for name, (value, _) in wrong.items())
    places = "; ".join(dict.fromkeys(place for _, place in wrong.values()))
    raise ValueError(
        f"{archive} holds a network with {told}, and {asked} is asked for\n"
        f"  written in  {places}\n"
        f"  expected    {told}\n"
        f"  try         update_legacy_dict(params.cfg, config) with {told}, or a network trained with {asked}"
    )


def _publish(resolution: Resolution, held: Bundle, intensity_scale: float) -> None:
    """Let the legacy dict describe the network that was opened; a sealed dict stays sealed."""
    sealed = params.is_sealed()
    params.unseal()
    update_legacy_dict(params.cfg, resolution.build(views.MODEL))
    params.set("nphotons", float(held.normalisation["nphotons"]))
    params.set("intensity_scale", intensity_scale)
    if sealed:
        params.seal()
