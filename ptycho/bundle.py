"""The bundle ``wts.h5.zip``: a trained network with everything that is needed to use it again.

One layout for every backend. Opening a bundle runs no code: JSON, TOML text, one ``.npy`` without objects and
safetensors. Every member is named, bounded in size and checked against its sha256 before anything is parsed.

Members:
    manifest.json: format version, backend, creation time, package versions, network settings, and for each
        other member its size and sha256.
    settings.toml, provenance.json: the full resolution of the training run.
    scaling.json: the normalisation, so that inference repeats it.
    probe.npy: the probe modes after training, shape (P, N, N), complex64.
    weights.safetensors: the weights under canonical layer names.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.archive import BundleError, parse_modes, parse_table, read_bounded, refusal
from ptycho.atomic import replacing

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FILE_NAME", "Bundle", "BundleError", "locate", "read", "write"]

FILE_NAME = "wts.h5.zip"
FORMAT_VERSION = 1
MEMBERS = ("settings.toml", "provenance.json", "scaling.json", "probe.npy", "weights.safetensors")

_MANIFEST = "manifest.json"
_LARGEST_TEXT = 64 * 2**20
_LARGEST_ARRAYS = 8 * 2**30
_LIMITS = {
    _MANIFEST: _LARGEST_TEXT,
    "settings.toml": _LARGEST_TEXT,
    "provenance.json": _LARGEST_TEXT,
    "scaling.json": _LARGEST_TEXT,
    "probe.npy": _LARGEST_ARRAYS,
    "weights.safetensors": _LARGEST_ARRAYS,
}
_PACKAGES = ("ptychopinn", "numpy", "torch", "lightning", "tensorflow", "keras")


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


def write(path: Path, bundle: Bundle) -> None:
    """Write a bundle; the file appears whole or not at all.

    Args:
        path: The archive to write, by convention ``RUN_FOLDER/wts.h5.zip``.
        bundle: What to write; ``created`` and ``versions`` are filled in when empty.

    Raises:
        OSError: The folder cannot be written.
    """
    from safetensors.numpy import save

    probe = io.BytesIO()
    np.lib.format.write_array(probe, np.asarray(bundle.probe, dtype=np.complex64), allow_pickle=False)
    weights = {name: np.asarray(array, order="C") for name, array in sorted(bundle.weights.items())}
    contents = {
        "settings.toml": bundle.settings_toml.encode("utf-8"),
        "provenance.json": _to_json(bundle.provenance),
        "scaling.json": _to_json(bundle.normalisation),
        "probe.npy": probe.getvalue(),
        "weights.safetensors": save(weights),
    }
    manifest = {
        "format_version": FORMAT_VERSION,
        "backend": bundle.backend,
        "created": bundle.created or datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": bundle.versions or _package_versions(),
        "network": bundle.network,
        "members": {
            name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in contents.items()
        },
    }
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        archive.writestr(_MANIFEST, _to_json(manifest))
        for name, content in contents.items():
            archive.writestr(name, content)


def locate(model_path: Path) -> Path:
    """Find the archive that a path means: the archive itself, or the one in a run folder.

    A folder without an archive whose subfolders hold exactly one is taken to mean that one.

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
        path: The archive, as :func:`locate` finds it.

    Raises:
        BundleError: The file is no bundle, is damaged, or is of a format this version cannot read.
        OSError: The file cannot be opened.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _read_manifest(path, archive)
            contents = {name: _read_member(path, archive, name, manifest) for name in MEMBERS}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise refusal(
            path,
            f"is damaged: {error}",
            f"a {FILE_NAME} written by ptychopinn",
            "copying it again from where it was made, or training again",
        ) from error
    return _parse(path, manifest, contents)


def _parse(path: Path, manifest: dict[str, Any], contents: dict[str, bytes]) -> Bundle:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return Bundle(
            backend=str(manifest["backend"]),
            network=dict(manifest["network"]),
            normalisation=parse_table(contents["scaling.json"]),
            probe=parse_modes(contents["probe.npy"]),
            weights=load(contents["weights.safetensors"]),
            settings_toml=contents["settings.toml"].decode("utf-8"),
            provenance=_parse_provenance(contents["provenance.json"]),
            created=str(manifest["created"]),
            versions=dict(manifest["versions"]),
        )
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise refusal(
            path,
            f"cannot be understood: {type(error).__name__}: {error}",
            f"format {FORMAT_VERSION} of {FILE_NAME}",
            "training again with this version",
        ) from error


def _parse_provenance(content: bytes) -> dict[str, Any]:
    """Read the story of the settings, of which each must have a path and a value."""
    provenance = parse_table(content)
    for entry in provenance["settings"]:
        if not {"path", "value"} <= dict(entry).keys():
            raise ValueError(f"a setting without path or value: {entry}")
    return provenance


def _read_manifest(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    names = archive.namelist()
    if _MANIFEST not in names:
        pickled = [name for name in names if name.endswith((".dill", ".pkl", ".pickle"))]
        held = f"it holds pickles ({', '.join(pickled[:3])}), which are never opened"
        reason = held if pickled else "it has no manifest"
        raise refusal(
            path,
            f"is not a bundle of ptychopinn: {reason}",
            f"an archive with {_MANIFEST}",
            "training again with this version",
        )
    unknown = sorted(set(names) - set(_LIMITS))
    doubled = len(names) != len(set(names))
    if unknown or doubled:
        what = f"unknown members {', '.join(map(repr, unknown[:3]))}" if unknown else "a member twice"
        raise refusal(
            path, f"holds {what}", f"{_MANIFEST}, {', '.join(MEMBERS)}", "the file as `ptycho train` wrote it"
        )
    content = read_bounded(path, archive, _MANIFEST, _LIMITS[_MANIFEST])
    try:
        manifest = parse_table(content)
        versions = dict(manifest.get("versions", {}))
        version = manifest["format_version"]
        described = {name: (int(m["size"]), str(m["sha256"])) for name, m in manifest["members"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise refusal(
            path,
            f"has an unreadable {_MANIFEST}: {type(error).__name__}: {error}",
            f"format {FORMAT_VERSION} of {FILE_NAME}",
            "the file as `ptycho train` wrote it",
        ) from error
    if version != FORMAT_VERSION:
        release = versions.get("ptychopinn", "unknown")
        writer = f"ptychopinn {release} ({manifest.get('backend')})"
        raise refusal(
            path,
            f"has bundle format {version!r}, written by {writer}",
            f"format {FORMAT_VERSION}",
            "reading it with the version that wrote it",
        )
    missing = sorted((set(MEMBERS) - set(names)) | (set(MEMBERS) - set(described)))
    if missing:
        raise refusal(
            path,
            f"lacks {', '.join(missing)}",
            f"{_MANIFEST}, {', '.join(MEMBERS)}",
            "copying it again from where it was made",
        )
    return dict(manifest)


def _read_member(path: Path, archive: zipfile.ZipFile, name: str, manifest: dict[str, Any]) -> bytes:
    content = read_bounded(path, archive, name, _LIMITS[name])
    described = manifest["members"][name]
    if len(content) != described["size"] or hashlib.sha256(content).hexdigest() != described["sha256"]:
        raise refusal(
            path,
            f"is damaged: {name} is not what {_MANIFEST} describes",
            f"{described['size']} bytes with sha256 {described['sha256']}",
            "copying it again from where it was made",
        )
    return content


def _to_json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("utf-8")


def _package_versions() -> dict[str, str]:
    installed = {}
    for name in _PACKAGES:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed
