"""Slips in calls: what was given in the place of what, and what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from ptyconf.errors import SchemaError, error_text


def misuse(call: str, name: str, given: Any, expected: str, hint: str = "") -> SchemaError:
    """Make the error of an argument that is of the wrong kind; its value is not shown, it may be a secret."""
    kind = f"the class {given.__qualname__}" if isinstance(given, type) else _described(given)
    return SchemaError(error_text(f"{call}: {name} is {kind}", expected=expected, hint=hint))


def _described(given: Any) -> str:
    if given is None:
        return "None"
    name = type(given).__qualname__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def expect(call: str, name: str, given: Any, kinds: Any, expected: str, hint: str = "") -> None:
    """Refuse an argument that is of none of the kinds.

    Raises:
        SchemaError: It is not.
    """
    if not isinstance(given, kinds):
        raise misuse(call, name, given, expected, hint)


_LISTS = frozenset({list, tuple})


def expect_each(call: str, name: str, given: Any, kind: Any, hint: str = "") -> tuple[Any, ...]:
    """Give a list of objects as a tuple.

    Raises:
        SchemaError: It is none, or an element is of another kind.
    """
    usual = given.__class__ in _LISTS  # to ask for an Iterable takes several times as long
    if not usual and (isinstance(given, (str, bytes, kind)) or not isinstance(given, Iterable)):
        raise misuse(call, name, given, f"a list, each a {kind.__name__}", hint)
    elements = tuple(given)
    for element in elements:
        if not isinstance(element, kind):
            raise misuse(call, f"an element of {name}", element, f"a {kind.__name__}", hint)
    return elements


def expect_one_of(call: str, name: str, given: Any, words: Collection[str]) -> None:
    """Refuse a word that is none of those that a call knows.

    Raises:
        SchemaError: It is none of them.
    """
    if given not in words:
        raise SchemaError(f"{call}: {name} is {given!r:.40}; expected one of {', '.join(words)}")
