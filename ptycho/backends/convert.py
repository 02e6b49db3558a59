"""A trained network in another backend's hands: the same numbers, proven to fit, under its name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.backends.trained import load_model, resolution_of
from ptycho.bundle.archive import refusal
from ptycho.bundle.settings_file import change_provenance, change_settings, move_paths
from ptycho.files.archive import ArchiveError
from ptyconf import Origin

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.bundle.archive import Bundle, BundleError

_BACKEND_SETTINGS = ("training.backend", "inference.backend")


def convert(name: str, archive: Path, held: Bundle, home: Path) -> Bundle:
    """Load a bundle into another backend's network and write down what that network holds.

    Args:
        name: The backend that the new bundle is for.
        archive: The bundle's file; the relative paths of its settings are seen from its folder.
        held: What the file holds.
        home: The folder in which the new bundle will lie.

    Returns:
        The new bundle: the same weights, scales, probe and settings but for the backend, and the story.

    Raises:
        BundleError: It is that backend's already, or its weights do not fit.
        BackendError: The framework is missing.
    """
    if held.backend == name:
        already = ArchiveError(f"is for {name} already", "a bundle of the other backend", "using it as it is")
        raise refusal(archive, already, held.writer)
    model = load_model(name, archive, held)
    resolution = resolution_of(archive, replace(held, backend=name))
    packed = load_backend(name).pack(model, resolution, home)
    _require_same(archive, held, packed)
    changes = dict.fromkeys(_BACKEND_SETTINGS, name)
    origin = Origin("conversion", "ptycho convert", f"ptycho convert --to {name}")
    moved = move(archive, held, home)
    try:
        settings = change_settings(moved.settings_toml, changes, f"{origin.kind}: {origin}")
    except ValueError as error:
        raise _unreadable(archive, held, error) from error
    return replace(
        packed,
        settings_toml=settings,
        provenance=change_provenance(held.provenance, changes, origin),
        converted_from=(*held.converted_from, held.writer),
    )


def move(archive: Path, held: Bundle, home: Path) -> Bundle:
    """Let the relative paths of a bundle's settings mean the same files from another folder.

    Raises:
        BundleError: Its settings are not as a run wrote them.
    """
    here = (archive if archive.is_dir() else archive.parent).absolute()
    try:
        return replace(held, settings_toml=move_paths(held.settings_toml, here, home.absolute()))
    except ValueError as error:
        raise _unreadable(archive, held, error) from error


def _unreadable(archive: Path, held: Bundle, error: ValueError) -> BundleError:
    what = f"holds settings that cannot be read: {error}"
    return refusal(archive, ArchiveError(what, "settings.toml as a run wrote it"), held.writer)


def _require_same(archive: Path, held: Bundle, packed: Bundle) -> None:
    """Make sure that the round through the other backend changed no number."""
    arrays = {"probe.npy": (held.probe, packed.probe)}
    arrays |= {name: (array, packed.weights[name]) for name, array in held.weights.items()}
    changed = sorted(name for name, pair in arrays.items() if not np.array_equal(*pair, equal_nan=True))
    for title in ("network", "normalisation"):
        now = getattr(packed, title)
        changed += [f"{title} {name}" for name, value in getattr(held, title).items() if now[name] != value]
    if changed:
        what = f"would not be the same for {packed.backend}: {', '.join(changed[:3])}"
        raise refusal(
            archive, ArchiveError(what, "the same numbers after the way there and back"), held.writer
        )
