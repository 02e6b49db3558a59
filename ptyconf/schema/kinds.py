"""Strict reading of values, by type and kind of source: text is parsed, the rest must already fit."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, Literal, Union

from ptyconf.schema.scalars import (
    SCALARS,
    Mismatch,
    Read,
    Reader,
    float_reader,
    instance_reader,
    parse_toml,
    parsed,
    text_any,
)
from ptyconf.text.show import toml_text


def reader(kind: Any, *, nonfinite: bool = False) -> Reader:
    """Make the reader of a type; an unknown class is read by cattrs or taken as an instance."""
    kind = unwrap(kind)
    if kind is float:
        return float_reader(nonfinite=nonfinite)
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
    said = [toml_text(each) for each in choices]
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
    parsed_first = sorted(members, key=lambda each: each.text in {str, Path, text_any})

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
            expected, typed, parsed(expected, typed), mutable=make is not frozenset, paths=inner.paths
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
        return replace(inner, mutable=False)
    members = [reader(each, nonfinite=nonfinite) for each in arguments]
    same = len({each.expected for each in members}) == 1
    kinds = _plural(members[0].expected) if same else ", ".join(each.expected for each in members)
    expected = f"a list of {len(members)} {kinds}" if same else f"a list of {kinds}"

    def typed(value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or len(value) != len(members):
            raise Mismatch(expected)
        turn = iter(members)
        return tuple(_elements(value, lambda each: next(turn).typed(each), expected))

    return Reader(expected, typed, parsed(expected, typed), paths=any(each.paths for each in members))


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

    return Reader(expected, typed, parsed(expected, typed), mutable=True, paths=values.paths)


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
        return instance_reader(kind, f"an instance of {kind.__qualname__}")
    expected = f"a table that makes a {kind.__qualname__}"

    def typed(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        if not isinstance(value, Mapping):
            raise Mismatch(expected)
        from ptyconf.schema.structure import structure

        return structure(value, kind, reader)

    return Reader(expected, typed, parsed(expected, typed), mutable=True)


def anchor(value: Any, folder: Path) -> Any:
    """Resolve the relative paths in a value against a folder."""
    if isinstance(value, PurePath):
        return value if value.is_absolute() else _inside(folder, value)
    if isinstance(value, dict):
        return {key: anchor(each, folder) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return type(value)(anchor(each, folder) for each in value)
    return value


def _inside(folder: Path, path: PurePath) -> Path:
    """Join a path to a folder; each leading ``..`` leaves the folder that is really meant, links followed."""
    parts = path.parts
    while parts and parts[0] == "..":
        if folder.is_symlink() or ".." in folder.parts:
            folder = folder.resolve()
        folder, parts = folder.parent, parts[1:]
    return folder.joinpath(*parts)
