"""Every byte of an archive is accounted for: what is added, moved, linked or blown up is refused."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.files import archive
from ptycho.files.archive import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = {"a.json": 2**24, "b.bin": 2**24}
NUMBERS = bytes(range(256)) * 4


def packed(
    members: dict[str, bytes] | None = None, *, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b""
) -> bytes:
    """Pack members as zipfile does."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as writer:
        writer.comment = comment
        for name, content in (members or {"a.json": b"{}" * 50, "b.bin": NUMBERS}).items():
            writer.writestr(name, content)
    return stream.getvalue()


def unpack(content: bytes, limits: dict[str, int] | None = None) -> dict[str, bytes]:
    """Read an archive with every check."""
    stream = io.BytesIO(content)
    members, start = archive.read_directory(stream)
    archive.check_layout(stream, members, start)
    archive.check_sizes(members, limits or LIMITS, 2**25)
    return {member.title: archive.read_member(stream, member) for member in members}


def refused(content: bytes) -> str:
    """Give what is said of an archive that must be refused."""
    with pytest.raises(ArchiveError) as caught:
        unpack(content)
    return str(caught.value)


@given(
    st.dictionaries(st.sampled_from(["a.json", "b.bin"]), st.binary(max_size=3000)),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_what_was_packed_comes_back(members: dict[str, bytes], method: int) -> None:
    """Reading is the inverse of packing, stored or deflated, also for empty members and archives."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as writer:
        for name, content in members.items():
            writer.writestr(name, content)
    assert unpack(stream.getvalue()) == members


def test_a_cut_archive_is_refused_wherever_it_is_cut() -> None:
    """No beginning of an archive is an archive."""
    whole = packed()
    for length in range(len(whole)):
        assert refused(whole[:length]) in {
            "is no ZIP archive",
            "is damaged: it ends before its directory",
            "is damaged: it ends within its directory",
        }


SIZE = len(packed())


def between_members(whole: bytes) -> bytes:
    """Put five bytes before the second member, and tell the directory where things are now."""
    second = whole.index(b"PK\x03\x04", 4)
    end = len(whole) - 22
    start = struct.unpack_from("<L", whole, end + 16)[0]
    entry = whole.index(b"PK\x01\x02", start + 4)
    patched = bytearray(whole[:second] + b"extra" + whole[second:])
    struct.pack_into("<L", patched, entry + 5 + 42, second + 5)
    struct.pack_into("<L", patched, end + 5 + 16, start + 5)
    return bytes(patched)


def after_the_stream(whole: bytes) -> bytes:
    """Claim three more packed bytes for the only member than its deflated stream has."""
    end = len(whole) - 22
    start = struct.unpack_from("<L", whole, end + 16)[0]
    length = struct.unpack_from("<L", whole, 18)[0] + 3
    patched = bytearray(whole[:start] + b"pad" + whole[start:])
    struct.pack_into("<L", patched, 18, length)
    struct.pack_into("<L", patched, start + 3 + 20, length)
    struct.pack_into("<L", patched, end + 3 + 16, start + 3)
    return bytes(patched)


def same_place(whole: bytes) -> bytes:
    """Let both members begin at the same byte."""
    start = struct.unpack_from("<L", whole, len(whole) - 6)[0]
    patched = bytearray(whole)
    struct.pack_into("<L", patched, whole.index(b"PK\x01\x02", start + 4) + 42, 0)
    return bytes(patched)


def one_more(whole: bytes) -> bytes:
    """Count a member that is not there."""
    patched = bytearray(whole)
    struct.pack_into("<HH", patched, len(whole) - 14, 3, 3)
    return bytes(patched)


PADDED: dict[str, tuple[Callable[[], bytes], str]] = {
    "before": (lambda: b"#!/bin/sh\n" + packed(), "is damaged: it holds 10 bytes before its beginning"),
    "after": (lambda: packed() + b"\0", "is damaged: it holds 1 byte after its end"),
    "comment": (lambda: packed(comment=b"hello"), "is damaged: it holds 5 bytes after its end"),
    "comment that is cut": (
        lambda: packed(comment=b"hello")[:-2],
        "is damaged: it ends within its comment",
    ),
    "between": (
        lambda: between_members(packed()),
        "is damaged: it holds 5 bytes of nothing before b.bin",
    ),
    "behind a deflated stream": (
        lambda: after_the_stream(packed({"a.json": b"{}" * 50})),
        "is damaged: a.json ends too early or too late",
    ),
    "two members in one place": (
        lambda: same_place(packed()),
        f"is damaged: {archive._HEAD.size + 6 + 7} bytes before b.bin are of two members",
    ),
    "a count too many": (
        lambda: one_more(packed()),
        "is damaged: its directory counts 3 members and lists 2",
    ),
    "two archives in one": (
        lambda: packed() + packed(),
        f"is damaged: it holds {SIZE} bytes before its beginning",
    ),
    "nothing": (lambda: b"", "is no ZIP archive"),
    "another file": (lambda: b"\x89HDF\r\n\x1a\n" * 9, "is no ZIP archive"),
}


@pytest.mark.parametrize("case", PADDED)
def test_bytes_that_belong_to_no_member_are_refused(case: str) -> None:
    """Before, between, behind or after the members: what another reader may see differently is damage."""
    make, what = PADDED[case]
    assert refused(make()) == what


def patched_entry(field: str, value: int, *, both: bool = False) -> bytes:
    """Change one field of the first entry of the directory, or of its own header too."""
    places = {"flags": (8, "H"), "method": (10, "H"), "crc": (16, "L"), "size": (24, "L"), "mode": (38, "L")}
    at, kind = places[field]
    whole = bytearray(packed())
    start = struct.unpack_from("<L", whole, len(whole) - 6)[0]
    struct.pack_into(f"<{kind}", whole, start + at, value)
    if both:
        struct.pack_into(f"<{kind}", whole, at - 2, value)
    return bytes(whole)


AGREEING = {
    "crc": (patched_entry("crc", 1), "is damaged: a.json and the directory disagree about it"),
    "crc in both": (
        patched_entry("crc", 1, both=True),
        "is damaged: a.json is not what its checksum says",
    ),
    "size": (patched_entry("size", 99), "is damaged: a.json and the directory disagree about it"),
    "a smaller size in both": (
        patched_entry("size", 99, both=True),
        "unpacks to more than the 99 bytes it claims for a.json",
    ),
    "a larger size in both": (
        patched_entry("size", 101, both=True),
        "is damaged: a.json is not what its checksum says",
    ),
    "password": (patched_entry("flags", 1, both=True), "holds a.json under a password"),
    "sizes after the content": (
        patched_entry("flags", 8, both=True),
        "was packed again by another program",
    ),
    "another way to pack": (
        patched_entry("method", 12, both=True),
        "was packed again by another program",
    ),
    "stored, by its claim": (
        patched_entry("method", 0, both=True),
        "is damaged: a.json is not what its checksum says",
    ),
    "link": (
        patched_entry("mode", (stat.S_IFLNK | 0o777) << 16),
        "holds a link or another special file, a.json",
    ),
    "device": (
        patched_entry("mode", (stat.S_IFCHR | 0o666) << 16),
        "holds a link or another special file, a.json",
    ),
    "folder": (
        patched_entry("mode", (stat.S_IFDIR | 0o755) << 16),
        "holds a link or another special file, a.json",
    ),
}


@pytest.mark.parametrize("case", AGREEING)
def test_header_and_directory_must_agree(case: str) -> None:
    """A member is a plain file, described alike in both places, and its content is what they describe."""
    content, what = AGREEING[case]
    assert refused(content) == what


def test_a_stream_that_is_no_deflate_is_refused() -> None:
    """A damaged stream has its own words."""
    whole = bytearray(packed({"a.json": b"{}" * 50}))
    whole[36] = 0xFF
    assert refused(bytes(whole)) == "is damaged: a.json cannot be unpacked"


def test_a_bomb_is_refused_by_its_claim() -> None:
    """Two megabytes of zeros in two kilobytes are never unpacked."""
    content = packed({"a.json": bytes(2**21)})
    at_most = 2**20
    with pytest.raises(ArchiveError) as caught:
        unpack(content)
    assert str(caught.value).startswith(f"claims {2**21} bytes for a.json, packed into ")
    assert caught.value.expected == f"at most {at_most} bytes"
    assert caught.value.remedy == archive.AS_WRITTEN


def test_a_member_has_its_own_limit() -> None:
    """Stored bytes are no bomb, and still bounded."""
    content = packed({"b.bin": bytes(500)}, method=zipfile.ZIP_STORED)
    assert unpack(content) == {"b.bin": bytes(500)}
    with pytest.raises(ArchiveError, match=r"^claims 500 bytes for b\.bin, packed into 500$"):
        unpack(content, {"b.bin": 499})


def test_the_sum_is_bounded() -> None:
    """Members that are small enough each may be too much together."""
    stream = io.BytesIO(packed())
    members, _ = archive.read_directory(stream)
    archive.check_sizes(members, LIMITS, 1124)
    with pytest.raises(ArchiveError, match=r"^claims 1124 bytes for all members$") as caught:
        archive.check_sizes(members, LIMITS, 1123)
    assert caught.value.expected == "at most 1123 bytes"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/etc/passwd", "an absolute path"),
        ("C:\\boot.ini", "an absolute path"),
        ("\\\\host\\share", "an absolute path"),
        ("../evil.py", "a path that leaves the archive"),
        ("a/..\\evil.py", "a path that leaves the archive"),
        ("weights/", "a folder"),
        ("extra.txt", "which is no member of a bundle"),
    ],
)
def test_a_name_says_what_it_would_be(name: str, kind: str) -> None:
    """The error tells why a name is refused."""
    assert archive.kind_of_name(name) == kind


def flipped(whole: bytes, bit: int) -> bytes:
    """Flip one bit."""
    changed = bytearray(whole)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(st.data())
def test_no_flipped_bit_goes_unnoticed(data: st.DataObject) -> None:
    """One flipped bit of stored members is refused, wherever it is but in attributes that mean nothing."""
    whole = packed(method=zipfile.ZIP_STORED)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    try:
        unpack(flipped(whole, bit))
    except (ArchiveError, KeyError):  # A KeyError is a name that LIMITS does not know.
        return
    start = struct.unpack_from("<L", whole, len(whole) - 6)[0]
    second = whole.index(b"PK\x01\x02", start + 4)
    maker_and_attributes = {*range(4, 6), *range(36, 42)}
    assert {bit // 8 - start, bit // 8 - second} & maker_and_attributes


@given(st.data())
def test_no_flipped_bit_changes_a_content(data: st.DataObject) -> None:
    """A deflated stream may be spelt in two ways; what comes out is what went in, or nothing."""
    members = {"a.json": b"{}" * 50, "b.bin": NUMBERS}
    whole = packed(members)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    try:
        assert unpack(flipped(whole, bit)) == members
    except (ArchiveError, KeyError):
        return


def test_a_member_beyond_the_end_takes_no_memory() -> None:
    """A header that claims more than the file holds is refused before anything is read."""
    member = archive.Member(b"a", (20, 0, 0, 0, 0), 0, 2**62, 2**62, 0, 0, 0)
    with pytest.raises(archive.ArchiveError, match="is damaged: it ends within a"):
        archive.read_member(io.BytesIO(b"PK\x03\x04"), member)
