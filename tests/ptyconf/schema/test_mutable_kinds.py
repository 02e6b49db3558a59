"""Kinds of mutable types: what is handed out is a copy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import Kind, Precedence, Schema, View, diff, provenance_of, resolve
from ptyconf.sources import mapping

NUMBERS = st.lists(st.floats(-9, 9) | st.just(float("nan")), min_size=1, max_size=3)
ARRAYS = Kind(np.ndarray, "an array", typed=np.asarray, toml=np.ndarray.tolist, frozen=np.ndarray.tolist)


@dataclass
class Held:
    """Arrays by themselves and in every holder."""

    one: np.ndarray = field(default_factory=lambda: np.zeros(2))
    some: list[np.ndarray] = field(default_factory=list)
    named: dict[str, np.ndarray] = field(default_factory=dict)
    maybe: np.ndarray | None = None


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_no_array_that_is_handed_out_changes_the_values(
    one: list[float], two: list[float], three: list[float], four: list[float]
) -> None:
    """A class without a hash is copied, also where its kind does not say so; equal arrays do not differ."""
    schema = Schema("held", [View(Held, "")], kinds=[ARRAYS])
    layer = mapping.layer("over", {"one": one, "some": [two], "named": {"k": three}, "maybe": four})
    resolution = resolve(schema, Precedence("over"), [layer])
    held = resolution.build(Held)
    for array in (held.one, *held.some, *held.named.values(), held.maybe):
        array[0] = 99
    again = provenance_of(resolution.build(Held))
    assert again is resolution
    assert not diff(resolution, again)
    assert repr([resolution.value("one").tolist(), resolution.value("named.k").tolist()]) == repr(
        [one, three]
    )
    changed = provenance_of(held)
    assert {changed.trace(path).winner.layer for path in ("one", "some", "named.k", "maybe")} == {
        "assigned after resolve"
    }
