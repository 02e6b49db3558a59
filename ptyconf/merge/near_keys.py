"""Keys of tables that a variable's name makes, beside keys that it cannot spell.

A variable's name has no signs and, as most are written, no small letters: ``APP__REPLICAS__EU_WEST`` means
the key ``eu_west``. Where a file has ``eu-west``, a second key beside that is a slip more often than a wish.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ptyconf.errors import Problem
from ptyconf.merge.cache import cache_of
from ptyconf.merge.hints import assignment
from ptyconf.merge.law import entries
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.problems import secrets_in
from ptyconf.merge.variables import table_key
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Section, Slot, Table, child
from ptyconf.text.show import MASK, show, toml_text

LONGEST_HINT = 80
KEPT_NAMES = 1024

# A table's setting, the table, a key of it, and the way from the setting to the table.
Named = tuple[Slot, Segments, str, Segments]


def refuse_near_keys(
    schema: Schema, layers: Iterable[LayerValues], histories: Mapping[str, Any]
) -> list[Problem]:
    """Refuse a new key of a table that differs from a known one by case or signs alone, in variables."""
    problems: dict[str, Problem] = {}
    known = cache_of(schema).named_keys
    for layer_values in layers:
        if layer_values.kind != "environment":
            continue
        for path in layer_values.spelled:
            named = known.get(path)
            if named is None:
                if len(known) >= KEPT_NAMES:
                    known.clear()
                named = known[path] = tuple(_named_keys(schema, path))
            for each in named:
                slot, table, key, below = each
                others = _beside(key, histories.get(slot.path), below)
                if others is None:
                    continue
                in_texts = dict.fromkeys(_in_texts(layer_values, each))
                beside = [name for name in {**in_texts, **others} if _plain(name) == _plain(key)]
                inner = join_path((*table, key)) if beside else ""
                if beside and inner not in problems:
                    problems[inner] = _problem(layer_values, slot, (table, key, beside), path)
    return list(problems.values())


def _named_keys(schema: Schema, path: str) -> Iterator[Named]:
    """Find the keys of tables in a path of which a part may be written; a setting by itself has none."""
    segments = split_path(path)
    located = None if path in schema.index.slots else schema.index.holder(segments)
    if located is not None:
        slot, below = located
        length = len(segments) - len(below)
        for depth in _tables(slot, below):
            yield slot, segments[: length + depth], str(below[depth]), below[:depth]


def _tables(slot: Slot, below: Segments) -> Iterator[int]:
    """Give the depths at which a place is a key of a table that merges over the layers."""
    for length, segment in enumerate(below):
        if slot.free:
            yield length
            continue
        if isinstance(slot.node, Table):
            yield length
        elif not isinstance(slot.node, Section):
            return  # lists and unions replace what is below them
        inner = child(slot.node, segment)
        if inner is None:
            return
        slot = inner


def _in_texts(layer_values: LayerValues, named: Named) -> list[str]:
    """List near keys that the layer itself writes in the text of a whole table, not in a variable's name."""
    slot, table, key, below = named
    tree = layer_values.values.get(slot.path)
    for segment in below:
        tree = tree.get(segment) if isinstance(tree, Mapping) else None
    names = tree if isinstance(tree, Mapping) else ()
    near = [name for name in names if name.__class__ is str and len(name) == len(key) and name != key]
    near = [name for name in near if _plain(name) == _plain(key)]
    if not near:
        return []
    in_names = {place[: len(table) + 1] for place in map(split_path, layer_values.spelled)}
    return [name for name in near if (*table, name) not in in_names]


def _beside(key: str, history: Any, below: Segments) -> dict[str, None] | None:
    """Give the keys that other layers have in the same table; None where they have the key itself."""
    known: dict[str, None] = {}
    for source, tree in entries(history):
        if source.kind == "environment":
            continue
        for segment in below:
            tree = tree.get(segment) if isinstance(tree, Mapping) else None  # noqa: PLW2901  The way down.
        if isinstance(tree, Mapping):
            if key in tree:
                return None
            known.update(dict.fromkeys(name for name in tree if isinstance(name, str)))
    return known


def _plain(key: str) -> str:
    """Write a key without case and signs, as the name of a variable has it."""
    return re.sub(r"\W", "_", key.casefold())


def _problem(
    layer_values: LayerValues,
    slot: Slot,
    place: tuple[Segments, str, list[str]],
    path: str,
) -> Problem:
    """Put into words that a key may be another one, with the text of the table that says which."""
    table, key, beside = place
    keys = layer_values.spelled[path][0]
    name = "__".join(keys[0].split("__")[: len(table) - len(split_path(path))])
    tree: Any = layer_values.values.get(slot.path)
    for segment in (*table, key)[len(split_path(slot.path)) :]:
        tree = tree[segment]
    secret = any(True for _ in secrets_in(slot, layer_values.values.get(slot.path)))
    written, value = name, {beside[0]: tree}
    if re.fullmatch(r"\w+", beside[0]) and "__" not in beside[0] and table_key(beside[0]) == beside[0]:
        written, value = f"{name}__{beside[0]}", tree
    text = MASK if secret else _bare_text(value)
    return Problem(
        f"{key!r} would be a new key of {join_path(table)!r}, beside {' and '.join(map(show, beside))}",
        path=join_path((*table, key)),
        origin=layer_values.origins(keys),
        known=", ".join(beside),
        hint=assignment(layer_values.kind, layer_values.origins, (written,), text),
    )


def _bare_text(value: Any) -> str:
    text = toml_text(value)
    return text if len(text) <= LONGEST_HINT else "..."
