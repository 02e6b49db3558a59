"""A trained network out of its bundle, in the hands of either backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptycho.backends.base import load_backend
from ptycho.bundle.archive import refusal
from ptycho.files.archive import COPY_AGAIN, ArchiveError
from ptycho.run.bundle_layer import bundle_layer
from ptycho.run.resolve import resolve_layers
from ptyconf import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.bundle.archive import Bundle
    from ptyconf import Layer, Resolution


def settings_of(archive: Path, held: Bundle) -> Layer:
    """Give the layer of what a network was trained with, which must be settings that this version knows.

    Args:
        archive: The bundle's file, named in every origin and error.
        held: What the file holds.

    Raises:
        BundleError: One is unknown, or of a value that is refused; says who wrote it.
    """
    resolution_of(archive, held)
    return bundle_layer(archive, held)


def resolution_of(archive: Path, held: Bundle) -> Resolution:
    """Resolve what a network was trained with and nothing else; see `settings_of`.

    Raises:
        BundleError: A setting is unknown, or of a value that is refused; says who wrote it.
    """
    try:
        return resolve_layers([bundle_layer(archive, held)])
    except ConfigError as error:
        first, more = str(error.exceptions[0]).splitlines()[0], len(error.exceptions) - 1
        what = f"holds settings that cannot be used: {first}" + (f" (and {more} more)" if more else "")
        why = ArchiveError(what, "the settings of this version", "training again with this version")
        raise refusal(archive, why, held.writer) from error


def load_model(name: str, archive: Path, held: Bundle) -> Any:
    """Build a backend's network from a bundle, whichever backend wrote it.

    Args:
        name: ``pytorch`` or ``tensorflow``.
        archive: The bundle's file, named in errors.
        held: What the file holds.

    Returns:
        The model as the backend knows it.

    Raises:
        BundleError: The weights do not fit the network that the bundle describes; says who wrote it.
        BackendError: The framework is missing.
    """
    backend = load_backend(name)
    try:
        return backend.unpack(held)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        reason, *more = str(error).splitlines() or [type(error).__name__]
        found = [line.split(maxsplit=1)[1] for line in more if line.startswith("  found ")]
        what = f"does not fit {name}: {'; '.join([reason, *found])}"
        raise refusal(
            archive,
            ArchiveError(what, "the weights of the network that it describes", COPY_AGAIN),
            held.writer,
        ) from error
