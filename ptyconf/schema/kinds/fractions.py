"""Fractions, exact as written."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ptyconf.schema.kind import Kind, textual

_TEXT = textual(Fraction, 'a fraction as text, "1/3"', Fraction)


def _read(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    return _TEXT.typed(value)


KINDS: dict[Any, Kind] = {
    Fraction: Kind(
        Fraction,
        _TEXT.expected,
        _read,
        _TEXT.text,
        str,
        str,
        json_schema={"type": ["string", "integer"]},
        exact=frozenset({Fraction}),
    )
}
