"""The bundle ``wts.h5.zip``: a trained network with everything that is needed to use it again.

One layout for every backend. Opening a bundle runs no code: JSON, TOML text, one ``.npy`` without objects and
safetensors. Every member is named, bounded in size and checked against its sha256 before anything is parsed,
and every byte of the file belongs to one of them.

Members:
    manifest.json: format version, backend, creation time, package versions, network settings, what the bundle
        was converted from, and for each other member its size and sha256.
    settings.toml, provenance.json: the full resolution of the training run.
    scaling.json: the normalisation, so that inference repeats it.
    probe.npy: the probe modes after training, shape (P, N, N), complex64.
    weights.safetensors: the weights under canonical layer names.
"""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.bundle import folder as unpacked
from ptycho.bundle import manifest
from ptycho.bundle.manifest import FORMAT_VERSION, Manifest, Writer
from ptycho.bundle.probe import dump_modes, parse_modes
from ptycho.files import archive
from ptycho.files.archive import AS_WRITTEN, ArchiveError
from ptycho.files.atomic import replacing
from ptycho.files.strict_json import dump_table, parse_table
from ptyconf.sources import guard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import BinaryIO

    from numpy.typing import NDArray

__all__ = ["FILE_NAME", "Bundle", "BundleError", "locate", "read", "write"]

FILE_NAME = "wts.h5.zip"
MEMBERS = ("settings.toml", "provenance.json", "scaling.json", "probe.npy", "weights.safetensors")

LARGEST_SUM = 2 * 10**9
"""Bytes of all members together; below the size from which ZIP needs its 64-bit form."""

_LIMITS = {
    manifest.NAME: 2**20,
    "settings.toml": 2**21,
    "provenance.json": 2**24,
    "scaling.json": 2**20,
    "probe.npy": 2**28,
    "weights.safetensors": LARGEST_SUM,
}
_PICKLES = (".dill", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt")
_PACKED = (manifest.NAME, "settings.toml", "provenance.json", "scaling.json")
_LONGEST_NAME = 100
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)
_TRAIN_AGAIN = "training again with this version"


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

    @property
    def writer(self) -> Writer:
        """Who wrote it."""
        return Writer(self.backend, self.created, self.versions)

    @property
    def trained_by(self) -> Writer:
        """Who wrote the first bundle of this network: the one that the training left."""
        return self.converted_from[0] if self.converted_from else self.writer


def write(path: Path, bundle: Bundle) -> None:
    """Write a bundle; the file appears whole or not at all, and the same bundle gives the same bytes.

    Args:
        path: The archive to write, by convention ``RUN_FOLDER/wts.h5.zip``.
        bundle: What to write; ``created`` and ``versions`` are filled in when empty.

    Raises:
        BundleError: It is larger than what is read back, or holds values that are no numbers.
        OSError: The folder cannot be written.
    """
    from safetensors.numpy import save

    if bad := _not_finite({**bundle.weights, "probe.npy": bundle.probe}):
        raise BundleError(
            f"{path} would hold values that are NaN or infinite: {bad}\n"
            "  expected  finite numbers\n"
            "  try       looking at the training loss: did it diverge?"
        )
    weights = {name: np.asarray(array, order="C") for name, array in sorted(bundle.weights.items())}
    contents = {
        "settings.toml": bundle.settings_toml.encode("utf-8"),
        "provenance.json": dump_table(bundle.provenance),
        "scaling.json": dump_table(bundle.normalisation),
        "probe.npy": dump_modes(bundle.probe),
        "weights.safetensors": save(weights),
    }
    described = manifest.describe(contents)
    head = Manifest(bundle.writer.completed(), bundle.network, bundle.converted_from, described)
    contents = {manifest.NAME: head.content(), **contents}
    _require_readable(path, contents)
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", allowZip64=False) as packed:
        for name, content in contents.items():
            packed.writestr(*_packing(name, content), compresslevel=6)


def _packing(name: str, content: bytes) -> tuple[zipfile.ZipInfo, bytes]:
    """Choose how a member is packed: arrays hardly shrink, and texts may be all one letter."""
    info = zipfile.ZipInfo(name, _FIRST_DAY)
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    shrinks = name in _PACKED and len(content) <= archive.FREE_BYTES
    info.compress_type = zipfile.ZIP_DEFLATED if shrinks else zipfile.ZIP_STORED
    return info, content


