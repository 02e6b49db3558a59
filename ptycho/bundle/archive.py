"""The archive ``wts.h5.zip``: a trained network with everything that is needed to use it again.

One layout for every backend. Opening a bundle runs no code: JSON, TOML text, one ``.npy`` without objects and
safetensors. Every member is named, bounded in size and checked against its sha256 before anything is parsed,
and every byte of the file belongs to one of them. `read` and `write` hold the two directions.

Members:
    manifest.json: format version, backend, creation time, package versions, network settings, what the bundle
        was converted from, and for each other member its size and sha256.
    settings.toml, provenance.json: the full resolution of the training run.
    scaling.json: the normalisation, so that inference repeats it.
    probe.npy: the probe modes after training, shape (P, N, N), complex64.
    weights.safetensors: the weights under canonical layer names.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.bundle import manifest
from ptycho.bundle.manifest import Writer
from ptycho.files.archive import ArchiveError, printable
from ptycho.zoo.every_scan import PACKAGED
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FILE_NAME = "wts.h5.zip"
MEMBERS = ("settings.toml", "provenance.json", "scaling.json", "probe.npy", "weights.safetensors")

LARGEST_SUM = 2 * 10**9
"""Bytes of all members together; below the size from which ZIP needs its 64-bit form."""

LIMITS = {
    manifest.NAME: 2**20,
    "settings.toml": 2**21,
    "provenance.json": 2**24,
    "scaling.json": 2**20,
    "probe.npy": 2**28,
    "weights.safetensors": LARGEST_SUM,
}
"""Largest size of each member in bytes, by name."""


class BundleError(ValueError):
    """A bundle that cannot be read; the message says what is wrong, who wrote it and what to try."""


@dataclass(frozen=True)
class Bundle:
    """A trained network at rest.

    Attributes:
        backend: Which backend wrote it, ``pytorch`` or ``tensorflow``.
        network: The settings that the network was built with, plain JSON values.
        normalisation: What turns measured amplitudes into network input, plain JSON values.
        probe: Probe modes after training in the network's normalisation, shape (P, N, N), complex64.
        weights: Arrays by canonical layer name.
        settings_toml: The resolved settings of the training run.
        provenance: The JSON report of that resolution.
        created: ISO 8601 time of writing, UTC.
        versions: Package versions at writing.
        converted_from: Who wrote the bundles that this one was converted from, the oldest first.
        scans: Fingerprints of the scans that the network learned from; empty where nobody knows.
    """

    backend: str
    network: dict[str, Any]
    normalisation: dict[str, Any]
    probe: NDArray[np.complex64]
    weights: dict[str, NDArray[Any]]
    settings_toml: str
    provenance: dict[str, Any]
    created: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    converted_from: tuple[Writer, ...] = ()
    scans: tuple[str, ...] = ()

    @property
    def writer(self) -> Writer:
        """Who wrote it."""
        return Writer(self.backend, self.created, self.versions)

    @property
    def trained_by(self) -> Writer:
        """Who wrote the first bundle of this network: the one that the training left."""
        return self.converted_from[0] if self.converted_from else self.writer


def not_finite(arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """Name the first array with a value that is no number."""
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)


class MissingBundleError(FileNotFoundError, ValueError):
    """There is no bundle: no such file to one client, no such model to another; both catch it."""


def locate(model_path: Path) -> Path:
    """Find the archive that a path means: the archive itself, or the one in a run folder.

    A folder without an archive whose subfolders hold exactly one is taken to mean that one; a folder into
    which an archive was unpacked is taken for it.

    Raises:
        MissingBundleError: Neither the path nor an archive in it exists.
    """
    model_path = Path(model_path)
    if model_path.is_file():
        return model_path
    if not model_path.is_dir():
        raise MissingBundleError(
            error_text(
                f"Model directory does not exist: {model_path}",
                expected=f"a run folder that holds {FILE_NAME}, or that file",
                hint="the folder that `ptycho train` named at its end, or a network that needs no training: "
                f"{', '.join(PACKAGED)}",
            )
        )
    own = model_path / FILE_NAME
    if own.is_file():
        return own
    if (model_path / manifest.NAME).is_file():
        return model_path
    below = sorted(model_path.glob(f"*/{FILE_NAME}"))
    if len(below) == 1:
        return below[0]
    others = ", ".join(str(item.parent.name) for item in below) or "none"
    raise MissingBundleError(
        error_text(
            f"Model archive not found: {own}",
            expected=f"{FILE_NAME} there, or in exactly one of its subfolders (found: {others})",
            hint="the folder that `ptycho train` named at its end",
        )
    )


def refusal(path: Path, why: ArchiveError, writer: Writer | None = None) -> BundleError:
    """Make the error that a bundle cannot be used.

    Args:
        path: The archive.
        why: What is wrong with it.
        writer: Who wrote it, where that is known.
    """
    text = error_text(
        f"{path} {printable(str(why))}",
        details={} if writer is None else {"written by": printable(str(writer))},
        expected=printable(why.expected),
        hint=printable(why.remedy),
    )
    return BundleError(text)
