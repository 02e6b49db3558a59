"""JSON of unknown origin: a table of finite numbers, no key twice, not nested without end."""

from __future__ import annotations

import json
import math
from typing import Any


def parse_table(content: bytes) -> dict[str, Any]:
    """Read a table.

    Raises:
        ValueError: It is no such table, or no JSON.
        TypeError: It is JSON of another kind.
    """
    try:
        table = json.loads(
            content.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_parse_finite,
            object_pairs_hook=_require_unique,
        )
    except RecursionError as error:
        raise ValueError("its lists are nested too deeply") from error
    if not isinstance(table, dict):
        raise TypeError(f"a {type(table).__name__} where a table belongs")
    return table


def dump_table(table: dict[str, Any]) -> bytes:
    """Write a table; the same table gives the same bytes.

    Raises:
        ValueError: It holds a number that is not finite.
    """
    return (json.dumps(table, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("utf-8")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")


def _parse_finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number


def _require_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} twice")
    return table
