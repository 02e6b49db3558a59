"""The manifest of a bundle: who wrote it, what the network is made of, a checksum of every other member."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any, Self

from ptycho.files.archive import AS_WRITTEN, ArchiveError, printable
from ptycho.files.strict_json import dump_table, parse_table
from ptycho.settings.registries import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = 1
NAME = "manifest.json"

_PACKAGES = ("ptychopinn", "numpy", "torch", "lightning", "tensorflow", "keras", "safetensors")
_LONGEST_WORD = 60
_LARGEST_SETTING = 4096


@dataclass(frozen=True)
class Writer:
    """Who wrote a bundle.

    Attributes:
        backend: ``pytorch`` or ``tensorflow``.
        created: ISO 8601 time, UTC; empty means now.
        versions: Versions of the packages; empty means those that are installed.
    """

    backend: str
    created: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        release = self.versions.get("ptychopinn", "of unknown version")
        when = f", {_word(self.created)}" if self.created else ""
        return f"ptychopinn {_word(release)}, backend {_word(self.backend)}{when}"

    def completed(self) -> Writer:
        """Fill in the time and the packages of this process where they are empty."""
        created = self.created or datetime.now(UTC).isoformat(timespec="seconds")
        return Writer(self.backend, created, self.versions or _installed())

    def as_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        return {"backend": self.backend, "created": self.created, "versions": self.versions}

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Read what :meth:`as_dict` gave, out of a table that may say more.

        Raises:
            KeyError: Something is missing.
            TypeError: Something is of another kind.
        """
        backend, created, versions = table["backend"], table["created"], table["versions"]
        texts = [backend, created, *versions, *versions.values()] if isinstance(versions, dict) else [None]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("backend, created and versions must be text")
        return cls(backend, created, dict(versions))


@dataclass(frozen=True)
class Manifest:
    """What the manifest says.

    Attributes:
        writer: Who wrote the bundle.
        network: The settings that the network was built with.
        converted_from: Who wrote the bundles that this one was converted from, the oldest first.
        members: Size and sha256 of every other member.
        scans: Fingerprints of the scans that the network learned from.
    """

    writer: Writer
    network: dict[str, Any]
    converted_from: tuple[Writer, ...]
    members: dict[str, tuple[int, str]]
    scans: tuple[str, ...] = ()

    def content(self) -> bytes:
        """Give the bytes of the manifest."""
        converted = [writer.as_dict() for writer in self.converted_from]
        members = {name: {"size": size, "sha256": digest} for name, (size, digest) in self.members.items()}
        table: dict[str, Any] = {"format_version": FORMAT_VERSION, **self.writer.as_dict()}
        table |= {"network": self.network, "members": members}
        if converted:
            table["converted_from"] = converted
        if self.scans:
            table["scans"] = list(self.scans)
        return dump_table(table)

    def check(self, name: str, content: bytes) -> bytes:
        """Give the content back when it is the one that was written.

        Raises:
            ArchiveError: It is another.
        """
        size, digest = self.members[name]
        if (len(content), hashlib.sha256(content).hexdigest()) != (size, digest):
            raise ArchiveError(
                f"is damaged: {name} is not what {NAME} describes", f"{size} bytes with sha256 {digest}"
            )
        return content


def describe(contents: Mapping[str, bytes]) -> dict[str, tuple[int, str]]:
    """Give size and sha256 of every content."""
    return {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in contents.items()}


def parse(content: bytes, names: tuple[str, ...]) -> Manifest:
    """Read a manifest.

    Args:
        content: Its bytes.
        names: The members that it must describe.

    Raises:
        ArchiveError: It cannot be read, or is of another format.
    """
    try:
        table = parse_table(content)
        version = table["format_version"]
        if version == FORMAT_VERSION:
            return _parse_format_1(table, names)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ArchiveError):
            raise
        what = f"has an unreadable {NAME}: {type(error).__name__}: {error}"
        raise ArchiveError(what, f"format {FORMAT_VERSION}", AS_WRITTEN) from error
    raise ArchiveError(
        f"has bundle format {version!r}",
        f"format {FORMAT_VERSION}",
        "reading it with the version that wrote it",
    )


def _parse_format_1(table: dict[str, Any], names: tuple[str, ...]) -> Manifest:
    described = {name: (int(entry["size"]), str(entry["sha256"])) for name, entry in table["members"].items()}
    if missing := sorted(set(names) - set(described)):
        raise ArchiveError(f"has a {NAME} without {', '.join(missing)}", ", ".join(names), AS_WRITTEN)
    writer = Writer.from_dict(table)
    if writer.backend not in BACKENDS:
        raise ArchiveError(
            f"was written for the backend {_word(writer.backend)!r}",
            " or ".join(BACKENDS),
            "reading it with the version that wrote it",
        )
    converted = tuple(Writer.from_dict(entry) for entry in table.get("converted_from", ()))
    scans = tuple(_word(str(scan)) for scan in list(table.get("scans", ())))
    return Manifest(writer, _parse_network(table["network"]), converted, described, scans)


def _parse_network(network: Any) -> dict[str, Any]:
    for name, value in dict(network).items():
        if not isinstance(value, (bool, int, float, str)):
            raise TypeError(f"network setting {name!r} is a {type(value).__name__}")
        if not isinstance(value, str) and abs(value) > _LARGEST_SETTING:
            raise ValueError(f"network setting {name!r} is larger than {_LARGEST_SETTING}")
    return dict(network)


def _word(text: str) -> str:
    return printable(text, _LONGEST_WORD)


def _installed() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions
