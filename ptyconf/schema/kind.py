"""A kind: how one type of value is read strictly, and how it is written in TOML, in text and in JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ptyconf.text.show import toml_text

NONE = type(None)
Read = Callable[[Any], Any]
Limits = tuple[tuple[str, Callable[[Any], bool]], ...]


class Mismatch(ValueError):  # noqa: N818  It names what happened.
    """A value does not fit a type: what was expected, what to try, and the place inside a container."""

    def __init__(self, expected: str, hint: str = "", at: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.hint = hint
        self.at = at

    def told(self, path: str, shown: str) -> str:
        """Say of a setting, with its value as it is shown, that it does not fit; in a container, where."""
        at = f" at {self.at.lstrip('.')}" if self.at else ""
        return f"{path!r} is {shown}; expected {self.expected}{at}"


def same(value: Any) -> Any:
    """Give a value as it is."""
    return value


@dataclass(frozen=True, eq=False)
class Kind:
    """How one type is read and written.

    Args:
        type: The type.
        expected: The type in words: "a whole number".
        typed: Reads a value of a typed source, also an instance of the type itself; raises Mismatch.
        text: Reads a text of the environment or a flag; the TOML spelling of what `typed` reads if left out.
        toml: Writes a value as TOML has it.
        frozen: Writes a value as JSON has it, so that `thawed` gives an equal one back.
        thawed: Reads what `frozen` wrote; `typed` if left out.
        json_schema: What JSON Schema says of its values in a TOML or JSON file.
        exact: Classes whose instances are taken as they are, without a call.
        finite: Floats are taken as they are when they are finite.
        mutable: Values are or hold containers, to be copied when handed out; where it is left out, those of
            a class without a hash are, as Python's own containers and arrays.
        paths: Values are or hold paths, to be anchored at a folder.
        optional: None is a value.
        table: Values are written as tables.
        limits: What ``Annotated`` says besides, in words, with the test of each.
        doubtful: Texts among its values that without quotes are read as something else.
    """

    type: Any
    expected: str
    typed: Read
    text: Read = field(default=same)
    toml: Read = field(default=same)
    frozen: Read = field(default=same)
    thawed: Read = field(default=same)
    json_schema: Mapping[str, Any] = field(default_factory=dict)
    exact: frozenset[type] = frozenset()
    finite: bool = False
    mutable: bool | None = None
    paths: bool = False
    optional: bool = False
    table: bool = False
    limits: Limits = ()
    doubtful: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.text is same:
            object.__setattr__(self, "text", parsed(self.expected, self.typed))
        if self.mutable is None:
            object.__setattr__(self, "mutable", getattr(self.type, "__hash__", same) is None)
        if self.thawed is same:
            object.__setattr__(self, "thawed", self.typed)

    def holds(self, value: Any) -> bool:
        """Tell whether a value is one of this kind already, so that reading leaves it as it is."""
        if value.__class__ in self.exact:
            return True
        try:
            return bool(self.typed(value) == value)
        except (ValueError, TypeError, ArithmeticError):
            return False

    def written(self, value: Any) -> str:
        """Write a value as text that `text` reads back."""
        plain = self.toml(value)
        if not isinstance(plain, str):
            return toml_text(plain)
        quoted = self.optional and (plain == "none" or without_quotes(plain) != plain)
        return f'"{plain}"' if quoted or (plain in self.doubtful) else plain


def without_quotes(text: str) -> str:
    """Take one pair of quotes off a quoted ``none``, which is a text where none alone is no value."""
    return text[1:-1] if re.fullmatch(r'("+)none\1', text) else text


def parse_toml(text: str, expected: str) -> Any:
    """Read one text as a TOML value."""
    from ptyconf.text.toml import parse_value

    try:
        return parse_value(text)
    except ValueError:
        raise Mismatch(expected) from None


def parsed(expected: str, typed: Read) -> Read:
    """Read a text as a TOML value, else as JSON, and that by its type."""

    def read(text: str) -> Any:
        stripped = text.strip()
        try:
            value = parse_toml(stripped, expected)
        except Mismatch:
            if stripped[:1] not in {"[", "{"}:
                raise
            value = parse_json(stripped, expected)
        return typed(value)

    return read


def parse_json(text: str, expected: str) -> Any:
    """Read one text as a JSON value."""
    import json

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Mismatch(expected) from None


def textual(
    kind: Any, expected: str, read: Callable[[str], Any], write: Callable[[Any], str] = str, **more: Any
) -> Kind:
    """Make the kind of a class whose values are written as text everywhere.

    Args:
        kind: The class.
        expected: It in words.
        read: Makes a value of a text; what it raises is a misfit.
        write: Writes a value.
        more: Further fields of the kind.
    """

    def typed(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        if not isinstance(value, str):
            raise Mismatch(expected)
        try:
            return read(value)
        except (ValueError, ArithmeticError, OverflowError, RecursionError):
            raise Mismatch(expected) from None

    return Kind(
        kind,
        expected,
        typed,
        lambda text: typed(text.strip()),
        write,
        write,
        json_schema={"type": "string"},
        exact=frozenset({kind}),
        **more,
    )


def is_finite(number: Any) -> bool:
    """Tell whether a number is one, and not without end."""
    import cmath

    own = getattr(number, "is_finite", None)
    return bool(cmath.isfinite(number) if own is None else own())


def finite(kind: Kind) -> Kind:
    """Refuse NaN and infinities of a kind of numbers."""

    def read(inner: Read) -> Read:
        def bounded_number(value: Any) -> Any:
            number = inner(value)
            if not is_finite(number):
                raise Mismatch(f"{kind.expected}, and finite")
            return number

        return bounded_number

    return replace(kind, typed=read(kind.typed), text=read(kind.text), exact=frozenset())


def bounded(kind: Kind, limits: Iterable[Any]) -> Kind:
    """Add the limits of ``Annotated`` (``Gt``, ``Le``, ``MinLen`` ... of annotated-types) to a kind."""
    tests: list[tuple[str, Callable[[Any], bool]]] = []
    json_limits: dict[str, Any] = {}
    for limit in limits:
        for name, (words, keyword, test) in _LIMITS.items():
            bound = getattr(limit, name, None)
            if bound is not None and not isinstance(limit, type):
                tests.append((f"{words} {getattr(bound, 'pattern', bound)}", _limit(test, bound)))
                json_limits |= _limit_in_json(kind, keyword, getattr(bound, "pattern", bound))
    if not tests:
        return kind
    expected = f"{kind.expected}, {', '.join(words for words, _ in tests)}"

    def read(inner: Read) -> Read:
        def limited(value: Any) -> Any:
            checked = inner(value)
            if checked is not None and not all(test(checked) for _, test in tests):
                raise Mismatch(expected)
            return checked

        return limited

    return replace(
        kind,
        expected=expected,
        typed=read(kind.typed),
        text=read(kind.text),
        exact=frozenset(),
        finite=False,
        json_schema={**kind.json_schema, **json_limits},
        limits=(*kind.limits, *tests),
    )


def _limit(test: Callable[[Any, Any], bool], bound: Any) -> Callable[[Any], bool]:
    return lambda value: test(value, bound)


def _limit_in_json(kind: Kind, keyword: str, bound: Any) -> dict[str, Any]:
    """Say a limit in JSON Schema; nothing where the bound is a date, a span of time, a decimal number ..."""
    if not isinstance(bound, (int, float, str)) or (isinstance(bound, str) and keyword != "pattern"):
        return {}
    types = kind.json_schema.get("type")
    return {_OF_CONTAINERS.get((keyword, types), keyword) if isinstance(types, str) else keyword: bound}


_LIMITS: dict[str, tuple[str, str, Callable[[Any, Any], bool]]] = {
    "gt": ("above", "exclusiveMinimum", lambda value, bound: value > bound),
    "ge": ("at least", "minimum", lambda value, bound: value >= bound),
    "lt": ("below", "exclusiveMaximum", lambda value, bound: value < bound),
    "le": ("at most", "maximum", lambda value, bound: value <= bound),
    "multiple_of": ("a multiple of", "multipleOf", lambda value, bound: value % bound == 0),
    "min_length": ("of length at least", "minLength", lambda value, bound: len(value) >= bound),
    "max_length": ("of length at most", "maxLength", lambda value, bound: len(value) <= bound),
    "pattern": ("with the pattern", "pattern", lambda value, bound: bool(re.search(bound, str(value)))),
}
_OF_CONTAINERS: dict[tuple[str, Any], str] = {  # what JSON Schema calls a length of what is no text
    ("minLength", "array"): "minItems",
    ("maxLength", "array"): "maxItems",
    ("minLength", "object"): "minProperties",
    ("maxLength", "object"): "maxProperties",
}
