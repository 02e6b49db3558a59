"""A ZIP archive of unknown origin, read so that every byte of the file is accounted for.

The members must follow each other from the first byte to the directory, each header must agree with the
directory, and nothing may follow the end: what another reader could take differently is refused. Sizes are
bounded before anything is unpacked, and again while it is.
"""

from __future__ import annotations

import stat
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from ptycho.files.printable import printable_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import BinaryIO

LARGEST_RATIO = 100
"""Texts shrink about tenfold when packed, weights hardly: what unpacks to more than this is a bomb."""

FREE_BYTES = 2**20
"""Members up to this size may shrink as they like."""

LARGEST_DIRECTORY = 2**20
LONGEST_LINE = 500
AS_WRITTEN = "the file as `ptycho train` or `ptycho convert` wrote it"
COPY_AGAIN = "copying it again from where it was made"

_STORED, _DEFLATED = 0, 8
_UTF8_NAME = 0x800
_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_HEAD = struct.Struct("<4s5H3L2H")


class ArchiveError(ValueError):
    """What is wrong with an archive, what was expected and what to try; whoever knows its path adds that."""

    def __init__(self, what: str, expected: str = AS_WRITTEN, remedy: str = COPY_AGAIN) -> None:
        super().__init__(what)
        self.expected = expected
        self.remedy = remedy


@dataclass(frozen=True)
class Member:
    """What the directory says of one member.

    Attributes:
        name: As it stands there; nothing is ever written under it.
        stamp: Version needed, flags, method, time and date, as both headers must have them.
        crc: CRC-32 of the content.
        packed: Bytes in the archive.
        size: Bytes of the content.
        extras: Bytes of extra fields and comment.
        mode: Kind and permissions on Unix, 0 where unknown.
        start: Where its own header stands in the file.
    """

    name: bytes
    stamp: tuple[int, int, int, int, int]
    crc: int
    packed: int
    size: int
    extras: int
    mode: int
    start: int

    @property
    def title(self) -> str:
        """The name as text, whatever bytes it has."""
        return self.name.decode("ascii", "backslashreplace")

    @property
    def method(self) -> int:
        """How it is packed."""
        return self.stamp[2]

    @property
    def content_start(self) -> int:
        """Where its content stands in the file."""
        return self.start + _HEAD.size + len(self.name)

    def header(self) -> bytes:
        """Build the header that must stand before the content."""
        sizes = (self.crc, self.packed, self.size)
        return _HEAD.pack(b"PK\x03\x04", *self.stamp, *sizes, len(self.name), 0) + self.name


def read_directory(stream: BinaryIO) -> tuple[list[Member], int]:
    """Read what an archive says of its members, and where it says so.

    Raises:
        ArchiveError: There is no directory at the end, or something follows it.
    """
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END.size - 0xFFFF))
    tail = stream.read()
    place = tail.rfind(b"PK\x05\x06")
    stream.seek(0)
    if place < 0:
        _refuse_without_directory(stream.read(4))
    end = size - len(tail) + place
    following = size - end - _END.size
    if following < 0:
        raise ArchiveError("is damaged: it ends within its directory")
    disk, other_disk, count, all_count, length, offset, comment = _END.unpack_from(tail, place)[1:]
    if following < comment:
        raise ArchiveError("is damaged: it ends within its comment", "no comment")
    if following:
        raise ArchiveError(f"is damaged: it holds {_bytes(following)} after its end", "nothing after it")
    start = end - length
    if (disk, other_disk, count) != (0, 0, all_count) or length > LARGEST_DIRECTORY or start < 0:
        raise ArchiveError("is damaged: its directory makes no sense")
    if start != offset:
        before = start - offset
        what = (
            f"it holds {_bytes(before)} before its beginning"
            if before > 0
            else "it lacks bytes before its directory"
        )
        raise ArchiveError(f"is damaged: {what}", "nothing but the archive in the file")
    stream.seek(start)
    return _parse_directory(stream.read(length), count), start


def read_first(stream: BinaryIO) -> Member:
    """Read the header that the file begins with, for an archive whose directory cannot be trusted.

    Raises:
        ArchiveError: There is none.
    """
    stream.seek(0)
    header = stream.read(_HEAD.size)
    if len(header) < _HEAD.size:
        raise ArchiveError("is no ZIP archive")
    mark, *stamp, crc, packed, size, name, extra = _HEAD.unpack(header)
    if mark != b"PK\x03\x04":
        raise ArchiveError("is no ZIP archive")
    needed, flags, method, hour, day = stamp
    title = stream.read(name)
    return Member(title, (needed, flags, method, hour, day), crc, packed, size, extra, 0, 0)


def _refuse_without_directory(first: bytes) -> NoReturn:
    if first == b"PK\x03\x04":
        raise ArchiveError("is damaged: it ends before its directory")
    raise ArchiveError("is no ZIP archive")


