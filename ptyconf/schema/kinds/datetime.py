"""Dates, times of day and spans of time."""

from __future__ import annotations

import datetime
import re
from typing import Any

from ptyconf.schema.kind import Kind, Mismatch, parse_toml
from ptyconf.text.show import is_toml_moment

SPAN = 'a span of time as seconds, "1h30m", "00:01:30" or ISO 8601'
_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "min": 60, "s": 1, "ms": 1e-3, "us": 1e-6}
_NUMBER = r"\d+(?:\.\d+)?"
_ISO = (
    rf"(?P<sign>[+-]?)P(?:(?P<w>{_NUMBER})W)?(?:(?P<d>{_NUMBER})D)?"
    rf"(?:T(?:(?P<h>{_NUMBER})H)?(?:(?P<m>{_NUMBER})M)?(?:(?P<s>{_NUMBER})S)?)?"
)
_CLOCK = r"(?P<sign>[+-]?)(?:(?P<d>\d+) ?d(?:ays?)?,? ?)?(?P<h>\d+):(?P<m>\d{2})(?::(?P<s>\d{2}(?:\.\d+)?))?"
_PIECE = rf"({_NUMBER}) ?(weeks?|days?|hours?|minutes?|seconds?|w|d|h|min|ms|us|m|s)"


def _from_iso(kind: Any, text: str, expected: str) -> Any:
    if kind is datetime.datetime and "T" not in text and " " not in text:
        raise Mismatch(expected)  # a date alone is no date with time
    try:
        return kind.fromisoformat(text)
    except ValueError:
        raise Mismatch(expected) from None


def _instance(kind: type, expected: str, name: str) -> Kind:
    def read(value: Any) -> Any:
        if isinstance(value, kind) and (
            kind is not datetime.date or not isinstance(value, datetime.datetime)
        ):
            return value
        if isinstance(value, str):  # JSON and YAML have no dates
            return _from_iso(kind, value.strip(), expected)
        raise Mismatch(expected)

    def parse(text: str) -> Any:
        """Read a text as TOML has it, else as ISO 8601."""
        stripped = text.strip()
        try:
            moment = parse_toml(stripped, expected)
        except Mismatch:
            return _from_iso(kind, stripped, expected)
        return read(moment)

    def thaw(value: Any) -> Any:
        tag = f"${name}"
        if isinstance(value, dict) and value.keys() == {tag}:
            return kind.fromisoformat(value[tag])  # type: ignore[attr-defined]
        return read(value)

    return Kind(
        kind,
        expected,
        read,
        parse,
        lambda value: value if is_toml_moment(value) else value.isoformat(),
        frozen=lambda value: {f"${name}": value.isoformat()},
        thawed=thaw,
        json_schema={"type": "string", "format": {"datetime": "date-time"}.get(name, name)},
        exact=frozenset({kind}),
    )


def _seconds(seconds: float) -> datetime.timedelta:
    try:
        return datetime.timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise Mismatch(SPAN) from None


def read_span(value: Any) -> datetime.timedelta:
    """Read a span of time; a number is seconds.

    Raises:
        Mismatch: It is none.
    """
    if isinstance(value, datetime.timedelta):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _seconds(value)
    if isinstance(value, str):
        text = value.strip()
        if text and re.fullmatch(rf"[+-]?{_NUMBER}", text):
            return _seconds(float(text))
        match = re.fullmatch(_ISO, text) if "P" in text else re.fullmatch(_CLOCK, text)
        if match is not None and any(match.group(unit) for unit in match.groupdict() if unit != "sign"):
            return _span_of(match)
        if re.fullmatch(rf"[+-]?(?:{_PIECE}\s*)+", text):
            return _span_of_pieces(text)
    raise Mismatch(SPAN)


def _span_of(match: re.Match[str]) -> datetime.timedelta:
    """Add up the named parts of a span, exactly to the microsecond."""
    total = datetime.timedelta()
    names = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
    try:
        for unit, digits in match.groupdict().items():
            if digits and unit in names:
                total += datetime.timedelta(**{names[unit]: float(digits)})
            elif digits and unit == "s":
                whole, _, part = digits.partition(".")
                total += datetime.timedelta(seconds=int(whole), microseconds=int((part + "000000")[:6]))
        return -total if match.group("sign") == "-" else total
    except OverflowError:
        raise Mismatch(SPAN) from None


def _span_of_pieces(text: str) -> datetime.timedelta:
    short = {"week": "w", "day": "d", "hour": "h", "minute": "m", "second": "s"}
    total = datetime.timedelta()
    for number, unit in re.findall(_PIECE, text):
        name = short.get(unit.rstrip("s"), unit) if len(unit) > 3 else unit
        total += _seconds(float(number) * _UNITS[name])
    return -total if text.startswith("-") else total


def write_span(value: datetime.timedelta) -> str:
    """Write a span as ISO 8601, exactly: ``P1DT1.5S``."""
    sign = "-" if value < datetime.timedelta() else ""
    value = abs(value)
    seconds = f"{value.seconds}.{value.microseconds:06}".rstrip("0").rstrip(".")
    days = f"{value.days}D" if value.days else ""
    return f"{sign}P{days}T{seconds}S"


KINDS: dict[Any, Kind] = {
    datetime.datetime: _instance(datetime.datetime, "a date with time", "datetime"),
    datetime.date: _instance(datetime.date, "a date", "date"),
    datetime.time: _instance(datetime.time, "a time of day", "time"),
    datetime.timedelta: Kind(
        datetime.timedelta,
        SPAN,
        read_span,
        read_span,
        write_span,
        write_span,
        json_schema={"type": ["string", "number"]},
        exact=frozenset({datetime.timedelta}),
    ),
}
