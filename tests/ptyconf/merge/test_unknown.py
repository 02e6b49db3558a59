"""A path without a value is told whole, with the nearest ones that have a value."""

import pickle
from dataclasses import dataclass, field
from typing import Any

import pytest

from ptyconf import load, provenance_of
from ptyconf.merge.unknown import UnknownPathError


@dataclass
class Node:
    """A section, a key of a table, and an element of a list."""

    name: str = "n"
    weight: float = 1.0


@dataclass
class App:
    """Each of them with a value."""

    node: Node = field(default_factory=Node)
    pool: dict[str, Node] = field(default_factory=lambda: {"eu": Node()})
    nodes: list[Node] = field(default_factory=lambda: [Node()])


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("node.nmae", "node.name"),
        ("noed", "node"),
        ("pool.uk.weight", "pool.eu.weight"),
        ("nodes[7].name", "nodes[0].name"),
        ("nodes.0.name", "nodes[0].name"),
        ("zzz", ""),
    ],
)
@pytest.mark.parametrize("ask", ["value", "trace", "__getitem__"])
@pytest.mark.parametrize("pickled", [False, True])
def test_a_wrong_path_is_told_whole_with_its_nearest(
    path: str, nearest: str, ask: str, pickled: bool
) -> None:
    """The error names what was asked for, not a part of it, and hints at what exists; so does its pickle."""
    resolution: Any = provenance_of(load(App))
    if pickled:
        resolution = pickle.loads(pickle.dumps(resolution))
    with pytest.raises(UnknownPathError) as caught:
        getattr(resolution, ask)(path)
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        first, *rows = str(error).splitlines()
        assert first == f"there is no value at {path!r}"
        assert (f"try         {nearest}" in "\n".join(rows)) is bool(nearest)
    assert resolution.get(path, 7) == 7
    assert path not in resolution
