"""One layer in a schema's terms: every key found, every value strict, every fault noted."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ptyconf.merge.cache import cache_of
from ptyconf.merge.columns import (
    KEPT_PLANS,
    SEEN,
    ColumnLayout,
    Columns,
    Rest,
    columns_of_texts,
    deep_columns,
    take_plain,
)
from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.origin import Origin
from ptyconf.schema.fold import with_parts
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.tree import Slot, Tree

if TYPE_CHECKING:
    from ptyconf.merge.layer import Layer
    from ptyconf.schema.schema import Schema
    from ptyconf.schema.setting import Policy

_NOTHING: Mapping[str, Any] = MappingProxyType({})
NOTHING: tuple[tuple[str, ...], tuple[Any, ...]] = ((), ())


class LayerValues:
    """What a layer says, in the schema's terms."""

    # Shared while there is nothing to tell; a reading that has something gets its own.
    passed_below: Mapping[str, Sequence[Policy]] = MappingProxyType({})  # of parts of what a setting holds
    faults: Sequence[Fault] = ()
    notices: Sequence[tuple[type[Warning], str]] = ()
    reported = False
    instances: Mapping[str, Any] = MappingProxyType({})  # given whole, that no constructor makes again
    refers = False  # whether a value with a reference is among them
    mark: tuple[Any, ...] | None = None  # what tells it from others of its rank
    columns: tuple[Iterable[str], Iterable[Any]] = NOTHING
    numbered: Sequence[tuple[str, int]] | None = None  # what the plan of its shape says of ``gathered``
    replaces: frozenset[str] = frozenset()
    _values: dict[str, Any] | None = None
    known_origins: Mapping[str, Origin] = MappingProxyType({})  # that somebody asked for

    def __init__(self, layer: Layer, schema: Schema) -> None:
        # Not the layer itself: that keeps its readings, and together they would be a circle.
        self.name = layer.name
        self.kind = layer.kind
        self.origins = layer.origins
        self.schema = schema
        # What is asked of every layer is its own: an attribute of the class is found in ten times the time.
        self.spelled: Mapping[str, tuple[Keys, str]] = _NOTHING  # keys that differ from the path
        self.passed: Mapping[str, str] = _NOTHING
        # Whether plain values are all that it has; a copy of such a layer may say more, and has no columns.
        self.plain = layer.plain and layer.columns is not None
        if self.plain:
            return
        if layer.replaces:
            self.replaces = layer.replaces
        if layer.faults:
            self.faults = layer.faults

    @property
    def values(self) -> dict[str, Any]:
        """The values by path."""
        if self._values is None:
            self._values = dict(zip(*self.columns, strict=True))
            self.columns = (self._values.keys(), self._values.values())
        return self._values

    @property
    def gathered(self) -> list[tuple[str, Any]]:
        """The settings to which other layers may give something too, with their values."""
        if self.numbered is not None and self._values is None:
            column: Any = self.columns[1]
            return [(path, column[number]) for path, number in self.numbered]
        values = self.values
        return [(path, values[path]) for path in self.schema.special if path in values]

    def note_instance(self, path: str, value: Any) -> None:
        """Keep a copy of what was given for a section or setting, for no constructor makes it again."""
        self.instances = {**self.instances, path: copy.deepcopy(value)}

    def keys(self, path: str) -> Keys:
        """Give the keys of a setting, or of a place below one, as this layer spells them."""
        spelled = self.spelled.get(path)
        if spelled is not None:
            return spelled[0]
        segments = split_path(path)
        for length in range(len(segments) - 1, 0, -1) if self.spelled else ():
            outer = self.spelled.get(join_path(segments[:length]))
            if outer is not None:
                return (*outer[0], *segments[length:])
        # What variables and flags give in parts alone has the name of the first of them.
        parts = self.spelled.items() if self.kind in {"environment", "flag"} else ()
        inside = (f"{path}.", f"{path}[")
        return next((keys for place, (keys, _) in parts if place.startswith(inside)), segments)

    def origin(self, path: str) -> Origin:
        """Say where this layer has a setting; found out when it is first asked."""
        origins = self.known_origins
        if origins.__class__ is not dict:
            origins = self.known_origins = {}
        known = origins.get(path)
        if known is None:
            keys = self.keys(path) if self.spelled else split_path(path)
            known = origins[path] = self.origins(keys)
        return known

    def inner_origin(self, path: str, *inside: Any) -> Origin:
        """Say where a part of what a setting holds stands; an element where the source has its place."""
        whole = self.origin(path)
        if not whole.in_text and not all(isinstance(key, str) for key in inside):
            return whole
        return self.origin(join_path((*split_path(path), *inside)))

    def live(self, path: str, tree: Tree) -> Tree:
        """Give what of a tree counts: without the parts that a policy passes over."""
        policies = self.passed_below.get(path)
        if policies is None or not isinstance(tree, (dict, list)):
            return tree
        return _pruned(tree, split_path(path), policies)

    def passed_reason(self, path: str, root: str = "") -> str | None:
        """Say why a policy passes this layer over for a setting, or for one below ``root``; else None."""
        reason = self.passed.get(root or path)
        if reason is None and root:
            reason = next(
                (passed.reason for passed in self.passed_below.get(root, ()) if passed.covers(path)), None
            )
        return reason

    def conversion(self, path: str) -> str:
        """Name the conversion that the value went through, "" for none."""
        spelled = self.spelled.get(path)
        return spelled[1] if spelled is not None else ""


