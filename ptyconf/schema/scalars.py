"""How single values are read: flags, numbers, text, paths, dates."""

from __future__ import annotations

import datetime
import math
import numbers
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ptyconf.text.show import toml_text

NONE = type(None)
Read = Callable[[Any], Any]


class Mismatch(ValueError):  # noqa: N818  It names what happened.
    """A value does not fit a type: what was expected, what to try, and the place inside a container."""

    def __init__(self, expected: str, hint: str = "", at: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.hint = hint
        self.at = at


@dataclass(frozen=True, slots=True)
class Reader:
    """How one type is read.

    Args:
        expected: The type in words.
        typed: Reads a value of a typed source; raises Mismatch.
        text: Reads a text of the environment or a flag; raises Mismatch.
        exact: Classes whose instances are taken as they are, without a call.
        finite: Floats are taken as they are when they are finite.
        mutable: Values are containers, to be copied when handed out.
        paths: Values are or hold paths, to be anchored at a folder.
        optional: None is a value.
    """

    expected: str
    typed: Read
    text: Read
    exact: frozenset[type] = frozenset()
    finite: bool = False
    mutable: bool = False
    paths: bool = False
    optional: bool = False


def parse_toml(text: str, expected: str) -> Any:
    """Read one text as a TOML value."""
    from ptyconf.text.toml import parse_value

    try:
        return parse_value(text)
    except ValueError:
        raise Mismatch(expected) from None


def parsed(expected: str, typed: Read) -> Read:
    """Read a text as a TOML value, and that by its type."""
    return lambda text: typed(parse_toml(text.strip(), expected))


# Scalars


def _read_bool(value: Any) -> bool:
    if value is True or value is False:
        return value
    kind = type(value)
    if kind.__module__ == "numpy" and kind.__name__ in {
        "bool",
        "bool_",
    }:  # By name: numpy is not imported here.
        return bool(value)
    raise Mismatch("true or false", {"true": "true", "false": "false"}.get(str(value).lower(), ""))


def _text_bool(text: str) -> bool:
    if text in {"true", "false"}:
        return text == "true"
    lowered = text.strip().lower()
    raise Mismatch(
        "true or false", {"1": "true", "yes": "true", "on": "true", "0": "false"}.get(lowered, lowered[:5])
    )


def _read_int(value: Any) -> int:
    if type(value) is int:
        return value
    if not isinstance(value, bool) and isinstance(value, numbers.Integral):
        return int(value)
    hint = str(int(value)) if isinstance(value, float) and value.is_integer() else ""
    raise Mismatch("a whole number", hint or _without_quotes(value, int))


def _text_int(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 19:
        return int(text)
    return _read_int(parse_toml(text.strip(), "a whole number"))


def _read_float(value: Any) -> float:
    number = _read_number(value)
    if math.isfinite(number):
        return number
    raise Mismatch("a finite number")


def _read_number(value: Any) -> float:
    if type(value) is float:
        return value
    if not isinstance(value, bool) and isinstance(value, numbers.Real):
        try:
            return float(value)
        except OverflowError:
            raise Mismatch("a number below 1.8e308") from None
    raise Mismatch("a number", _without_quotes(value, float))


def _without_quotes(value: Any, kind: type[int] | type[float]) -> str:
    """Give the number that a text holds, for a hint; "" for none."""
    try:
        number = kind(value) if isinstance(value, str) and len(value) < 40 else math.nan
    except ValueError:
        return ""
    return toml_text(number) if math.isfinite(number) else ""


def _text_number(text: str) -> Any:
    stripped = text.strip()
    try:
        return (
            float(stripped)
            if re.fullmatch(r"[+-]?[0-9][0-9.eE+-]*", stripped)
            else parse_toml(stripped, "a number")
        )
    except ValueError:
        raise Mismatch("a number") from None


def float_reader(*, nonfinite: bool) -> Reader:
    """Read numbers, NaN and infinities only where they are allowed."""
    read = _read_number if nonfinite else _read_float
    exact = frozenset({float}) if nonfinite else frozenset()
    return Reader("a number", read, lambda text: read(_text_number(text)), exact, not nonfinite)


def _read_str(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    raise Mismatch("text", toml_text(str(value)) if isinstance(value, (int, float)) else "")


def _read_path(value: Any) -> Path:
    if isinstance(value, (str, os.PathLike)):
        return Path(value)
    raise Mismatch("a path")


def _read_none(value: Any) -> None:
    if value is not None:
        raise Mismatch("none")


def _text_none(text: str) -> None:
    if text != "none":
        raise Mismatch("none")


def _copied(value: Any) -> Any:
    """Keep a free-form value apart from its caller's containers."""
    if isinstance(value, Mapping):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, (list, set)):
        return type(value)(_copied(each) for each in value)
    return value


def text_any(text: str) -> Any:
    """Read a text as TOML if it is, else as text."""
    try:
        return parse_toml(text.strip(), "")
    except Mismatch:
        return text


def instance_reader(kind: type, expected: str) -> Reader:
    """Take instances of a class as they are."""

    def typed(value: Any) -> Any:
        if isinstance(value, kind) and (
            kind is not datetime.date or not isinstance(value, datetime.datetime)
        ):
            return value
        raise Mismatch(expected)

    return Reader(expected, typed, parsed(expected, typed), frozenset({kind}))


SCALARS: dict[Any, Reader] = {
    bool: Reader("true or false", _read_bool, _text_bool, frozenset({bool})),
    int: Reader("a whole number", _read_int, _text_int, frozenset({int})),
    str: Reader("text", _read_str, str, frozenset({str})),
    Path: Reader("a path", _read_path, Path, paths=True),
    PurePath: Reader("a path", _read_path, Path, paths=True),
    os.PathLike: Reader("a path", _read_path, Path, paths=True),
    NONE: Reader("none", _read_none, _text_none, frozenset({NONE}), optional=True),
    None: Reader("none", _read_none, _text_none, frozenset({NONE}), optional=True),
    Any: Reader(
        "any value", _copied, text_any, frozenset({int, float, str, bool, NONE}), mutable=True, optional=True
    ),
    object: Reader(
        "any value", _copied, text_any, frozenset({int, float, str, bool}), mutable=True, optional=True
    ),
    datetime.datetime: instance_reader(datetime.datetime, "a date with time"),
    datetime.date: instance_reader(datetime.date, "a date"),
    datetime.time: instance_reader(datetime.time, "a time of day"),
}
