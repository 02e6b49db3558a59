"""Which layer gave each element of a joined list, or each part of a merged table of any values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ptyconf.merge.fault import Keys
from ptyconf.merge.law import STRATEGIES
from ptyconf.merge.same import same
from ptyconf.merge.trace import Element, Entry
from ptyconf.schema.fields import UNSET
from ptyconf.schema.fold import Barred, completed
from ptyconf.schema.path import Segments, join_path
from ptyconf.schema.tree import Items, Slot, Tree, child, key_of

if TYPE_CHECKING:
    from ptyconf.merge.layer_values import LayerValues

OWN = "schema"
ASSIGNED_KIND: Final = "assigned"
"""Kind of the layer of what was assigned to an instance after the merge: it stands for the whole."""


class Given(NamedTuple):
    """What a layer gives at a place: its entry, the layer, and the place as that has it."""

    entry: Entry
    source: LayerValues | None
    at: str


def joined_marks(strategy: str, live: Any) -> list[tuple[Any, Any, int]]:
    """Join lists as their strategy does; give the source of each element that stays, its list and number."""
    lists = [
        [(item, (source, tree, index)) for index, item in enumerate(tree)]
        for source, tree in _above_none(live)
    ]
    if len(lists) == 1:
        return [mark for _, mark in lists[0]]
    marks: list[tuple[Any, Any, int]] = []
    values: list[Any] = []
    for pairs in reversed(lists):
        for item, mark in pairs:
            if strategy == "append" or item not in values:
                values.append(item)
                marks.append(mark)
    return marks


def numbered_elements(
    strategy: str, live: list[tuple[Any, Any]], item: Slot | None = None
) -> list[tuple[Any, Any, int]]:
    """Give the layer of each element of a list, with what the layer has there and the number in that.

    Of a list that was assigned, an element that is still an earlier one is that of the earlier layer.

    Args:
        strategy: How the list merges.
        live: The entries that count, high to low.
        item: The slot of an element that is a section: an earlier one has the defaults of its class.
    """
    live = [
        (source, tree if isinstance(tree, (list, tuple, NoneType)) else _Unordered(tree))
        for source, tree in live
    ]
    if len(live) > 1 and live[0][0].kind == ASSIGNED_KIND and live[0][1] is not None:
        source, now = live[0]
        earlier = numbered_elements(strategy, live[1:], item)
        elements = [tree[index] for _, tree, index in earlier]
        marks = _still(elements if item is None else [completed(item, tree) for tree in elements], now)
        return [(source, now, at) if mark is None else earlier[mark] for at, mark in enumerate(marks)]
    return joined_marks(strategy, live if strategy in STRATEGIES else live[:1])


def _still(earlier: Sequence[Any], now: Sequence[Any]) -> list[int | None]:
    """Find for each element the earlier one that it still is, in the order of both; None for a new one."""
    marks: list[int | None] = []
    start = 0
    for element in now:
        mark = next((at for at in range(start, len(earlier)) if same(earlier[at], element)), None)
        marks.append(mark)
        if mark is not None and not isinstance(now, _Unordered):
            start = mark + 1
    return marks


class _Unordered(list[Any]):
    """The elements of a set, by number in the order in which it gives them."""


def _above_none(live: Any) -> Iterator[tuple[Any, Any]]:
    """Walk the lists above the first None, high to low."""
    for source, tree in live:
        if tree is None:
            return
        yield source, tree


def free_elements(live: list[Given], default: Entry, table: Mapping[str, Any]) -> Iterator[Element]:
    """Say which layer gave each part of a table of any values that stands below a setting."""
    parts = [(given, given.entry.value) for given in live if given.entry.passed is None]
    if default.value is not UNSET:
        parts.append((Given(default, None, ""), default.value))
    values, sources = STRATEGIES["deep"](parts)
    present = set(_names(table))  # of the default only what nothing cut off
    for keys, value, given in free_leaves(values, sources):
        if keys in present:
            entry, source, at = given
            origin = entry.origin if source is None else source.inner_origin(at, *keys)
            yield Element(join_path(keys), value, entry.layer, origin)


def _names(table: Mapping[Any, Any], at: Keys = ()) -> Iterator[Keys]:
    for key, value in table.items():
        yield (*at, str(key))
        if isinstance(value, Mapping):
            yield from _names(value, (*at, str(key)))


def free_leaves(
    values: Mapping[Any, Any], sources: Mapping[Any, Any], at: Keys = ()
) -> Iterator[tuple[Keys, Any, Any]]:
    """Walk the ends of a merged table: keys as text, value, and who gave it."""
    for key, value in values.items():
        source = sources[key]
        if isinstance(source, dict):
            yield from free_leaves(value, source, (*at, str(key)))
        else:
            yield (*at, str(key)), value, source


def stands_for_all(outer: Slot, below: Segments, tree: Tree) -> bool:
    """Tell whether a layer's tree stands for the whole of what holds a place: lower ones lost it."""
    slot = outer
    for segment in below:
        node = slot.node
        if node is None or tree is None:
            return False
        if node.strategy == "replace" or isinstance(tree, Barred):
            return True
        if isinstance(node, Items):
            return False
        inner = child(node, segment, tree)
        key = key_of(node, segment)
        if inner is None or key not in tree:
            return False
        slot, tree = inner, tree[key]
    return False
