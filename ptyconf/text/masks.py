"""Secrets in texts that somebody else wrote: taken out where they stand whole, so that no word is eaten."""

from __future__ import annotations

import datetime
import enum
import keyword
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from ptyconf.text.show import MASK, SHORT, words_of

LONG = 8  # a longer one is no part of anything by chance
LONGEST_PIECE = 240
# How unittest and pytest shorten texts: "abc[17 chars]xyz", "abc...xyz", and lines of a difference without
# the beginning that both sides have.
_CUT_AFTER = r"\[\d+ chars\]|\.\.\.| \[truncated\]"
_CUT_BEFORE = r"(?:(?<= chars\])|(?<=\.\.\.)|(?<=^[-+] ))"


class Masks:
    """The patterns of some secrets.

    A long secret is masked wherever it stands, a shorter one as a whole word or between quotes, one of less
    than four characters between quotes alone. In lines of source code only what stands between quotes can be
    a secret: the rest are names and keywords.

    Args:
        values: The secrets, or containers of them.
        cut: Whether the texts are shortened: a piece of a secret beside what stands for the rest is one.
    """

    def __init__(self, values: Iterable[Any], *, cut: bool = False) -> None:
        parts = {part for value in values for part in _parts(value)}
        texts = {text for part in parts for text in _written_forms(part)}
        numbers = {str(part) for part in parts if isinstance(part, (int, float, complex))}
        self.anywhere = _either(re.escape(text) for text in texts if len(text) >= LONG)
        quoted = (rf"(?<=['\"]){re.escape(text)}(?=['\"])" for text in texts if len(text) < LONG)
        self.quoted = _either(quoted)
        words = {
            text for text in texts - numbers if SHORT <= len(text) < LONG and not keyword.iskeyword(text)
        }
        whole = (rf"(?<!\w){re.escape(text)}(?!\w)" for text in words)
        alone = (rf"(?<=^[-+?] ){re.escape(text)}$" for text in texts if len(text) < LONG)
        self.whole = _either((*whole, *(rf"(?<![\w.:]){re.escape(text)}(?![\w.])" for text in numbers)))
        self.alone = _either(alone)
        self.pieces = _either(piece for text in texts - numbers for piece in _pieces(text)) if cut else None

    def __bool__(self) -> bool:
        return any((self.anywhere, self.quoted, self.whole))

    def source(self, text: str) -> str:
        """Mask secrets in source code."""
        return self._sub((self.anywhere, self.quoted, self.pieces), text)

    def words(self, text: str) -> str:
        """Mask secrets in the words of a message or an output."""
        return self._sub((self.anywhere, self.quoted, self.whole, self.alone, self.pieces), text)

    def _sub(self, patterns: Iterable[re.Pattern[str] | None], text: str) -> str:
        for pattern in patterns:
            if pattern is not None:
                text = pattern.sub(MASK, text)
        return text


def _pieces(text: str) -> Iterator[str]:
    """Give patterns of a secret's beginnings and ends where a text was cut; of short ones beside a quote."""
    for length in range(1, min(len(text) - 1, LONGEST_PIECE) + 1):
        start, end = re.escape(text[:length]), re.escape(text[-length:])
        opened, closed = ("", "") if length >= SHORT else (r"(?<=['\"])", r"(?=['\"])")
        yield rf"{opened}{start}(?={_CUT_AFTER})"
        yield rf"{_CUT_BEFORE}{end}{closed}"
    if len(text) > LONGEST_PIECE:
        start, end = re.escape(text[:LONG]), re.escape(text[-LONG:])
        yield from (rf"{start}[^\s'\"]*", rf"[^\s'\"]*{end}")


def _either(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """Make one pattern of many, the longest first; None of none."""
    longest_first = sorted(patterns, key=len, reverse=True)
    return re.compile("|".join(longest_first), re.MULTILINE) if longest_first else None


def _parts(value: Any) -> Iterator[Any]:
    """Give every scalar inside a value that can give itself away."""
    if isinstance(value, (int, float, complex, str, bytes)) and not isinstance(value, bool):
        yield value
    elif isinstance(value, Mapping):
        yield from chain.from_iterable(map(_parts, value.values()))
    elif isinstance(value, (list, tuple, set, frozenset, deque)):
        yield from chain.from_iterable(map(_parts, value))
    elif isinstance(value, enum.Enum):  # a flag can be iterated, and gives itself
        yield value.name or ""
        yield from _parts(value.value)
    elif value is not None and not isinstance(value, bool):
        yield from _parts_of_object(value)


def _parts_of_object(value: Any) -> Iterator[Any]:
    """Give every scalar inside an object: its fields, or what it looks like."""
    names = getattr(value, "__dataclass_fields__", None) or [
        attribute.name for attribute in getattr(value, "__attrs_attrs__", ())
    ]
    for name in names:
        yield from _parts(getattr(value, name, None))
    if not names:
        yield words_of(value)
        if isinstance(value, (datetime.date, datetime.time)):
            yield value.isoformat()


def _written_forms(part: Any) -> set[str]:
    """Spell a secret as reprs, TOML and logs do, without its quotes; each line of several, too."""
    from ptyconf.text.show import json_text

    if isinstance(part, bytes):
        return {repr(part)[2:-1]} - {""}
    lines = [line for line in words_of(part).splitlines() if len(line) >= LONG]
    return {words_of(part), words_of(part, repr).strip("'\""), json_text(part).strip('"'), *lines} - {""}
