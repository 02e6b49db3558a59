"""Decimal numbers, exact as written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ptyconf.schema.kind import Kind, Mismatch, textual

EXPECTED = 'a decimal number as text, "1.50"'
_PATTERN = r"^\s*[-+]?[0-9._]+([eE][-+]?[0-9]+)?\s*$"
_TEXT = textual(Decimal, EXPECTED, Decimal)


def _read(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, float):
        raise Mismatch(EXPECTED, f'"{value!r}"')
    return _TEXT.typed(value)


KINDS: dict[Any, Kind] = {
    Decimal: Kind(
        Decimal,
        EXPECTED,
        _read,
        _TEXT.text,
        str,
        str,
        json_schema={"type": ["string", "integer"], "pattern": _PATTERN},
        exact=frozenset({Decimal}),
    )
}
