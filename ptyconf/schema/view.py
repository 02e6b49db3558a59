"""A target class seen from the schema: which attribute holds which setting, with the conversion both ways."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterator, Mapping
from enum import Enum
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from ptyconf.arguments import expect, expect_each
from ptyconf.errors import SchemaError
from ptyconf.identity import can_be_referenced
from ptyconf.schema.annotations import is_record
from ptyconf.schema.fields import UNSET, attribute_value, fields_of
from ptyconf.schema.path import Segments, join_path, split_path

if TYPE_CHECKING:
    from ptyconf.schema.tree import Slot

T = TypeVar("T")


class Conversion(NamedTuple):
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


class Bind(NamedTuple):
    """One attribute's tie to a setting."""

    path: str
    conversion: Conversion | None = None


class Attribute(NamedTuple):
    """One attribute of a target class: its name, constructor argument, setting, type and default.

    ``nested`` is the view of a class inside, ``slot`` the setting that holds settings; ``source`` names what
    gives the default, where that is not the class itself; ``loose`` and ``factory`` are said of a field
    (`Field`).
    """

    name: str
    argument: str
    bind: Bind
    type: Any
    default: Any
    metadata: Mapping[str, Any]
    nested: View[Any] | None = None
    required: bool = False
    plain: bool = False
    source: str = ""
    slot: Slot | None = None
    loose: bool = False
    factory: Callable[[], Any] | None = None

    @property
    def made_late(self) -> bool:
        """Whether its default is not known beforehand: the constructor makes it, perhaps of other values."""
        return self.default is UNSET and not self.required


class View(Generic[T]):
    """A target class seen from the schema.

    Attribute ``a`` holds the setting ``section.a`` unless ``names`` says otherwise; a class inside the class
    is a section below it.

    Args:
        target: A dataclass or attrs class.
        section: Section of the settings, and of the aliases that renamed attributes make; "" for none.
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
        if typing.get_origin(target) is None:
            expect("View", "target", target, type, "a dataclass or an attrs class")
        call = f"View of {getattr(target, '__qualname__', target)}"
        expect(call, "section", section, str, 'a dotted path, "" for none', 'View(App, "app")')
        if section and not all(split_path(section)):
            raise SchemaError(f"{call}: the section {section!r} is no dotted path")
        expect(call, "names", names, Mapping, "a table: attribute to path, Bind or View")
        expect_each(call, "omit", omit, str, '["attribute"]')
        if typing.get_origin(target) is not None:
            raise SchemaError(
                f"{target} is a generic class with its types; view a class: class Ours({target}), "
                "or a class that has it as an attribute"
            )
        if is_record(target):
            raise SchemaError(f"{target.__qualname__} is neither a dataclass nor an attrs class")
        self.target = target
        self.section = section
        self.aliases = aliases
        attributes = attributes_of(target, section)
        unknown = (set(names) | set(omit)) - set(attributes)
        if unknown:
            raise SchemaError(f"{target.__qualname__} has no attribute {', '.join(sorted(unknown))}")
        self.attributes = tuple(
            _bound(attribute, names.get(name)) for name, attribute in attributes.items() if name not in omit
        )
        self.omitted = frozenset(omit)
        self.builder: Any = None  # what makes instances, once somebody builds one
        self.given: Any = None  # the default instance, where the constructor does not make it again
        self.factory: Any = None  # what makes the default instance, where each call makes another one
        self.fresh: tuple[Attribute, ...] = ()  # what of it is another at each call
        self._places: tuple[tuple[str, str], ...] | None = None
        self._held: tuple[tuple[Attribute, str, str | None], ...] | None = None

    @classmethod
    def below(cls, target: Any, section: str, attributes: tuple[Attribute, ...]) -> View[Any]:
        """Make the view of a class that stands inside another, or of a class as a schema sees it."""
        view = object.__new__(cls)
        view.target, view.section, view.attributes = target, section, attributes
        view.aliases, view.builder, view._places, view._held = False, None, None, None
        view.omitted, view.given = frozenset(), None
        view.factory, view.fresh = None, ()
        return view

    def __repr__(self) -> str:
        return f"View({getattr(self.target, '__qualname__', self.target)}, {self.section!r})"

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self.attributes)

    @property
    def own(self) -> tuple[Attribute, ...]:
        """The attributes that hold settings themselves, without nested classes."""
        return tuple(attribute for attribute in self.attributes if attribute.nested is None)

    def places(self, at: Segments) -> tuple[tuple[str, str], ...]:
        """Pair every attribute that holds a setting with the path of that, for an instance at some place."""
        if self._places is not None:
            return self._places
        own = self.own
        if all(attribute.slot is None for attribute in own):
            self._places = tuple((attribute.name, attribute.bind.path) for attribute in own)
            return self._places
        return tuple((attribute.name, join_path((*at, attribute.argument))) for attribute in own)

    def held(self) -> tuple[tuple[Attribute, str, str | None], ...]:
        """List attributes that hold settings: each with its name, and the path of what it takes as it is."""
        if self._held is None:
            self._held = tuple(
                (attribute, attribute.name, attribute.bind.path if _takes_as_it_is(attribute) else None)
                for attribute in self.own
            )
        return self._held

    @property
    def nested(self) -> tuple[View[Any], ...]:
        """The views of the nested classes."""
        return tuple(attribute.nested for attribute in self.attributes if attribute.nested is not None)

    def read(self, attribute: Attribute, instance: T) -> Any:
        """Give the setting's value of one attribute of an instance."""
        value = attribute_value(instance, attribute.name)
        conversion = attribute.bind.conversion
        return value if conversion is None else conversion.to_setting(value)


