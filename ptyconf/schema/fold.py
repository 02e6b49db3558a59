"""How one tree lies on another, and how a tree is filled with the defaults of its classes."""

from __future__ import annotations

import copy
import operator
import typing
from typing import Any

from ptyconf.schema.fields import UNSET, is_steady
from ptyconf.schema.tables import InstanceTable, Variant, instance_in
from ptyconf.schema.tree import Items, Node, Section, Slot, Table, Tree, child, is_end, section_in


class Whole(dict[Any, Any]):
    """A table as an object holds it: the default that a class has for it adds nothing."""

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[Any, Any]:
        # Whoever is handed a copy gets a plain table.
        return copy.deepcopy(dict(self), memo)


class Barred(Whole):
    """A table written above a None, or to replace: nothing that a lower layer says counts either."""


def like(tree: Tree, table: dict[Any, Any]) -> dict[Any, Any]:
    """Give a table that was made of another the section, or the mark, of that; no instance stands for it."""
    if tree.__class__ is dict:
        return table
    if isinstance(tree, Variant):
        return Variant(tree.section, table)
    if isinstance(tree, InstanceTable):
        return Whole(table) if tree.whole else table
    return type(tree)(table) if isinstance(tree, Whole) else table


def standing(tree: Tree, table: dict[Any, Any]) -> dict[Any, Any]:
    """Give a table that says the same as another the section of that, and the instance that stands for it."""
    if isinstance(tree, Variant):
        return Variant(tree.section, table, tree.instance)
    return InstanceTable(table, tree.instance) if isinstance(tree, InstanceTable) else table


def with_parts(tree: Tree, parts: Any) -> Tree:
    """Give a tree other parts; itself where they are its own, for an instance may stand for it."""
    if isinstance(tree, list):
        return tree if len(parts) == len(tree) and all(map(operator.is_, parts, tree)) else parts
    same = len(parts) == len(tree) and all(item is tree[key] for key, item in parts.items())
    return tree if same else like(tree, parts)


def _merged(table: dict[Any, Any], *parts: dict[Any, Any]) -> dict[Any, Any]:
    """Give what tables were merged to: one of them, where an instance stands for it and it says all."""
    return next((part for part in parts if instance_in(part) is not UNSET and part == table), table)


def _is_whole(tree: Tree) -> bool:
    return isinstance(tree, Whole) or (isinstance(tree, InstanceTable) and tree.whole)


def _laid(node: Node, value: Tree) -> Tree:
    """See what an object holds as laid on an object that exists: it merges with the tables of its class."""
    if isinstance(node, Section):
        if type(value) is Whole:
            return dict(value)
        if isinstance(value, InstanceTable):
            return InstanceTable(value, value.instance)
    return value


def merges(slot: Slot) -> bool:
    """Tell whether tables of a member are laid on a default that its class has for it."""
    return slot.setting.merge == "deep" and slot.default is not UNSET and bool(slot.default)


def may_lack_keys(slot: Slot) -> bool:
    """Tell whether keys of a table may be missing: no attribute of an object is, a key of a TypedDict may."""
    if not isinstance(slot.node, Section):
        return True
    return typing.is_typeddict(typing.get_origin(slot.node.target) or slot.node.target)


def as_whole(slot: Slot, tree: Tree) -> Tree:
    """Mark what an object holds for a member: where the class's default has more, that is gone."""
    plain = isinstance(tree, dict) and not isinstance(tree, (Variant, Whole))
    if not plain or not merges(slot):
        return tree
    instance = instance_in(tree)
    return Whole(tree) if instance is UNSET else InstanceTable(tree, instance, whole=True)


def fold(slot: Slot, low: Tree, high: Tree) -> Tree:
    """Lay one tree on another: tables merge key by key, all else replaces; None clears what is below it."""
    node = slot.node
    if node is None:
        mergeable = slot.setting.merge == "deep" and isinstance(high, dict)
    else:
        mergeable = node.strategy == "deep" and high is not None and node.__class__ is not Items
    if not mergeable or (high.__class__ is not dict and isinstance(high, Barred)):
        return high
    if low is None:
        return high if isinstance(high, InstanceTable) else Barred(high)
    if not high and isinstance(low, InstanceTable):
        return low
    if not low and low.__class__ is high.__class__ is dict and isinstance(node, Table):
        return high
    if node is None:
        return like(low, _fold_free(low, high)) if isinstance(low, dict) else high
    if node.__class__ is Section and node.flat:
        return _merged(like(low, {**low, **high}), high)
    merged = like(low, dict(low))
    for key, value in high.items():
        below = child(node, key)
        if below is None or key not in merged:
            merged[key] = _laid(node, value)
        else:
            merged[key] = fold(below, merged[key], value)
    return _merged(merged, high)


