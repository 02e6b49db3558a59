"""A bad bundle is refused with a reason, whatever is wrong with it."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ptycho.bundle.archive import FILE_NAME, LIMITS, Bundle, BundleError
from ptycho.bundle.read import read_bundle
from ptycho.bundle.write import write_bundle

from .damage import (
    ALL_MEMBERS,
    AS_WRITTEN,
    COPY_AGAIN,
    refusal_of,
    refusal_text,
    refusal_without_writer,
    reseal,
    rewrite,
)


def test_a_changed_member_is_noticed(tmp_path: Path, trained: Bundle) -> None:
    """A member that differs from its sha256 is refused before it is parsed."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("manifest.json"))["members"]["scaling.json"]
    rewrite(path, {"scaling.json": b"{}"})
    assert refusal_of(path) == refusal_text(
        path,
        "is damaged: scaling.json is not what manifest.json describes",
        f"{described['size']} bytes with sha256 {described['sha256']}",
        COPY_AGAIN,
    )


def test_a_truncated_bundle_still_names_its_writer(tmp_path: Path, trained: Bundle) -> None:
    """The manifest comes first: what is left of a cut file says who wrote it, as long as that is there."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert refusal_of(path) == refusal_text(
        path, "is damaged: it ends before its directory", AS_WRITTEN, COPY_AGAIN
    )
    path.write_bytes(whole[:100])
    assert refusal_of(path) == refusal_without_writer(
        path, "is damaged: it ends before its directory", AS_WRITTEN, COPY_AGAIN
    )
    path.write_bytes(b"")
    assert refusal_of(path) == refusal_without_writer(path, "is no ZIP archive", AS_WRITTEN, COPY_AGAIN)


def test_a_padded_bundle_is_refused(tmp_path: Path, trained: Bundle) -> None:
    """Bytes after the end or before the beginning are damage."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(1000))
    assert refusal_of(path) == refusal_text(
        path, "is damaged: it holds 1000 bytes after its end", "nothing after it", COPY_AGAIN
    )
    path.write_bytes(b"#!/bin/sh\n" + whole)
    assert refusal_of(path) == refusal_without_writer(
        path,
        "is damaged: it holds 10 bytes before its beginning",
        "nothing but the archive in the file",
        COPY_AGAIN,
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../evil.py", "a path that leaves the archive"),
        ("/etc/passwd", "an absolute path"),
        ("weights/", "a folder"),
        ("extra.txt", "which is no member of a bundle"),
    ],
)
def test_an_unknown_member_is_refused(tmp_path: Path, trained: Bundle, name: str, kind: str) -> None:
    """Only the members of the layout may be in the archive."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    rewrite(path, {name: b"x"})
    assert refusal_of(path) == refusal_text(path, f"holds {name!r}, {kind}", ALL_MEMBERS, AS_WRITTEN)


def test_a_member_twice_is_refused(tmp_path: Path, trained: Bundle) -> None:
    """Two members of one name would be two truths."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("scaling.json", b"{}")
    assert refusal_of(path) == refusal_text(path, "holds scaling.json twice", ALL_MEMBERS, AS_WRITTEN)


def test_a_link_is_refused(tmp_path: Path, trained: Bundle) -> None:
    """A member that claims to be a link is refused, though nothing is ever unpacked to the disk."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in members.items():
            if info.filename == "settings.toml":
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, content)
    assert refusal_of(path) == refusal_text(
        path, "holds a link or another special file, settings.toml", "plain files", AS_WRITTEN
    )


def test_a_missing_member_is_named(tmp_path: Path, trained: Bundle) -> None:
    """The error lists what the archive lacks."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    rewrite(path, {"probe.npy": None})
    assert refusal_of(path) == refusal_text(path, "lacks probe.npy", ALL_MEMBERS, COPY_AGAIN)


