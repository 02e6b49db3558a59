"""Layers: named, sparse sets of values that share a rank; and their declared order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from ptyconf.arguments import misuse
from ptyconf.merge.columns import NO_COLUMNS, Columns, table_of
from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.origin import Origin

if TYPE_CHECKING:
    from ptyconf.merge.layer_values import LayerValues
    from ptyconf.schema.schema import Schema

Unknown = Literal["error", "warn", "ignore"]


@dataclass(frozen=True, eq=False)
class Layer:
    """A named, sparse set of values; made by the sources, never changed.

    Args:
        name: Name in the precedence.
        values: Nested values in the source's own keys.
        origins: Gives the origin of a key, when a report asks.
        kind: Kind of source: toml, environment, flag, mapping, instance, defaults ...
        label: Name of the source as its user knows it.
        text: Values are text and may be parsed.
        dotted: A key may be a whole path or a bare name.
        unknown: What an unknown key is: error, warn or ignore.
        sections: Order in which bare names are looked up; None for the schema's.
        within: Order among layers of one name, the smaller above; equals share the rank.
        folder: Relative paths resolve against it.
        unset: Paths that are set to None, with their keys.
        replaces: Paths of settings that gather from all layers, for which nothing below this layer counts.
        left_out: Paths of secrets that its source does not hold, though they had a value.
        references: Whether texts may refer to other values; None for as the schema says.
        faults: What was wrong with the source itself.
    """

    name: str
    values: Mapping[str, Any] = field(repr=False)  # may hold secrets
    origins: Callable[[Keys], Origin] = field(repr=False)
    kind: str = field(default="mapping", kw_only=True)
    label: str = field(default="", kw_only=True)
    text: bool = field(default=False, kw_only=True)
    dotted: bool = field(default=False, kw_only=True)
    unknown: Unknown = field(default="error", kw_only=True)
    sections: tuple[str, ...] | None = field(default=None, kw_only=True)
    within: int = field(default=0, kw_only=True)
    folder: str | None = field(default=None, kw_only=True)
    unset: tuple[tuple[str, Keys], ...] = field(default=(), kw_only=True)
    replaces: frozenset[str] = field(default=frozenset(), kw_only=True)
    left_out: frozenset[str] = field(default=frozenset(), kw_only=True)
    references: bool | None = field(default=None, kw_only=True)
    faults: tuple[Fault, ...] = field(default=(), kw_only=True)
    plain: ClassVar[bool] = False  # whether plain values are all that it has
    columns: Columns | tuple[()] | None = field(default=None, init=False, repr=False)
    values_by_schema: dict[int, LayerValues] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.values, Mapping):
            raise misuse(
                "Layer", "values", self.values, "a table of settings", 'Layer("file", {...}, origins)'
            )

    @property
    def problems(self) -> tuple[str, ...]:
        """First lines of what was wrong with the source itself."""
        return tuple(fault.text for fault in self.faults)

    def read(self, schema: Schema) -> LayerValues:
        """Give the layer in the terms of a schema."""
        from ptyconf.merge.layer_values import read

        return read(self, schema)

    def refers(self, schema: Schema) -> bool:
        """Tell whether texts of the layer may refer to other values."""
        return schema.references if self.references is None else self.references

    def writes(self, schema: Schema, path: str) -> bool:
        """Tell whether the layer gives a setting a value other than None, under any of its keys."""
        return self.read(schema).values.get(path) is not None

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Layer:
        """Make a layer as the constructor does, at a fraction of its cost; the dict becomes its own.

        It has ``name``, ``origins``, and ``values`` or, for a ``Columnar``, ``columns``.
        """
        made = _new(cls)
        fields["values_by_schema"] = {}
        _put_fields(made, fields)
        return made  # type: ignore[no-any-return]


_new: Any = object.__new__
_put_fields: Any = Layer.__dict__["__dict__"].__set__  # in two thirds of the time of object.__setattr__


class Columnar(Layer):
    """A layer of columns; they are unpacked when somebody looks at its values."""

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """The table as it was."""
        return table_of(self.columns or NO_COLUMNS)


class Compact(Columnar):
    """A layer of a dict of plain values, of which nothing more is said; a program may make hundreds."""

    dotted = True
    plain = True
