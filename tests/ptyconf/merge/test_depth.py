"""What the law of the merge says of tables, defaults and lists far inside others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from ptyconf import Precedence, Schema, SchemaError, Setting, View, resolve
from ptyconf.sources import mapping


@dataclass
class Ep:
    """A server."""

    host: str = "h"
    port: int = 1


@dataclass
class Plugin:
    """What a plugin has: any options, a table with something in it, an endpoint of its own."""

    options: dict = field(default_factory=lambda: {"a": {"x": 1}})  # type: ignore[type-arg]
    table: dict[str, int] = field(default_factory=lambda: {"k": 1, "m": 2})
    endpoint: Ep | None = field(default_factory=lambda: Ep("p", 9))


@dataclass
class Plugins:
    """Plugins by name."""

    by: dict[str, Plugin] = field(default_factory=dict)


PLUGINS = Schema("plugins", [View(Plugins, "")])


def plugin(*tables: dict[str, Any]) -> Plugin:
    """Merge what layers, low to high, say of one plugin."""
    names = [f"layer {number}" for number in range(len(tables))]
    made = [mapping.layer(name, {"by": {"p": table}}) for name, table in zip(names, tables, strict=True)]
    return resolve(PLUGINS, Precedence(*reversed(names)), made).build(Plugins).by["p"]


def test_a_key_of_a_default_can_be_removed_at_any_depth() -> None:
    """None takes it out, and what is written above that starts anew."""
    assert plugin({"table": {"k": None}}).table == {"m": 2}
    assert plugin({"table": {"k": None}}, {"table": {"k": 5}}).table == {"k": 5, "m": 2}
    assert plugin({"endpoint": None}).endpoint is None
    assert plugin({"endpoint": None}, {"endpoint": {"port": 3}}).endpoint == Ep("h", 3)
    assert plugin({"endpoint": {"port": 3}}).endpoint == Ep("p", 3)


def test_tables_of_any_values_merge_at_any_depth() -> None:
    """Key by key with the layers below and with the default; each key knows who wrote it."""
    assert plugin({"options": {"a": {"y": 2}}}, {"options": {"b": 3}}).options == {
        "a": {"x": 1, "y": 2},
        "b": 3,
    }
    layer = mapping.layer("layer", {"by": {"p": {"options": {"a": {"y": 2}}}}})
    trace = resolve(PLUGINS, Precedence("layer"), [layer]).trace("by.p.options")
    assert [(each.key, each.layer) for each in trace.elements] == [("a.x", "schema"), ("a.y", "layer")]


@dataclass
class Tagged:
    """A list that gathers."""

    tags: list[str] = field(default_factory=list, metadata={"merge": "append"})


def test_a_list_that_gathers_must_always_be_there() -> None:
    """Below a table it would be joined with what nobody sees; so it is refused when the schema is made."""
    with pytest.raises(SchemaError, match=r"'by\.\*\.tags': merge 'append' is for a setting that is always"):
        Schema("s", settings=[Setting("by", dict[str, Tagged])])


@dataclass
class Endless:
    """A class that needs itself."""

    inner: Endless


def test_a_class_that_needs_itself_is_refused() -> None:
    """Nobody could write it down."""
    with pytest.raises(SchemaError, match=r"Endless\.inner holds Endless without end; write Endless \| None"):
        Schema("s", [View(Endless, "e")])
