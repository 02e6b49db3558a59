"""What a trained bundle says about the settings of a reconstruction, and what it insists on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptyconf import ConfigError, Layer, Origin, Problem, Resolution
from ptyconf.sources import mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ptycho.bundle.archive import Bundle

_CARRIED_SECTIONS = ("model.", "data.")
_TAKEN = {
    "training.neighbor_count": "inference.neighbor_count",
    "training.positions_provided": "training.positions_provided",
}
_DERIVED = {"model.C_model", "model.C_forward", "data.C"}
_OF_ONE_FILE = {"data.positions", "data.probe", "data.entry", "data.scan_index"}
"""Settings that name what belongs to one scan file; of another scan they would be wrong in silence."""

_OF_A_TRAINING = {"data.more_scans"}
"""Settings of how scans were gathered to learn from; a reconstruction has the scans that it is given."""

FREE_SETTINGS = frozenset({"probe_trainable", "intensity_scale_trainable"})
"""Settings of a network that inference may choose anew: they do not change what the weights mean."""


def bundle_layer(archive: Path, bundle: Bundle, *, same_scan: bool = True) -> Layer:
    """Make the layer of what a network was trained with: its shape, its physics, how its scan was read.

    Args:
        archive: The bundle's file, named in every origin.
        bundle: What the file holds.
        same_scan: Whether the scan at hand is the one that was trained on.
    """
    left_out = _DERIVED | _OF_A_TRAINING | (set() if same_scan else _OF_ONE_FILE)
    values: dict[str, Any] = {"inference.backend": bundle.backend}
    for entry in bundle.provenance.get("settings", ()):
        path, value = str(entry["path"]), entry["value"]
        if value is None or path in left_out:
            continue
        if path.startswith(_CARRIED_SECTIONS) or path in _TAKEN:
            values[_TAKEN.get(path, path)] = value
    values |= {f"model.{name}": value for name, value in bundle.network.items() if name not in FREE_SETTINGS}
    origin_of = {path: Origin("bundle", str(archive), path, file=str(archive)) for path in values}
    return mapping.layer("bundle", values, kind="bundle", label=str(archive), origin=origin_of.__getitem__)


def require_same_network(resolution: Resolution, bundle: Bundle) -> None:
    """Refuse settings that contradict the weights of a bundle.

    Raises:
        ConfigError: One problem for each setting that differs, naming both places.
    """
    require_fixed(resolution, _fixed_by_weights(bundle))


def require_fixed(resolution: Resolution, fixed: Mapping[str, Any]) -> None:
    """Refuse settings that contradict what weights fix of their network.

    Args:
        resolution: The settings, with the layer of the weights among them.
        fixed: Settings of the network by name.

    Raises:
        ConfigError: One problem for each setting that differs, naming both places.
    """
    problems = []
    for name, trained in fixed.items():
        path = f"model.{name}"
        if name in FREE_SETTINGS or resolution[path] == trained:
            continue
        trace = resolution.trace(path)
        below = next((entry for entry in trace.losers if entry.layer == "bundle"), None)
        problems.append(
            Problem(
                f"'{path}' is {trace.value!r}, and the trained network was made with {trained!r}",
                path=path,
                origin=trace.winner.origin,
                overrides=() if below is None else (f"{below.origin} ({trained!r})",),
                expected=f"{trained!r}",
                hint=_remedy(name, trained),
            )
        )
    if problems:
        raise ConfigError(problems)


def _fixed_by_weights(bundle: Bundle) -> dict[str, Any]:
    """Name what the weights stand for: the network, and the divisor that made its probe."""
    settings = {str(entry["path"]): entry["value"] for entry in bundle.provenance.get("settings", ())}
    divisor = settings.get("model.probe_scale")
    return dict(bundle.network) if divisor is None else {**bundle.network, "probe_scale": divisor}


def _remedy(name: str, trained: object) -> str:
    if name == "N":
        return f"data.crop_px = {trained}, or a network that was trained on frames of this size"
    return f"leaving {name} out, or a network that was trained with it"
