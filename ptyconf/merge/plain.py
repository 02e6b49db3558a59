"""Trees as plain tables and lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ptyconf.schema.path import Segments
from ptyconf.schema.tree import Items, Slot, Tree, child, is_end, key_text
from ptyconf.schema.view import copied


def _copied(_slot: Slot, value: Any, _at: Segments) -> Any:
    return copied(value)


def plain_tree(
    slot: Slot,
    tree: Tree,
    at: Segments = (),
    end: Callable[[Slot, Any, Segments], Any] = _copied,
    *,
    textual: bool = False,
) -> Any:
    """Give a tree as plain tables and lists.

    Args:
        slot: The setting.
        tree: What it holds.
        at: Its path.
        end: Gives the value at the end of a branch, and that of a secret.
        textual: Whether keys are written as text.
    """
    node = slot.node
    if node is None or tree is None or (textual and slot.setting.secret) or (tree and is_end(node, tree)):
        return end(slot, tree, at)
    if isinstance(node, Items):
        return [
            plain_tree(node.item, item, (*at, index), end, textual=textual) for index, item in enumerate(tree)
        ]
    table = {}
    for key, item in tree.items():
        below = child(node, key, tree)
        name = key_text(node, key)
        table[name if textual else key] = (
            copied(item) if below is None else plain_tree(below, item, (*at, name), end, textual=textual)
        )
    return table


def nested(values: Mapping[Segments, Any]) -> dict[Any, Any]:
    """Put values together in tables by their places."""
    table: dict[Any, Any] = {}
    for (*sections, name), value in values.items():
        node = table
        for section in sections:
            node = node.setdefault(section, {})
        node[name] = value
    return table
