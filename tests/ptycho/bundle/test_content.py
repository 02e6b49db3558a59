"""A bundle comes back as it was written, and a bad one is refused with a reason."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import safetensors.numpy

from ptycho.bundle import content as bundle
from ptycho.bundle.content import Bundle, BundleError
from ptycho.bundle.manifest import Writer

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def trained() -> Bundle:
    """A small bundle with every kind of array that a network holds."""
    rng = np.random.default_rng(0)
    return Bundle(
        backend="pytorch",
        network={"N": 64, "gridsize": 2},
        normalisation={"intensity_scale": 988.2118},
        probe=(rng.normal(size=(2, 8, 8)) + 1j * rng.normal(size=(2, 8, 8))).astype(np.complex64),
        weights={"encoder.0.kernel": rng.normal(size=(3, 3)).astype(np.float32), "scale": np.array(2.0)},
        settings_toml='[model]\nN = 64  # "µ"\n',
        provenance={"version": 1, "settings": []},
        created="2026-11-24T08:00:00+00:00",
        versions={"ptychopinn": "0.1.0"},
    )


def _rewrite(path: Path, change: dict[str, bytes | None]) -> None:
    """Write the archive again with members replaced, added, or (None) left out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members.update({name: content for name, content in change.items() if content is not None})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            if change.get(name, b"") is not None:
                archive.writestr(name, content)


def test_a_bundle_comes_back_as_it_was(tmp_path: Path, trained: Bundle) -> None:
    """Write then read is the identity on every field."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    back = bundle.read(path)
    np.testing.assert_array_equal(back.probe, trained.probe)
    assert back.weights.keys() == trained.weights.keys()
    for name, array in trained.weights.items():
        np.testing.assert_array_equal(back.weights[name], array)
        assert (back.weights[name].dtype, back.weights[name].shape) == (array.dtype, array.shape)
    assert back.backend == "pytorch"
    assert (back.network, back.normalisation) == (trained.network, trained.normalisation)
    assert (back.settings_toml, back.provenance) == (trained.settings_toml, trained.provenance)
    assert (back.created, back.versions) == (trained.created, trained.versions)
    assert back.converted_from == ()


WROTE = "ptychopinn 0.1.0, backend pytorch, 2026-11-24T08:00:00+00:00"
ALL_MEMBERS = "manifest.json, settings.toml, provenance.json, scaling.json, probe.npy, weights.safetensors"
AS_WRITTEN = "the file as `ptycho train` or `ptycho convert` wrote it"
COPY_AGAIN = "copying it again from where it was made"


def _refusal(path: Path) -> str:
    with pytest.raises(BundleError) as caught:
        bundle.read(path)
    return str(caught.value)


def _said(path: Path, what: str, expected: str, remedy: str) -> str:
    """Give the whole message about a bundle of which the writer is known."""
    return f"{path} {what}\n  written by  {WROTE}\n  expected    {expected}\n  try         {remedy}"


def _without_writer(path: Path, what: str, expected: str, remedy: str) -> str:
    return f"{path} {what}\n  expected  {expected}\n  try       {remedy}"


def test_a_changed_member_is_noticed(tmp_path: Path, trained: Bundle) -> None:
    """A member that differs from its sha256 is refused before it is parsed."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("manifest.json"))["members"]["scaling.json"]
    _rewrite(path, {"scaling.json": b"{}"})
    assert _refusal(path) == _said(
        path,
        "is damaged: scaling.json is not what manifest.json describes",
        f"{described['size']} bytes with sha256 {described['sha256']}",
        COPY_AGAIN,
    )


