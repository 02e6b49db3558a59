"""A target class seen from the schema: which attribute holds which setting, with the conversion both ways."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from ptyconf.errors import SchemaError
from ptyconf.identity import can_be_referenced
from ptyconf.schema.kinds import reader

T = TypeVar("T")


class Unset:
    """The value of what was left out; absent is neither None nor a default."""

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Any = Unset()


@dataclass(frozen=True, slots=True)
class Conversion:
    """A translation between an attribute and its setting, declared once and used both ways.

    Args:
        name: What the trace shows: ``(g, g) <-> g``.
        to_setting: Attribute value to setting value; raises ValueError with the first line of the error.
        to_target: Setting value to attribute value.
        lossy: What is lost on the way, in words; "" for nothing.
        type: What the attribute's spelling accepts, where that is wider than its annotation.
    """

    name: str
    to_setting: Callable[[Any], Any]
    to_target: Callable[[Any], Any]
    lossy: str = ""
    type: Any = UNSET

    def __str__(self) -> str:
        return f"{self.name} (lossy: {self.lossy})" if self.lossy else self.name


@dataclass(frozen=True, slots=True)
class Bind:
    """One attribute's tie to a setting."""

    path: str
    conversion: Conversion | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a target class: its name, constructor argument, setting, type and default."""

    name: str
    argument: str
    bind: Bind
    type: Any
    default: Any
    metadata: Mapping[str, Any]
    nested: View[Any] | None = None


class View(Generic[T]):
    """A target class seen from the schema.

    Attribute ``a`` holds the setting ``section.a`` unless ``names`` says otherwise.

    Args:
        target: A dataclass or attrs class.
        section: Section of the settings, and of the aliases that renamed attributes make.
        names: Per attribute its setting's path, a Bind, or the View of a nested class.
        omit: Attributes that are no settings; the constructor's default stands.
        aliases: Whether a renamed attribute may also be written under ``section.attribute``.

    Raises:
        SchemaError: The class is neither, a name is unknown, or instances cannot be weakly referenced.
    """

    def __init__(
        self,
        target: type[T],
        section: str,
        names: Mapping[str, str | Bind | View[Any]] = MappingProxyType({}),
        *,
        omit: Collection[str] = (),
        aliases: bool = True,
    ) -> None:
        self.target = target
        self.section = section
        self.aliases = aliases
        if not can_be_referenced(target):
            raise SchemaError(
                f"{target.__qualname__} has __slots__ without __weakref__; add weakref_slot=True"
            )
        found = {each.name: each for each in _attributes(target, section)}
        unknown = (set(names) | set(omit)) - set(found)
        if unknown:
            raise SchemaError(f"{target.__qualname__} has no attribute {', '.join(sorted(unknown))}")
        self.attributes = tuple(
            _bound(each, names.get(name)) for name, each in found.items() if name not in omit
        )
        self._plan = _Plan.of(self.attributes)

    def __repr__(self) -> str:
        return f"View({self.target.__qualname__}, {self.section!r})"

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self.attributes)

    @property
    def own(self) -> tuple[Attribute, ...]:
        """The attributes that hold settings themselves, without nested classes."""
        return tuple(each for each in self.attributes if each.nested is None)

    @property
    def nested(self) -> tuple[View[Any], ...]:
        """The views of the nested classes."""
        return tuple(each.nested for each in self.attributes if each.nested is not None)

    def make(self, values: Mapping[str, Any], made: Callable[[View[Any], Any], None]) -> T:
        """Build an instance, inner classes first, and tell ``made`` of each.

        Raises:
            KeyError: A setting has no value; its argument is the path.
        """
        plan = self._plan
        arguments = dict(zip(plan.arguments, plan.take(values), strict=True))
        for argument, path, convert in plan.converted:
            arguments[argument] = convert(values[path])
        for argument, inner in plan.nested:
            arguments[argument] = inner.make(values, made)
        instance = self.target(**arguments)
        made(self, instance)
        return instance

    def read(self, attribute: Attribute, instance: T) -> Any:
        """Give the setting's value of one attribute of an instance."""
        value = getattr(instance, attribute.name)
        conversion = attribute.bind.conversion
        return value if conversion is None else conversion.to_setting(value)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The order of work of ``make``: plain arguments at once, then the converted, then the nested."""

    arguments: tuple[str, ...]
    take: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    converted: tuple[tuple[str, str, Callable[[Any], Any]], ...]
    nested: tuple[tuple[str, View[Any]], ...]

    @classmethod
    def of(cls, attributes: tuple[Attribute, ...]) -> _Plan:
        plain: list[tuple[str, str]] = []
        converted: list[tuple[str, str, Callable[[Any], Any]]] = []
        for each in attributes:
            if each.nested is not None:
                continue
            convert = _outward(each)
            if convert is None:
                plain.append((each.argument, each.bind.path))
            else:
                converted.append((each.argument, each.bind.path, convert))
        nested = tuple((each.argument, each.nested) for each in attributes if each.nested is not None)
        return cls(
            tuple(name for name, _ in plain), _taker([path for _, path in plain]), tuple(converted), nested
        )


def _taker(paths: list[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    if len(paths) > 1:
        return itemgetter(*paths)
    return lambda values: tuple(values[path] for path in paths)


def _outward(attribute: Attribute) -> Callable[[Any], Any] | None:
    """Choose what stands between setting and attribute: a conversion, a copy of a container, or nothing."""
    conversion = attribute.bind.conversion
    if conversion is not None:
        return conversion.to_target
    return copied if reader(attribute.type).mutable else None


def copied(value: Any) -> Any:
    """Copy a container all the way down, so that nobody shares it with the resolution."""
    if isinstance(value, dict):
        return {key: copied(each) for key, each in value.items()}
    if isinstance(value, (list, set)):
        return type(value)(copied(each) for each in value)
    if hasattr(value, "__attrs_attrs__") or hasattr(value, "__dataclass_fields__"):
        import copy

        return copy.deepcopy(value)
    return value


def _bound(attribute: Attribute, named: str | Bind | View[Any] | None) -> Attribute:
    if named is None:
        return attribute
    if isinstance(named, View):
        return dataclasses.replace(attribute, nested=named)
    return dataclasses.replace(attribute, bind=Bind(named) if isinstance(named, str) else named)


def _attributes(target: type, section: str) -> Iterator[Attribute]:
    try:
        hints = typing.get_type_hints(target, include_extras=True)
    except NameError as error:
        raise SchemaError(f"{target.__qualname__}: {error}; its annotations must be importable") from error
    if dataclasses.is_dataclass(target):
        yield from _dataclass_attributes(target, section, hints)
    elif hasattr(target, "__attrs_attrs__"):
        yield from _attrs_attributes(target, section, hints)
    else:
        raise SchemaError(f"{target.__qualname__} is neither a dataclass nor an attrs class")


def _dataclass_attributes(target: Any, section: str, hints: dict[str, Any]) -> Iterator[Attribute]:
    for each in dataclasses.fields(target):
        default = each.default
        if each.default_factory is not dataclasses.MISSING:
            default = each.default_factory()
        given = UNSET if default is dataclasses.MISSING else default
        if each.init:
            bind = Bind(f"{section}.{each.name}")
            yield Attribute(each.name, each.name, bind, hints.get(each.name, Any), given, each.metadata)


def _attrs_attributes(target: Any, section: str, hints: dict[str, Any]) -> Iterator[Attribute]:
    import attrs

    for each in attrs.fields(target):
        default = each.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]
            default = UNSET if default.takes_self else default.factory()
        given = UNSET if default is attrs.NOTHING else default
        if each.init:
            bind = Bind(f"{section}.{each.alias}")
            yield Attribute(each.name, each.alias, bind, hints.get(each.name, Any), given, each.metadata)