def joined(slot: Slot, one: Tree, other: Tree) -> Tree:
    """Put together what one layer writes of a place twice, and agrees on; of a union of sections too."""
    node = slot.node
    both = isinstance(one, dict) and isinstance(other, dict) and not isinstance(other, Barred)
    if node is None or not both:
        return fold(slot, one, other)
    if section_in(node, one) is not section_in(node, other):
        return other
    parts = like(one, dict(one))
    for key, value in other.items():
        below = child(node, key, one)
        if below is not None and key in parts:
            parts[key] = joined(below, parts[key], value)
        else:
            parts[key] = _laid(node, value)
    return _merged(parts, one, other)


def _fold_free(low: Any, high: Any) -> Any:
    """Merge tables of any values key by key."""
    if not isinstance(low, dict) or not isinstance(high, dict):
        return high
    return {**low, **{key: _fold_free(low[key], item) if key in low else item for key, item in high.items()}}


def without_fresh(slot: Slot, tree: Tree, other: Tree) -> Tree:
    """Leave out of a default what its factory makes another at each call, and so does the class by itself."""
    node = slot.node
    alike = tree.__class__ in (dict, list) and isinstance(other, (dict, list)) and len(tree) == len(other)
    if node is None or not alike or (isinstance(node, Table) and node.value.node is None):
        return tree
    if isinstance(node, Items):
        return with_parts(tree, [without_fresh(node.item, *pair) for pair in zip(tree, other, strict=True)])
    parts = {}
    for key, item in tree.items():
        below = child(node, key, tree)
        if below is None or key not in other:
            parts[key] = item
        elif below.node is not None:
            parts[key] = without_fresh(below, item, other[key])
        elif below.default is not UNSET or below.required or is_steady(item, other[key]):
            parts[key] = item
    return with_parts(tree, parts)


def completed(slot: Slot, tree: Tree) -> Tree:
    """Fill a tree with the defaults of its classes, and take out what a layer removed."""
    return without_removed(slot, _filled(slot, tree))


def without_removed(slot: Slot, tree: Tree) -> Tree:
    """Take out the keys of tables that a layer removed, at every depth; a removed table is empty."""
    node = slot.node
    if node is None:
        return dict(tree) if isinstance(tree, Whole) else tree
    if node.__class__ is Section and node.flat and tree.__class__ is dict:
        return tree
    if tree and is_end(node, tree):
        return tree
    if tree is None:
        return {} if isinstance(node, Table) and not node.optional else None
    if node.__class__ is Items:
        return [without_removed(node.item, item) for item in tree]
    if node.__class__ is Table:
        keeps_none = node.value.kind.optional or (node.value.node is not None and node.value.node.optional)
        return {
            key: without_removed(node.value, item)
            for key, item in tree.items()
            if item is not None or keeps_none
        }
    section = section_in(node, tree)
    if section is None:
        return tree
    table = {key: without_removed(section.members[key], item) for key, item in tree.items()}
    return standing(tree, table)


def _filled(slot: Slot, tree: Tree) -> Tree:
    node = slot.node
    if node is None or tree is None or (tree and is_end(node, tree)):
        return tree
    if node.__class__ is Section:
        return standing(tree, _filled_members(node, tree))
    if node.__class__ is Items:
        return [_filled(node.item, item) for item in tree]
    if node.__class__ is Table:
        return {key: _filled(node.value, item) for key, item in tree.items()}
    section = section_in(node, tree)
    return tree if section is None else standing(tree, _filled_members(section, tree))


def _filled_members(section: Section, tree: Tree) -> dict[str, Tree]:
    table: dict[str, Tree] = {}
    if section.flat and section.lacking <= tree.keys():
        table = {**section.template, **tree}
        if len(table) == len(section.template):
            return table
        table = {}
    for name, member in section.members.items():
        if name in tree:
            below = tree[name]
            if member.default is not UNSET and not _is_whole(below):
                below = fold(member, member.default, below)
            table[name] = _filled(member, below)
        elif member.default is not UNSET:
            table[name] = _filled(member, member.default)
    return table
