"""A trained network out of its bundle, in the hands of either backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptycho.archive import COPY_AGAIN, ArchiveError
from ptycho.bundle import refusal
from ptycho.workflows.backends import load_backend

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.bundle import Bundle


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
