"""The resolution behind an instance, with what was assigned to it since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptyconf.merge.assigned import UNCHANGED, Change, Comparison, is_own
from ptyconf.merge.built import Built, built_of
from ptyconf.merge.elements import ASSIGNED_KIND
from ptyconf.merge.fault import Keys
from ptyconf.merge.histories import Histories
from ptyconf.merge.law import push
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.origin import Origin
from ptyconf.merge.own_values import place_of
from ptyconf.merge.resolution import Resolution
from ptyconf.schema.annotations import is_made_of, name_of
from ptyconf.schema.fields import UNSET, attribute_value
from ptyconf.schema.fold import like
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.tree import Items, Slot, Tree, branch, child, key_of
from ptyconf.schema.view import Attribute, View

ASSIGNED = "assigned after resolve"


def provenance_of(instance: object) -> Resolution | None:
    """Find the resolution that an instance was built from; None for an unknown one, a copy or a pickle.

    Fields that were assigned since stand in it as a layer of their own, above all others.
    """
    built = built_of(instance)
    if built is None:
        return None
    changed, made = _assigned(built, instance)
    resolution = _with_assigned(built, changed) if changed else built.resolution
    if not made:
        return resolution
    return Resolution(resolution._state._replace(made=made))  # noqa: SLF001  The two halves of one thing.


def view_of(instance: object) -> View[Any] | None:
    """Find the view by which an instance was built."""
    built = built_of(instance)
    return built.view if built is not None else None


def path_of(instance: object, attribute: str) -> str | None:
    """Find the path of the setting that an attribute of a built instance holds."""
    built = built_of(instance)
    if built is None:
        return None
    for member in built.view.attributes:
        if member.name == attribute:
            return member.nested.section if member.nested is not None else join_path(place_of(built, member))
    return None


def _assigned(built: Built, instance: Any) -> tuple[dict[Segments, tuple[str, Change]], dict[str, Any]]:
    """Find what no longer is as it was built, by place, and what constructors made of other values."""
    resolution, comparison = built.resolution, Comparison(built.resolution)
    changed: dict[Segments, tuple[str, Change]] = {}
    if any(attribute.slot is not None for attribute in built.view.attributes):
        root, below = resolution.schema.locate(built.at)
        stands = branch(resolution.schema.index.slots[root], resolution.tree(root), below)
        change = comparison.change(*stands, instance, built.at)
        return ({} if change.parts is UNCHANGED else {built.at: ("", change)}), comparison.made
    for place, name, attribute, now, holder in _attributes(built, built.view, instance):
        path = join_path(place)
        if path not in resolution:
            if attribute.made_late and now is not None:
                comparison.made[path] = now
        elif not is_own(holder, attribute.name, now):
            change = comparison.of_attribute(attribute, now, place)
            if change.parts is not UNCHANGED:
                changed[place] = name, change
    return changed, comparison.made


def _attributes(
    built: Built, view: View[Any], instance: Any, outer: str = ""
) -> Iterator[tuple[Segments, str, Attribute, Any, Any]]:
    """Walk attributes that hold settings, in classes inside too: place, name, attribute, value, holder."""
    for attribute in view.attributes:
        now = attribute_value(instance, attribute.name)
        name = f"{outer}{attribute.name}"
        if attribute.nested is None:
            yield place_of(built, attribute), name, attribute, None if now is UNSET else now, instance
        elif is_made_of(now, attribute.nested.target):
            yield from _attributes(built, attribute.nested, now, f"{name}.")
        elif (now is None or now is UNSET) and built.resolution.is_present(attribute.nested):
            yield from _gone(built, attribute.nested, name, instance)


def _gone(
    built: Built, view: View[Any], name: str, holder: Any
) -> Iterator[tuple[Segments, str, Attribute, Any, Any]]:
    """Walk the attributes of a class in whose place None was assigned."""
    for attribute in view.attributes:
        if attribute.nested is None:
            yield place_of(built, attribute), name, attribute, None, holder
        else:
            yield from _gone(built, attribute.nested, name, holder)


def _with_assigned(built: Built, changed: dict[Segments, tuple[str, Change]]) -> Resolution:
    """Put what was assigned on top of the history, as it stands: nothing is read or checked again."""
    state = built.resolution._state  # noqa: SLF001  The two halves of one thing.
    names = {place: attribute for place, (attribute, _) in changed.items() if attribute}
    label = name_of(built.view.target)

    def origins(keys: Keys) -> Origin:
        for length in range(len(keys), 0, -1):
            if keys[:length] in names:
                named = (*split_path(names[keys[:length]]), *keys[length:])
                return Origin(ASSIGNED_KIND, label, f"{label}.{join_path(named)}")
        return Origin(ASSIGNED_KIND, label, f"{label}.{join_path(keys)}")

    layer_values = LayerValues(Layer(ASSIGNED, {}, origins, kind=ASSIGNED_KIND), state.schema)
    values = dict(state.values)
    trees: dict[str, Tree] = {}
    for place, (_, change) in changed.items():
        root, below = state.schema.locate(place)
        slot = state.schema.index.slots[root]
        layer_values.values[root] = _placed(slot, state.tree(root), below, change, sparse=True)
        values[root] = _placed(slot, state.tree(root), below, change, sparse=False)
        if slot.node is not None:
            trees[root] = values[root]
    histories = Histories((), push(layer_values, layer_values.values, state.histories.links()), {})
    paths = set(map(join_path, changed))
    derived = {path: derived for path, derived in state.derived.items() if path not in paths}
    return Resolution(
        state._replace(
            histories=histories,
            values=values,
            derived=derived,
            layer_values=(layer_values, *state.layer_values),
            trees=trees,
            numbered={},
        )
    )


def _placed(slot: Slot, tree: Tree, below: Segments, change: Change, *, sparse: bool) -> Tree:
    """Put a change at its place below a setting: alone, or into all that is there; a list is whole."""
    if not below or slot.node is None:
        return change.parts if sparse else change.whole
    key = key_of(slot.node, below[0])
    inner = child(slot.node, key, tree)
    if inner is None:
        return change.parts if sparse else change.whole
    if isinstance(slot.node, Items):
        placed = _placed(inner, tree[key], below[1:], change, sparse=False)
        return [placed if index == key else item for index, item in enumerate(tree)]
    placed = _placed(inner, tree[key], below[1:], change, sparse=sparse)
    return like(tree, {key: placed} if sparse else {**tree, key: placed})
