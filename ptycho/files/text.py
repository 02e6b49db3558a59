"""Text of unknown origin: spreadsheets and laboratory programs write it in several encodings."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["encoding_of", "read_text"]

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""First bytes by which a file tells its encoding (The Unicode Standard, 23.8)."""

MOSTLY_ASCII = 0.8
"""Share of plain letters and digits from which single odd bytes are letters of a table in one byte each."""


def encoding_of(first: bytes, *, whole: bool = False) -> str:
    """Tell the encoding of a text by what it begins with.

    Args:
        first: Its first bytes.
        whole: Whether these are all; else a letter may be cut at the end.

    Returns:
        A name that Python knows, "" where it is no text.
    """
    marked = next((name for mark, name in MARKS if first.startswith(mark)), "")
    for name in (marked,) if marked else ("utf-8", *_two_bytes_each(first), *_one_byte_each(first)):
        try:
            text = codecs.getincrementaldecoder(name)().decode(first, final=whole)
        except UnicodeDecodeError:
            continue
        if text and all(letter.isprintable() or letter in "\t\r\n\f\ufeff" for letter in text):
            return name
    return ""


def read_text(path: Path) -> str:
    """Read a text file whatever its encoding.

    Raises:
        UnicodeError: It is no text.
    """
    content = path.read_bytes()
    name = encoding_of(content, whole=True)
    if not name and content:
        raise UnicodeError(f"{path} is no text")
    return content.decode(name or "utf-8")


def _two_bytes_each(first: bytes) -> tuple[str, ...]:
    """Give UTF-16 where every other byte is zero, as it is in a table without a mark."""
    low, high = first[::2], first[1::2]
    if high and high.count(0) >= MOSTLY_ASCII * len(high) and not low.count(0):
        return ("utf-16-le",)
    return ("utf-16-be",) if low and low.count(0) >= MOSTLY_ASCII * len(low) and not high.count(0) else ()


def _one_byte_each(first: bytes) -> tuple[str, ...]:
    """Give the encodings of Western spreadsheets, where few bytes are no ASCII."""
    plain = sum(byte < 128 for byte in first)
    return ("cp1252", "latin-1") if plain >= MOSTLY_ASCII * len(first) else ()
