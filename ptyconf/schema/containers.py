"""Kinds of containers: sequences, tuples, sets, tables, named tuples and typed dicts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ptyconf.schema.kind import Kind, Mismatch, Read

_ITERABLE = (list, tuple, set, frozenset, deque)


def read_elements(value: Any, reads: Callable[[int], Read], expected: str) -> list[Any]:
    """Read every element of a sequence; a misfit says which.

    Raises:
        Mismatch: It is no sequence, or an element does not fit.
    """
    if not isinstance(value, _ITERABLE):
        raise Mismatch(expected)
    elements = []
    for index, element in enumerate(value):
        try:
            elements.append(reads(index)(element))
        except Mismatch as mismatch:
            raise Mismatch(mismatch.expected, mismatch.hint, f"[{index}]{mismatch.at}") from None
    return elements


def make_sequence(kind: Any, make: Callable[[list[Any]], Any], inner: Kind, *, bare: bool = False) -> Kind:
    """Make the kind of a list, set, deque or tuple of any length."""
    expected = "a list" if bare else f"a list of {_plural(inner.expected)}"
    unordered = make in (set, frozenset)

    def collect(elements: list[Any]) -> Any:
        try:
            return make(elements)
        except TypeError:  # what cannot be hashed in a set
            raise Mismatch(expected) from None

    def write(inner_write: Read) -> Read:
        def written(value: Any) -> Any:
            elements = [inner_write(element) for element in value]
            return sorted(elements, key=repr) if unordered else elements

        return written

    schema: dict[str, Any] = {"type": "array"}
    if inner.json_schema:
        schema["items"] = dict(inner.json_schema)

    def read(value: Any) -> Any:
        # Elements that are taken as they are need no call each: a tenth of the time for 100 texts.
        if value.__class__ is list and inner.exact.issuperset(map(type, value)):
            return collect(list(value))
        elements = read_elements(value, lambda _: inner.typed, expected)
        if make is deque is value.__class__:
            return deque(elements, value.maxlen)
        return collect(elements)

    return Kind(
        kind,
        expected,
        read,
        toml=write(inner.toml),
        frozen=write(inner.frozen),
        thawed=lambda value: collect(read_elements(value, lambda _: inner.thawed, expected)),
        json_schema=schema,
        mutable=make not in (tuple, frozenset) or inner.mutable,
        paths=inner.paths,
    )


def with_longest(kind: Kind, longest: int) -> Kind:
    """Make the kind of a deque with a greatest length: a longer list is refused, and not cut."""
    words = f"of length at most {longest}"
    expected = f"{kind.expected}, {words}"

    def read(inner: Read) -> Read:
        def bounded_deque(value: Any) -> Any:
            elements = inner(value)
            if elements is None:
                return None
            if len(elements) > longest:
                raise Mismatch(expected)
            return deque(elements, longest)

        return bounded_deque

    return replace(
        kind,
        expected=expected,
        typed=read(kind.typed),
        text=read(kind.text),
        thawed=read(kind.thawed),
        json_schema={**kind.json_schema, "maxItems": longest},
        limits=(*kind.limits, (words, lambda elements: len(elements) <= longest)),
    )


def make_tuple(kind: Any, members: list[Kind]) -> Kind:
    """Make the kind of a tuple of a fixed length."""
    same = len({member.expected for member in members}) == 1
    kinds = _plural(members[0].expected) if same else ", ".join(member.expected for member in members)
    expected = f"a list of {len(members)} {kinds}" if same else f"a list of {kinds}"
    if not members:
        expected = "an empty list"

    def read(name: str) -> Read:
        def read_tuple(value: Any) -> Any:
            if not isinstance(value, (list, tuple)) or len(value) != len(members):
                raise Mismatch(expected)
            return tuple(read_elements(value, lambda index: getattr(members[index], name), expected))

        return read_tuple

    def write(name: str) -> Read:
        return lambda value: [
            getattr(kind, name)(element) for kind, element in zip(members, value, strict=True)
        ]

    count = len(members)
    return Kind(
        kind,
        expected,
        read("typed"),
        toml=write("toml"),
        frozen=write("frozen"),
        thawed=read("thawed"),
        json_schema={
            "type": "array",
            "prefixItems": [dict(member.json_schema) for member in members],
            "minItems": count,
            "maxItems": count,
        },
        mutable=any(member.mutable for member in members),
        paths=any(member.paths for member in members),
    )


class _Table:
    """The reading and writing of a mapping."""

    def __init__(self, make: type, keys: Kind, values: Kind, expected: str) -> None:
        self.make = make
        self.keys = keys
        self.values = values
        self.expected = expected
        self.textual = keys.type in (str, Any)

    def key(self, key: Any) -> Any:
        """Read a key; of a kind that is no text, from its text."""
        if self.textual or not isinstance(key, str):
            return self.keys.typed(key)
        return self.keys.text(key)

    def collect(self, value: Any, read: Read) -> Any:
        """Read every key and value."""
        if not isinstance(value, Mapping):
            raise Mismatch(self.expected)
        table: dict[Any, Any] = {}
        for key, item in value.items():
            try:
                table[self.key(key)] = read(item)
            except Mismatch as mismatch:
                raise Mismatch(mismatch.expected, mismatch.hint, f".{key}{mismatch.at}") from None
        return table if self.make is dict else self.make(table)

    def typed(self, value: Any) -> Any:
        """Read a table."""
        return self.collect(value, self.values.typed)

    def toml(self, value: Any) -> dict[str, Any]:
        """Write a table."""
        return {_key_text(self.keys, key): self.values.toml(item) for key, item in value.items()}

    def frozen(self, value: Any) -> Any:
        """Write a table as JSON, or as pairs where its keys are no text."""
        tag_like = len(value) == 1 and str(next(iter(value))).startswith("$")
        if all(key.__class__ is str for key in value) and not tag_like:
            return {key: self.values.frozen(item) for key, item in value.items()}
        return {"$pairs": [[self.keys.frozen(key), self.values.frozen(item)] for key, item in value.items()]}

    def thawed(self, value: Any) -> Any:
        """Read what was frozen."""
        if isinstance(value, Mapping) and value.keys() == {"$pairs"}:
            pairs = ((self.keys.thawed(key), self.values.thawed(item)) for key, item in value["$pairs"])
            return self.make(pairs)
        return self.collect(value, self.values.thawed)


def make_table(kind: Any, make: type, keys: Kind, values: Kind, *, bare: bool = False) -> Kind:
    """Make the kind of a mapping; keys that are not text are written as text."""
    table = _Table(make, keys, values, "a table" if bare else f"a table of {_plural(values.expected)}")
    schema: dict[str, Any] = {"type": "object"}
    if values.json_schema:
        schema["additionalProperties"] = dict(values.json_schema)
    return Kind(
        kind,
        table.expected,
        table.typed,
        toml=table.toml,
        frozen=table.frozen,
        thawed=table.thawed,
        json_schema=schema,
        mutable=True,
        paths=values.paths,
        table=True,
    )


def _key_text(keys: Kind, key: Any) -> str:
    return key if key.__class__ is str else keys.written(key)


class _Record:
    """The reading and writing of a NamedTuple or TypedDict."""

    def __init__(self, kind: Any, members: Mapping[str, Kind], required: frozenset[str]) -> None:
        self.kind = kind
        self.members = members
        self.required = required
        self.named = isinstance(kind, type) and issubclass(kind, tuple)
        self.expected = f"a table that makes a {kind.__qualname__}"

    def table_of(self, value: Any) -> Mapping[str, Any]:
        """See a value as a table: a named tuple by its names, a list in their order."""
        if self.named and isinstance(value, self.kind):
            value = value._asdict()
        elif self.named and isinstance(value, (list, tuple)) and len(value) == len(self.members):
            value = dict(zip(self.members, value, strict=True))
        if not isinstance(value, Mapping):
            raise Mismatch(self.expected)
        unknown = next((key for key in value if key not in self.members), None)
        if unknown is not None:
            raise Mismatch(f"{self.expected}, which has no {unknown}")
        missing = next((key for key in self.members if key in self.required and key not in value), None)
        if missing is not None:
            raise Mismatch(f"{self.expected}, which needs {missing}")
        return value

    def read(self, value: Any, name: str) -> Any:
        """Read every member by one of its kind's functions."""
        parts = {}
        for key, item in self.table_of(value).items():
            try:
                parts[key] = getattr(self.members[key], name)(item)
            except Mismatch as mismatch:
                raise Mismatch(mismatch.expected, mismatch.hint, f".{key}{mismatch.at}") from None
        return self.kind(**parts)

    def write(self, value: Any, name: str) -> dict[str, Any]:
        """Write every member by one of its kind's functions."""
        table = value._asdict() if self.named else value
        return {key: getattr(self.members[key], name)(item) for key, item in table.items()}


def make_record(kind: Any, members: Mapping[str, Kind], required: frozenset[str]) -> Kind:
    """Make the kind of a NamedTuple or TypedDict: a table with these keys.

    Args:
        kind: The class.
        members: The kind of each key.
        required: The keys that must be there.
    """
    record = _Record(kind, members, required)
    return Kind(
        kind,
        record.expected,
        lambda value: record.read(value, "typed"),
        toml=lambda value: record.write(value, "toml"),
        frozen=lambda value: record.write(value, "frozen"),
        thawed=lambda value: record.read(value, "thawed"),
        json_schema={
            "type": "object",
            "properties": {key: dict(member.json_schema) for key, member in members.items()},
            "required": [key for key in members if key in required],
            "additionalProperties": False,
        },
        mutable=not record.named or any(member.mutable for member in members.values()),
        paths=any(member.paths for member in members.values()),
        table=True,
    )


def _plural(words: str) -> str:
    return {
        "a whole number": "whole numbers",
        "a number": "numbers",
        "text": "texts",
        "a path": "paths",
        "true or false": "true or false",
    }.get(words, words)
