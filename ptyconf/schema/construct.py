"""Instances by cattrs: one converter a schema, one generated function a class."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ptyconf.errors import SchemaError
from ptyconf.schema.annotations import is_class_with_fields, is_record, name_of
from ptyconf.schema.fields import Field, fields_of
from ptyconf.schema.kind import Kind, Mismatch

if TYPE_CHECKING:
    from cattrs import Converter

    from ptyconf.schema.types import Kinds

Build = Callable[[Mapping[str, Any], Any], Any]


def make_converter(kinds: Kinds) -> Converter:
    """Make the converter of a schema: unknown keys refused, scalars as strict as everywhere else."""
    import cattrs

    if kinds.prepared is None:
        made = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)
    else:
        made = kinds.prepared.copy(forbid_extra_keys=True, detailed_validation=True)

    def read(value: Any, kind: Any) -> Any:
        return kinds.of(kind).typed(value)

    def is_ours(kind: Any) -> bool:
        if kinds.hook(kind) is not None or is_class_with_fields(typing.get_origin(kind) or kind):
            return False
        try:
            kinds.of(kind)
        except SchemaError:
            return False
        return True

    def write(value: Any, kind: Any) -> Any:
        return kinds.of(kind).toml(value)

    made.register_structure_hook_func(is_ours, read)
    for kind in (bool, int, float, str, bytes):  # cattrs asks its own hooks for these first
        if kinds.hook(kind) is None:
            made.register_structure_hook(kind, read)
    for own in kinds.own.values():
        made.register_structure_hook(own.type, _through(own.typed))
        made.register_unstructure_hook(own.type, own.toml)
    return made


def make_builder(
    target: Any, parts: Mapping[str, tuple[str, Callable[[Any], Any] | None]], kinds: Kinds
) -> Build:
    """Generate the function that makes instances of a class of values that are read already.

    Args:
        target: The class.
        parts: For each attribute the key of its value, and what the value goes through, None for nothing.
        kinds: The kinds of the program.
    """
    names = {field.name for field in fields_of(target)}
    # cattrs takes the overrides of attributes as keywords of one call, beside its own.
    taken = not names.isdisjoint(("cl", "converter")) or any(name.startswith("_cattrs_") for name in names)
    if taken or is_record(typing.get_origin(target) or target):
        return _calling_builder(typing.get_origin(target) or target, parts)
    from cattrs.gen import make_dict_structure_fn, override

    overrides: dict[str, Any] = {name: override(omit=True) for name in names - set(parts)}
    for name, (key, convert) in parts.items():
        hook = _AsItIs() if convert is None else _through(convert)
        overrides[name] = override(rename=key, struct_hook=hook)
    return make_dict_structure_fn(
        target,
        kinds.converter,
        _cattrs_forbid_extra_keys=False,
        _cattrs_detailed_validation=True,
        **overrides,
    )


def has_own_code(target: Any) -> bool:
    """Tell whether a class may change what it is given: by ``__post_init__``, a converter, its own call."""
    base = typing.get_origin(target) or target
    if any(hasattr(base, name) for name in ("__post_init__", "__attrs_post_init__", "__attrs_init__")):
        return True
    if any(attribute.converter is not None for attribute in getattr(base, "__attrs_attrs__", ())):
        return True
    parameters = getattr(base, "__dataclass_params__", None)
    return parameters is not None and not parameters.init


def _calling_builder(target: Any, parts: Mapping[str, tuple[str, Callable[[Any], Any] | None]]) -> Build:
    """Make the function that calls a NamedTuple, a TypedDict or a class by itself, with cattrs' errors."""
    from cattrs import AttributeValidationNote, ClassValidationError

    fields = {field.name: field for field in fields_of(target)}

    def build(table: Mapping[str, Any], _: Any) -> Any:
        values: dict[str, Any] = {}
        wrong: list[Exception] = []
        for name, (key, convert) in parts.items():
            try:
                if key in table or fields[name].required:
                    value = table[key]
                    values[fields[name].argument] = value if convert is None else convert(value)
            except Exception as error:  # noqa: BLE001  The code of the program's conversions.
                error.add_note(AttributeValidationNote(f"{name} is wrong or missing", name, None))
                wrong.append(error)
        if not wrong:
            try:
                return target(**values)
            except Exception as error:  # noqa: BLE001  The class's own code.
                wrong.append(error)
        raise ClassValidationError(f"no {name_of(target)} can be made", wrong, target)

    return build


