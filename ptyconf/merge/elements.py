"""Which layer gave each element of a joined list, or each part of a merged table of any values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType
from typing import Any

from ptyconf.merge.law import STRATEGIES
from ptyconf.merge.trace import Element, Entry
from ptyconf.schema.fields import UNSET

OWN = "schema"
ASSIGNED = "assigned"
"""Kind of the layer of what was assigned to an instance after the merge: it stands for the whole."""


def joined_marks(strategy: str, live: Any, numbered: Any) -> list[Any]:
    """Join lists as their strategy does, and give the mark of each element that stays."""
    lists = [[*zip(tree, marked, strict=True)] for _, tree, marked in _above_none(live, numbered)]
    if len(lists) == 1:
        return [mark for _, mark in lists[0]]
    marks: list[Any] = []
    values: list[Any] = []
    for pairs in reversed(lists):
        for item, mark in pairs:
            if strategy == "append" or item not in values:
                values.append(item)
                marks.append(mark)
    return marks


def numbered_elements(
    strategy: str, live: list[tuple[Any, Any]], alike: Callable[[Any, Any], bool]
) -> list[tuple[Any, Any, int]]:
    """Give the layer of each element of a list, with what the layer has there and the number in that.

    Of a list that was assigned, an element that is still an earlier one is that of the earlier layer.
    """
    live = [
        (source, tree if isinstance(tree, (list, tuple, NoneType)) else _Unordered(tree))
        for source, tree in live
    ]
    if len(live) > 1 and live[0][0].kind == ASSIGNED and live[0][1] is not None:
        source, now = live[0]
        earlier = numbered_elements(strategy, live[1:], alike)
        marks = _still([tree[index] for _, tree, index in earlier], now, alike)
        return [(source, now, at) if mark is None else earlier[mark] for at, mark in enumerate(marks)]
    if strategy not in STRATEGIES:
        live = live[:1]
    numbered = [
        (source, None if tree is None else [(source, tree, index) for index in range(len(tree))])
        for source, tree in live
    ]
    return joined_marks(strategy, live, numbered)


def _still(earlier: Sequence[Any], now: Sequence[Any], alike: Callable[[Any, Any], bool]) -> list[int | None]:
    """Find for each element the earlier one that it still is, in the order of both; None for a new one."""
    marks: list[int | None] = []
    start = 0
    for element in now:
        mark = next((at for at in range(start, len(earlier)) if alike(earlier[at], element)), None)
        marks.append(mark)
        if mark is not None and not isinstance(now, _Unordered):
            start = mark + 1
    return marks


class _Unordered(list[Any]):
    """The elements of a set, by number in the order in which it gives them."""


def _above_none(live: Any, numbered: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Walk the lists above the first None, high to low, with the marks of their elements."""
    for (source, tree), (_, marked) in zip(live, numbered, strict=True):
        if tree is None:
            return
        yield source, tree, marked


def free_elements(written: list[Entry], default: Entry, table: Mapping[str, Any]) -> Iterator[Element]:
    """Say which layer gave each part of a table of any values that stands below a setting."""
    live = [entry for entry in written if entry.passed is None]
    values, sources = STRATEGIES["deep"](
        (entry, entry.value) for entry in (*live, default) if entry.value is not UNSET
    )
    present = set(_names(table))  # of the default only what nothing cut off
    for key, value, entry in free_leaves(values, sources):
        if key in present:
            yield Element(key, value, entry.layer, entry.origin)


def _names(table: Mapping[str, Any], at: str = "") -> Iterator[str]:
    for key, value in table.items():
        name = f"{at}.{key}" if at else str(key)
        yield name
        if isinstance(value, Mapping):
            yield from _names(value, name)


def free_leaves(
    values: Mapping[str, Any], sources: Mapping[str, Any], at: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Walk the ends of a merged table: key, value, and who gave it."""
    for key, value in values.items():
        name = f"{at}.{key}" if at else str(key)
        source = sources[key]
        if isinstance(source, dict):
            yield from free_leaves(value, source, name)
        else:
            yield name, value, source
