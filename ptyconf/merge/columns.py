"""Tables as columns: what a shape of names and types means to a schema is found out once.

A table of a shape that was read before needs no look at its single keys: its values are the plan's paths in
order. The law stays with the plain reading, which makes the plans and is the oracle of their test.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from itertools import islice
from operator import itemgetter
from typing import Any, NamedTuple

from ptyconf.merge.fault import Keys
from ptyconf.merge.spots import Composed, count_leaves, recipe_of, spot_of, together
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.tree import Slot

PLAIN = frozenset({int, float, str, bool, type(None)})
FLAT = PLAIN | {list, datetime.date, datetime.datetime, datetime.time}
KEPT_PLANS = 1024
MOST_TABLES = 100_000  # a dict may hold itself
SEEN = object()  # in the place of a plan: the shape came once


# A copy of a table: the names of it and then of the tables in it; for each of its names how many the table
# there has, LEAF for what is no table; the kinds of the values in order; the values. Where tables stand
# deeper, they follow level by level: DEEP, and then for each table how many names it has, below zero where
# tables are among its values, and whether each value is one. A bare tuple, for one is made for every layer.
Columns = tuple[tuple[Any, ...], tuple[int, ...], tuple[type, ...], list[Any]]
NO_COLUMNS: Columns = ((), (), (), [])
LEAF, DEEP = -1, -2


def columns_of(table: Mapping[str, Any]) -> Columns | None:
    """Copy a table, but for the lists in it; None where it holds more than plain values, lists and dates."""
    names: list[Any] = [*table]
    sizes: list[int] = []
    leaves: list[Any] = []
    for value in table.values():
        if value.__class__ is dict:
            names += value
            leaves += value.values()
            sizes.append(len(value))
        else:
            leaves.append(value)
            sizes.append(LEAF)
    types = tuple(map(type, leaves))
    if not FLAT.issuperset(types):
        return _deep_columns(table) if dict in types else None
    return tuple(names), tuple(sizes), types, leaves


def _deep_columns(table: Mapping[str, Any]) -> Columns | None:
    """Copy a table with tables inside the tables in it."""
    names: list[Any] = []
    sizes: list[int] = [DEEP]
    leaves: list[Any] = []
    tables = [table]
    for inner in tables:
        names += inner
        values = inner.values()
        if dict in map(type, values):
            sizes.append(-len(inner))
            for value in values:
                if value.__class__ is dict:
                    tables.append(value)
                    sizes.append(1)
                else:
                    leaves.append(value)
                    sizes.append(0)
            if len(tables) > MOST_TABLES:
                return None
        else:
            leaves += values
            sizes.append(len(inner))
    types = tuple(map(type, leaves))
    return (tuple(names), tuple(sizes), types, leaves) if FLAT.issuperset(types) else None


def table_of(columns: Columns) -> dict[str, Any]:
    """Give the table back."""
    names, sizes, _, leaves = columns
    if sizes[:1] == (DEEP,):
        return _deep_table(columns)
    rest_leaves, inner = iter(leaves), iter(names[len(sizes) :])
    return {
        name: next(rest_leaves) if size < 0 else {key: next(rest_leaves) for key in islice(inner, size)}
        for name, size in zip(names, sizes, strict=False)
    }


def _deep_table(columns: Columns) -> dict[str, Any]:
    rest_names, rest_sizes, rest_leaves = iter(columns[0]), iter(columns[1][1:]), iter(columns[3])
    table: dict[str, Any] = {}
    tables = [table]
    for inner in tables:
        size = next(rest_sizes)
        for name in islice(rest_names, abs(size)):
            if size < 0 and next(rest_sizes):
                below: dict[str, Any] = {}
                inner[name] = below
                tables.append(below)
            else:
                inner[name] = next(rest_leaves)
    return table


class ColumnLayout(NamedTuple):
    """What the tables of one shape say.

    Args:
        shape: Names, sizes and kinds, for all layers of the shape to share.
        paths: The path of each value.
        spelled: The keys of those for which they differ from the path.
        pick: Takes the values that are taken as they are out of the leaves; None where these are all of them.
        floats: Takes out those that must be finite; None where there are none.
        composed: Settings that are read each time, whose values follow.
    """

    shape: tuple[tuple[Any, ...], tuple[int, ...], tuple[type, ...]]
    paths: tuple[str, ...]
    spelled: Mapping[str, tuple[Keys, str]]
    pick: Callable[[list[Any]], tuple[Any, ...]] | None
    floats: Callable[[list[Any]], tuple[float, ...]] | None
    composed: tuple[Composed, ...]


def make_plan(
    columns: Columns,
    taken: Mapping[Keys, Slot],
    spelled: Mapping[str, tuple[Keys, str]],
    *,
    text: bool = False,
) -> ColumnLayout | None:
    """Keep what a reading found out about a shape; None where it also depends on the values.

    Args:
        columns: The table that was read.
        taken: The setting of each key that was taken, in that order.
        spelled: Keys that differ from the path, by path.
        text: Values are text, which is read each time.
    """
    names, sizes, types, _ = columns
    if not all(name.__class__ is str for name in names):
        return None  # 1 and true are one name of a shape, and two of a table
    spots = table_of((names, sizes, types, list(range(len(types)))))
    plain: list[int] = []
    floats: list[int] = []
    composed: list[Composed] = []
    covered = 0
    for keys, slot in taken.items():
        if slot.setting.conversion is not None or (slot.free and keys != split_path(slot.path)):
            return None
        roots = {} if slot.node is None else _roots(slot, spelled)
        spot = together(slot, roots, spots) if roots else spot_of(spots, keys)
        if spot is None or (roots and spot_of(spots, split_path(slot.path)) is not None):
            return None
        covered += count_leaves(spot)
        kind = types[spot] if spot.__class__ is int and not text else None
        if (kind in slot.exact or (kind is float and slot.finite)) and not composed:
            plain.append(spot)
            if kind not in slot.exact:
                floats.append(spot)
        else:
            recipe = recipe_of(slot, spot, types, text=text)
            composed.append(Composed(slot, split_path(slot.path), spot, roots, recipe))
    if covered != len(types):
        return None
    paths = tuple([slot.path for slot in taken.values()])
    in_order = plain == list(range(len(types)))
    below = {join_path(place) for part in composed for place in part.roots}
    own = {path: item for path, item in spelled.items() if path in paths or path in below}
    pick = None if in_order else _getter(plain)
    finite = _getter(floats) if floats else None
    return ColumnLayout(columns[:3], paths, own, pick, finite, tuple(composed))


def _roots(slot: Slot, spelled: Mapping[str, tuple[Keys, str]]) -> dict[Segments, Keys]:
    """Find the places of a setting that are written under keys of their own."""
    at = split_path(slot.path)
    places = ((split_path(path), keys) for path, (keys, _) in spelled.items() if path.startswith(slot.path))
    return {place: keys for place, keys in places if place[: len(at)] == at}


def _getter(numbers: list[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return lambda leaves: tuple([leaves[number] for number in numbers])


Rest = tuple[Any, Any, Any, dict[str, Any], Keys]  # key, its entry in the tree, value, node, keys before it


def take_plain(
    table: Mapping[str, Any], node: dict[str, Any], at: Keys, values: dict[str, Any] | None, rest: list[Rest]
) -> None:
    """Take the settings whose values fit as they are (none, for text); leave what needs a closer look."""
    for key, value in table.items():
        entry = node.get(key)
        kind = value.__class__
        if entry.__class__ is Slot:
            fits = kind in entry.exact or (kind is float and entry.finite and value - value == 0.0)
            if fits and values is not None:
                values[entry.path] = value
                continue
        elif entry.__class__ is dict and (kind is dict or isinstance(value, Mapping)):
            take_plain(value, entry, (*at, key), values, rest)
            continue
        rest.append((key, entry, value, node, at))