def _through(convert: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda value, _: convert(value)


class _AsItIs:
    """The hook of a value that is read already: false, for cattrs writes no call of a hook that is false."""

    def __call__(self, value: Any, _: Any) -> Any:
        return value

    def __bool__(self) -> bool:
        return False


class _Whole:
    """The reading and writing of a class whose instance is one value."""

    def __init__(self, kind: Any, kinds: Kinds) -> None:
        self.kind = kind
        self.base = typing.get_origin(kind) or kind
        self.kinds = kinds
        self.expected = f"a table that makes a {name_of(kind)}"
        self._build: Build | None = None

    @cached_property
    def members(self) -> dict[str, tuple[Field, Kind]]:
        """The fields with their kinds; looked at late, for a class may hold itself."""
        return {field.argument: (field, self.kinds.of(field.type)) for field in fields_of(self.kind)}

    def read(self, value: Any, name: str) -> Any:
        """Make an instance of a table; an instance is taken as it is."""
        if isinstance(value, self.base):
            return value
        if not isinstance(value, Mapping):
            raise Mismatch(self.expected)
        arguments = _arguments(value, self.members, name, self.expected)
        if self._build is None:
            parts = {field.name: (argument, None) for argument, (field, _) in self.members.items()}
            self._build = make_builder(self.kind, parts, self.kinds)
        return _make(self._build, self.kind, arguments)

    def write(self, value: Any, name: str) -> dict[str, Any]:
        """Write an instance as a table."""
        table = {}
        for argument, (field, inner) in self.members.items():
            part = getattr(value, field.name)
            if part is not None or name == "frozen":
                table[argument] = getattr(inner, name)(part)
        return table


def make_class_kind(kind: Any, kinds: Kinds) -> Kind:
    """Make the kind of a class that stands where no section can: in a set, in a pair, in a mixed union."""
    whole = _Whole(kind, kinds)
    kinds.pending.append(lambda: whole.members)
    return Kind(
        kind,
        whole.expected,
        lambda value: whole.read(value, "typed"),
        toml=lambda value: whole.write(value, "toml"),
        frozen=lambda value: whole.write(value, "frozen"),
        thawed=lambda value: whole.read(value, "thawed"),
        json_schema={"type": "object"},
        mutable=True,
        table=True,
    )


def _arguments(
    value: Mapping[str, Any], members: Mapping[str, tuple[Field, Kind]], name: str, expected: str
) -> dict[str, Any]:
    """Read the table of a class, key by key.

    Raises:
        Mismatch: A key is unknown or missing, or a value does not fit; says where.
    """
    arguments: dict[str, Any] = {}
    for key, part in value.items():
        if key not in members:
            raise Mismatch(f"{expected}, which has no {key}")
        try:
            arguments[key] = getattr(members[key][1], name)(part)
        except Mismatch as mismatch:
            raise Mismatch(mismatch.expected, mismatch.hint, f".{key}{mismatch.at}") from None
    for key, (field, _) in members.items():
        if field.required and key not in arguments:
            raise Mismatch(f"{expected}, which needs {key}")
    return arguments


def _make(build: Build, kind: Any, arguments: dict[str, Any]) -> Any:
    from cattrs import BaseValidationError

    try:
        return build(arguments, None)
    except BaseValidationError as group:
        words = "; ".join(str(problem) for problem in group.exceptions)
        raise Mismatch(f"what {name_of(kind)} takes: {words}") from group
