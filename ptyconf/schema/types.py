"""From a type to its kind: the program's own first, then ours; what nobody reads is refused."""

from __future__ import annotations

import enum
import types
import typing
from collections import OrderedDict, abc, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal, Union

from ptyconf.arguments import expect
from ptyconf.errors import SchemaError
from ptyconf.schema.annotations import (
    inside,
    is_class_with_fields,
    is_record,
    name_of,
    optional_of,
    substituted,
    unwrap,
)
from ptyconf.schema.fields import is_required_key
from ptyconf.schema.kind import Kind, bounded, finite, parse_toml
from ptyconf.schema.kinds.builtins import KINDS as BUILTINS
from ptyconf.schema.kinds.builtins import make_float

if TYPE_CHECKING:
    from cattrs import Converter

_ANY = {Any, object, typing.Hashable}
SEQUENCES: dict[Any, Callable[[list[Any]], Any]] = {
    list: list,
    set: set,
    frozenset: frozenset,
    deque: deque,
    abc.Sequence: list,
    abc.MutableSequence: list,
    abc.Iterable: list,
    abc.Collection: list,
    abc.Set: frozenset,
    abc.MutableSet: set,
}
TABLES: dict[Any, type] = {dict: dict, OrderedDict: OrderedDict, abc.Mapping: dict, abc.MutableMapping: dict}
_BARE = {*SEQUENCES, *TABLES, tuple}


class Kinds:
    """The kinds of one program.

    Args:
        kinds: The program's own kinds.
        converter: The program's prepared converter; the schema works on a copy of it.
    """

    def __init__(self, kinds: Iterable[Kind] = (), converter: Converter | None = None) -> None:
        if converter is not None:
            import cattrs

            expect("Schema", "converter", converter, cattrs.BaseConverter, "a cattrs converter")
        self.own = {kind.type: kind for kind in kinds}
        self.prepared = converter
        self._hooks = None if converter is None else _hooks_of(converter)
        self._known: dict[Any, Kind] = {}
        self._converter: Converter | None = None
        self.pending: list[Callable[[], Any]] = []  # classes whose fields were not looked at yet

    @property
    def converter(self) -> Converter:
        """The cattrs converter of the schema: the program's hooks above our strict ones."""
        if self._converter is None:
            from ptyconf.schema.construct import make_converter

            self._converter = make_converter(self)
        return self._converter

    def finish(self) -> None:
        """Look at the fields of every class that was met.

        Raises:
            SchemaError: Nobody can read one.
        """
        while self.pending:
            self.pending.pop()()

    def hook(self, kind: Any) -> Callable[[Any, Any], Any] | None:
        """Find the hook that the program registered for a type, or None."""
        if self._hooks is None:
            return None
        try:
            hook: Callable[[Any, Any], Any] | None = self._hooks.dispatch(kind)
        except TypeError:  # what cannot be hashed
            return None
        return None if hook is _nothing else hook

    def is_section(self, kind: Any) -> bool:
        """Tell whether values of a type are sections: classes with fields and records that nobody claimed."""
        if kind in self.own or self.hook(kind) is not None:
            return False
        base = typing.get_origin(kind) or kind
        return is_class_with_fields(base) or is_record(base)

    def is_free(self, kind: Any) -> bool:
        """Tell whether values of a type are tables of any values, which nobody claimed."""
        inner, _ = optional_of(kind)
        if inner in self.own or self.hook(inner) is not None:
            return False
        arguments = typing.get_args(inner)
        table = (typing.get_origin(inner) or inner) in TABLES
        return table and (len(arguments) != 2 or unwrap(arguments[1]) in (Any, object))

    def is_single(self, kind: Any) -> bool:
        """Tell at a glance whether a type is one value with nothing below it; False leaves it open."""
        if kind.__class__ is types.UnionType:
            return all(member.__class__ is type and member in BUILTINS for member in kind.__args__)
        return (kind.__class__ is type and kind in BUILTINS) or typing.get_origin(kind) is Literal

    def of(self, kind: Any, *, nonfinite: bool = False) -> Kind:
        """Find the kind of a type.

        Raises:
            SchemaError: Nobody can read it.
        """
        if nonfinite:
            return self._make(kind, nonfinite=True)
        try:
            known = self._known.get(kind)
        except TypeError:
            return self._make(kind, nonfinite=False)
        if known is None or type(known.type) is not type(kind):
            known = self._known[kind] = self._make(kind, nonfinite=False)
        return known

    def _make(self, kind: Any, *, nonfinite: bool) -> Kind:
        own = self._claimed(kind)
        if own is not None:
            return own
        limits: tuple[Any, ...] = ()
        while (inner := inside(kind)) is not None:
            kind, more = inner
            limits += more
            own = self._claimed(kind)
            if own is not None:
                return bounded(own, limits)
        return bounded(self._plain(kind, nonfinite=nonfinite), limits)

    def _claimed(self, kind: Any) -> Kind | None:
        """Find what the program itself says of a type."""
        try:
            if kind in self.own:
                return self.own[kind]
        except TypeError:
            return None
        hook = self.hook(kind)
        return None if hook is None else _hooked(kind, hook, self)

    def _plain(self, kind: Any, *, nonfinite: bool) -> Kind:
        if kind is float:
            return make_float(nonfinite=nonfinite)
        if kind in BUILTINS:
            return finite(BUILTINS[kind]) if kind is complex and not nonfinite else BUILTINS[kind]
        if kind in _ANY:
            from ptyconf.schema.free import anything

            return anything(kind)
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin is Literal:
            from ptyconf.schema.choices import make_literal

            return make_literal(kind, arguments)
        if origin in {Union, types.UnionType}:
            from ptyconf.schema.choices import make_union

            return make_union(kind, [self.of(argument, nonfinite=nonfinite) for argument in arguments])
        base = origin or kind
        plain_kind = self._container(kind, base, arguments, nonfinite) or self._class(kind, base, nonfinite)
        if plain_kind is None and is_class_with_fields(base):
            from ptyconf.schema.construct import make_class_kind

            plain_kind = make_class_kind(kind, self)
        if plain_kind is None:
            raise SchemaError(
                f"{name_of(kind)} is a type that nobody can read; write a type of the table of supported "
                "types, or give the schema a Kind for it or a converter with a structure hook"
            )
        return plain_kind

    def _container(self, kind: Any, base: Any, arguments: tuple[Any, ...], nonfinite: bool) -> Kind | None:
        if not arguments and base not in _BARE:
            return None
        from ptyconf.schema.containers import make_sequence, make_table, make_tuple

        def of(inner: Any) -> Kind:
            return self.of(inner, nonfinite=nonfinite)

        if base is tuple and kind not in (tuple, tuple) and arguments[-1:] != (Ellipsis,):
            return make_tuple(kind, [] if arguments == ((),) else [of(argument) for argument in arguments])
        if base is tuple or base in SEQUENCES:
            make = tuple if base is tuple else SEQUENCES[base]
            return make_sequence(kind, make, of(arguments[0] if arguments else Any), bare=not arguments)
        if base in TABLES:
            keys, values = (of(argument) for argument in arguments or (Any, Any))
            return make_table(kind, TABLES[base], keys, values, bare=not arguments)
        return None

    def _class(self, kind: Any, base: Any, nonfinite: bool) -> Kind | None:
        if not isinstance(base, type):
            return None
        if issubclass(base, enum.Enum):
            from ptyconf.schema.choices import make_enum, make_flag

            return make_flag(base) if issubclass(base, enum.Flag) else make_enum(base)
        if is_record(base):
            return self._record(kind, base, nonfinite)
        from ptyconf.schema.families import find_kind

        found = find_kind(base)
        if found is None or nonfinite or found.type.__name__ != "Decimal":
            return found
        return finite(found)

    def _record(self, kind: Any, base: Any, nonfinite: bool) -> Kind:
        hints = typing.get_type_hints(base, include_extras=True)
        if typing.is_typeddict(base):
            required = frozenset(name for name, hint in hints.items() if is_required_key(base, name, hint))
        else:
            required = frozenset(base._fields) - frozenset(base._field_defaults)
            hints = {name: hints.get(name, Any) for name in base._fields}
        variables = dict(zip(getattr(base, "__parameters__", ()), typing.get_args(kind), strict=False))
        members = {
            name: self.of(substituted(hint, variables), nonfinite=nonfinite) for name, hint in hints.items()
        }
        from ptyconf.schema.containers import make_record

        return make_record(base, members, required)


