"""What of one layer travels to another process: what it says in the schema's terms, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ptyconf.merge.fault import Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import LayerValues, take_as_read
from ptyconf.merge.origin import Origin
from ptyconf.schema.deferred import deferred
from ptyconf.schema.fold import Barred, Whole
from ptyconf.schema.path import join_path, split_path
from ptyconf.schema.reference import Deferred, Reference
from ptyconf.schema.schema import Schema
from ptyconf.schema.tables import InstanceTable, Variant
from ptyconf.schema.tree import Choice, Items, Slot, child, leaves
from ptyconf.schema.view import copied


class Origins:
    """The origins of one layer's settings, written down."""

    def __init__(self, places: Mapping[Keys, Origin], otherwise: Origin) -> None:
        self.places = dict(places)
        self.otherwise = otherwise

    def __call__(self, keys: Keys) -> Origin:
        """Give the origin of a setting; that of what holds it where it has none of its own."""
        for length in range(len(keys), 0, -1):
            if keys[:length] in self.places:
                return self.places[keys[:length]]
        return self.otherwise


@dataclass(frozen=True, slots=True)
class VariantRecord:
    """The table of a union, with the number of the section that was chosen for it, and its instance."""

    number: int
    table: Mapping[str, Any]
    instance: Any


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """The table of an instance that no constructor makes again, with that."""

    whole: bool
    table: Mapping[Any, Any]
    instance: Any


@dataclass(frozen=True, slots=True)
class WholeRecord:
    """A table to which a class's default adds nothing; and no lower layer, if it is barred."""

    barred: bool
    table: Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class ReferenceRecord:
    """A value with references: as it was written, and what it came to, where it was read."""

    raw: Any
    text: bool
    folder: str | None
    known: tuple[Any, tuple[tuple[Reference, Any], ...]] | None


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """One layer: what it says in the schema's terms, and where."""

    name: str
    kind: str
    label: str
    within: int
    values: Mapping[str, Any]
    conversions: Mapping[str, str]
    replaces: frozenset[str]
    refers: bool
    origins: Origins
    instances: Mapping[str, Any]

    def layer(self, schema: Schema) -> Layer:
        """Make the layer again, read as it was."""
        layer = Layer(
            self.name,
            {},
            self.origins,
            kind=self.kind,
            label=self.label,
            within=self.within,
            replaces=self.replaces,
        )
        values = {
            path: _decoded(schema.index.slots[path], value)
            for path, value in self.values.items()
            if path in schema.index.slots
        }
        spelled = {path: (split_path(path), name) for path, name in self.conversions.items()}
        take_as_read(layer, schema, values, spelled, refers=self.refers)
        layer.read(schema).instances = self.instances
        return layer


def layer_record(
    layer: Layer, layer_values: LayerValues, schema: Schema, finished: Mapping[int, Any]
) -> LayerRecord:
    """Write a layer down; ``finished`` has what its references came to."""
    places: dict[Keys, Origin] = {}
    values: dict[str, Any] = {}
    for path, value in layer_values.values.items():
        start, slot = split_path(path), schema.index.slots[path]
        places[start] = layer_values.origin(path)
        for below, _, _ in leaves(slot, value):
            for length in range(1, len(below) + 1):  # tables on the way have places of their own
                place = (*start, *below[:length])
                if place not in places:
                    places[place] = layer_values.origin(join_path(place))
        values[path] = _encoded(slot, value, finished)
    conversions = {path: name for path, (_, name) in layer_values.spelled.items() if name and path in values}
    otherwise = Origin(layer.kind, layer.label, layer.label)
    return LayerRecord(
        layer.name,
        layer.kind,
        layer.label,
        layer.within,
        values,
        conversions,
        layer.replaces,
        layer_values.refers,
        Origins(places, otherwise),
        dict(layer_values.instances),
    )


def _encoded(slot: Slot, tree: Any, finished: Mapping[int, Any]) -> Any:
    """Give a tree without the sections that it names, values with references as they were read."""
    node = slot.node
    if isinstance(tree, Deferred):
        return ReferenceRecord(tree.raw, tree.text, tree.folder, finished.get(id(tree)))
    if node is None or tree is None:
        plain = copied(tree)
        return WholeRecord(isinstance(tree, Barred), plain) if isinstance(tree, Whole) else plain
    if isinstance(node, Items):
        return [_encoded(node.item, item, finished) for item in tree]
    table = {
        key: item if (below := child(node, key, tree)) is None else _encoded(below, item, finished)
        for key, item in tree.items()
    }
    if isinstance(node, Choice):
        return VariantRecord(node.sections.index(tree.section), table, tree.instance)
    if isinstance(tree, InstanceTable):
        return InstanceRecord(tree.whole, table, tree.instance)
    return WholeRecord(isinstance(tree, Barred), table) if isinstance(tree, Whole) else table


def _decoded(slot: Slot, tree: Any) -> Any:
    """Give a tree its sections back."""
    node = slot.node
    if isinstance(tree, ReferenceRecord):
        late = deferred(slot, tree.raw, tree.folder, text=tree.text)
        return Deferred(late.raw, late.text, late.folder, late.read, tree.known)
    if isinstance(tree, WholeRecord):
        return (Barred if tree.barred else Whole)(_decoded(slot, tree.table))
    if isinstance(tree, InstanceRecord):
        return InstanceTable(_decoded(slot, tree.table), tree.instance, whole=tree.whole)
    if node is None or tree is None:
        return tree
    if isinstance(node, Items):
        return [_decoded(node.item, item) for item in tree]
    if isinstance(node, Choice):
        table: Any = Variant(node.sections[tree.number], tree.table, tree.instance)
    else:
        table = dict(tree)
    for key, item in table.items():
        below = child(node, key, table)
        if below is not None:
            table[key] = _decoded(below, item)
    return table
