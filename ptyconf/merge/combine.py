"""How the entries of all layers for one setting become one value, where they do not replace each other."""

from __future__ import annotations

from typing import Any

from ptyconf.merge.law import STRATEGIES
from ptyconf.merge.layer_values import LayerValues
from ptyconf.schema.fold import fold
from ptyconf.schema.tree import Items, Slot, Table, Tree

Repeated = frozenset[tuple[int, str]]  # identity of a layer, and the path that it repeats


def live_entries(path: str, link: Any, repeated: Repeated = frozenset()) -> list[tuple[LayerValues, Any]]:
    """List the entries of a history that count, high to low, without the parts that are passed over."""
    live = []
    while link is not None:
        source, value, link = link
        if path not in source.passed and (not repeated or (id(source), path) not in repeated):
            live.append((source, source.live(path, value) if source.passed_below else value))
            if path in source.replaces:
                break
    return live


def joined(slot: Slot, live: list[tuple[LayerValues, Any]]) -> Any:
    """Combine the values of all layers as the setting says, and give the result its type."""
    values, _ = STRATEGIES[slot.setting.merge](live)
    return values if isinstance(values, dict) else slot.kind.typed(values)


def merge_trees(slot: Slot, live: list[tuple[LayerValues, Any]]) -> Tree:
    """Fold the trees of all layers, low to high."""
    node = slot.node
    if isinstance(node, Items) and node.strategy in STRATEGIES:
        if live and live[0][1] is None:
            return None
        combined, _ = STRATEGIES[node.strategy](live)
        return combined
    merged: Tree = None
    for number, (_, tree) in enumerate(reversed(live)):
        merged = tree if number == 0 else fold(slot, merged, tree)
    if merged is None and isinstance(node, Table) and not node.optional:
        return {}
    return merged
