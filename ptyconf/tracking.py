"""Classes that know which of their fields the caller set; copies, replacements and pickles know it too."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, TypeVar

import attrs

from ptyconf.errors import SchemaError
from ptyconf.identity import IdentityTable, can_be_referenced

T = TypeVar("T")
_SET: IdentityTable[frozenset[str]] = IdentityTable()
_STATE = "ptyconf set fields"
_TRACKED = "__ptyconf_tracked__"


def set_fields(instance: object) -> frozenset[str]:
    """Give the names of the fields that the caller passed or assigned.

    Raises:
        TypeError: The class is not marked with ``tracks_set_fields``.
    """
    if not is_tracked(type(instance)):
        raise TypeError(f"{type(instance).__qualname__} is not marked with @tracks_set_fields")
    return _SET.get(instance) or frozenset()


def mark_set(instance: object, names: Iterable[str]) -> None:
    """Say which fields of an instance count as set by the caller."""
    _SET.put(instance, frozenset(names))


def is_tracked(kind: type) -> bool:
    """Tell whether a class is marked with ``tracks_set_fields``."""
    return hasattr(kind, _TRACKED)


def tracks_set_fields(kind: type[T]) -> type[T]:
    """Mark a dataclass or attrs class whose instances know what their caller set.

    What ``__post_init__`` assigns does not count. Put it above ``@dataclass`` or ``@attrs.define``.

    Raises:
        SchemaError: The class is neither, or its instances cannot be weakly referenced.
    """
    if not (dataclasses.is_dataclass(kind) or attrs.has(kind)):
        raise SchemaError(
            f"{kind.__qualname__} is neither a dataclass nor an attrs class; put @tracks_set_fields above"
        )
    if not can_be_referenced(kind):
        raise SchemaError(f"{kind.__qualname__} has __slots__ without __weakref__; add weakref_slot=True")
    setattr(kind, _TRACKED, True)
    _wrap_init(kind)
    _wrap_setattr(kind)
    _wrap_state(kind)
    return kind


def _arguments(kind: Any) -> dict[str, str]:
    """Map constructor arguments to field names, in the constructor's order."""
    if dataclasses.is_dataclass(kind):
        names = [each.name for each in dataclasses.fields(kind) if each.init]
        return {name: name for name in names}
    return {each.alias: each.name for each in attrs.fields(kind) if each.init}


def _wrap_init(kind: Any) -> None:
    arguments = _arguments(kind)
    order = _positional(kind.__init__)
    inner = kind.__init__

    @functools.wraps(inner)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        inner(self, *args, **kwargs)
        if type(self).__init__ is init:
            names = {arguments[each] for each in (*order[: len(args)], *kwargs) if each in arguments}
            replaced = _replacement(sys._getframe(1))
            if replaced is not None:
                original, changes = replaced
                names = (names & changes) | (_SET.get(original) or frozenset())
            _SET.put(self, frozenset(names))

    kind.__init__ = init


def _positional(init: Callable[..., Any]) -> tuple[str, ...]:
    parameters = list(inspect.signature(init).parameters.values())[1:]
    return tuple(each.name for each in parameters if each.kind is not inspect.Parameter.KEYWORD_ONLY)


# dataclasses.replace and attrs.evolve pass every field to the constructor, so what the caller named is gone by then.
# Both ask for the fields first and fill in the rest in field order afterwards; so the caller's own names come first
# in the keywords, and the frame tells the original. What remains unclear is settled by comparing values.


def _replacing_functions() -> dict[Any, tuple[str, str]]:
    found: dict[Any, tuple[str, str]] = {}
    for function in (dataclasses.replace, getattr(dataclasses, "_replace", None), attrs.evolve):
        code = getattr(function, "__code__", None)
        if code is not None:
            names = code.co_varnames
            found[code] = (next(name for name in ("obj", "self", "inst", "args") if name in names), "changes")
    return found


_REPLACING = _replacing_functions()


def _replacement(frame: FrameType) -> tuple[Any, frozenset[str]] | None:
    """Find the instance that is being replaced and the fields that change, if this is a replacement."""
    names = _REPLACING.get(frame.f_code)
    if names is None:
        return None
    seen = frame.f_locals
    original = seen.get("inst", seen.get(names[0]))
    if isinstance(original, tuple):
        original = original[0]
    changes = _named_by_caller(original, seen["changes"])
    return original, changes


def _named_by_caller(original: Any, changes: dict[str, Any]) -> frozenset[str]:
    """Tell the caller's own changes from those that were filled in after them, in field order."""
    arguments = _arguments(type(original))
    given = list(changes)
    fill = len(given)
    remaining = list(arguments)
    # The filled-in names are the longest tail in field order that holds every field missing before it.
    while fill:
        tail = given[fill - 1 :]
        expected = [name for name in remaining if name not in given[: fill - 1]]
        if tail != expected:
            break
        fill -= 1
    named = {arguments[name] for name in given[:fill] if name in arguments}
    differing = {
        arguments[name]
        for name in given[fill:]
        if name in arguments and changes[name] is not getattr(original, arguments[name])
    }
    return frozenset(named | differing)


def _wrap_setattr(kind: Any) -> None:
    inner = kind.__setattr__
    names = frozenset(_arguments(kind).values())

    @functools.wraps(inner)
    def assign(self: Any, name: str, value: object) -> None:
        inner(self, name, value)
        if name in names:
            known = _SET.get(self)  # None while the constructor runs
            if known is not None and name not in known:
                _SET.put(self, known | {name})

    kind.__setattr__ = assign


def _wrap_state(kind: Any) -> None:
    getstate, setstate = kind.__getstate__, getattr(kind, "__setstate__", None)

    def give(self: Any) -> Any:
        return (_STATE, _SET.get(self) or frozenset(), getstate(self))

    def take(self: Any, state: Any) -> None:
        _, names, rest = state
        if setstate is not None:
            setstate(self, rest)
        else:
            _restore(self, rest)
        _SET.put(self, names)

    kind.__getstate__, kind.__setstate__ = give, take


def _restore(instance: Any, state: Any) -> None:
    """Put a default state back: a dict, or a dict and the slots."""
    plain, slots = state if isinstance(state, tuple) else (state, None)
    for name, value in {**(plain or {}), **(slots or {})}.items():
        object.__setattr__(instance, name, value)
