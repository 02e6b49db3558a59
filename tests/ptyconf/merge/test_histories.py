"""Histories that are piled up late are those that a merge would have written down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ptyconf import Precedence, Resolution, Schema, Setting, View, resolve
from ptyconf.merge.law import entries, stack
from ptyconf.sources import mapping

NAMES = ("a", "b", "c", "d")


@dataclass
class Part:
    """A section."""

    port: int = 1


@dataclass
class App:
    """Plain settings, a list that gathers and a table of sections; one setting has no default."""

    width: int
    height: int = 2
    tags: list[str] = field(default_factory=list)
    parts: dict[str, Part] = field(default_factory=dict)


SCHEMA = Schema("app", [View(App, "")], [Setting("tags", merge="append")])

tables = st.fixed_dictionaries(
    {},
    optional={
        "width": st.integers(0, 3),
        "height": st.integers(0, 3),
        "tags": st.lists(st.sampled_from("xyz"), max_size=2),
        "parts": st.dictionaries(
            st.sampled_from("pq"), st.fixed_dictionaries({}, optional={"port": st.integers(0, 3)}), max_size=2
        ),
    },
)
stacks = st.lists(tables, max_size=len(NAMES))


def resolved(written: list[dict[str, Any]]) -> Resolution:
    """Resolve the tables, the first one on top."""
    layers = [mapping.layer(name, table) for name, table in zip(NAMES, written, strict=False)]
    return resolve(SCHEMA, Precedence(*NAMES), layers)


@given(stacks, st.permutations(["width", "height", "tags", "parts"]))
def test_late_histories_are_what_a_stack_says(written: list[dict[str, Any]], asked: list[str]) -> None:
    """In whatever order settings are asked for: every layer that has one, high to low."""
    state = resolved(written)._state
    oracle = stack([(layer_values, layer_values.values) for layer_values in reversed(state.layer_values)])
    for path in asked:
        told = list(entries(state.histories.get(path)))
        assert told == list(entries(oracle.get(path)))
    assert {path: list(entries(link)) for path, link in state.histories.links().items()} == {
        path: list(entries(link)) for path, link in oracle.items()
    }


@given(stacks)
def test_values_are_the_tops_of_the_histories(written: list[dict[str, Any]]) -> None:
    """Where the highest layer replaces what is below it, its value is in force, and it is the winner."""
    resolution = resolved(written)
    state = resolution._state
    assert list(state.values) == list(state.histories)
    for path in ("width", "height"):
        link = state.histories.get(path)
        assert (path in resolution) is (link is not None)
        if link is not None:
            assert resolution[path] == link[1]
            assert state.histories.top(path) is link[0]
            assert resolution.trace(path).winner.layer == link[0].name
