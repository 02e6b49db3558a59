"""The fields of a dataclass or an attrs class: name, argument, type, default, metadata."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ptyconf.errors import SchemaError
from ptyconf.schema.annotations import inside, is_class_with_fields, is_record, substituted, unwrap


class Unset:
    """The value of what was left out; absent is neither None nor a default."""

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Any = Unset()


class Field(NamedTuple):
    """One field of a class that its constructor takes.

    Args:
        name: The attribute.
        argument: The constructor's argument.
        type: What the argument may be; the input of an attrs converter, where there is one.
        default: The default value, UNSET where there is none that is known beforehand.
        metadata: What the field carries.
        required: Whether the constructor needs it.
        plain: Whether the default is made by the class of the field itself, without arguments.
        loose: Whether code of the class makes the attribute of what is given: an attrs converter, or what
            follows the constructor. A default may be anything that this takes.
        factory: What makes the default, where each call is to make one of its own.
    """

    name: str
    argument: str
    type: Any
    default: Any
    metadata: Mapping[str, Any]
    required: bool
    plain: bool = False
    loose: bool = False
    factory: Callable[[], Any] | None = None


def fields_of(target: Any) -> Iterator[Field]:
    """Read the fields of a class, in order; of a generic one with its arguments.

    Raises:
        SchemaError: It is neither a dataclass nor an attrs class, or its annotations name what is not there.
    """
    base = typing.get_origin(target) or target
    if not is_class_with_fields(base) and not is_record(base):
        raise SchemaError(f"{_name(target)} is neither a dataclass nor an attrs class")
    try:
        hints = typing.get_type_hints(base, include_extras=True)
    except NameError as error:
        raise SchemaError(
            f"{_annotated_with(base, error.name or '')}: {error}; its annotations must be importable: define "
            "or import the name at the level of the module, or leave `from __future__ import annotations` out"
        ) from error
    variables = _variables(target, base)
    read = _dataclass_fields if dataclasses.is_dataclass(base) else _attrs_fields
    if is_record(base):
        read = _record_fields
    own_code = hasattr(base, "__post_init__") or hasattr(base, "__attrs_post_init__")
    for field in read(base, hints):
        kind = substituted(field.type, variables)
        yield field._replace(type=kind, loose=field.loose or own_code) if variables or own_code else field


def _annotated_with(base: Any, name: str) -> str:
    """Name the attribute whose annotation, a text, speaks of something."""
    for owner in getattr(base, "__mro__", ()):
        for attribute, annotation in getattr(owner, "__annotations__", {}).items():
            if isinstance(annotation, str) and re.search(rf"\b{re.escape(name)}\b", annotation):
                return f"{base.__qualname__}.{attribute}"
    return str(base.__qualname__)


def _name(target: Any) -> str:
    return getattr(target, "__qualname__", None) or str(target)


def _variables(target: Any, base: Any) -> dict[Any, Any]:
    """Say what stands for each type variable: of the class itself, and of the generic classes below it."""
    variables: dict[Any, Any] = {}
    for generic in getattr(base, "__orig_bases__", ()):
        origin = typing.get_origin(generic)
        variables.update(zip(_parameters(origin), typing.get_args(generic), strict=False))
    variables.update(zip(_parameters(base), typing.get_args(target), strict=False))
    return {
        variable: variables.get(kind, kind) for variable, kind in variables.items() if variable is not kind
    }


def _parameters(kind: Any) -> tuple[Any, ...]:
    parameters: tuple[Any, ...] = getattr(kind, "__parameters__", None) or ()
    return parameters


def _dataclass_fields(target: Any, hints: Mapping[str, Any]) -> Iterator[Field]:
    for name, kind in hints.items():
        if type(kind) is dataclasses.InitVar and not hasattr(target, name):
            raise SchemaError(
                f"{target.__qualname__}.{name} is an InitVar without a default; an instance keeps nothing "
                f"of it; write {name} as a field, or give it a default"
            )
    for field in dataclasses.fields(target):
        if not field.init:
            continue
        default = field.default
        factory = field.default_factory
        if factory is not dataclasses.MISSING:
            default = _made_by(factory)
        missing = default is dataclasses.MISSING
        yield Field(
            field.name,
            field.name,
            hints.get(field.name, Any),
            UNSET if missing else default,
            field.metadata,
            missing,
            isinstance(factory, type),
            factory=None if factory is dataclasses.MISSING else factory,
        )


def _made_by(factory: Callable[[], Any]) -> Any:
    """Give the default that a factory makes; UNSET where each call makes another, as that of an id does."""
    first, second = factory(), factory()
    return first if is_steady(first, second) else UNSET


def is_steady(one: Any, other: Any) -> bool:
    """Tell whether two values of a factory are equal; of instances the fields are looked at by themselves."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_steady(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(is_steady, one, other))
    if "__eq__" not in _methods(type(one)) or is_class_with_fields(type(one)):
        return True
    try:
        return bool(one == other) or bool(one != one)
    except (TypeError, ValueError):  # arrays have no single truth
        return True


