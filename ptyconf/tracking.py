"""Classes that know which of their fields the caller set; copies, replacements and pickles know it too."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
import threading
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any, TypeVar

from ptyconf.arguments import expect, expect_each
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
    _SET.put(instance, frozenset(expect_each("mark_set", "names", names, str)))


def is_tracked(kind: type) -> bool:
    """Tell whether a class is marked with ``tracks_set_fields``."""
    return getattr(kind, _TRACKED, None) is kind  # a class below it has the mark of that one


def tracks_set_fields(kind: type[T]) -> type[T]:
    """Mark a dataclass or attrs class whose instances know what their caller set.

    What ``__post_init__`` assigns does not count. Put it above ``@dataclass`` or ``@attrs.define``.

    Raises:
        SchemaError: The class is neither, or its instances cannot be weakly referenced.
    """
    expect("tracks_set_fields", "it", kind, type, "a class")
    if not hasattr(kind, "__dataclass_fields__") and not hasattr(kind, "__attrs_attrs__"):
        raise SchemaError(
            f"{kind.__qualname__} is neither a dataclass nor attrs; put @tracks_set_fields above"
        )
    if not can_be_referenced(kind):
        raise SchemaError(f"{kind.__qualname__} has __slots__ without __weakref__; add weakref_slot=True")
    setattr(kind, _TRACKED, kind)
    _wrap_init(kind)
    _note_replacing(kind)
    _wrap_setattr(kind)
    _wrap_state(kind)
    return kind


def _arguments(kind: Any) -> dict[str, str]:
    """Map constructor arguments to field names, in the constructor's order."""
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind) if field.init]
        return {name: name for name in names}
    return {attribute.alias: attribute.name for attribute in kind.__attrs_attrs__ if attribute.init}


def _wrap_init(kind: Any) -> None:
    arguments = _arguments(kind)
    order = _positional(kind.__init__)
    inner = kind.__init__

    @functools.wraps(inner)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        inner(self, *args, **kwargs)
        if type(self) is kind:
            caller = sys._getframe(1)  # noqa: SLF001  See _FieldsAsked.
            if id(caller.f_code) in _REPLACING and (asked := getattr(_ASKED, "last", None)) is not None:
                original, changes = asked
                _ASKED.last = None
                named = _SET.get(original) or frozenset()
                _SET.put(self, named | {arguments[name] for name in changes if name in arguments})
            else:
                given = (*order[: len(args)], *kwargs)
                _SET.put(self, frozenset([arguments[name] for name in given if name in arguments]))

    kind.__init__ = init


def _positional(init: Callable[..., Any]) -> tuple[str, ...]:
    parameters = list(inspect.signature(init).parameters.values())[1:]
    return tuple(
        parameter.name for parameter in parameters if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    )


# dataclasses.replace and attrs.evolve pass every field to the constructor, so that what the caller named is
# lost there. But before they fill in the rest both ask the class for its list of fields, and at that moment
# their local ``changes`` holds the caller's names and nothing else.


def _codes(*functions: Any) -> dict[int, CodeType]:
    """Give code by identity: its own hash would go through all its constants at every call."""
    codes = [getattr(function, "__code__", None) for function in functions]
    return {id(code): code for code in codes if code is not None}


_REPLACING = _codes(dataclasses.replace, getattr(dataclasses, "_replace", None))
_ASKED = threading.local()


class _FieldsAsked:
    """A class's list of fields that notes who asks for it in order to replace an instance."""

    def __init__(self, fields: Any) -> None:
        self.fields = fields

    def __get__(self, instance: Any, owner: type) -> Any:
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
        if frame is not None and id(frame.f_code) not in _REPLACING:
            frame = frame.f_back if instance is None else None  # attrs.evolve asks through attrs.fields
        if frame is not None and id(frame.f_code) in _REPLACING:
            seen = frame.f_locals
            original = next((seen[name] for name in ("obj", "self", "inst") if name in seen), None)
            if isinstance(original, owner):
                _ASKED.last = (original, tuple(seen["changes"]))
        return self.fields


def _note_replacing(kind: Any) -> None:
    if "__attrs_attrs__" in kind.__dict__:
        import attrs

        _REPLACING.update(_codes(attrs.evolve))
    for name in ("__dataclass_fields__", "__attrs_attrs__"):
        fields = kind.__dict__.get(name)
        if fields is not None:
            setattr(kind, name, _FieldsAsked(fields))


def _wrap_setattr(kind: Any) -> None:
    inner = kind.__setattr__
    names = frozenset(_arguments(kind).values())
    marked = _SET.identities

    @functools.wraps(inner)
    def assign(self: Any, name: str, value: object) -> None:
        inner(self, name, value)
        if id(self) in marked and name in names:  # it is not while the constructor runs
            known = _SET.get(self)
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