def test_a_truncated_bundle_still_names_its_writer(tmp_path: Path, trained: Bundle) -> None:
    """The manifest comes first: what is left of a cut file says who wrote it, as long as that is there."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert _refusal(path) == _said(path, "is damaged: it ends before its directory", AS_WRITTEN, COPY_AGAIN)
    path.write_bytes(whole[:100])
    assert _refusal(path) == _without_writer(
        path, "is damaged: it ends before its directory", AS_WRITTEN, COPY_AGAIN
    )
    path.write_bytes(b"")
    assert _refusal(path) == _without_writer(path, "is no ZIP archive", AS_WRITTEN, COPY_AGAIN)


def test_a_padded_bundle_is_refused(tmp_path: Path, trained: Bundle) -> None:
    """Bytes after the end or before the beginning are damage."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(1000))
    assert _refusal(path) == _said(
        path, "is damaged: it holds 1000 bytes after its end", "nothing after it", COPY_AGAIN
    )
    path.write_bytes(b"#!/bin/sh\n" + whole)
    assert _refusal(path) == _without_writer(
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
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    _rewrite(path, {name: b"x"})
    assert _refusal(path) == _said(path, f"holds {name!r}, {kind}", ALL_MEMBERS, AS_WRITTEN)


def test_a_member_twice_is_refused(tmp_path: Path, trained: Bundle) -> None:
    """Two members of one name would be two truths."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("scaling.json", b"{}")
    assert _refusal(path) == _said(path, "holds scaling.json twice", ALL_MEMBERS, AS_WRITTEN)


def test_a_link_is_refused(tmp_path: Path, trained: Bundle) -> None:
    """A member that claims to be a link is refused, though nothing is ever unpacked to the disk."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    with zipfile.ZipFile(path) as archive:
        members = {info: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in members.items():
            if info.filename == "settings.toml":
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, content)
    assert _refusal(path) == _said(
        path, "holds a link or another special file, settings.toml", "plain files", AS_WRITTEN
    )


def test_a_missing_member_is_named(tmp_path: Path, trained: Bundle) -> None:
    """The error lists what the archive lacks."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    _rewrite(path, {"probe.npy": None})
    assert _refusal(path) == _said(path, "lacks probe.npy", ALL_MEMBERS, COPY_AGAIN)


def test_an_archive_of_pickles_is_refused(tmp_path: Path) -> None:
    """An archive of the public project is refused with the reason; nothing in it is opened."""
    path = tmp_path / bundle.FILE_NAME
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("diffraction_to_obj/model.dill", b"\x80\x04N.")
    assert _refusal(path) == _without_writer(
        path,
        "is not a bundle of ptychopinn: it holds pickles (diffraction_to_obj/model.dill), "
        "which are never opened",
        "an archive with manifest.json",
        "training again with this version",
    )


@pytest.mark.parametrize("name", ["manifest.joblib", "model.PTH", "archive/data.pkl"])
def test_every_kind_of_pickle_is_told(tmp_path: Path, name: str) -> None:
    """Other programs keep their pickles under other names."""
    path = tmp_path / bundle.FILE_NAME
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, b"\x80\x04N.")
    assert f"it holds pickles ({name}), which are never opened" in _refusal(path)


@pytest.mark.parametrize("name", ["a\x1b[2J\n  try  something.dill", "a\x1b[2J\nb", "a" * 60_000])
def test_a_name_cannot_write_the_message(tmp_path: Path, trained: Bundle, name: str) -> None:
    """Names of members are shown short, on one line, without control characters."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    _rewrite(path, {name: b"x"} | ({"manifest.json": None} if name.endswith(".dill") else {}))
    said = _refusal(path)
    assert len(said.splitlines()) <= 4
    assert "\x1b" not in said
    assert len(said) < 1000


def test_a_value_cannot_fill_the_screen(tmp_path: Path, trained: Bundle) -> None:
    """What a bundle says of itself is shown short."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    _reseal(path, "provenance.json", json.dumps({"settings": [{"a": "x" * 10**6}]}).encode())
    what = _refusal(path).splitlines()[0]
    assert len(what) == len(str(path)) + 1 + 500 + 3
    assert what.endswith("xxx...")


def test_another_format_names_its_writer(tmp_path: Path, trained: Bundle) -> None:
    """A bundle of a later format says which version and backend wrote it."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest |= {"format_version": 9, "versions": {"ptychopinn": "7.0"}, "backend": "jax"}
    _rewrite(path, {"manifest.json": json.dumps(manifest).encode()})
    assert _refusal(path) == (
        f"{path} has bundle format 9\n"
        "  written by  ptychopinn 7.0, backend jax, 2026-11-24T08:00:00+00:00\n"
        "  expected    format 1\n"
        "  try         reading it with the version that wrote it"
    )


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """A name that leads to no plain file is refused before it is opened."""
    path = tmp_path / bundle.FILE_NAME
    os.mkfifo(path)
    assert _refusal(path) == _without_writer(
        path, "is no plain file", "wts.h5.zip of a run folder", "that file"
    )


def test_the_same_bundle_gives_the_same_bytes(tmp_path: Path, trained: Bundle) -> None:
    """Nothing but what a bundle holds decides over its bytes."""
    for name in ("a", "b"):
        bundle.write(tmp_path / name, trained)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_story_of_conversions_comes_back(tmp_path: Path, trained: Bundle) -> None:
    """Who trained a converted bundle stays in its manifest, in order."""
    path = tmp_path / bundle.FILE_NAME
    story = (trained.writer, Writer("tensorflow", "2026-11-25T00:00:00+00:00", {"keras": "3.15.1"}))
    bundle.write(path, replace(trained, converted_from=story))
    assert bundle.read(path).converted_from == story


def test_a_bundle_too_large_to_read_is_not_written(
    tmp_path: Path, trained: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limits of reading hold for writing too, and then no file appears."""
    path = tmp_path / bundle.FILE_NAME
    monkeypatch.setattr(bundle, "LARGEST_SUM", 2000)
    with pytest.raises(BundleError) as caught:
        bundle.write(path, trained)
    total = re.search(r"would hold (\d+) bytes", str(caught.value))
    assert total
    assert str(caught.value) == (
        f"{path} would hold {total[1]} bytes for all members\n"
        "  expected  at most 2000 bytes\n"
        "  try       a smaller n_filters_scale"
    )
    assert not list(tmp_path.iterdir())


def test_a_network_that_diverged_is_not_written(tmp_path: Path, trained: Bundle) -> None:
    """What would not be read back is refused on the way out, and then no file appears."""
    path = tmp_path / bundle.FILE_NAME
    with pytest.raises(BundleError) as caught:
        bundle.write(path, replace(trained, weights={"kernel": np.array([np.nan], np.float32)}))
    assert str(caught.value) == (
        f"{path} would hold values that are NaN or infinite: kernel\n"
        "  expected  finite numbers\n"
        "  try       looking at the training loss: did it diverge?"
    )
    assert not list(tmp_path.iterdir())


def _reseal(path: Path, name: str, content: bytes) -> None:
    """Put other content into a bundle, with the right size and sha256 in its manifest."""
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest["members"][name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    _rewrite(path, {"manifest.json": json.dumps(manifest).encode(), name: content})


def _weights(**arrays: np.ndarray) -> bytes:
    return safetensors.numpy.save(arrays)


def _npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def _npy_with(header: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()


def _header(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    described = {"descr": "<c8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "probe.npy",
            _npy(np.array([{}], dtype=object)),
            "ValueError: probe modes of object and shape (1,) in ",
        ),
        (
            "probe.npy",
            _header((1, 10**7, 10**7)),
            "ValueError: probe modes of complex64 and shape (1, 10000000, 10000000) in 128 bytes",
        ),
        ("probe.npy", _npy(np.ones((8, 8))), "ValueError: probe modes of float64 and shape (8, 8) in "),
        ("probe.npy", _npy_with("-" * 9000 + "1"), "ValueError: an NPY header of 9001 bytes"),
        ("probe.npy", _npy_with("(" * 90), "ValueError: its NPY header cannot be understood"),
        (
            "probe.npy",
            _npy(np.full((1, 8, 8), np.nan, np.complex64)),
            "ValueError: probe modes that are NaN or infinite",
        ),
        ("probe.npy", b"xx", "ValueError: EOF: reading magic string"),
        ("scaling.json", b"[1]", "TypeError: a list where a table belongs"),
        ("scaling.json", b'{"a": NaN}', "ValueError: NaN is not a finite number"),
        ("provenance.json", b"[" * 10**5 + b"]" * 10**5, "ValueError: its lists are nested too deeply"),
        ("provenance.json", b'{"settings": [{}]}', "ValueError: a setting without path or value: {}"),
        (
            "provenance.json",
            b'{"settings": [{"path": ["model.N"], "value": 1}]}',
            "TypeError: a setting whose path is a list",
        ),
        (
            "provenance.json",
            b'{"settings": [{"path": "data.crop_px", "value": ' + b"[" * 900 + b"]" * 900 + b"}]}",
            "ValueError: its lists are nested too deeply",
        ),
        ("settings.toml", b"\xff", "UnicodeDecodeError: "),
        ("settings.toml", b"no table", "Refusal: is not TOML: "),
        ("settings.toml", b"a." * 10**5 + b"b = 1", "Refusal: is nested more than 100 deep"),
        ("settings.toml", b"a = " + b"[" * 10**5, "Refusal: is nested more than 100 deep"),
        (
            "weights.safetensors",
            _weights(kernel=np.ones(2, np.complex64)),
            "TypeError: the weight kernel is of type complex64",
        ),
        (
            "weights.safetensors",
            _weights(kernel=np.ones(2, np.int64)),
            "TypeError: the weight kernel is of type int64",
        ),
        (
            "weights.safetensors",
            _weights(probe=np.ones(2, np.float32)),
            "TypeError: the weight probe is of type float32",
        ),
        (
            "weights.safetensors",
            _weights(kernel=np.array([1, np.inf], np.float32)),
            "ValueError: kernel holds values that are NaN or infinite",
        ),
        ("weights.safetensors", b"\xff" * 100, "SafetensorError: "),
    ],
)
def test_content_of_another_kind_is_refused(
    tmp_path: Path, trained: Bundle, name: str, content: bytes, reason: str
) -> None:
    """Right sums do not help what is no probe, no table, no text: nothing is unpickled, nothing allocated."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    _reseal(path, name, content)
    with pytest.raises(BundleError) as caught:
        bundle.read(path)
    what, *rest = str(caught.value).splitlines()
    assert what.startswith(f"{path} cannot be understood: {reason}")
    assert rest == [
        f"  written by  {WROTE}",
        "  expected    format 1 of wts.h5.zip",
        "  try         training again with this version",
    ]


def test_a_bomb_is_not_unpacked(tmp_path: Path, trained: Bundle) -> None:
    """What unpacks to a hundred times its size is refused by its claim."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["weights.safetensors"] = bytes(2**23)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        packed = archive.getinfo("weights.safetensors").compress_size
    assert _refusal(path) == _said(
        path,
        f"claims {2**23} bytes for weights.safetensors, packed into {packed}",
        f"at most {2**20} bytes",
        AS_WRITTEN,
    )


def test_no_flipped_bit_escapes_as_another_error(tmp_path: Path, trained: Bundle) -> None:
    """A damaged file either still gives the same bundle, or is refused as a bundle."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    sound, rng = path.read_bytes(), np.random.default_rng(1)
    refused = 0
    for place in rng.integers(len(sound), size=200).tolist():
        damaged = bytearray(sound)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            assert bundle.read(path).normalisation == trained.normalisation
        except BundleError:
            refused += 1
    assert refused > 100


def test_more_bytes_than_allowed_are_not_read(
    tmp_path: Path, trained: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member over its limit is refused before it is unpacked."""
    path = tmp_path / bundle.FILE_NAME
    bundle.write(path, trained)
    monkeypatch.setitem(bundle._LIMITS, "weights.safetensors", 16)
    with pytest.raises(BundleError, match=r"claims \d+ bytes for weights\.safetensors"):
        bundle.read(path)


def test_a_folder_means_its_archive(tmp_path: Path, trained: Bundle) -> None:
    """The archive, its folder, and a parent with exactly one such folder all lead to it."""
    path = tmp_path / "run" / bundle.FILE_NAME
    bundle.write(path, trained)
    assert bundle.locate(path) == path
    assert bundle.locate(path.parent) == path
    assert bundle.locate(tmp_path) == path


def unpack(folder: Path, trained: Bundle) -> Path:
    """Unpack a bundle, as a client does that takes every archive for a folder."""
    bundle.write(folder / bundle.FILE_NAME, trained)
    target = folder / "unpacked"
    with zipfile.ZipFile(folder / bundle.FILE_NAME) as archive:
        archive.extractall(target)
    return target


def test_an_unpacked_bundle_is_one(tmp_path: Path, trained: Bundle) -> None:
    """A folder with the members of a bundle is read as the bundle; other files in it stay closed."""
    folder = unpack(tmp_path, trained)
    os.mkfifo(folder / "of somebody else")
    back = bundle.read(bundle.locate(folder))
    assert back.writer == trained.writer
    np.testing.assert_array_equal(back.probe, trained.probe)


@pytest.mark.parametrize("member", ["probe.npy", "manifest.json"])
def test_an_unpacked_bundle_is_checked(tmp_path: Path, trained: Bundle, member: str) -> None:
    """A member that was changed, or that became a link, is refused with its name."""
    folder = unpack(tmp_path, trained)
    content = (folder / member).read_bytes()
    (folder / member).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BundleError, match=member):
        bundle.read(folder)
    (folder / member).write_bytes(content)
    (folder / member).rename(tmp_path / "elsewhere")
    (folder / member).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError) as caught:
        bundle.read(folder)
    said = _without_writer if member == "manifest.json" else _said
    what = f"holds {member}, which is no plain file"
    assert str(caught.value) == said(folder, what, "plain files", COPY_AGAIN)


def test_an_unpacked_bundle_is_bounded(
    tmp_path: Path, trained: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes are bounded before anything is read, and no member may be missing."""
    folder = unpack(tmp_path, trained)
    (folder / "scaling.json").unlink()
    with pytest.raises(BundleError, match=r"lacks scaling\.json"):
        bundle.read(folder)
    monkeypatch.setitem(bundle._LIMITS, "probe.npy", 10)
    with pytest.raises(
        BundleError, match=r"holds \d+ bytes for probe\.npy\n.*\n  expected    at most 10 bytes\n"
    ):
        bundle.read(folder)


def test_two_candidates_are_not_guessed(tmp_path: Path, trained: Bundle) -> None:
    """A parent of two runs is ambiguous, and the error names both."""
    for name in ("a", "b"):
        bundle.write(tmp_path / name / bundle.FILE_NAME, replace(trained))
    with pytest.raises(FileNotFoundError) as caught:
        bundle.locate(tmp_path)
    assert str(caught.value) == (
        f"Model archive not found: {tmp_path / bundle.FILE_NAME}\n"
        "  expected  wts.h5.zip there, or in exactly one of its subfolders (found: a, b)\n"
        "  try       the folder that `ptycho train` named at its end"
    )


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A path to nothing says so with the path."""
    with pytest.raises(FileNotFoundError, match=r"Model directory does not exist: .*nowhere"):
        bundle.locate(tmp_path / "nowhere")
