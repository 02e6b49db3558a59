"""Annotations taken apart: wrappers, None in a union, type variables."""

from __future__ import annotations

import functools
import operator
import types
import typing
from collections import OrderedDict, abc, deque
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, Union

from ptyconf.schema.kind import NONE


def is_class_with_fields(kind: Any) -> bool:
    """Tell whether a type is a dataclass or an attrs class."""
    return isinstance(kind, type) and (
        hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__")
    )


def is_record(kind: Any) -> bool:
    """Tell whether a type is a NamedTuple or a TypedDict."""
    return isinstance(kind, type) and (
        typing.is_typeddict(kind) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    )


def is_made_of(value: Any, kind: Any) -> bool:
    """Tell whether a value is an instance of a class or a NamedTuple; no dict is a TypedDict yet."""
    base = typing.get_origin(kind) or kind
    return not typing.is_typeddict(base) and isinstance(value, base)


def made_of(value: Any, kinds: Iterable[Any]) -> int | None:
    """Find the class that a value is an instance of, by number: its own before one that it inherits from."""
    bases = [typing.get_origin(kind) or kind for kind in kinds]
    fitting = [number for number, base in enumerate(bases) if is_made_of(value, base)]
    lineage = [base for base in type(value).__mro__ if base in bases]
    return min(fitting, key=lambda number: [*lineage, bases[number]].index(bases[number]), default=None)


def is_cut_to(value: Any, kind: Any) -> bool:
    """Tell whether a value is of a subclass, with more than the settings of the class."""
    base = typing.get_origin(kind) or kind
    return is_made_of(value, base) and type(value) is not base


ABSTRACT = (
    abc.Sequence,
    abc.MutableSequence,
    abc.Iterable,
    abc.Collection,
    abc.Set,
    abc.MutableSet,
    abc.Mapping,
    abc.MutableMapping,
)
_CONCRETE = (list, tuple, set, frozenset, deque, dict, OrderedDict)


def with_class_of(kind: Any, default: Any) -> Any:
    """See a type as the class that its default is of: a subclass, or one of those that an abstract one is.

    A ``Sequence[str]`` whose default is a tuple is a ``tuple[str, ...]``, wherever its values come from.
    """
    if typing.get_origin(kind) is typing.Annotated:
        inner, *limits = typing.get_args(kind)
        own = with_class_of(inner, default)
        return kind if own is inner else typing.Annotated[(own, *limits)]
    inner, optional = optional_of(kind)
    if optional:
        members = typing.get_args(unwrap(kind))
        classes = [with_class_of(member, default) for member in members] if len(members) == 2 else members
        return kind if [*classes] == [*members] else functools.reduce(operator.or_, classes)
    base, arguments = typing.get_origin(inner) or inner, typing.get_args(inner)
    if is_class_with_fields(base):
        return type(default) if is_cut_to(default, inner) else kind
    made: Any = type(default)
    if base not in ABSTRACT or made not in _CONCRETE or not isinstance(default, base):
        return kind
    if made is tuple and arguments:
        arguments = (*arguments, Ellipsis)
    return made[arguments] if arguments else made


def named_table(value: Any, kind: Any) -> Any:
    """See a list as the table of a NamedTuple, its elements in the order of the names."""
    names = getattr(typing.get_origin(kind) or kind, "_fields", None)
    if names is None or not isinstance(value, list) or len(value) > len(names):
        return value
    return dict(zip(names, value, strict=False))


def name_of(kind: Any) -> str:
    """Name a type for people."""
    return kind.__qualname__ if isinstance(kind, type) and not typing.get_args(kind) else str(kind)


def unwrap(kind: Any) -> Any:
    """Look through Annotated, NewType, Final, Required and type aliases."""
    while (inner := inside(kind)) is not None:
        kind = inner[0]
    return kind


_WRAPPERS = tuple(
    marker
    for marker in (
        getattr(typing, name, None) for name in ("Final", "ClassVar", "Required", "NotRequired", "ReadOnly")
    )
    if marker is not None
)


def inside(kind: Any) -> tuple[Any, tuple[Any, ...]] | None:
    """Take one wrapper off a type: what is inside, and the limits that it adds."""
    origin = typing.get_origin(kind)
    if origin is typing.Annotated:
        inner, *limits = typing.get_args(kind)
        return inner, tuple(limits)
    if origin in _WRAPPERS:
        return typing.get_args(kind)[0], ()
    if hasattr(kind, "__supertype__"):  # NewType
        return kind.__supertype__, ()
    if type(kind).__name__ == "TypeAliasType":
        return kind.__value__, ()
    if type(kind).__name__ == "InitVar":
        return kind.type, ()
    return None


def optional_of(kind: Any) -> tuple[Any, bool]:
    """Take None out of a union: the rest, and whether it was there."""
    kind = unwrap(kind)
    if typing.get_origin(kind) not in {Union, types.UnionType}:
        return kind, False
    members = [member for member in typing.get_args(kind) if member is not NONE]
    if len(members) == len(typing.get_args(kind)):
        return kind, False
    return (
        optional_of(members[0])[0] if len(members) == 1 else functools.reduce(operator.or_, members)
    ), True


def substituted(kind: Any, variables: Mapping[Any, Any]) -> Any:
    """Put types in the place of type variables."""
    if not variables:
        return kind
    if isinstance(kind, TypeVar):
        return variables.get(kind, kind)
    parameters = getattr(kind, "__parameters__", ())
    if parameters and typing.get_origin(kind) is not None:
        return kind[tuple(variables.get(parameter, parameter) for parameter in parameters)]
    return kind
