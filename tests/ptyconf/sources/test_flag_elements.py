"""Flags of elements of lists below sections."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ptyconf import ConfigError, load, provenance_of


@dataclass
class Node:
    """An element."""

    port: int = 1


@dataclass
class Pool:
    """A section with a list of sections."""

    nodes: list[Node] = field(default_factory=list)


@dataclass
class Pooled:
    """A program with a pool."""

    pool: Pool = field(default_factory=Pool)


def test_an_element_below_a_section_is_spelled_as_typed() -> None:
    """Its origin and the advice about it are the flag that was written."""
    resolution = provenance_of(load(Pooled, flags=["--pool.nodes[0].port", "5"]))
    assert resolution is not None
    assert str(resolution.trace("pool.nodes[0].port").winner.origin) == "--pool.nodes[0].port"
    with pytest.raises(ConfigError, match=r"try +--pool\.nodes\[0\]\.port 1"):
        load(Pooled, flags=["--pool.nodes[0].port", "x"])
