"""Settings whose whole story is the same in two resolutions, found without telling it."""

from __future__ import annotations

from functools import partial
from typing import Any

from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.same import same
from ptyconf.merge.state import State


def alike_settings(one: State, two: State) -> frozenset[str]:
    """Name the declared settings that have the same value from the same places on both sides.

    What is derived, refers to others or repeats a layer of its rank is not looked at: it may be alike, too.
    """
    if one.schema is not two.schema or one.links or two.links or one.repeated or two.repeated:
        return frozenset()
    schema = one.schema
    derived = {schema.locate(path)[0] for path in (*one.derived, *two.derived)}
    same_source = _Sources()
    alike = []
    for path, value in one.values.items():
        if path in derived or path not in two.values:
            continue
        ours, theirs = one.histories.get(path), two.histories.get(path)
        if path in schema.trees:
            if _same_history(path, ours, theirs, same_source):
                alike.append(path)
        elif same(value, two.values[path]) and _same_winner(path, ours, theirs, same_source):
            alike.append(path)
    return frozenset(alike)


class _Sources:
    """Whether two layers have the same places, asked once for each pair."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, int], bool] = {}

    def __call__(self, one: LayerValues, two: LayerValues) -> bool:
        if one is two:
            return True
        key = id(one), id(two)
        known = self.known.get(key)
        if known is None:
            places = one.name == two.name and _same_origins(one.origins, two.origins)
            known = self.known[key] = places and one.spelled == two.spelled
        return known


def _same_origins(one: Any, two: Any) -> bool:
    if one.__class__ is partial and two.__class__ is partial:
        return bool(one.func == two.func and one.args == two.args)
    return bool(one == two)


def _same_winner(path: str, ours: Any, theirs: Any, same_source: _Sources) -> bool:
    """Tell whether the entries in force come from one place."""
    while ours is not None and path in ours[0].passed:
        ours = ours[2]
    while theirs is not None and path in theirs[0].passed:
        theirs = theirs[2]
    return ours is not None and theirs is not None and same_source(ours[0], theirs[0])


def _same_history(path: str, ours: Any, theirs: Any, same_source: _Sources) -> bool:
    """Tell whether all that was written of a setting is the same, from the same places."""
    while ours is not theirs:
        if ours is None or theirs is None:
            return False
        (one, tree, ours), (two, other, theirs) = ours, theirs
        if not same_source(one, two) or not same(tree, other) or one.replaces != two.replaces:
            return False
        if one.passed.get(path) != two.passed.get(path):
            return False
        if one.passed_below.get(path) != two.passed_below.get(path):
            return False
    return True
