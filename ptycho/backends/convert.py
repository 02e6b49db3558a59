"""A trained network in another backend's hands: the same numbers, proven to fit, under its name.

It stands here and not with the bundle, for it needs the other backend's network to prove that they fit.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.bundle.archive import refusal
from ptycho.bundle.settings_file import change_provenance, change_settings, move_paths
from ptycho.files.archive import ArchiveError
from ptyconf import Origin

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.backends.trained_network import OpenedBundle
    from ptycho.bundle.archive import Bundle, BundleError

_BACKEND_SETTINGS = ("training.backend", "inference.backend")


def convert(trained: OpenedBundle, backend: str, home: Path) -> Bundle:
    """Load a bundle into another backend's network and write down what that network holds.

    Args:
        trained: The bundle; the relative paths of its settings are seen from its folder.
        backend: The backend that the new bundle is for.
        home: The folder in which the new bundle will lie.

    Returns:
        The new bundle: the same weights, scales, probe and settings but for the backend, and the story.

    Raises:
        BundleError: It is that backend's already, or its weights do not fit.
        BackendError: The framework is missing.
    """
    old = trained.bundle
    if old.backend == backend:
        what = f"is for {backend} already"
        raise _refuse(trained, ArchiveError(what, "a bundle of the other backend", "using it as it is"))
    new = load_backend(backend).pack(trained.load(backend), trained.settings, home)
    _require_same(trained, new)
    changes = dict.fromkeys(_BACKEND_SETTINGS, backend)
    origin = Origin("conversion", "ptycho convert", f"ptycho convert --to {backend}")
    moved = move(trained, home)
    try:
        settings = change_settings(moved.settings_toml, changes, f"{origin.kind}: {origin}")
    except ValueError as error:
        raise _unreadable(trained, error) from error
    return replace(
        new,
        settings_toml=settings,
        provenance=change_provenance(old.provenance, changes, origin),
        converted_from=(*old.converted_from, old.writer),
        scans=old.scans,
    )


def move(trained: OpenedBundle, home: Path) -> Bundle:
    """Let the relative paths of a bundle's settings mean the same files from another folder.

    Raises:
        BundleError: Its settings are not as a run wrote them.
    """
    bundle = trained.bundle
    here, there = trained.folder.absolute(), home.absolute()
    try:
        return replace(bundle, settings_toml=move_paths(bundle.settings_toml, here, there))
    except ValueError as error:
        raise _unreadable(trained, error) from error


def _refuse(trained: OpenedBundle, why: ArchiveError) -> BundleError:
    return refusal(trained.archive, why, trained.bundle.writer)


def _unreadable(trained: OpenedBundle, error: ValueError) -> BundleError:
    what = f"holds settings that cannot be read: {error}"
    return _refuse(trained, ArchiveError(what, "settings.toml as a run wrote it"))


def _require_same(trained: OpenedBundle, new: Bundle) -> None:
    """Make sure that the round through the other backend changed no number."""
    old = trained.bundle
    arrays = {"probe.npy": (old.probe, new.probe)}
    arrays |= {name: (array, new.weights[name]) for name, array in old.weights.items()}
    changed = sorted(name for name, pair in arrays.items() if not np.array_equal(*pair, equal_nan=True))
    for title in ("network", "normalisation"):
        now = getattr(new, title)
        changed += [f"{title} {name}" for name, value in getattr(old, title).items() if now[name] != value]
    if changed:
        what = f"would not be the same for {new.backend}: {', '.join(changed[:3])}"
        raise _refuse(trained, ArchiveError(what, "the same numbers after the way there and back"))