def test_an_archive_of_pickles_is_refused(tmp_path: Path) -> None:
    """An archive of the public project is refused with the reason; nothing in it is opened."""
    path = tmp_path / FILE_NAME
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("diffraction_to_obj/model.dill", b"\x80\x04N.")
    assert refusal_of(path) == refusal_without_writer(
        path,
        "is not a bundle of ptychopinn: it holds pickles (diffraction_to_obj/model.dill), "
        "which are never opened",
        "an archive with manifest.json",
        "training again with this version",
    )


@pytest.mark.parametrize("name", ["manifest.joblib", "model.PTH", "archive/data.pkl"])
def test_every_kind_of_pickle_is_told(tmp_path: Path, name: str) -> None:
    """Other programs keep their pickles under other names."""
    path = tmp_path / FILE_NAME
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"\x80\x04N.")
    assert f"it holds pickles ({name}), which are never opened" in refusal_of(path)


@pytest.mark.parametrize("name", ["a\x1b[2J\n  try  something.dill", "a\x1b[2J\nb", "a" * 60_000])
def test_a_name_cannot_write_the_message(tmp_path: Path, trained: Bundle, name: str) -> None:
    """Names of members are shown short, on one line, without control characters."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    rewrite(path, {name: b"x"} | ({"manifest.json": None} if name.endswith(".dill") else {}))
    said = refusal_of(path)
    assert len(said.splitlines()) <= 4
    assert "\x1b" not in said
    assert len(said) < 1000


def test_a_value_cannot_fill_the_screen(tmp_path: Path, trained: Bundle) -> None:
    """What a bundle says of itself is shown short."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    reseal(path, "provenance.json", json.dumps({"settings": [{"a": "x" * 10**6}]}).encode())
    what = refusal_of(path).splitlines()[0]
    assert len(what) == len(str(path)) + 1 + 500 + 3
    assert what.endswith("xxx...")


def test_another_format_names_its_writer(tmp_path: Path, trained: Bundle) -> None:
    """A bundle of a later format says which version and backend wrote it."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest |= {"format_version": 9, "versions": {"ptychopinn": "7.0"}, "backend": "jax"}
    rewrite(path, {"manifest.json": json.dumps(manifest).encode()})
    assert refusal_of(path) == (
        f"{path} has bundle format 9\n"
        "  written by  ptychopinn 7.0, backend jax, 2026-11-24T08:00:00+00:00\n"
        "  expected    format 1\n"
        "  try         reading it with the version that wrote it"
    )


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A name that leads to no plain file is refused before it is opened."""
    path = tmp_path / FILE_NAME
    os.mkfifo(path)
    assert refusal_of(path) == refusal_without_writer(
        path, "is no plain file", "wts.h5.zip of a run folder", "that file"
    )


def test_a_bomb_is_not_unpacked(tmp_path: Path, trained: Bundle) -> None:
    """What unpacks to a hundred times its size is refused by its claim."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["weights.safetensors"] = bytes(2**23)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        packed = archive.getinfo("weights.safetensors").compress_size
    assert refusal_of(path) == refusal_text(
        path,
        f"claims {2**23} bytes for weights.safetensors, packed into {packed}",
        f"at most {2**20} bytes",
        AS_WRITTEN,
    )


def test_no_flipped_bit_escapes_as_another_error(tmp_path: Path, trained: Bundle) -> None:
    """A damaged file either still gives the same bundle, or is refused as a bundle."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    sound, rng = path.read_bytes(), np.random.default_rng(1)
    refused = 0
    for place in rng.integers(len(sound), size=200).tolist():
        damaged = bytearray(sound)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert read_bundle(path).normalisation == trained.normalisation
        except BundleError:
            refused += 1
    assert refused > 100


def test_more_bytes_than_allowed_are_not_read(
    tmp_path: Path, trained: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member over its limit is refused before it is unpacked."""
    path = tmp_path / FILE_NAME
    write_bundle(path, trained)
    monkeypatch.setitem(LIMITS, "weights.safetensors", 16)
    with pytest.raises(BundleError, match=r"claims \d+ bytes for weights\.safetensors"):
        read_bundle(path)
