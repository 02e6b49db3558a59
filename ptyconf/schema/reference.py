"""Texts that refer to others: ``${server.host}``, ``${env:HOME}``, ``${file:path}``; ``$${`` is ``${``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ptyconf.text.show import toml_text

START = "${"
ESCAPED = "$${"
_PART = r"\$\$\{|\$\{([^{}]*)\}|\$\{"


class ReferenceSyntaxError(ValueError):
    """A text begins a reference and does not end it."""


class Reference(NamedTuple):
    """One reference in a text: to a setting, a variable of the environment or a file.

    Args:
        kind: "setting", "env" or "file".
        name: Path of the setting, name of the variable, path of the file.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"${{{self.name if self.kind == 'setting' else f'{self.kind}:{self.name}'}}}"


class Deferred:
    """A value with references in it, as it was written; it is read after the merge.

    Args:
        raw: The text, or the container with texts.
        text: Whether it came from a source of texts, so that it may be parsed.
        folder: Folder of relative paths.
        read: Reads the value when the references are known: takes it, whether it is a text to parse, and
            the folder of relative paths in it.
        known: The value and what it refers to, where another process has found it already.
    """

    # No dataclass: making one is a hundredth of a cold start, and few programs have references.
    __slots__ = ("folder", "known", "raw", "read", "text")

    def __init__(
        self,
        raw: Any,
        text: bool,
        folder: str | None,
        read: Callable[[Any, bool, str | None], Any],
        known: tuple[Any, tuple[tuple[Reference, Any], ...]] | None = None,
    ) -> None:
        self.raw = raw
        self.text = text
        self.folder = folder
        self.read = read
        self.known = known

    def __eq__(self, other: object) -> bool:
        """Tell whether another is written the same and read against the same folder."""
        return isinstance(other, Deferred) and self._written == other._written

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return toml_text(self.raw)

    @property
    def _written(self) -> tuple[Any, bool, str | None]:
        return self.raw, self.text, self.folder


def has_reference(value: Any) -> bool:
    """Tell whether a value is a text with a reference, or holds one; an escaped one counts."""
    if isinstance(value, str):
        return START in value
    if isinstance(value, Mapping):
        return any(map(has_reference, value.values()))
    return isinstance(value, (list, tuple, set, frozenset)) and any(map(has_reference, value))


def parts_of(text: str) -> list[str | Reference]:
    """Take a text apart into plain pieces and references.

    Raises:
        ReferenceSyntaxError: A reference is not closed, is empty, or is of no known kind.
    """
    parts: list[str | Reference] = []
    at = 0
    for match in re.finditer(_PART, text):
        parts.append(text[at : match.start()])
        at = match.end()
        if match[0] == ESCAPED:
            parts.append(START)
        elif match[1] is None:
            raise ReferenceSyntaxError("begins a reference that is not closed")
        else:
            parts.append(_reference(match[1].strip()))
    parts.append(text[at:])
    return [part for part in parts if part != ""]


def _reference(name: str) -> Reference:
    if not name:
        raise ReferenceSyntaxError("has an empty reference")
    kind, colon, rest = name.partition(":")
    if not colon or '"' in kind:
        return Reference("setting", name)
    if kind not in ("env", "file") or not rest:
        raise ReferenceSyntaxError("has a reference of no known kind")
    return Reference(kind, rest)


def escaped(value: Any) -> Any:
    """Write the texts of a value so that where references are read they mean themselves."""
    if isinstance(value, str):
        return value.replace(START, ESCAPED)
    if isinstance(value, Mapping):
        return {key: escaped(item) for key, item in value.items()}
    return [escaped(item) for item in value] if isinstance(value, (list, tuple)) else value
