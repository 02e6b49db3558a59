"""Flags, numbers, text, bytes: what Python has without an import."""

from __future__ import annotations

import math
import numbers
import re
from typing import Any

from ptyconf.schema.kind import NONE, Kind, Mismatch, parse_toml, textual
from ptyconf.text.show import toml_text


def _read_bool(value: Any) -> bool:
    if value is True or value is False:
        return value
    kind = type(value)
    if kind.__module__ == "numpy" and kind.__name__ in {
        "bool",
        "bool_",
    }:  # By name: numpy is not imported here.
        return bool(value)
    raise Mismatch("true or false", _SWITCHES.get(str(value).strip().lower(), ""))


_SWITCHES = {
    **dict.fromkeys(("true", "yes", "on", "y", "t", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "n", "f", "0"), "false"),
}


def _text_bool(text: str) -> bool:
    if text in {"true", "false"}:
        return text == "true"
    raise Mismatch("true or false", _SWITCHES.get(text.strip().lower(), ""))


def _read_int(value: Any) -> int:
    if type(value) is int:
        return value
    if not isinstance(value, bool) and isinstance(value, numbers.Integral):
        return int(value)
    hint = str(int(value)) if isinstance(value, float) and value.is_integer() else ""
    raise Mismatch("a whole number", hint or _without_quotes(value, int))


def _text_int(text: str) -> int:
    if text.isascii() and text.isdecimal():
        if text[0] == "0" and text != "0":  # 0755 may be meant as 0o755
            raise Mismatch("a whole number", text.lstrip("0") or "0")
        if len(text) < 19:
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


def _freeze_float(value: float) -> Any:
    return value if math.isfinite(value) else {"$float": repr(value)}


def _thaw_float(value: Any) -> float:
    if isinstance(value, dict) and value.keys() == {"$float"}:
        return float(value["$float"])
    return _read_number(value)


def make_float(*, nonfinite: bool) -> Kind:
    """Make the kind of numbers, with NaN and infinities only where they are allowed."""
    read = _read_number if nonfinite else _read_float
    exact = frozenset({float}) if nonfinite else frozenset()
    return Kind(
        float,
        "a number",
        read,
        lambda text: read(_text_number(text)),
        frozen=_freeze_float,
        thawed=_thaw_float,
        json_schema={"type": "number"},
        exact=exact,
        finite=not nonfinite,
    )


def _read_str(value: Any) -> str:
    if isinstance(value, str):
        return str.__str__(value)  # str(value) of an enum of texts is its name
    raise Mismatch("text", toml_text(str(value)) if isinstance(value, (int, float)) else "")


def _read_none(value: Any) -> None:
    if value is not None:
        raise Mismatch("none")


def _text_none(text: str) -> None:
    if text != "none":
        raise Mismatch("none")


BYTES = 'bytes as "base64:..." or "hex:..."'


def _read_bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    form, sign, rest = value.partition(":") if isinstance(value, str) else ("", "", "")
    try:
        if sign and form == "hex":
            return bytes.fromhex(rest)
        if sign and form == "base64":
            import base64

            return base64.b64decode(rest, validate=True)
    except ValueError:
        raise Mismatch(BYTES) from None
    raise Mismatch(BYTES)


def _write_bytes(value: bytes) -> str:
    import base64

    return f"base64:{base64.b64encode(value).decode('ascii')}"


def _read_complex(text: str) -> complex:
    return complex(text.strip().strip("()").replace(" ", ""))


_COMPLEX = textual(complex, 'a complex number as "1+2j"', _read_complex, str)


def _typed_complex(value: Any) -> complex:
    if value.__class__ in (int, float):
        return complex(value)
    read: complex = _COMPLEX.typed(value)
    return read


_NONE = Kind(
    NONE, "none", _read_none, _text_none, json_schema={"type": "null"}, exact=frozenset({NONE}), optional=True
)
KINDS: dict[Any, Kind] = {
    bool: Kind(
        bool,
        "true or false",
        _read_bool,
        _text_bool,
        json_schema={"type": "boolean"},
        exact=frozenset({bool}),
    ),
    int: Kind(
        int,
        "a whole number",
        _read_int,
        _text_int,
        json_schema={"type": "integer"},
        exact=frozenset({int}),
    ),
    float: make_float(nonfinite=False),
    str: Kind(str, "text", _read_str, str, json_schema={"type": "string"}, exact=frozenset({str})),
    NONE: _NONE,
    None: _NONE,
    bytes: Kind(
        bytes,
        BYTES,
        _read_bytes,
        lambda text: _read_bytes(text.strip()),
        _write_bytes,
        _write_bytes,
        json_schema={"type": "string", "pattern": "^(base64|hex):"},
        exact=frozenset({bytes}),
    ),
    complex: Kind(
        complex,
        _COMPLEX.expected,
        _typed_complex,
        _typed_complex,
        str,
        str,
        json_schema={"type": ["string", "number"]},
        exact=frozenset({complex}),
    ),
}
