"""A trained network out of its bundle: opened in one place and resolved once, for either backend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ptycho.backends.base import load_backend
from ptycho.bundle.archive import FILE_NAME, MissingBundleError, locate, refusal
from ptycho.bundle.read import read_bundle
from ptycho.files.archive import COPY_AGAIN, ArchiveError
from ptycho.reconstruction.retrieved_picture import read_pictures
from ptycho.run.attempts import attempts_at, run_of
from ptycho.run.bundle_layer import bundle_layer
from ptycho.run.identity import made_without_network
from ptycho.run.resolve import resolve_layers
from ptyconf import ConfigError
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.bundle.archive import Bundle
    from ptyconf import Layer, Resolution


@dataclass(frozen=True)
class OpenedBundle:
    """A bundle that was opened, with settings that this version knows.

    Attributes:
        archive: The bundle's file, named in every origin and error.
        bundle: What the file holds.
        layer: What the network was trained with, for the settings of a reconstruction.
        settings: Those settings and nothing else, resolved.
        elsewhere: Whether it is used for another scan than it learned from, whatever the file is called.
    """

    archive: Path
    bundle: Bundle
    layer: Layer
    settings: Resolution
    elsewhere: bool = False

    @property
    def folder(self) -> Path:
        """The folder that it lies in, or into which it was unpacked."""
        return self.archive if self.archive.is_dir() else self.archive.parent

    def for_another_scan(self) -> OpenedBundle:
        """Leave out what the settings say of the files of its training: positions and the like."""
        layer = bundle_layer(self.archive, self.bundle, same_scan=False)
        return replace(self, layer=layer, settings=resolve_layers([layer]), elsewhere=True)

    def load(self, backend: str) -> Any:
        """Build the network in a backend's hands, whichever backend wrote it.

        Args:
            backend: Name of the backend.

        Returns:
            The model as the backend knows it, with the pictures that its training retrieved.

        Raises:
            ValueError: One of these is damaged.
            BundleError: The weights do not fit the network that the bundle describes; says who wrote it.
            BackendError: The framework is missing.
        """
        library = load_backend(backend)
        try:
            model = library.unpack(self.bundle)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            reason, *more = str(error).splitlines() or [type(error).__name__]
            shapes = [line.split(maxsplit=1)[1] for line in more if line.startswith("  found ")]
            what = f"does not fit {backend}: {'; '.join([reason, *shapes])}"
            why = ArchiveError(what, "the weights of the network that it describes", COPY_AGAIN)
            raise refusal(self.archive, why, self.bundle.writer) from error
        return model if self.elsewhere else replace(model, retrieved=read_pictures(self.folder))


def open_network(path: Path) -> OpenedBundle:
    """Open the bundle that a path means.

    Args:
        path: A run folder, or the archive in it.

    Raises:
        FileNotFoundError: There is no bundle.
        BundleError: It cannot be read, or one of its settings is unknown or of a value that is refused; says
            who wrote it.
    """
    if made_without_network(path):
        raise MissingBundleError(
            error_text(
                f"{path} was made without a network",
                expected="a run folder that `ptycho train` made",
                hint="ptycho reconstruct SCAN, which needs none",
            )
        )
    if path.suffix == ".ckpt" and path.is_file():
        command = "infer" if (path.parent / FILE_NAME).is_file() else "finish"
        raise MissingBundleError(
            error_text(
                f"{path} is a checkpoint, from which a training goes on, and no bundle",
                expected=f"a run folder that holds {FILE_NAME}",
                hint=f"ptycho {command} {path.parent}",
            )
        )
    try:
        archive = locate(path)
    except MissingBundleError as error:
        raise _unfinished(path, error) from error
    return with_settings(archive, read_bundle(archive))


def _unfinished(path: Path, missing: MissingBundleError) -> MissingBundleError:
    """Tell of a training that would leave the bundle that is missing, where there is one."""
    attempt = next(iter(attempts_at(run_of(path))), None)
    if attempt is None:
        return missing
    return MissingBundleError(
        error_text(
            str(missing).partition("\n")[0],
            details={"unfinished": f"a training left {attempt.checkpoint}"},
            expected=f"a training that is done, which leaves {FILE_NAME}",
            hint=f"ptycho finish {run_of(path)}",
        )
    )


def with_settings(archive: Path, bundle: Bundle) -> OpenedBundle:
    """Resolve what a network was trained with.

    Raises:
        BundleError: A setting is unknown, or of a value that is refused; says who wrote it.
    """
    layer = bundle_layer(archive, bundle)
    try:
        return OpenedBundle(archive, bundle, layer, resolve_layers([layer]))
    except ConfigError as error:
        first, more = str(error.exceptions[0]).splitlines()[0], len(error.exceptions) - 1
        what = f"holds settings that cannot be used: {first}" + (f" (and {more} more)" if more else "")
        why = ArchiveError(what, "the settings of this version", "training again with this version")
        raise refusal(archive, why, bundle.writer) from error
