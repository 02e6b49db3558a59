"""Kinds of values that are one of several: literals, enums, flags, unions."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ptyconf.schema.kind import NONE, Kind, Mismatch, Read, parse_toml, without_quotes
from ptyconf.text.show import toml_text


def one_of(choices: Iterable[Any]) -> str:
    """Say a list of legal values in words."""
    texts = [toml_text(choice) for choice in choices]
    return texts[0] if len(texts) == 1 else f"one of {', '.join(texts)}"


def make_literal(kind: Any, choices: tuple[Any, ...]) -> Kind:
    """Make the kind of a Literal; ``True`` is not ``1``."""
    expected = one_of(choices)
    known: dict[Any, Any] = {}
    for choice in choices:
        known[type(choice), choice] = choice
        if isinstance(choice, enum.Enum):
            known.setdefault((type(choice.value), choice.value), choice)
            known.setdefault((str, choice.name), choice)

    def typed(value: Any) -> Any:
        try:
            return known[type(value), value]
        except (KeyError, TypeError):
            raise Mismatch(expected) from None

    texts = {written for kind, written in known if kind is str}
    doubtful = _doubtful(texts, [value for kind, value in known if kind is not str])
    clear = texts - doubtful

    def text(written: str) -> Any:
        if written == "none" and None in choices:
            return None
        return typed(written if written in clear else _value_of(written, typed, expected))

    plain = [_enum_plain(choice) for choice in choices if choice is not None]
    return Kind(
        kind,
        expected,
        typed,
        text,
        _enum_plain,
        _enum_plain,
        json_schema={"enum": plain},
        optional=None in choices,
        doubtful=doubtful,
    )


def _doubtful(texts: Iterable[str], others: Sequence[Any]) -> frozenset[str]:
    """Find the texts that without quotes spell another choice: ``1`` is 1, and ``"1"`` the text."""
    spelled = {toml_text(other) for other in others if other is not None}
    return frozenset(text for text in texts if text in spelled)


def _value_of(written: str, typed: Read, expected: str) -> Any:
    """Give the value that a text spells, where that is a choice; else the text."""
    try:
        value = parse_toml(written.strip(), expected)
        typed(value)
    except Mismatch:
        return written
    return value


def _enum_plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        plain = value.value  # a NaN is not even itself: by its name
        return plain if isinstance(plain, (str, int, float)) and plain == plain else value.name
    return value


def make_enum(kind: type[enum.Enum]) -> Kind:
    """Make the kind of an enum: by value, else by name."""
    expected = one_of([_enum_plain(member) for member in kind])

    def typed(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        for member in kind:
            if type(value) is type(member.value) and value == member.value:
                return member
        if isinstance(value, str) and value in kind.__members__:
            return kind[value]
        raise Mismatch(expected)

    values = [member.value for member in kind]
    texts = {*kind.__members__, *(value for value in values if isinstance(value, str))}
    doubtful = _doubtful(texts, [value for value in values if not isinstance(value, str)])
    clear = texts - doubtful

    def text(written: str) -> Any:
        return typed(written if written in clear else _value_of(written, typed, expected))

    def thaw(value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"$enum"} and value["$enum"] in kind.__members__:
            return kind[value["$enum"]]
        return typed(value)

    plain = [_enum_plain(member) for member in kind]
    return Kind(
        kind,
        expected,
        typed,
        text,
        _enum_plain,
        lambda value: {"$enum": value.name},
        thaw,
        json_schema={"enum": list(dict.fromkeys([*plain, *kind.__members__]))},
        exact=frozenset({kind}),
        doubtful=doubtful,
    )


class _Flags:
    """The reading and writing of a flag enum."""

    def __init__(self, kind: type[enum.Flag]) -> None:
        self.kind = kind
        self.names = list(kind.__members__)
        self.expected = f"a list of {', '.join(self.names)}"
        self.bits = 0
        for member in kind:
            self.bits |= member.value

    def from_names(self, names: Iterable[Any]) -> Any:
        """Join members by their names."""
        flag = self.kind(0)
        for name in names:
            if not isinstance(name, str) or name not in self.kind.__members__:
                raise Mismatch(self.expected)
            flag |= self.kind[name]
        return flag

    def typed(self, value: Any) -> Any:
        """Read a list of names, a name, or a number."""
        if isinstance(value, self.kind):
            return value
        if isinstance(value, (list, tuple, set, frozenset)):
            return self.from_names(value)
        if isinstance(value, str):
            return self.from_names([value])
        if type(value) is int and value >= 0 and not value & ~self.bits:
            return self.kind(value)
        raise Mismatch(self.expected)

    def text(self, written: str) -> Any:
        """Read names by commas, or a TOML list of them."""
        stripped = written.strip()
        if stripped.startswith("["):
            return self.typed(parse_toml(stripped, self.expected))
        if stripped.isdecimal():
            return self.typed(int(stripped))
        return self.from_names(name.strip() for name in stripped.split(",") if name.strip())

    def thawed(self, value: Any) -> Any:
        """Read what was frozen."""
        tagged = isinstance(value, dict) and value.keys() == {"$flag"}
        return self.typed(value["$flag"] if tagged else value)

    def names_of(self, value: Any) -> list[str]:
        """List the members of a value."""
        return [str(flag.name) for flag in self.kind if flag.value and flag in value]


def make_flag(kind: type[enum.Flag]) -> Kind:
    """Make the kind of a flag enum: a list of names, in text ``A,B``."""
    flags = _Flags(kind)
    return Kind(
        kind,
        flags.expected,
        flags.typed,
        flags.text,
        flags.names_of,
        lambda value: {"$flag": flags.names_of(value)},
        flags.thawed,
        json_schema={
            "anyOf": [
                {"type": "array", "items": {"enum": flags.names}},
                {"enum": flags.names},
                {"type": "integer", "minimum": 0, "maximum": flags.bits},
            ]
        },
        exact=frozenset({kind}),
    )


class _Union:
    """A union: the member that a value is of already, else the first that reads it."""

    def __init__(self, members: list[Kind]) -> None:
        self.members = members
        self.alternatives = [member for member in members if member.expected != "none"]
        self.expected = (
            " or ".join(dict.fromkeys(alternative.expected for alternative in self.alternatives)) or "none"
        )
        self.optional = any(member.optional for member in members)
        # Text is the widest reading, so a member that parses it more strictly is asked first.
        self.parsed_first = sorted(members, key=_text_width)

    def attempt(self, kinds: list[Kind], read: Callable[[Kind], Any]) -> Any:
        """Ask the members in turn; the misfit of the only one says more than that of all."""
        mismatch: Mismatch | None = None
        for kind in kinds:
            try:
                return read(kind)
            except Mismatch as refusal:
                mismatch = refusal if kind in self.alternatives else mismatch
        if len(self.alternatives) == 1 and mismatch is not None:
            raise mismatch
        raise Mismatch(self.expected, mismatch.hint if mismatch else "")

    def typed(self, value: Any) -> Any:
        """Read a value."""
        for member in self.members:
            if type(value) in member.exact:
                return member.typed(value)
        return self.attempt(self.members, lambda member: member.typed(value))

    def text(self, written: str) -> Any:
        """Read a text; one pair of quotes around ``none`` says that it is the text."""
        plain = without_quotes(written) if self.optional else written
        kinds = self.parsed_first
        if plain != written:
            kinds = [kind for kind in kinds if kind.type is not NONE]
        return self.attempt(kinds, lambda member: member.text(plain))

    def holder(self, value: Any) -> Kind:
        """Find the member that a value is of."""
        exact = next((member for member in self.members if type(value) in member.exact), None)
        return exact or next((member for member in self.members if member.holds(value)), self.members[0])

    def frozen(self, value: Any) -> Any:
        """Write a value as JSON."""
        return _tagged(self.holder(value), value, self.members)

    def thawed(self, value: Any) -> Any:
        """Read what was frozen."""
        if isinstance(value, dict) and value.keys() == {"$member"}:
            index, inner = value["$member"]
            return self.members[index].thawed(inner)
        likely = sorted(self.members, key=lambda member: type(value) not in member.exact)
        return self.attempt(likely, lambda member: member.thawed(value))


def make_union(kind: Any, members: list[Kind]) -> Kind:
    """Make the kind of a union."""
    union = _Union(members)
    schemas = [dict(alternative.json_schema) for alternative in union.alternatives]
    json_schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas} if all(schemas) else {}
    return Kind(
        kind,
        union.expected,
        union.typed,
        union.text,
        lambda value: union.holder(value).toml(value),
        union.frozen,
        union.thawed,
        json_schema=json_schema,
        exact=frozenset().union(*(member.exact for member in members)),
        finite=any(member.finite for member in members),
        mutable=any(member.mutable for member in members),
        paths=any(member.paths for member in members),
        optional=union.optional,
        limits=union.alternatives[0].limits if len(union.alternatives) == 1 else (),
    )


def _tagged(holder: Kind, value: Any, members: list[Kind]) -> Any:
    """Freeze by the member that holds a value; say which, where another would read the same otherwise."""
    frozen = holder.frozen(value)
    index = members.index(holder)
    if isinstance(frozen, str) and holder.type is not str and any(member.type is str for member in members):
        return {"$member": [index, frozen]}
    return frozen


def _text_width(kind: Kind) -> int:
    """Order the members of a union for a text: what takes any text comes last."""
    name = getattr(kind.type, "__module__", "")
    if kind.type is str or kind.type is Any:
        return 2
    return 1 if kind.paths or name == "pathlib" else 0