def _require_readable(path: Path, contents: dict[str, bytes]) -> None:
    total = sum(len(content) for content in contents.values())
    limits = [(name, len(content), _LIMITS[name]) for name, content in contents.items()]
    for name, size, limit in [*limits, ("all members", total, LARGEST_SUM)]:
        if size > limit:
            raise BundleError(
                f"{path} would hold {size} bytes for {name}\n"
                f"  expected  at most {limit} bytes\n"
                "  try       a smaller n_filters_scale"
            )


def locate(model_path: Path) -> Path:
    """Find the archive that a path means: the archive itself, or the one in a run folder.

    A folder without an archive whose subfolders hold exactly one is taken to mean that one; a folder into
    which an archive was unpacked is taken for it.

    Raises:
        FileNotFoundError: Neither the path nor an archive in it exists.
    """
    model_path = Path(model_path)
    if model_path.is_file():
        return model_path
    if not model_path.is_dir():
        raise FileNotFoundError(
            f"Model directory does not exist: {model_path}\n"
            f"  expected  a run folder that holds {FILE_NAME}, or that file\n"
            "  try       the folder that `ptycho train` named at its end"
        )
    own = model_path / FILE_NAME
    if own.is_file():
        return own
    if (model_path / manifest.NAME).is_file():
        return model_path
    below = sorted(model_path.glob(f"*/{FILE_NAME}"))
    if len(below) == 1:
        return below[0]
    found = ", ".join(str(item.parent.name) for item in below) or "none"
    raise FileNotFoundError(
        f"Model archive not found: {own}\n"
        f"  expected  {FILE_NAME} there, or in exactly one of its subfolders (found: {found})\n"
        "  try       the folder that `ptycho train` named at its end"
    )


def read(path: Path) -> Bundle:
    """Read a bundle after checking every member's name, size and sha256.

    Args:
        path: The archive, as :func:`locate` finds it, or the folder into which one was unpacked.

    Raises:
        BundleError: The file is no bundle, is damaged, or is of a format this version cannot read.
        OSError: The file cannot be opened.
    """
    path = Path(path)
    if (path / manifest.NAME).is_file():
        try:
            return _accept(unpacked.read_files(path, _LIMITS, LARGEST_SUM))
        except ArchiveError as error:
            raise refusal(path, error, _writer_in(path)) from error
    if path.exists() and not path.is_file():
        raise refusal(path, ArchiveError("is no plain file", f"{FILE_NAME} of a run folder", "that file"))
    with path.open("rb") as stream:
        try:
            return _read(stream)
        except ArchiveError as error:
            raise refusal(path, error, _writer_of(stream)) from error


def refusal(path: Path, why: ArchiveError, writer: Writer | None = None) -> BundleError:
    """Make the error that a bundle cannot be used.

    Args:
        path: The archive.
        why: What is wrong with it.
        writer: Who wrote it, where that is known.
    """
    lines = [("expected", why.expected), ("try", why.remedy)]
    if writer is not None:
        lines.insert(0, ("written by", str(writer)))
    width = 10 if writer is not None else 8
    said = [f"  {name:<{width}}  {archive.printable(text)}" for name, text in lines]
    return BundleError("\n".join([f"{path} {archive.printable(str(why))}", *said]))


def _read(stream: BinaryIO) -> Bundle:
    members, directory_start = archive.read_directory(stream)
    _check_names(members)
    archive.check_layout(stream, members, directory_start)
    archive.check_sizes(members, _LIMITS, LARGEST_SUM)
    by_name = {member.title: member for member in members}
    contents = {manifest.NAME: archive.read_member(stream, by_name[manifest.NAME])}
    manifest.parse(contents[manifest.NAME], MEMBERS)
    contents |= {name: archive.read_member(stream, by_name[name]) for name in MEMBERS if name in by_name}
    return _accept(contents)


def _accept(contents: dict[str, bytes]) -> Bundle:
    """Take the members for a bundle when all are there as the manifest describes them."""
    head = manifest.parse(contents[manifest.NAME], MEMBERS)
    if missing := sorted(set(MEMBERS) - set(contents)):
        raise ArchiveError(f"lacks {', '.join(missing)}", ", ".join((manifest.NAME, *MEMBERS)))
    return _parse(head, {name: head.check(name, contents[name]) for name in MEMBERS})