def _parse_directory(directory: bytes, count: int) -> list[Member]:
    members: list[Member] = []
    at = 0
    while at < len(directory):
        if len(directory) - at < _ENTRY.size:
            raise ArchiveError("is damaged: its directory makes no sense")
        mark, _, *stamp, crc, packed, size, name, extra, comment, disk, _, kind, start = _ENTRY.unpack_from(
            directory, at
        )
        begin, at = at + _ENTRY.size, at + _ENTRY.size + name + extra + comment
        if mark != b"PK\x01\x02" or disk or at > len(directory):
            raise ArchiveError("is damaged: its directory makes no sense")
        needed, flags, method, hour, day = stamp
        members.append(
            Member(
                name=directory[begin : begin + name],
                stamp=(needed, flags, method, hour, day),
                crc=crc,
                packed=packed,
                size=size,
                extras=extra + comment,
                mode=kind >> 16,
                start=start,
            )
        )
    if len(members) != count:
        raise ArchiveError(f"is damaged: its directory counts {count} members and lists {len(members)}")
    return members


def check_layout(stream: BinaryIO, members: Iterable[Member], directory_start: int) -> None:
    """Make sure that plain members, each with the header that the directory describes, fill the file.

    Raises:
        ArchiveError: One is no plain file, or there are bytes that belong to none, or to two.
    """
    end = 0
    for member in sorted(members, key=lambda member: member.start):
        _require_plain(member)
        _require_at(end, member.start, f"before {member.title}")
        stream.seek(member.start)
        header = member.header()
        if stream.read(len(header)) != header:
            raise ArchiveError(f"is damaged: {member.title} and the directory disagree about it")
        end = member.content_start + member.packed
    _require_at(end, directory_start, "before its directory")


def _require_plain(member: Member) -> None:
    if stat.S_IFMT(member.mode) not in (0, stat.S_IFREG):
        raise ArchiveError(f"holds a link or another special file, {member.title}", "plain files", AS_WRITTEN)
    if member.stamp[1] & 1:
        raise ArchiveError(f"holds {member.title} under a password", "plain files", AS_WRITTEN)
    known = member.method in (_STORED, _DEFLATED) and member.stamp[1] & ~_UTF8_NAME == 0
    if not known or member.extras:
        raise ArchiveError("was packed again by another program", AS_WRITTEN)


def _require_at(expected: int, actual: int, where: str) -> None:
    if actual > expected:
        raise ArchiveError(f"is damaged: it holds {_bytes(actual - expected)} of nothing {where}")
    if actual < expected:
        raise ArchiveError(f"is damaged: {_bytes(expected - actual)} {where} are of two members")


def kind_of_name(name: str) -> str:
    """Say what a member that nobody asked for would be, were it unpacked."""
    parts = name.replace("\\", "/").split("/")
    if parts[0] == "" or parts[0].endswith(":"):
        return "an absolute path"
    if ".." in parts:
        return "a path that leaves the archive"
    return "a folder" if parts[-1] == "" else "which is no member of a bundle"


def check_sizes(members: Sequence[Member], limits: dict[str, int], largest_sum: int) -> None:
    """Make sure that no member, nor all of them, claims more than is plausible.

    Raises:
        ArchiveError: One claims more than its limit or than its packed size can mean, or all claim too much.
    """
    for member in members:
        plausible = member.packed if member.method == _STORED else LARGEST_RATIO * member.packed
        allowed = min(limits[member.title], max(FREE_BYTES, plausible))
        if member.size > allowed:
            raise ArchiveError(
                f"claims {member.size} bytes for {member.title}, packed into {member.packed}",
                f"at most {allowed} bytes",
                AS_WRITTEN,
            )
    claimed = sum(member.size for member in members)
    if claimed > largest_sum:
        raise ArchiveError(
            f"claims {claimed} bytes for all members", f"at most {largest_sum} bytes", AS_WRITTEN
        )


def read_member(stream: BinaryIO, member: Member) -> bytes:
    """Unpack a member, and not a byte more than it claims.

    Raises:
        ArchiveError: The content is not what the directory describes.
    """
    # Memory for as much as is asked for is taken before the first byte comes.
    if member.content_start + member.packed > stream.seek(0, 2):
        raise ArchiveError(f"is damaged: it ends within {member.title}")
    stream.seek(member.content_start)
    content = stream.read(member.packed)
    if member.method == _DEFLATED:
        content = _inflate(member, content)
    if len(content) != member.size or zlib.crc32(content) != member.crc:
        raise ArchiveError(f"is damaged: {member.title} is not what its checksum says")
    return content


def _inflate(member: Member, packed: bytes) -> bytes:
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflating.decompress(packed, member.size + 1)
    except zlib.error as error:
        raise ArchiveError(f"is damaged: {member.title} cannot be unpacked") from error
    if len(content) > member.size:
        raise ArchiveError(f"unpacks to more than the {_bytes(member.size)} it claims for {member.title}")
    if not inflating.eof or inflating.unused_data:
        raise ArchiveError(f"is damaged: {member.title} ends too early or too late")
    return content


def printable(text: str, longest: int = LONGEST_LINE) -> str:
    """Give text of unknown origin as it may stand in a message: one short line, no control characters."""
    shown = printable_line(text)
    return shown if len(shown) <= longest else f"{shown[:longest]}..."


def _bytes(count: int) -> str:
    return f"{count} byte{'' if count == 1 else 's'}"
