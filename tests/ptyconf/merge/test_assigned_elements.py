"""Elements of a list that was changed after the merge: those that stayed have their own places."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import Precedence, provenance_of, resolve, schema_of
from ptyconf.sources import mapping


@dataclass
class Node:
    """An element that is a section."""

    port: int = 80
    name: str = "n"


@dataclass
class App:
    """Lists that gather, and lists that replace."""

    joined: list[int] = field(default_factory=list, metadata={"merge": "append"})
    united: list[int] = field(default_factory=list, metadata={"merge": "union"})
    nodes: list[Node] = field(default_factory=list, metadata={"merge": "append"})
    whole: list[Node] = field(default_factory=list)
    members: set[int] = field(default_factory=set, metadata={"merge": "union"})


SMALL = st.lists(st.integers(0, 5), max_size=4, unique=True)
LARGE = st.lists(st.integers(6, 9), max_size=4, unique=True)


def loaded(high: list[int], low: list[int]) -> App:
    """Load two layers that write every list; a node's port is its number."""
    layers = [
        mapping.layer(
            name,
            {
                "joined": numbers,
                "united": numbers,
                "nodes": [{"port": number} for number in numbers],
                "whole": [{"port": number} for number in numbers],
                "members": set(numbers),
            },
        )
        for name, numbers in (("high", high), ("low", low))
    ]
    return resolve(schema_of(App), Precedence("high", "low"), layers).build(App)


def layers_of(app: App, path: str) -> list[str]:
    """Give the layer of each element of a list."""
    resolution = provenance_of(app)
    assert resolution is not None
    if isinstance(getattr(app, path), list) and path in {"nodes", "whole"}:
        ports = [f"{path}[{number}].port" for number in range(len(getattr(app, path)))]
        return [resolution.trace(port).winner.layer for port in ports]
    elements = resolution.trace(path).elements
    assert [element.value for element in elements] == list(getattr(app, path))
    return [element.layer for element in elements]


@pytest.mark.parametrize("path", ["joined", "united", "nodes", "whole"])
@given(SMALL, LARGE, st.integers(0, 8), st.booleans())
def test_what_stays_keeps_its_place(path: str, high: list[int], low: list[int], at: int, more: bool) -> None:
    """One element is put in or taken out; all others are where they were, with their own layers."""
    app = loaded(high, low)
    elements: list[Any] = getattr(app, path)
    before = layers_of(app, path)
    at = min(at, len(elements))
    new = Node(99) if path in {"nodes", "whole"} else 99
    if more:
        elements.insert(at, new)
        expected = [*before[:at], "assigned after resolve", *before[at:]]
    else:
        del elements[at : at + 1]
        expected = [*before[:at], *before[at + 1 :]]
    assert layers_of(app, path) == expected


def test_a_changed_element_is_assigned_as_a_whole() -> None:
    """Its neighbours are not; a set has no order."""
    app = loaded([1], [2, 3])
    app.nodes[0].name = "mine"
    assert layers_of(app, "nodes") == ["assigned after resolve", "low", "high"]
    app.members ^= {2, 7}
    resolution = provenance_of(app)
    assert resolution is not None
    elements = {each.value: each.layer for each in resolution.trace("members").elements}
    assert elements == {1: "high", 3: "low", 7: "assigned after resolve"}


def test_many_assigned_elements_are_told_fast() -> None:
    """Who gave each element is found once for a list, not anew for the story of each."""
    app = loaded([*range(200)], [])
    app.whole = [Node(port, "new") for port in range(200)]
    resolution = provenance_of(app)
    assert resolution is not None
    began = time.process_time()
    winners = {trace.winner.layer for trace in resolution.traces() if trace.path.startswith("whole[")}
    assert winners == {"assigned after resolve"}
    assert time.process_time() - began < 5
