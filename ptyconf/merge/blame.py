"""Which part of a container is to blame for what a check says against the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ptyconf.schema.fold import completed
from ptyconf.schema.path import Segments
from ptyconf.schema.tree import Items, Section, Slot, Table, Tree, child, key_text

TRIED = 200  # a check is asked once for every part that might be to blame
Ask = Callable[[Tree], str]


def part_to_blame(slot: Slot, tree: Tree, ask: Ask) -> Segments:
    """Find the one part without which a check is content, or says something else, as deep as there is one.

    Args:
        slot: The setting that the check speaks of.
        tree: What it holds.
        ask: Asks the check of a tree; "" where it is content.

    Returns:
        The place below the setting; () where no part, or more than one, is to blame.
    """
    below: Segments = ()
    inner, part, left = slot, tree, TRIED
    against = ask(tree)
    while part is not None:
        left -= len(part) if isinstance(part, (dict, list, tuple)) else left
        if left < 0:
            break
        words = {key: ask(_placed(slot, tree, below, rest)) for key, rest in _without_each(inner, part)}
        content = [key for key, said in words.items() if not said]
        to_blame = content or [key for key, said in words.items() if said != against]
        if len(to_blame) != 1:
            break
        key = to_blame[0]
        if inner.node is None:
            return (*below, key)
        next_slot = child(inner.node, key, part)
        below = (*below, key_text(inner.node, key))
        if next_slot is None:
            break
        inner, part = next_slot, part[key]
    return below


def _without_each(slot: Slot, part: Tree) -> Iterator[tuple[Any, Tree]]:
    """Give a container without each of its parts: an element gone, a member as its class has it."""
    if isinstance(part, dict) and (slot.node is None or isinstance(slot.node, (Table, Section))):
        section = isinstance(slot.node, Section)
        by_itself = completed(slot, {}) if section else {}
        for key in part:
            if not section:
                yield key, {name: item for name, item in part.items() if name != key}
            elif key in by_itself:
                yield key, {**part, key: by_itself[key]}
    elif isinstance(part, (list, tuple)) and (slot.node is None or isinstance(slot.node, Items)):
        for index in range(len(part)):
            yield index, type(part)([*part[:index], *part[index + 1 :]])


def _placed(slot: Slot, tree: Tree, below: Segments, part: Tree) -> Tree:
    """Put another part into a tree."""
    if not below:
        return part
    key: Any = below[0]
    if isinstance(slot.node, Table) and isinstance(key, str):
        key = slot.node.keys.text(key)
    inner = None if slot.node is None else child(slot.node, key, tree)
    if inner is None:
        return tree
    if isinstance(tree, list):
        return [*tree[:key], _placed(inner, tree[key], below[1:], part), *tree[key + 1 :]]
    return {**tree, key: _placed(inner, tree[key], below[1:], part)}
