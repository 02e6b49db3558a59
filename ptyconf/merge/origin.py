"""Where one value was written, spelled as its source spells it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple


def shown_path(file: str) -> str:
    """Name a file as seen from the working directory; one outside it by its full path."""
    return _seen_from(file, os.getcwd())  # noqa: PTH109  Path does the same in ten times the time.


@lru_cache(maxsize=256)  # a report names the same few files in every line
def _seen_from(file: str, _folder: str) -> str:
    try:
        relative = os.path.relpath(file)
    except ValueError:  # another drive
        return file
    return file if relative.startswith("..") and Path(file).is_absolute() else relative


class Origin(NamedTuple):
    """Where one value was written.

    Args:
        kind: Kind of source: toml, environment, flag, mapping, instance, defaults, derived, assigned ...
        label: Name of the source as its user knows it.
        key: The key in that source's own spelling.
        file: Absolute path of the file, where there is one.
        line: Line of the key, from 1.
        column: Column of the key in characters, from 1.
        value_line: Line on which the value starts, where it is known.
        value_column: Column at which the value starts.
        parent: What brought this source in: the include that named the file.
    """

    kind: str
    label: str
    key: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    value_line: int | None = None
    value_column: int | None = None
    parent: Origin | None = None

    @property
    def place(self) -> str:
        """``run.toml:14:1``, as far as it is known; "" without a file."""
        return self.place_as(shown_path)

    def place_as(self, shown: Callable[[str], str]) -> str:
        """Give the place with the file named in some way."""
        if self.file is None:
            return ""
        if self.line is not None and self.column is not None:
            return f"{shown(self.file)}:{self.line}:{self.column}"
        numbers = [str(number) for number in (self.line, self.column) if number is not None]
        return ":".join([shown(self.file), *numbers])

    @property
    def in_text(self) -> bool:
        """Whether the key stands in the file itself; the file and line of a call have no column."""
        return self.file is not None and (self.column is not None or not self.key)

    @property
    def where(self) -> str:
        """The place in the words of an error message."""
        if self.in_text:
            return f"{self.place}, included from {self.parent.place}" if self.parent else self.place
        if self.kind in {"environment", "flag"}:
            return f"{self.kind} {self.key}"
        return str(self)

    def __str__(self) -> str:
        return self.as_text()

    def as_text(self, shown: Callable[[str], str] = shown_path) -> str:
        """Give the place and the key in one line; ``shown`` names files, for a report that names many."""
        if self.in_text:
            text = f"{self.place_as(shown)} {self.key}".strip()
            return f"{text}, included from {self.parent.place_as(shown)}" if self.parent else text
        return f"{self.key} ({self.place_as(shown)})" if self.file else self.key

    def as_dict(self, shown: Callable[[str], str] = shown_path) -> dict[str, Any]:
        """Give the JSON form: kind, key, file, line, column (and included_from)."""
        row: dict[str, Any] = {
            "kind": self.kind,
            "key": self.key,
            "file": None if self.file is None else shown(self.file),
            "line": self.line,
            "column": self.column,
        }
        if self.parent is not None:
            row["included_from"] = self.parent.as_dict(shown)
        return row
