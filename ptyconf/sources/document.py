"""One text of a file format: pinned when it is read, with the place of every key and value on demand."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple

from ptyconf.merge.fault import Fault
from ptyconf.merge.origin import Origin, shown_path
from ptyconf.text.files import TextError
from ptyconf.text.show import dotted_key

Path = tuple["str | int", ...]
_NOWHERE = (None, None)
_ASSIGNMENT = r"[ \t]*[\w\"'][^=#]*=|[ \t]*\["


class Place(NamedTuple):
    """Starts of a key and its value, lines and columns from 1; a header and an element have only one."""

    key: tuple[int, int] | None
    value: tuple[int, int] | None


class Places(Mapping[Path, Place]):
    """Places in one text, by the path of keys and indices; lines are counted when one is asked for.

    Args:
        text: The text, without a byte order mark.
        offsets: Where key and value of each path start, as offsets in the text.
    """

    def __init__(self, text: str, offsets: Mapping[Path, tuple[int | None, int | None]]) -> None:
        self.text = text
        self._starts = [0, *accumulate([len(line) + 1 for line in text.split("\n")])]
        self._offsets = offsets
        self._known: dict[Path, Place] = {}  # that were asked for: every layer of a text asks for the same

    def __getitem__(self, path: Path) -> Place:
        place = self.get(path)
        if place is None:
            raise KeyError(path)
        return place  # type: ignore[no-any-return]

    def get(self, path: Path, default: Any = None) -> Any:
        """Give the place of a path, or the default, as every Mapping does; no error is raised on the way."""
        known = self._known.get(path)
        if known is not None:
            return known
        offsets = self._offsets.get(path)
        if offsets is None:
            return default
        known = self._known[path] = self._place_of(*offsets)
        return known

    def _place_of(self, key: int | None, value: int | None) -> Place:
        """Count lines and columns."""
        if key is None:
            return Place(None, self._place(value))
        starts = self._starts
        line = bisect_right(starts, key)
        before = starts[line - 1] - 1
        if value is None or value >= starts[line]:
            return Place((line, key - before), self._place(value))
        return Place((line, key - before), (line, value - before))  # the value on the line of its key

    def __contains__(self, path: object) -> bool:
        return path in self._offsets

    def __iter__(self) -> Iterator[Path]:
        return iter(self._offsets)

    def __len__(self) -> int:
        return len(self._offsets)

    def _place(self, offset: int | None) -> tuple[int, int] | None:
        if offset is None:
            return None
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


class Format(NamedTuple):
    """A file format of settings: what include, profile, unset and places mean is the same for all.

    Args:
        name: Its name, the kind of its origins.
        suffixes: Endings of its files, with the dot.
        parse: Text to tables; raises TextError with the place.
        places: The place of every key and value, for a text that was parsed.
        spell: Writes a key of one or more names and its value as a file of the format would, for hints.
    """

    name: str
    suffixes: tuple[str, ...]
    parse: Callable[[str], dict[str, Any]]
    places: Callable[[str], Mapping[Path, Place]]
    spell: Callable[[Sequence[str], Any], str]


def _find_places(find: Callable[[str], Mapping[Path, Place]], text: str) -> Mapping[Path, Place]:
    return find(text)


KEPT_TEXTS = 32
LONGEST_KEPT = 32_000
"""Characters of a text of which something is kept: all kept ones together take a few megabytes at most."""
_known_places = lru_cache(KEPT_TEXTS)(_find_places)  # a file is read again more often than it changes


class Document:
    """One text of a file format, pinned, with the places of its keys on demand."""

    __slots__ = ("_label", "_parent", "_places", "asked", "file", "format", "text")

    def __init__(
        self, text: str, file: str, kind: Format, asked: tuple[Document, tuple[str | int, ...]] | None = None
    ) -> None:
        self.text = text
        self.format = kind
        self.file = file
        self.asked = asked  # the document that includes this one, and the key of the include
        self._parent: Origin | None = None
        self._label = ""
        self._places: Mapping[Path, Place] | None = None

    def __eq__(self, other: object) -> bool:
        """Tell whether another is the same text of the same file, so that all places are the same."""
        if self is other:
            return True
        return (
            isinstance(other, Document)
            and self.text == other.text
            and self.file == other.file
            and self.format is other.format
            and self.asked == other.asked
        )

    __hash__ = object.__hash__

    @property
    def parent(self) -> Origin | None:
        """The place of the include that brought this document in; found out when somebody asks."""
        if self._parent is None and self.asked is not None:
            including, keys = self.asked
            self._parent = including.origin(keys)._replace(key=".".join(map(str, keys[:-1])))
        return self._parent

    @property
    def label(self) -> str:
        """Name of the file without its folder."""
        if not self._label:
            self._label = os.path.basename(self.file)  # noqa: PTH119  Path does the same in ten times the time.
        return self._label

    @property
    def places(self) -> Mapping[Path, Place]:
        """Where every key and value stands."""
        if self._places is None:
            find = _known_places if len(self.text) <= LONGEST_KEPT else _find_places
            self._places = find(self.format.places, self.text)
        return self._places

    def give_up(self) -> None:
        """Know no places: the text cannot be parsed."""
        self._places = {}

    def origin(self, keys: tuple[str | int, ...]) -> Origin:
        """Say where a key stands; one that is implied, at the nearest table around it."""
        places = self._places
        if places is None:
            places = self.places
        place = places.get(keys)
        path = keys
        while place is None and path:
            path = path[:-1]
            place = places.get(path)
        start, value = (None, None) if place is None else place
        line, column = start or value or _NOWHERE
        value_line, value_column = value or _NOWHERE
        parent = self._parent if self.asked is None else self.parent
        numbers = line, column, value_line, value_column
        return _new(Origin, (self.format.name, self.label, _dotted(keys), self.file, *numbers, parent))  # type: ignore[no-any-return]

    def at(self, line: int | None, column: int | None) -> Origin:
        """Name a place by its numbers."""
        return Origin(self.format.name, self.label, "", self.file, line, column, parent=self.parent)


_new: Any = tuple.__new__  # a report makes hundreds of places; their own constructors cost twice as much


_dotted = lru_cache(maxsize=4096)(dotted_key)  # every layer of a report names the same keys


def text_fault(document: Document, refusal: TextError) -> Fault:
    """Make a fault of a refusal; the snippet is drawn when it is known which keys are secret."""
    origin = document.at(refusal.line, refusal.column)
    text = f"{shown_path(document.file)} {refusal.text}"
    context = _context(document.text, refusal.line)
    # A file that another one includes may be anything on this machine: what is no settings file is not shown.
    snippet = draw_caret(document.text, refusal) if document.parent is None else ""
    return Fault(text, origin=origin, snippet=snippet, context=context)


def _context(text: str, line: int | None) -> str:
    """Take the lines from the last assignment down to a place, and the header above them."""
    lines = text.split("\n")[: line or 0]
    start = len(lines) - 1
    while start > 0 and not re.match(_ASSIGNMENT, lines[start]):
        start -= 1
    header = next((line for line in reversed(lines[: max(0, start)]) if line.lstrip().startswith("[")), "")
    return "\n".join((header, *lines[max(0, start) :]))


def draw_caret(text: str, refusal: TextError) -> str:
    """Draw the line of an error with a caret under the place."""
    if refusal.line is None or refusal.column is None or not text:
        return ""
    lines = text.removeprefix("\ufeff").split("\n")
    if refusal.line > len(lines):
        return ""
    line = lines[refusal.line - 1].rstrip("\r")
    start = max(0, refusal.column - 60)
    shown = "".join(character if character.isprintable() else " " for character in line[start : start + 100])
    return f"  | {shown}\n  | {' ' * (refusal.column - 1 - start)}^"
