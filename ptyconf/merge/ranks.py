"""Layers that share a rank: they must agree, and the order of the call never shows."""

from __future__ import annotations

from itertools import combinations
from operator import itemgetter
from typing import Any

from ptyconf.errors import Problem
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.same import same
from ptyconf.schema.fold import Barred
from ptyconf.schema.path import join_path, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tables import Variant
from ptyconf.schema.tree import Slot, child, holds_secret, key_text
from ptyconf.text.show import show

Ranked = list[tuple[tuple[int, int], LayerValues]]


def in_one_order(ranked: Ranked, precedence: Precedence) -> list[list[LayerValues]]:
    """Sort layers of one rank by what they are, and give the groups that share a rank."""
    names = {name: number for number, name in enumerate(precedence.ranks)}
    groups: list[list[LayerValues]] = []
    start = 0
    while start < len(ranked):
        rank, end = ranked[start][0], start + 1
        while end < len(ranked) and ranked[end][0] == rank:
            end += 1
        if end - start > 1:
            group = [layer_values for _, layer_values in ranked[start:end]]
            group.sort(key=lambda layer_values: names[layer_values.name])
            if len({layer_values.name for layer_values in group}) < len(group):
                marks = [(names[layer_values.name], *_mark(layer_values)) for layer_values in group]
                if len({*marks}) < len(group):
                    marks = [(*mark, _text(one)) for mark, one in zip(marks, group, strict=True)]
                order = sorted(range(len(group)), key=marks.__getitem__)
                group = [group[number] for number in order]
            ranked[start:end] = [(rank, layer_values) for layer_values in group]
            groups.append(group)
        start = end
    return groups


def _mark(layer_values: LayerValues) -> tuple[Any, ...]:
    """Tell layers of one name and rank apart by kind and by where they stand; once."""
    if layer_values.mark is None:
        path = min(layer_values.values, default="")
        origin = layer_values.origin(path) if path else None
        place = ("", 0, 0, "")
        if origin is not None:
            place = (origin.file or "", origin.line or 0, origin.column or 0, origin.key)
        layer_values.mark = (layer_values.kind, *place)
    return layer_values.mark


def _text(layer_values: LayerValues) -> str:
    """Tell layers of one place apart by what they say."""
    return repr(sorted(layer_values.values.items(), key=itemgetter(0)))


def needs_a_look(schema: Schema, group: list[LayerValues]) -> bool:
    """Tell whether layers of one rank disagree, or say the same of a list that is joined."""
    joined = [path for path in schema.special if schema.settings[path].merge in ("append", "union")]
    repeated = any(sum(path in layer_values.values for layer_values in group) > 1 for path in joined)
    return repeated or bool(refuse_disagreement(schema, group))


def refuse_disagreement(schema: Schema, group: list[LayerValues]) -> list[Problem]:
    """Note every setting on which two layers of one rank differ, each setting once."""
    problems: dict[str, Problem] = {}
    for first, second in combinations(group, 2):
        common = first.values.keys() & second.values.keys()
        for path in sorted(common) if common else ():
            slot = schema.index.slots[path]
            if path in first.passed or path in second.passed:
                continue
            entries = (first, first.values[path]), (second, second.values[path])
            if path in first.replaces or path in second.replaces:  # only one of them would be in force
                _compare_whole(slot, path, *entries, problems)
            else:
                _compare(slot, path, *entries, problems)
    return list(problems.values())


def _compare(
    slot: Slot,
    path: str,
    one: tuple[LayerValues, Any],
    two: tuple[LayerValues, Any],
    problems: dict[str, Problem],
) -> None:
    (first, ours), (second, theirs) = one, two
    node = slot.node
    if isinstance(ours, Barred) or isinstance(theirs, Barred):
        _compare_whole(slot, path, one, two, problems)
        return
    if node is not None and node.strategy == "deep" and isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() & theirs.keys(), key=str):
            below = child(node, key)
            if below is not None:
                inner = join_path((*split_path(path), key_text(node, key)))
                _compare(below, inner, (first, ours[key]), (second, theirs[key]), problems)
        return
    if slot.setting.merge == "deep" and isinstance(ours, dict) and isinstance(theirs, dict):
        _compare_free(slot, path, one, two, problems)
    else:
        _compare_whole(slot, path, one, two, problems)


def _compare_whole(
    slot: Slot,
    path: str,
    one: tuple[LayerValues, Any],
    two: tuple[LayerValues, Any],
    problems: dict[str, Problem],
) -> None:
    """Compare two values as they stand."""
    if not _agree(one[1], two[1]):
        problems.setdefault(path, _disagreement(slot, path, one, two))


def _agree(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Variant) and isinstance(theirs, Variant) and ours.section is not theirs.section:
        return False
    return same(ours, theirs)


def _compare_free(
    slot: Slot,
    path: str,
    one: tuple[LayerValues, Any],
    two: tuple[LayerValues, Any],
    problems: dict[str, Problem],
) -> None:
    """Compare two tables of any values, key by key."""
    (first, ours), (second, theirs) = one, two
    for key in sorted(ours.keys() & theirs.keys(), key=str):
        left, right = ours[key], theirs[key]
        inner = join_path((*split_path(path), str(key)))
        if isinstance(left, dict) and isinstance(right, dict):
            _compare_free(slot, inner, (first, left), (second, right), problems)
        elif not same(left, right):
            problems.setdefault(inner, _disagreement(slot, inner, (first, left), (second, right)))


def _disagreement(
    slot: Slot, path: str, one: tuple[LayerValues, Any], two: tuple[LayerValues, Any]
) -> Problem:
    (first, ours), (second, theirs) = one, two
    secret = holds_secret(slot)
    here, there = first.origin(path), second.origin(path)
    text = (
        f"{path!r} is {show(ours, secret=secret)} in {here.where} and "
        f"{show(theirs, secret=secret)} in {there.where}; {_sharing(first.name, second.name)}"
    )
    return Problem(text, path=path, origin=here, hint=f"remove {path} from one of them")


def _sharing(first: str, second: str) -> str:
    """Say why two layers must agree."""
    if first == second:
        return f"both are of the layer {first!r} and must agree"
    return f"the layers {first!r} and {second!r} share a rank and must agree"
