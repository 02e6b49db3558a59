"""The manifest says who wrote a bundle, and what it says is checked before it is used."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ptycho.bundle import manifest
from ptycho.bundle.manifest import Manifest, Writer
from ptycho.files.archive import AS_WRITTEN, COPY_AGAIN, ArchiveError

TORCH = Writer("pytorch", "2026-11-24T08:00:00+00:00", {"ptychopinn": "0.1.0", "torch": "2.13.0"})
KERAS = Writer("tensorflow", "2026-11-24T09:00:00+00:00", {"ptychopinn": "0.1.0", "keras": "3.15.1"})
CONTENTS = {"probe.npy": b"probe", "scaling.json": b"{}"}
NAMES = tuple(CONTENTS)
WHOLE = Manifest(KERAS, {"N": 64, "architecture": "unet"}, (TORCH,), manifest.describe(CONTENTS))


def changed(**values: Any) -> bytes:
    """Give a manifest in which keys are replaced, or (None) left out."""
    table = json.loads(WHOLE.content()) | values
    return json.dumps({key: value for key, value in table.items() if value is not None}).encode()


def test_a_manifest_comes_back() -> None:
    """Reading is the inverse of writing, with the story of its conversions."""
    assert manifest.parse(WHOLE.content(), NAMES) == WHOLE


def test_a_writer_names_package_backend_and_time() -> None:
    """One line tells who wrote a bundle."""
    assert str(TORCH) == "ptychopinn 0.1.0, backend pytorch, 2026-11-24T08:00:00+00:00"
    assert str(Writer("pytorch")) == "ptychopinn of unknown version, backend pytorch"


def test_a_writer_cannot_disturb_a_message() -> None:
    """Words out of a file of unknown origin are short and hold no control characters."""
    hostile = Writer("\x1b[2J", "\n" * 100, {"ptychopinn": "9" * 100})
    assert str(hostile) == f"ptychopinn {'9' * 60}..., backend \\x1b[2J, {chr(92) + 'n'}" + "\\n" * 29 + "..."


def test_a_writer_fills_in_what_is_installed() -> None:
    """Without time and versions it is this process, now; what is given stays."""
    now = Writer("pytorch").completed()
    assert now.versions["numpy"] == np.__version__
    assert now.versions["python"].startswith("3.")
    assert now.created.endswith("+00:00")
    assert TORCH.completed() == TORCH


@pytest.mark.parametrize(
    ("content", "what", "expected"),
    [
        (changed(format_version=9), "has bundle format 9", "format 1"),
        (
            changed(format_version=True, members=None),
            "has an unreadable manifest.json: KeyError: 'members'",
            "format 1",
        ),
        (
            changed(format_version=None),
            "has an unreadable manifest.json: KeyError: 'format_version'",
            "format 1",
        ),
        (changed(backend=None), "has an unreadable manifest.json: KeyError: 'backend'", "format 1"),
        (
            changed(backend=["pytorch"]),
            "has an unreadable manifest.json: TypeError: backend, created and versions must be text",
            "format 1",
        ),
        (changed(backend="jax"), "was written for the backend 'jax'", "pytorch or tensorflow"),
        (
            changed(members={"probe.npy": {"size": 5, "sha256": ""}}),
            "has a manifest.json without scaling.json",
            "probe.npy, scaling.json",
        ),
        (
            changed(members={"probe.npy": 5}),
            "has an unreadable manifest.json: TypeError: 'int' object is not subscriptable",
            "format 1",
        ),
        (changed(members=[]), "has an unreadable manifest.json: AttributeError: ", "format 1"),
        (
            changed(network={"N": [64]}),
            "has an unreadable manifest.json: TypeError: network setting 'N' is a list",
            "format 1",
        ),
        (
            changed(network={"gridsize": 10**30}),
            "has an unreadable manifest.json: ValueError: network setting 'gridsize' is larger than 4096",
            "format 1",
        ),
        (
            changed(converted_from=[{"backend": "pytorch"}]),
            "has an unreadable manifest.json: KeyError: 'created'",
            "format 1",
        ),
        (b"{}{}", "has an unreadable manifest.json: JSONDecodeError: Extra data", "format 1"),
    ],
)
def test_a_bad_manifest_is_refused(content: bytes, what: str, expected: str) -> None:
    """What is missing, of another kind or of another version is named."""
    with pytest.raises(ArchiveError) as caught:
        manifest.parse(content, NAMES)
    assert str(caught.value).startswith(what)
    assert caught.value.expected == expected
    assert caught.value.remedy in {AS_WRITTEN, "reading it with the version that wrote it"}


@pytest.mark.parametrize("content", [b"prob", b"probE"])
def test_another_content_is_noticed(content: bytes) -> None:
    """Size and sha256 must be those of the manifest."""
    assert WHOLE.check("probe.npy", b"probe") == b"probe"
    with pytest.raises(ArchiveError) as caught:
        WHOLE.check("probe.npy", content)
    assert str(caught.value) == "is damaged: probe.npy is not what manifest.json describes"
    assert caught.value.expected == f"5 bytes with sha256 {manifest.describe(CONTENTS)['probe.npy'][1]}"
    assert caught.value.remedy == COPY_AGAIN
