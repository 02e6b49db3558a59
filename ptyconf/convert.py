"""Strict reading of values, by type and kind of source: text is parsed, the rest must already fit."""

from __future__ import annotations

import datetime
import enum
import math
import numbers
import os
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any, Literal, Union

from attrs import evolve, frozen

from ptyconf.spelling import spell

NONE = type(None)
Read = Callable[[Any], Any]


class Mismatch(ValueError):  # noqa: N818  It names what happened.
    """A value does not fit a type: what was expected, what to try, and the place inside a container."""

    def __init__(self, expected: str, hint: str = "", at: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.hint = hint
        self.at = at


@frozen
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


def reader(kind: Any, *, nonfinite: bool = False) -> Reader:
    """Make the reader of a type; an unknown class is read by cattrs or taken as an instance."""
    kind = unwrap(kind)
    if kind is float:
        return _float_reader(nonfinite=nonfinite)
    if kind in SCALARS:
        return SCALARS[kind]
    origin = typing.get_origin(kind)
    if origin is Literal:
        return _literal_reader(typing.get_args(kind))
    if origin in {Union, types.UnionType}:
        return _union_reader([reader(each, nonfinite=nonfinite) for each in typing.get_args(kind)])
    container = CONTAINERS.get(origin or kind)
    if container is not None:
        return container(typing.get_args(kind), nonfinite)
    if isinstance(kind, type):
        return _class_reader(kind)
    return SCALARS[Any]


def unwrap(kind: Any) -> Any:
    """Look through Annotated, NewType and type aliases."""
    while True:
        if typing.get_origin(kind) is typing.Annotated:
            kind = typing.get_args(kind)[0]
        elif hasattr(kind, "__supertype__"):  # NewType
            kind = kind.__supertype__
        elif type(kind).__name__ == "TypeAliasType":
            kind = kind.__value__
        else:
            return kind


def parse_toml(text: str, expected: str) -> Any:
    """Read one text as a TOML value."""
    from ptyconf.sources.guard import read_value

    try:
        return read_value(text)
    except ValueError:
        raise Mismatch(expected) from None


def _parsed(expected: str, typed: Read) -> Read:
    return lambda text: typed(parse_toml(text.strip(), expected))


# Scalars


def _read_bool(value: Any) -> bool:
    if value is True or value is False:
        return value
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
    raise Mismatch("a whole number", hint)


WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def _text_int(text: str) -> int:
    if WHOLE.fullmatch(text):
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
        return float(value)
    raise Mismatch("a number")


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


def _float_reader(*, nonfinite: bool) -> Reader:
    read = _read_number if nonfinite else _read_float
    exact = frozenset({float}) if nonfinite else frozenset()
    return Reader("a number", read, lambda text: read(_text_number(text)), exact, not nonfinite)


def _read_str(value: Any) -> str:
    if isinstance(value, str):
        return str(value)
    raise Mismatch("text", spell(str(value)) if isinstance(value, (int, float)) else "")


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


def _text_any(text: str) -> Any:
    try:
        return parse_toml(text.strip(), "")
    except Mismatch:
        return text


def _instance_reader(kind: type, expected: str) -> Reader:
    def typed(value: Any) -> Any:
        if isinstance(value, kind) and (
            kind is not datetime.date or not isinstance(value, datetime.datetime)
        ):
            return value
        raise Mismatch(expected)

    return Reader(expected, typed, _parsed(expected, typed), frozenset({kind}))


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
        "any value", _copied, _text_any, frozenset({int, float, str, bool, NONE}), mutable=True, optional=True
    ),
    object: Reader(
        "any value", _copied, _text_any, frozenset({int, float, str, bool}), mutable=True, optional=True
    ),
    datetime.datetime: _instance_reader(datetime.datetime, "a date with time"),
    datetime.date: _instance_reader(datetime.date, "a date"),
    datetime.time: _instance_reader(datetime.time, "a time of day"),
}


# Choices


def _literal_reader(choices: tuple[Any, ...]) -> Reader:
    expected = one_of(choices)
    known = {(type(each), each): each for each in choices}

    def typed(value: Any) -> Any:
        try:
            return known[type(value), value]
        except (KeyError, TypeError):
            raise Mismatch(expected) from None

    def text(said: str) -> Any:
        if (str, said) in known:
            return said
        if said == "none" and None in choices:
            return None
        return typed(parse_toml(said.strip(), expected))

    return Reader(expected, typed, text, optional=None in choices)


def one_of(choices: Iterable[Any]) -> str:
    """Say a list of legal values in words."""
    said = [spell(each) for each in choices]
    return said[0] if len(said) == 1 else f"one of {', '.join(said)}"