def _pruned(tree: Tree, at: Segments, policies: Sequence[Policy]) -> Tree:
    pairs = list(tree.items() if isinstance(tree, dict) else enumerate(tree))
    live = [
        (key, _pruned(item, (*at, key), policies) if isinstance(item, (dict, list)) else item)
        for key, item in pairs
        if not any(policy.covers(join_path((*at, key))) for policy in policies)
    ]
    return with_parts(tree, dict(live) if isinstance(tree, dict) else [item for _, item in live])


def read(layer: Layer, schema: Schema) -> LayerValues:
    """Read a layer in the terms of a schema, once."""
    return layer.values_by_schema.get(id(schema)) or read_anew(layer, schema)


def read_anew(layer: Layer, schema: Schema) -> LayerValues:
    """Read a layer that was not read before: by the plan of its shape, or key by key."""
    columns = layer.columns
    shape: Any = None
    if not layer.plain:
        columns = _columns(layer, schema)
        if columns:
            kind = layer.kind if layer.text else None
            shape = (*columns[:3], layer.sections, layer.dotted, kind)
    elif columns and not schema.references:
        shape = columns[:3]
    plan = (schema.remembered or cache_of(schema)).plans.get(shape)
    layer_values = None
    if plan.__class__ is ColumnLayout and columns:
        layer_values = _read_by_plan(layer, schema, plan, columns[3])
    if layer_values is None:
        layer_values = LayerValues(layer, schema)
        layer_values.plain = False
        _read_plainly(layer_values, layer)
        if shape is not None and columns and plan.__class__ is not ColumnLayout:
            _keep_plan(shape, layer_values, layer, columns)
    if layer.name in schema.passed_over:
        _pass_over(layer_values, layer)
    layer.values_by_schema[id(schema)] = (
        layer_values  # it holds its schema, so that the identity stays the schema's
    )
    return layer_values


def _columns(layer: Layer, schema: Schema) -> Columns | tuple[()] | None:
    """Give the columns by which a layer may be read; none where it must be read key by key."""
    if schema.references if layer.references is None else layer.references:
        return ()
    columns = layer.columns
    if columns is None and not (layer.text and layer.faults):
        columns = (columns_of_texts if layer.text else deep_columns)(layer.values)
    return columns


def take_as_read(
    layer: Layer,
    schema: Schema,
    values: Mapping[str, Any],
    spelled: Mapping[str, tuple[Keys, str]],
    *,
    refers: bool = False,
) -> None:
    """Give a layer the values that it was read to before, in the terms of a schema."""
    layer_values = LayerValues(layer, schema)
    layer_values.plain = False
    layer_values.values.update(values)
    layer_values.refers = refers
    layer_values.spelled = spelled
    if layer.name in schema.passed_over:
        _pass_over(layer_values, layer)
    layer.values_by_schema[id(schema)] = layer_values