def _takes_as_it_is(attribute: Attribute) -> bool:
    return attribute.slot is None and attribute.bind.conversion is None


def attributes_of(target: Any, section: str) -> dict[str, Attribute]:
    """Read the attributes of a class, by name.

    Raises:
        SchemaError: It has no fields that can be read, or its instances cannot be weakly referenced.
    """
    base = typing.get_origin(target) or target
    fields = {field.name: field for field in fields_of(target)}
    if isinstance(base, type) and not is_record(base) and not can_be_referenced(base):
        raise SchemaError(f"{base.__qualname__} has __slots__ without __weakref__; add weakref_slot=True")
    start = f"{section}." if section else ""
    return {
        name: Attribute(
            name,
            field.argument,
            Bind(start + field.argument),
            field.type,
            field.default,
            field.metadata,
            required=field.required,
            plain=field.plain,
            loose=field.loose,
            factory=field.factory,
        )
        for name, field in fields.items()
    }


def copied(value: Any) -> Any:
    """Copy a container all the way down, so that nobody shares it with the resolution."""
    kind = value.__class__
    if kind in ATOMS:
        return value
    if kind is dict:
        return {key: item if item.__class__ in ATOMS else copied(item) for key, item in value.items()}
    if kind is list:
        return [item if item.__class__ in ATOMS else copied(item) for item in value]
    if kind in (set, tuple, frozenset):
        return kind(copied(item) for item in value)
    if isinstance(value, (Enum, PurePath)) or kind.__module__ in _IMMUTABLE:
        return value
    import copy

    return copy.deepcopy(value)


ATOMS = frozenset({int, float, str, bool, type(None), bytes, complex})
_IMMUTABLE = frozenset({"datetime", "decimal", "fractions", "ipaddress", "uuid", "re"})


def _bound(attribute: Attribute, named: str | Bind | View[Any] | None) -> Attribute:
    if named is None:
        return attribute
    if isinstance(named, View):
        return attribute._replace(nested=named)
    call = f"View, attribute {attribute.name!r}"
    bind = Bind(named) if isinstance(named, str) else named
    expect(call, "its name", bind, Bind, "a path, a Bind, or the View of a class inside")
    expect(call, "its path", bind.path, str, "a dotted path")
    expect(call, "its conversion", bind.conversion, (Conversion, type(None)), "a Conversion")
    return attribute._replace(bind=bind)
