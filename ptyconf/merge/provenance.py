"""The resolution behind an instance, with what was assigned to it since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptyconf.merge.built import Built, built_of
from ptyconf.merge.fault import Keys
from ptyconf.merge.histories import Histories
from ptyconf.merge.law import push
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.origin import Origin
from ptyconf.merge.own_values import OWN_VALUES, alike, given_to, place_of
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.same import same
from ptyconf.schema.annotations import is_made_of, name_of
from ptyconf.schema.apart import tree_of
from ptyconf.schema.fields import UNSET, attribute_value
from ptyconf.schema.fold import fold, without_removed
from ptyconf.schema.path import Segments, join_path
from ptyconf.schema.tree import Items, Section, Slot, Table, Tree, branch, child, key_of
from ptyconf.schema.view import Attribute, View

ASSIGNED = "assigned after resolve"


def provenance_of(instance: object) -> Resolution | None:
    """Find the resolution that an instance was built from; None for an unknown one, a copy or a pickle.

    Fields that were assigned since stand in it as a layer of their own, above all others.
    """
    built = built_of(instance)
    if built is None:
        return None
    changed = _assigned(built, instance)
    return _with_assigned(built, changed) if changed else built.resolution


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


def _assigned(built: Built, instance: Any) -> dict[Segments, tuple[str, Any]]:
    """Find the attributes that no longer hold what was built: place -> (attribute, value)."""
    changed: dict[Segments, tuple[str, Any]] = {}
    resolution = built.resolution
    for place, name, attribute, now, holder in _attributes(built, built.view, instance):
        if join_path(place) not in resolution:
            continue
        own = OWN_VALUES.get(holder) or {}
        was = own[attribute.name] if attribute.name in own else given_to(resolution, place, attribute)
        if now is not was and not alike(now, was):
            changed[place] = name, now
    return changed


def _attributes(
    built: Built, view: View[Any], instance: Any, outer: str = ""
) -> Iterator[tuple[Segments, str, Attribute, Any, Any]]:
    """Walk attributes that hold settings, in classes inside too: place, name, attribute, value, holder."""
    for attribute in view.attributes:
        now = attribute_value(instance, attribute.name)
        name = f"{outer}{attribute.name}"
        if attribute.nested is None:
            yield place_of(built, attribute), name, attribute, None if now is UNSET else now, instance
        elif now is not None and is_made_of(now, attribute.nested.target):
            yield from _attributes(built, attribute.nested, now, f"{name}.")


def _with_assigned(built: Built, changed: dict[Segments, tuple[str, Any]]) -> Resolution:
    """Put what was assigned on top of the history, as it stands: nothing is read or checked again."""
    state = built.resolution._state  # noqa: SLF001  The two halves of one thing.
    names = {join_path(place): attribute for place, (attribute, _) in changed.items()}
    label = name_of(built.view.target)

    def origins(keys: Keys) -> Origin:
        path = join_path(keys)
        return Origin("assigned", label, f"{label}.{names.get(path, path)}")

    layer_values = LayerValues(Layer(ASSIGNED, {}, origins, kind="assigned"), state.schema)
    values = dict(state.values)
    trees: dict[str, Tree] = {}
    for place, (_, value) in changed.items():
        root, below = state.schema.locate(place)
        slot = state.schema.index.slots[root]
        tree = value
        if slot.node is not None:
            inner, was = branch(slot, state.tree(root), below)
            change = _change(inner, was, tree_of(inner, value))
            tree = _placed(slot, state.tree(root), below, change)
            earlier = layer_values.values.get(root)
            tree = tree if earlier is None else fold(slot, earlier, tree)
            values[root] = fold(slot, state.tree(root), tree)
            trees[root] = without_removed(slot, values[root])
        else:
            values[root] = tree
        layer_values.values[root] = tree
    histories = Histories((), push(layer_values, layer_values.values, state.histories.links()), {})
    derived = {path: derived for path, derived in state.derived.items() if path not in names}
    return Resolution(
        state._replace(
            histories=histories,
            values=values,
            derived=derived,
            layer_values=(layer_values, *state.layer_values),
            trees=trees,
        )
    )


def _change(slot: Slot, was: Tree, now: Tree) -> Tree:
    """Give what of a tree is new: the keys that differ, None for those that are gone."""
    if not isinstance(slot.node, (Section, Table)) or not isinstance(was, dict) or not isinstance(now, dict):
        return now
    change: Tree = {key: None for key in was if key not in now}
    for key, item in now.items():
        below = child(slot.node, key)
        if key not in was or below is None:
            change[key] = item
        elif not same(item, was[key]):
            change[key] = _change(below, was[key], item)
    return change


def _placed(slot: Slot, tree: Tree, below: Segments, change: Tree) -> Tree:
    """Put a change at its place below a setting; a list is given whole."""
    if not below or slot.node is None:
        return change
    key = key_of(slot.node, below[0])
    inner = child(slot.node, key, tree)
    if inner is None:
        return change
    placed = _placed(inner, tree[key], below[1:], change)
    if not isinstance(slot.node, Items):
        return {key: placed}
    return [fold(inner, item, placed) if index == key else item for index, item in enumerate(tree)]