def _hooks_of(converter: Any) -> Any:
    """Find the structure hooks that a program registered on its converter, apart from cattrs' own.

    cattrs offers no list of them; ``Converter.copy`` tells them from its own in the same way.
    """
    import cattrs
    from cattrs.dispatch import MultiStrategyDispatch

    pristine = cattrs.Converter()._structure_func._single_dispatch.registry  # noqa: SLF001
    theirs = converter._structure_func  # noqa: SLF001
    hooks = MultiStrategyDispatch(lambda _: _nothing, converter)
    theirs._function_dispatch.copy_to(hooks._function_dispatch, skip=converter._struct_copy_skip)  # noqa: SLF001
    unions = dict(converter._union_struct_registry)  # noqa: SLF001
    classes = {
        kind: None if kind in pristine and _function(pristine[kind]) is _function(hook) else hook
        for kind, hook in theirs._single_dispatch.registry.items()  # noqa: SLF001
        if kind is not object
    }
    hooks.register_cls_list([(kind, hook or _nothing) for kind, hook in classes.items()])
    if unions:
        hooks.register_func_list([(unions.__contains__, unions.__getitem__, True)])
    return hooks


def _function(hook: Any) -> Any:
    return getattr(hook, "__func__", hook)


def _nothing(_value: Any, _kind: Any) -> None:
    """Stand for a class of which the program says nothing."""


def _hooked(kind: Any, hook: Callable[[Any, Any], Any], kinds: Kinds) -> Kind:
    """Make the kind of a type that the program's converter reads."""
    instance = kind if isinstance(kind, type) else ()
    expected = f"a value that makes a {name_of(kind)}"

    def typed(value: Any) -> Any:
        return value if instance and isinstance(value, instance) else hook(value, kind)

    def text(written: str) -> Any:
        try:
            return hook(written, kind)
        except (ValueError, TypeError):
            return typed(parse_toml(written.strip(), expected))

    def write(value: Any) -> Any:
        return kinds.converter.unstructure(value, kind)

    return Kind(kind, expected, typed, text, write, write, lambda value: hook(value, kind), mutable=True)
