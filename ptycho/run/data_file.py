"""What a scan file says about the settings: patch side from its probe, photons from its metadata.

Only headers and the metadata text are read; the diffraction array is never opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptyconf import Layer, Origin
from ptyconf.sources import mapping

PROBE_KEY = "probeGuess"
METADATA_KEY = "_metadata"


@dataclass(frozen=True)
class ProbeSide:
    """What the look at a probe's header found.

    Attributes:
        side: Side of the probe in px, None where it cannot be told.
        shape: Shape of the array.
        doubt: What is odd about the file, "" for nothing.
        keys: All arrays of the file, None where they could not be listed.
    """

    side: int | None
    shape: tuple[int, ...] = ()
    doubt: str = ""
    keys: tuple[str, ...] | None = None


def probe_side(path: Path) -> ProbeSide:
    """Find the side of a file's probe from its header alone, at a cost that does not grow with the file."""
    from ptycho.errors import ScanError
    from ptycho.files.npz import header_and_keys

    if path.exists() and not path.is_file():
        return ProbeSide(None, doubt=f"{path} is no regular file")
    try:
        (shape, _, _), keys = header_and_keys(path, PROBE_KEY)
    except (OSError, ScanError) as error:
        return ProbeSide(None, doubt=str(error).partition("\n")[0])
    axes = shape[:2] if len(shape) == 3 and shape[2] == 1 else shape[-2:]
    if len(shape) not in {2, 3} or 0 in shape:
        return ProbeSide(
            None, shape, f"'{PROBE_KEY}' in {path} has shape {shape}, which is no square image", keys
        )
    if axes[0] != axes[1]:
        return ProbeSide(
            axes[0], shape, f"'{PROBE_KEY}' in {path} is not square: {shape}; took {axes[0]}", keys
        )
    return ProbeSide(axes[0], shape, keys=keys)


def data_file_layer(path: Path, probe: ProbeSide, *, side: int | None = None) -> Layer:
    """Make the layer of what a scan file says.

    Args:
        path: The scan file.
        probe: What `probe_side` found.
        side: Side in px after crop and binning, where the settings ask for these.
    """
    values: dict[str, Any] = {}
    notes: dict[str, str] = {}
    if probe.side is not None:
        values["model.N"] = probe.side if side is None else side
        cut = "" if side is None else f" cropped and binned to {side}"
        notes["model.N"] = f"{PROBE_KEY} {probe.shape}{cut}"
    described = probe.keys is None or METADATA_KEY in probe.keys
    nphotons = stored_nphotons(path) if described else None
    if nphotons is not None:
        values["training.nphotons"] = nphotons
        notes["training.nphotons"] = "_metadata physics_parameters.nphotons"
    return _layer(path, values, notes)


def stored_nphotons(path: Path) -> float | None:
    """Read the photons of a frame from a file's metadata; None where it does not say."""
    from ptycho.errors import ScanError
    from ptycho.scan.metadata import read_metadata

    try:
        metadata = read_metadata(path)
    except (OSError, ScanError):
        return None
    physics = (metadata or {}).get("physics_parameters")
    value = physics.get("nphotons") if isinstance(physics, Mapping) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _layer(path: Path, values: Mapping[str, Any], notes: Mapping[str, str]) -> Layer:
    return mapping.layer(
        "data-file",
        values,
        kind="npz",
        label=str(path),
        origin=lambda key: Origin("npz", str(path), notes[key], file=str(path)),
    )
