"""What an instance holds now, beside what it was built of: a sparse tree of what is new, and the whole."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from ptyconf.identity import IdentityTable
from ptyconf.merge.built import built_of
from ptyconf.merge.same import same
from ptyconf.schema.apart import tree_of
from ptyconf.schema.fields import UNSET, attribute_value
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.path import Segments, join_path
from ptyconf.schema.tables import Variant
from ptyconf.schema.tree import Choice, Items, Section, Slot, Table, Tree, branch, child, key_text
from ptyconf.schema.view import Attribute, View, copied

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution

OWN_VALUES: IdentityTable[dict[str, Any]] = IdentityTable()
"""What an instance's own code made of its settings, by attribute, where it differs from them."""

UNCHANGED: Any = object()


class Change(NamedTuple):
    """What is new at a place: the parts alone, UNCHANGED for none; and all that is there now."""

    parts: Tree
    whole: Tree


class Comparison:
    """The comparison of what an instance holds with what it was built of.

    Args:
        resolution: What it was built of.
    """

    def __init__(self, resolution: Resolution) -> None:
        self.resolution = resolution
        self.made: dict[str, Any] = {}  # what constructors made of other values, by path

    def of_attribute(self, attribute: Attribute, now: Any, place: Segments) -> Change:
        """Compare what an attribute holds with the setting at a place."""
        root, below = self.resolution.schema.locate(place)
        slot, was = branch(self.resolution.schema.index.slots[root], self.resolution.tree(root), below)
        conversion = attribute.bind.conversion
        if conversion is None:
            return self.change(slot, was, now, place)
        if alike(now, conversion.to_target(copied(was))):
            return Change(UNCHANGED, was)
        with suppress(Exception):  # the program's own code; what it does not take stands as it is
            now = conversion.to_setting(now)
        return Change(now, now)

    def change(self, slot: Slot, was: Tree, now: Any, at: Segments) -> Change:
        """Compare what stands at a place with the tree that it was made of."""
        node = slot.node
        if node is None:
            return Change(UNCHANGED, was) if alike(now, was) else Change(now, now)
        if isinstance(node, Items) and isinstance(was, list) and isinstance(now, (list, tuple, deque)):
            return self._list(node, was, now, at)
        if isinstance(node, Table) and isinstance(was, dict) and isinstance(now, Mapping):
            return self._table(node, was, now, at)
        view = self._view_at(node, was, now, at)
        if view is not None:
            return self._section(view, was, now, at)
        whole = taken_apart(slot, now)
        return Change(UNCHANGED, was) if same(whole, was) else Change(_new_in(slot, was, whole), whole)

    def _view_at(self, node: Any, was: Tree, now: Any, at: Segments) -> View[Any] | None:
        """Give the view by which an instance was built for this very place; None for any other."""
        built = built_of(now) if isinstance(node, (Section, Choice)) and isinstance(was, dict) else None
        if built is None or built.resolution is not self.resolution or built.at != at:
            return None
        return built.view

    def _section(self, view: View[Any], was: Tree, now: Any, at: Segments) -> Change:
        parts: dict[str, Tree] = {}
        whole = dict(was)
        for attribute in view.attributes:
            name, value = attribute.argument, attribute_value(now, attribute.name)
            inner = attribute.slot
            if inner is None or value is UNSET or is_own(now, attribute.name, value):
                continue
            if name not in was:
                if attribute.made_late:
                    self.made[join_path((*at, name))] = value
                continue
            change = self.change(inner, was[name], value, (*at, name))
            if change.parts is not UNCHANGED:
                parts[name], whole[name] = change
        if not parts:
            return Change(UNCHANGED, was)
        if isinstance(was, Variant):
            return Change(Variant(was.section, parts), Variant(was.section, whole))
        return Change(parts, whole)

    def _list(self, node: Items, was: list[Tree], now: Any, at: Segments) -> Change:
        changes = [
            self.change(node.item, was[index], item, (*at, index))
            if index < len(was)
            else _new(node.item, item)
            for index, item in enumerate(now)
        ]
        if len(now) == len(was) and all(change.parts is UNCHANGED for change in changes):
            return Change(UNCHANGED, was)
        whole = [change.whole for change in changes]
        return Change(whole, whole)

    def _table(self, node: Table, was: dict[Any, Tree], now: Mapping[Any, Any], at: Segments) -> Change:
        parts: dict[Any, Tree] = {key: None for key in was if key not in now}
        whole: dict[Any, Tree] = {}
        for key, item in now.items():
            if key in was:
                change = self.change(node.value, was[key], item, (*at, key_text(node, key)))
            else:
                change = _new(node.value, item)
            whole[key] = change.whole
            if change.parts is not UNCHANGED:
                parts[key] = change.parts
        return Change(parts, whole) if parts else Change(UNCHANGED, was)


def is_own(holder: Any, name: str, value: Any) -> bool:
    """Tell whether an attribute holds what the code of its own class made of the setting."""
    own = OWN_VALUES.get(holder)
    return own is not None and name in own and (value is own[name] or alike(value, own[name]))


def alike(now: Any, was: Any) -> bool:
    """Tell whether two values are equal and of one type."""
    return now is was or (type(now) is type(was) and same(now, was))


def _new(slot: Slot, value: Any) -> Change:
    tree = taken_apart(slot, value)
    return Change(tree, tree)


def taken_apart(slot: Slot, value: Any) -> Tree:
    """Take an object apart; what is of another shape than its type stays as it is."""
    try:
        return tree_of(slot, value)
    except (Mismatch, TypeError, AttributeError):
        return value


def _new_in(slot: Slot, was: Tree, now: Tree) -> Tree:
    """Give what of a tree is new: the keys that differ, None for those that are gone."""
    if not isinstance(slot.node, (Section, Table)) or not isinstance(was, dict) or not isinstance(now, dict):
        return now
    change: Tree = {key: None for key in was if key not in now}
    for key, item in now.items():
        below = child(slot.node, key)
        if key not in was or below is None:
            change[key] = item
        elif not same(item, was[key]):
            change[key] = _new_in(below, was[key], item)
    return change
