"""Bundles that somebody changed, and the whole text of what is said about them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from ptycho.bundle.archive import BundleError
from ptycho.bundle.read import read_bundle


def rewrite(path: Path, change: dict[str, bytes | None]) -> None:
    """Write the archive again with members replaced, added, or (None) left out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members.update({name: content for name, content in change.items() if content is not None})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if change.get(name, b"") is not None:
                archive.writestr(name, content)


WROTE = "ptychopinn 0.1.0, backend pytorch, 2026-11-24T08:00:00+00:00"


ALL_MEMBERS = "manifest.json, settings.toml, provenance.json, scaling.json, probe.npy, weights.safetensors"


AS_WRITTEN = "the file as `ptycho train` or `ptycho convert` wrote it"


COPY_AGAIN = "copying it again from where it was made"


def refusal_of(path: Path) -> str:
    """Give the whole message with which a bundle is refused."""
    with pytest.raises(BundleError) as caught:
        read_bundle(path)
    return str(caught.value)


def refusal_text(path: Path, what: str, expected: str, remedy: str) -> str:
    """Give the whole message about a bundle of which the writer is known."""
    return f"{path} {what}\n  written by  {WROTE}\n  expected    {expected}\n  try         {remedy}"


def refusal_without_writer(path: Path, what: str, expected: str, remedy: str) -> str:
    """Give the whole message about a bundle of which the writer is not known."""
    return f"{path} {what}\n  expected  {expected}\n  try       {remedy}"


def reseal(path: Path, name: str, content: bytes) -> None:
    """Put other content into a bundle, with the right size and sha256 in its manifest."""
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest["members"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    rewrite(path, {"manifest.json": json.dumps(manifest).encode(), name: content})
