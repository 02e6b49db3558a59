"""Values that are read now, and those that wait until what they refer to is known."""

from __future__ import annotations

from typing import Any

from ptyconf.schema.anchor import anchored
from ptyconf.schema.fold import with_parts
from ptyconf.schema.reference import Deferred, has_reference
from ptyconf.schema.tree import Items, Slot, Tree, child


def read_end(slot: Slot, value: Any, folder: str | None, *, text: bool) -> Any:
    """Read what is written for a slot that holds one value.

    Raises:
        Mismatch: It does not fit.
    """
    kind, conversion = slot.kind, slot.setting.conversion
    if conversion is not None:
        value = conversion.to_setting(value)
    if text and isinstance(value, str):
        value = kind.text(value)
    elif value.__class__ not in slot.exact:
        value = kind.typed(value)
    return anchored(value, kind, folder)


def deferred(slot: Slot, value: Any, folder: str | None, *, text: bool) -> Deferred:
    """Keep a value with references as it is written; it is read when they are known."""

    def read(value: Any, text: bool, folder: str | None) -> Any:
        return read_end(slot, value, folder, text=text)

    return Deferred(value, text, folder, read)


def with_references(slot: Slot, tree: Tree) -> Tree:
    """Defer the texts of a default that refer to other values."""
    node = slot.node
    if node is None:
        return deferred(slot, tree, None, text=False) if has_reference(tree) else tree
    if not tree:
        return tree
    if isinstance(node, Items):
        return with_parts(tree, [with_references(node.item, item) for item in tree])
    table = {}
    for key, item in tree.items():
        below = child(node, key, tree)
        table[key] = item if below is None else with_references(below, item)
    return with_parts(tree, table)
