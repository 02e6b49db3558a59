"""Read a bundle: names, sizes and sums are checked before a byte of it is parsed, and no code of it runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptycho.bundle import manifest
from ptycho.bundle.archive import FILE_NAME, LARGEST_SUM, LIMITS, MEMBERS, Bundle, not_finite, refusal
from ptycho.bundle.extracted import read_files
from ptycho.bundle.manifest import FORMAT_VERSION, Manifest, Writer
from ptycho.bundle.probe_modes import parse_modes
from ptycho.files import archive
from ptycho.files.archive import AS_WRITTEN, ArchiveError
from ptycho.files.strict_json import parse_table
from ptyconf.text import toml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from numpy.typing import NDArray

_PICKLES = (".dill", ".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt")
_LONGEST_NAME = 100
_TRAIN_AGAIN = "training again with this version"


def read_bundle(path: Path) -> Bundle:
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
            return _bundle_of(read_files(path, LIMITS, LARGEST_SUM))
        except ArchiveError as error:
            raise refusal(path, error, _writer_in(path)) from error
    if path.exists() and not path.is_file():
        raise refusal(path, ArchiveError("is no plain file", f"{FILE_NAME} of a run folder", "that file"))
    with path.open("rb") as stream:
        try:
            return _read(stream)
        except ArchiveError as error:
            raise refusal(path, error, _writer_of(stream)) from error


def _read(stream: BinaryIO) -> Bundle:
    members, directory_start = archive.read_directory(stream)
    _check_names(members)
    archive.check_layout(stream, members, directory_start)
    archive.check_sizes(members, LIMITS, LARGEST_SUM)
    by_name = {member.title: member for member in members}
    contents = {manifest.NAME: archive.read_member(stream, by_name[manifest.NAME])}
    manifest.parse(contents[manifest.NAME], MEMBERS)
    contents |= {name: archive.read_member(stream, by_name[name]) for name in MEMBERS if name in by_name}
    return _bundle_of(contents)


def _bundle_of(contents: dict[str, bytes]) -> Bundle:
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
        pickles = f"it holds pickles ({shown}), which are never opened"
        reason = pickles if pickled else "it has no manifest"
        expected = f"an archive with {manifest.NAME}"
        raise ArchiveError(f"is not a bundle of ptychopinn: {reason}", expected, _TRAIN_AGAIN)
    unknown = [name for name in names if name not in LIMITS]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if unknown or twice:
        shown = archive.printable(unknown[0], _LONGEST_NAME) if unknown else twice[0]
        what = f"{shown!r}, {archive.kind_of_name(unknown[0])}" if unknown else f"{shown} twice"
        raise ArchiveError(f"holds {what}", ", ".join((manifest.NAME, *MEMBERS)), AS_WRITTEN)


def _writer_of(stream: BinaryIO) -> Writer | None:
    """Find out who wrote an archive that cannot be read, from the member at its beginning."""
    try:
        member = archive.read_first(stream)
        archive.check_sizes([member], LIMITS, LARGEST_SUM)
        return Writer.from_dict(parse_table(archive.read_member(stream, member)))
    except (ValueError, KeyError, TypeError):
        return None


def _writer_in(folder: Path) -> Writer | None:
    """Find out who wrote an archive that somebody unpacked."""
    name = manifest.NAME
    try:
        members = read_files(folder, {name: LIMITS[name]}, LARGEST_SUM)
        return Writer.from_dict(parse_table(members[name]))
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
            scans=head.scans,
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
    if bad := not_finite(weights):
        raise ValueError(f"{bad} holds values that are NaN or infinite")
    return weights


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
    toml.parse(text)
    return text