def _enum_reader(kind: type[enum.Enum]) -> Reader:
    expected = one_of([each.value if isinstance(each.value, (str, int)) else each.name for each in kind])

    def typed(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        for each in kind:
            if type(value) is type(each.value) and value == each.value:
                return each
        if isinstance(value, str) and value in kind.__members__:
            return kind[value]
        raise Mismatch(expected)

    def text(said: str) -> Any:
        try:
            return typed(said)
        except Mismatch:
            return typed(parse_toml(said.strip(), expected))

    return Reader(expected, typed, text)


def _union_reader(members: list[Reader]) -> Reader:
    alternatives = [each for each in members if each.expected != "none"]
    expected = " or ".join(dict.fromkeys(each.expected for each in alternatives)) or "none"
    # Text is the widest reading, so a member that parses it more strictly is asked first.
    parsed_first = sorted(members, key=lambda each: each.text in {str, Path, _text_any})

    def attempt(readers: list[Reader], read: Callable[[Reader], Any]) -> Any:
        told: Mismatch | None = None
        for each in readers:
            try:
                return read(each)
            except Mismatch as mismatch:
                told = mismatch if each in alternatives else told
        one = len(alternatives) == 1 and told is not None
        raise told if one and told is not None else Mismatch(expected, told.hint if told else "")

    def typed(value: Any) -> Any:
        for each in members:
            if type(value) in each.exact:
                return each.typed(value)
        return attempt(members, lambda each: each.typed(value))

    return Reader(
        expected,
        typed,
        lambda text: attempt(parsed_first, lambda each: each.text(text)),
        frozenset().union(*(each.exact for each in members)),
        finite=any(each.finite for each in members),
        mutable=any(each.mutable for each in members),
        paths=any(each.paths for each in members),
        optional=any(each.optional for each in members),
    )


# Containers


def _elements(value: Any, read: Read, expected: str) -> list[Any]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise Mismatch(expected)
    found = []
    for index, each in enumerate(value):
        try:
            found.append(read(each))
        except Mismatch as mismatch:
            raise Mismatch(mismatch.expected, mismatch.hint, f"[{index}]{mismatch.at}") from None
    return found


def _sequence_reader(make: type, word: str) -> Callable[[tuple[Any, ...], bool], Reader]:
    def build(arguments: tuple[Any, ...], nonfinite: bool) -> Reader:
        inner = reader(arguments[0] if arguments else Any, nonfinite=nonfinite)
        expected = f"{word} of {_plural(inner.expected)}" if arguments else word

        def typed(value: Any) -> Any:
            return make(_elements(value, inner.typed, expected))

        return Reader(
            expected, typed, _parsed(expected, typed), mutable=make is not frozenset, paths=inner.paths
        )

    return build


def _plural(words: str) -> str:
    return {
        "a whole number": "whole numbers",
        "a number": "numbers",
        "text": "texts",
        "a path": "paths",
        "true or false": "true or false",
    }.get(words, words)


def _tuple_reader(arguments: tuple[Any, ...], nonfinite: bool) -> Reader:
    if not arguments or arguments[-1] is Ellipsis:
        inner = _sequence_reader(tuple, "a list")(arguments[:1], nonfinite)
        return evolve(inner, mutable=False)
    members = [reader(each, nonfinite=nonfinite) for each in arguments]
    same = len({each.expected for each in members}) == 1
    kinds = _plural(members[0].expected) if same else ", ".join(each.expected for each in members)
    expected = f"a list of {len(members)} {kinds}" if same else f"a list of {kinds}"

    def typed(value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) != len(members):
            raise Mismatch(expected)
        turn = iter(members)
        return tuple(_elements(value, lambda each: next(turn).typed(each), expected))

    return Reader(expected, typed, _parsed(expected, typed), paths=any(each.paths for each in members))


def _table_reader(arguments: tuple[Any, ...], nonfinite: bool) -> Reader:
    keys, values = (reader(each, nonfinite=nonfinite) for each in arguments or (Any, Any))
    expected = f"a table of {_plural(values.expected)}" if arguments else "a table"

    def typed(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise Mismatch(expected)
        found = {}
        for key, each in value.items():
            try:
                found[keys.typed(key)] = values.typed(each)
            except Mismatch as mismatch:
                raise Mismatch(mismatch.expected, mismatch.hint, f".{key}{mismatch.at}") from None
        return found

    return Reader(expected, typed, _parsed(expected, typed), mutable=True, paths=values.paths)


_list = _sequence_reader(list, "a list")
CONTAINERS: dict[Any, Callable[[tuple[Any, ...], bool], Reader]] = {
    list: _list,
    typing.Sequence: _list,
    tuple: _tuple_reader,
    set: _sequence_reader(set, "a list"),
    frozenset: _sequence_reader(frozenset, "a list"),
    dict: _table_reader,
}
CONTAINERS[typing.get_origin(typing.Sequence[int])] = _list
CONTAINERS[typing.get_origin(typing.Mapping[str, int])] = _table_reader
CONTAINERS[typing.get_origin(typing.MutableMapping[str, int])] = _table_reader


def _class_reader(kind: type) -> Reader:
    if issubclass(kind, enum.Enum):
        return _enum_reader(kind)
    if not (hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__")):
        return _instance_reader(kind, f"an instance of {kind.__qualname__}")
    expected = f"a table that makes a {kind.__qualname__}"

    def typed(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        if not isinstance(value, Mapping):
            raise Mismatch(expected)
        from ptyconf.structure import structure

        return structure(value, kind)

    return Reader(expected, typed, _parsed(expected, typed), mutable=True)


def anchor(value: Any, folder: Path) -> Any:
    """Resolve the relative paths in a value against a folder."""
    if isinstance(value, PurePath):
        return value if value.is_absolute() else folder / value
    if isinstance(value, dict):
        return {key: anchor(each, folder) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(anchor(each, folder) for each in value)
    return value