def _pass_over(layer_values: LayerValues, layer: Layer) -> None:
    """Note which settings of the layer a policy passes over."""
    passed: dict[str, str] = {}
    below: dict[str, list[Policy]] = {}
    values = layer_values.values
    for path, policies in layer_values.schema.passed_over[layer.name].items():
        if path in values:
            for policy in policies:
                if policy.label in {"", layer.label}:
                    if policy.covers(path):
                        passed[path] = policy.reason
                    else:
                        below.setdefault(path, []).append(policy)
    if passed:
        layer_values.passed = passed
    if below:
        layer_values.passed_below = below


def _read_by_plan(layer: Layer, schema: Schema, plan: ColumnLayout, leaves: list[Any]) -> LayerValues | None:
    """Read a layer of a known shape; None where a value is wrong, so that it must be read key by key."""
    floats, pick, read_rest = plan.floats, plan.pick, plan.read
    if floats is not None and not isfinite(sum(floats(leaves))):
        return None
    layer_values = LayerValues(layer, schema)
    values: Sequence[Any] = leaves if pick is None else pick(leaves)
    if read_rest is not None:
        if not layer_values.plain and (layer.unset or layer.replaces):
            return None  # they reach into what a setting holds
        composed = read_rest(layer_values, layer, leaves)
        if composed is None:
            return None
        values = [*values, *composed]
    layer_values.columns = (plan.paths, values)
    layer_values.numbered = plan.gathered
    layer_values.spelled = plan.spelled
    if layer_values.plain:
        return layer_values
    if layer.folder is not None and layer.columns:
        # The same names, held once for all layers: those of a parser are new texts in every file.
        object.__setattr__(layer, "columns", (*plan.shape, leaves))
    if layer.unset or layer.replaces:
        _look_closer(layer_values, layer, ())
    return layer_values


def _read_plainly(layer_values: LayerValues, layer: Layer) -> None:
    """Read a layer key by key."""
    rest: list[Rest] = []
    if layer.kind != "environment":
        take_plain(
            layer.values,
            layer_values.schema.index.tree,
            (),
            None if layer.text or layer.refers(layer_values.schema) else layer_values.values,
            rest,
        )
    if rest or layer.unset or layer.text or layer.replaces:
        _look_closer(layer_values, layer, rest)


def _look_closer(layer_values: LayerValues, layer: Layer, rest: Sequence[Rest]) -> None:
    """Take what is no plain value under its own key."""
    from ptyconf.merge.walk import Walk

    Walk(layer_values, layer).read(rest)


def _keep_plan(shape: Any, layer_values: LayerValues, layer: Layer, columns: Columns) -> None:
    """Give a shape that came before a plan of what its reading found; none where values are translated."""
    plans = cache_of(layer_values.schema).plans
    if shape not in plans:
        if len(plans) >= KEPT_PLANS:
            plans.clear()
        plans[shape] = SEEN
    elif plans[shape] is SEEN:
        plans[shape] = None
        told = layer_values.faults or layer_values.notices
        if not told and not any(name for _, name in layer_values.spelled.values()):
            slots, unset = layer_values.schema.index.slots, {path for path, _ in layer.unset}
            paths = [path for path in layer_values.values if path not in unset]
            taken = {layer_values.keys(path): slots[path] for path in paths}
            from ptyconf.merge.plans import make_plan

            if len(taken) == len(paths) and (not layer.text or _means_settings(layer_values, layer, taken)):
                plans[shape] = make_plan(columns, taken, layer_values.spelled, text=layer.text)


def _means_settings(layer_values: LayerValues, layer: Layer, taken: Mapping[Keys, Slot]) -> bool:
    """Tell whether each text means one setting, or a place below one, and no section as a whole."""
    index = layer_values.schema.index
    for keys, slot in taken.items():
        if slot.node is None:
            if not isinstance(layer.values.get(keys[0]), str):
                return False  # elements by number, which are read together
            key = index.environment.get(keys[0].upper()) if layer.kind == "environment" else keys[0]
            meant = None if key is None else index.find(key, layer.sections)
            if getattr(meant, "path", None) != slot.path:
                return False
    return True