def _check_names(members: Sequence[archive.Member]) -> None:
    """Refuse every member that the layout does not know, and say what it is."""
    names = [member.title for member in members]
    if manifest.NAME not in names:
        pickled = [name for name in names if name.lower().endswith(_PICKLES)]
        shown = ", ".join(archive.printable(name, _LONGEST_NAME) for name in pickled[:3])
        held = f"it holds pickles ({shown}), which are never opened"
        reason = held if pickled else "it has no manifest"
        expected = f"an archive with {manifest.NAME}"
        raise ArchiveError(f"is not a bundle of ptychopinn: {reason}", expected, _TRAIN_AGAIN)
    unknown = [name for name in names if name not in _LIMITS]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if unknown or twice:
        shown = archive.printable(unknown[0], _LONGEST_NAME) if unknown else twice[0]
        what = f"{shown!r}, {archive.kind_of_name(unknown[0])}" if unknown else f"{shown} twice"
        raise ArchiveError(f"holds {what}", ", ".join((manifest.NAME, *MEMBERS)), AS_WRITTEN)


def _writer_of(stream: BinaryIO) -> Writer | None:
    """Find out who wrote an archive that cannot be read, from the member at its beginning."""
    try:
        member = archive.read_first(stream)
        archive.check_sizes([member], _LIMITS, LARGEST_SUM)
        return Writer.from_dict(parse_table(archive.read_member(stream, member)))
    except (ValueError, KeyError, TypeError):
        return None


def _writer_in(folder: Path) -> Writer | None:
    """Find out who wrote an archive that somebody unpacked."""
    name = manifest.NAME
    try:
        found = unpacked.read_files(folder, {name: _LIMITS[name]}, LARGEST_SUM)
        return Writer.from_dict(parse_table(found[name]))
    except (ValueError, KeyError, TypeError, OSError):
        return None


def _parse(head: Manifest, contents: dict[str, bytes]) -> Bundle:
    from safetensors import SafetensorError

    try:
        return Bundle(
            backend=head.writer.backend,
            network=head.network,
            normalisation=parse_table(contents["scaling.json"]),
            probe=parse_modes(contents["probe.npy"]),
            weights=_parse_weights(contents["weights.safetensors"]),
            settings_toml=_parse_settings(contents["settings.toml"]),
            provenance=_parse_provenance(contents["provenance.json"]),
            created=head.writer.created,
            versions=head.writer.versions,
            converted_from=head.converted_from,
        )
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        what = f"cannot be understood: {type(error).__name__}: {error}"
        raise ArchiveError(what, f"format {FORMAT_VERSION} of {FILE_NAME}", _TRAIN_AGAIN) from error


def _parse_weights(content: bytes) -> dict[str, NDArray[Any]]:
    """Read the weights: a complex probe, everything else real numbers or masks."""
    from safetensors.numpy import load

    weights: dict[str, NDArray[Any]] = load(content)
    for name, array in weights.items():
        if array.dtype.kind not in ("c" if name == "probe" else "fb"):
            raise TypeError(f"the weight {name} is of type {array.dtype}")
    if bad := _not_finite(weights):
        raise ValueError(f"{bad} holds values that are NaN or infinite")
    return weights


def _not_finite(arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """Name the first array with a value that is no number."""
    return next((name for name, array in arrays.items() if not np.isfinite(array).all()), None)


def _parse_provenance(content: bytes) -> dict[str, Any]:
    """Read the story of the settings, of which each must have a path and a value."""
    provenance = parse_table(content)
    for entry in provenance["settings"]:
        if not {"path", "value"} <= dict(entry).keys():
            raise ValueError(f"a setting without path or value: {entry}")
        if not isinstance(entry["path"], str):
            raise TypeError(f"a setting whose path is a {type(entry['path']).__name__}")
    return provenance


def _parse_settings(content: bytes) -> str:
    """Give the text of the settings, which must be TOML that no parser comes to harm with."""
    text = content.decode("utf-8")
    guard.parse(text)
    return text
