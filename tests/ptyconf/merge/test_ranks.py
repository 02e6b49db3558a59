"""Layers that share a rank agree on everything, whatever the order of the call."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from ptyconf import ConfigError, Precedence, Schema, Setting, resolve
from ptyconf.sources import mapping

SCHEMA = Schema(
    "s",
    settings=[
        Setting("a.port", int, 1),
        Setting("a.host", str, "h"),
        Setting("a.rate", float, 1.0),
        Setting("a.tags", list[int], [], merge="append"),
        Setting("a.sizes", dict[str, int], {}),
    ],
)
PRECEDENCE = Precedence("top", ("one", "two"), "file")


def layers(*tables: dict[str, Any], names: str = "one one one") -> list[Any]:
    """Make layers of one rank."""
    return [
        mapping.layer(name, table, label=f"{name}{number}")
        for number, (name, table) in enumerate(zip(names.split(), tables, strict=False))
    ]


def outcome(given: tuple[Any, ...]) -> str:
    """Give the text of what is wrong, or all stories."""
    try:
        resolution = resolve(SCHEMA, PRECEDENCE, given)
    except ConfigError as error:
        return str(error)
    return repr([resolution.trace(path) for path in resolution])


@pytest.mark.parametrize(
    "tables",
    [
        ({"a.port": 1}, {"a.host": "x"}, {"a.port": 2}),
        ({"a.tags": [1]}, {"a.port": 3}, {"a.tags": [2]}),
        ({"a.sizes": {"x": 1}}, {"a.sizes": {"y": 1}}, {"a.sizes": {"x": 2}}),
        ({"a.port": None}, {"a.host": "x"}, {"a.port": 2}),
    ],
    ids=["value", "list", "key", "none"],
)
def test_a_disagreement_is_refused_in_every_order(tables: tuple[dict[str, Any], ...]) -> None:
    """With one text, which names both places; a layer above does not hide it."""
    if tables[0] == {"a.port": None}:
        schema = Schema("s", settings=[Setting("a.port", int | None, 1), Setting("a.host", str, "h")])
        with pytest.raises(ConfigError, match="must agree"):
            resolve(schema, PRECEDENCE, layers(*tables))
        return
    given = [*layers(*tables, names="one two one"), mapping.layer("top", {"a.port": 9})]
    texts = {outcome(order) for order in permutations(given)}
    assert len(texts) == 1
    (text,) = texts
    assert "must agree" in text
    assert "one0[" in text
    assert "one2[" in text


@pytest.mark.parametrize("names", ["one one one", "one two one"])
def test_agreement_tells_one_story(names: str) -> None:
    """1 agrees with 1.0 where a number is meant, and lists that are joined count once."""
    tables = ({"a.rate": 1, "a.tags": [4]}, {"a.host": "x"}, {"a.rate": 1.0, "a.tags": [4]})
    texts = {outcome(order) for order in permutations(layers(*tables, names=names))}
    assert len(texts) == 1
    resolution = resolve(SCHEMA, PRECEDENCE, layers(*tables, names=names))
    assert resolution["a.tags"] == [4]
    trace = resolution.trace("a.tags")
    assert [entry.layer for entry in (trace.winner, *trace.losers)].count("schema") == 1
    assert len(trace.losers) == 2
