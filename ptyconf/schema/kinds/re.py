"""Regular expressions."""

from __future__ import annotations

import re
from typing import Any

from ptyconf.schema.kind import Kind, Mismatch, textual

EXPECTED = "a regular expression"


def _compile(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise Mismatch(f"{EXPECTED} ({error})") from None


def _write(pattern: re.Pattern[str]) -> str:
    """Write the pattern, with flags that were given beside it in front."""
    flags = "".join(
        letter
        for letter, flag in (("i", re.I), ("m", re.M), ("s", re.S), ("x", re.X), ("a", re.A))
        if pattern.flags & flag
    )
    return (
        f"(?{flags}){pattern.pattern}"
        if flags and re.compile(pattern.pattern).flags != pattern.flags
        else pattern.pattern
    )


_TEXT = textual(re.Pattern, EXPECTED, _compile, _write)


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return _compile(value)
    return _TEXT.typed(value)


KINDS: dict[Any, Kind] = {
    re.Pattern: Kind(
        re.Pattern,
        EXPECTED,
        _read,
        _compile,
        _write,
        _write,
        json_schema={"type": "string", "format": "regex"},
        exact=frozenset({re.Pattern}),
    )
}
