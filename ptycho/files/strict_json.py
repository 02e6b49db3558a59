"""JSON of unknown origin: a table of numbers that exist, not nested without end.

What we wrote ourselves is read strictly: each number finite, no key twice. What other programs embed in a
scan may have both, as their JSON writers allow.
"""

from __future__ import annotations

import json
import math
from typing import Any

LONGEST_NUMBER = 30
"""Digits of a number that a message shows."""

DEEPEST = 100
"""Tables and lists inside each other; what we write has fewer than ten."""


def parse_table(content: bytes) -> dict[str, Any]:
    """Read a table that we wrote.

    Raises:
        ValueError: It is no such table, or no JSON.
        TypeError: It is JSON of another kind.
    """
    return _parse(content.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_require_unique)


def parse_foreign_table(text: str) -> dict[str, Any]:
    """Read a table that another program wrote: NaN, Infinity and keys that stand twice are taken.

    Raises:
        ValueError: It is no JSON, or holds a number that no float can hold.
        TypeError: It is JSON of another kind.
    """
    return _parse(text)


def _parse(text: str, **strictness: Any) -> dict[str, Any]:
    try:
        table = json.loads(text, parse_float=_parse_finite, parse_int=_parse_integer, **strictness)
    except RecursionError as error:
        raise ValueError("its lists are nested too deeply") from error
    if not isinstance(table, dict):
        raise TypeError(f"a {type(table).__name__} where a table belongs")
    _require_shallow(table)
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
        raise ValueError(f"{_short(text)} is not a finite number")
    return number


def _parse_integer(text: str) -> int:
    # Whoever computes with it makes it a float, which has 309 digits at most.
    _parse_finite(text)
    return int(text)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_NUMBER else f"{text[:LONGEST_NUMBER]}... ({len(text)} digits)"


def _require_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for name, value in pairs:
        if name in table:
            raise ValueError(f"the key {name!r} twice")
        table[name] = value
    return table


def _require_shallow(table: dict[str, Any]) -> None:
    """Refuse what a program that goes down into it may not come back from."""
    level: list[Any] = [table]
    for _ in range(DEEPEST):
        inner = [node.values() if isinstance(node, dict) else node for node in level]
        level = [node for values in inner for node in values if isinstance(node, (dict, list))]
        if not level:
            return
    raise ValueError("its lists are nested too deeply")