def _methods(kind: type) -> set[str]:
    """List what a class and those that it inherits from define, without what every object has."""
    return {name for base in kind.__mro__ if base is not object for name in vars(base)}


def _record_fields(target: Any, hints: Mapping[str, Any]) -> Iterator[Field]:
    """Read the members of a NamedTuple, or the keys of a TypedDict."""
    if not typing.is_typeddict(target):
        for name in target._fields:
            default = target._field_defaults.get(name, UNSET)
            yield Field(name, name, hints.get(name, Any), default, {}, default is UNSET)
        return
    for name, kind in hints.items():
        yield Field(name, name, kind, UNSET, {}, is_required_key(target, name, kind))


def is_required_key(target: Any, name: str, kind: Any) -> bool:
    """Tell whether a TypedDict needs a key; annotations that are text hide that from the class itself."""
    while (inner := inside(kind)) is not None:
        if typing.get_origin(kind) in (typing.Required, typing.NotRequired):
            return typing.get_origin(kind) is typing.Required
        kind = inner[0]
    return name in target.__required_keys__


def hides_secret(kind: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Tell whether a type holds, at any depth, a class with a field that is a secret."""
    kind = unwrap(kind)
    base = typing.get_origin(kind) or kind
    if base is not typing.Literal and any(hides_secret(argument, seen) for argument in typing.get_args(kind)):
        return True
    if not (is_class_with_fields(base) or is_record(base)) or kind in seen:
        return False
    fields = (*getattr(base, "__dataclass_fields__", {}).values(), *getattr(base, "__attrs_attrs__", ()))
    if any(field.metadata.get("secret") for field in fields):
        return True
    try:
        hints = typing.get_type_hints(base, include_extras=True)
    except (NameError, TypeError):  # a class that only the program's own hook can read
        return False
    variables = _variables(kind, base)
    return any(hides_secret(substituted(hint, variables), seen | {kind}) for hint in hints.values())


def attribute_value(value: Any, name: str) -> Any:
    """Give an attribute of an instance, or a key of a dict; UNSET for one that is not there."""
    return value.get(name, UNSET) if isinstance(value, dict) else getattr(value, name, UNSET)


def _attrs_fields(target: Any, hints: Mapping[str, Any]) -> Iterator[Field]:
    import attrs

    for field in attrs.fields(target):
        if not field.init:
            continue
        default = field.default
        plain, factory = False, None
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            plain = isinstance(default.factory, type)
            factory = None if default.takes_self else default.factory
            default = UNSET if default.takes_self else _made_by(default.factory)
        missing = default is attrs.NOTHING
        kind = hints.get(field.name, Any)
        yield Field(
            field.name,
            field.alias,
            kind if field.converter is None else _input_of(field.converter, kind),
            UNSET if missing else default,
            field.metadata,
            missing,
            plain,
            loose=field.converter is not None,
            factory=factory,
        )


def _input_of(converter: Callable[..., Any], kind: Any) -> Any:
    """Give the annotated type of what a converter takes; the field's own type where it says nothing."""
    call = getattr(converter, "converter", converter)  # attrs.Converter wraps the function
    if isinstance(call, type):
        return kind
    try:
        hints = typing.get_type_hints(call)
        first = next(iter(inspect.signature(call).parameters), "")
    except (NameError, TypeError, ValueError):
        return kind
    return hints.get(first, kind)
