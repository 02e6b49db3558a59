"""Classes inside classes are sections: merged key by key, each end with its own place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import pytest

from ptyconf import (
    ConfigError,
    Derivation,
    Layer,
    Policy,
    Precedence,
    Resolution,
    Schema,
    SchemaError,
    Setting,
    View,
    provenance_of,
    resolve,
    tracks_set_fields,
)
from ptyconf.sources import defaults, instance, mapping, toml

PRECEDENCE = Precedence("overrides", "middle", "profile", "file", "defaults")


@dataclass
class Ep:
    """A server."""

    host: str = "h"
    port: int = 1


@dataclass
class Needy:
    """A server without defaults."""

    host: str
    port: int


@dataclass
class App:
    """Every way to hold a server."""

    ep: Ep = field(default_factory=Ep)
    maybe: Ep | None = None
    by: dict[str, Ep] = field(default_factory=dict)
    items: list[Ep] = field(default_factory=list)
    needy: Needy | None = None
    limits: dict[str, int] = field(default_factory=dict)


@dataclass
class Parent:
    """Default instances that differ from their class."""

    db: Ep = field(default_factory=lambda: Ep("prod", 99))
    none: Ep | None = None


@dataclass
class Node:
    """A class that holds itself."""

    size: int = 0
    kids: dict[str, Node] = field(default_factory=dict)
    up: Optional[Node] = None  # noqa: UP045  Both spellings are read.


APP = View(App, "c")
SCHEMA = Schema("app", [APP])


def load(text: str, *layers: Layer, schema: Schema = SCHEMA, profile: str | None = None) -> Resolution:
    """Resolve a text with layers above it."""
    return resolve(schema, PRECEDENCE, [*layers, *toml.parse(text, file="/r.toml", profile=profile)])


def over(values: dict[str, Any], name: str = "overrides") -> Layer:
    """Make a layer of a dict."""
    return mapping.layer(name, values)


def refused(call: Callable[[], Any]) -> str:
    """Give the text of what is wrong."""
    with pytest.raises(ConfigError) as caught:
        call()
    return str(caught.value)


NESTED = """
[c.ep]
port = 5
[c.maybe]
port = 6
[c.by.eu]
port = 7
[c.needy]
port = 8
[profile.x.c]
ep.host = "a"
maybe.host = "b"
by.eu.host = "d"
needy.host = "e"
"""


def test_sections_merge_key_by_key() -> None:
    """At every depth and of every shape; a required field may come from another layer."""
    resolution = load(NESTED, profile="x")
    wanted = App(Ep("a", 5), Ep("b", 6), {"eu": Ep("d", 7)}, needy=Needy("e", 8))
    assert resolution.build(App) == wanted
    for path, line in (("c.ep.port", 3), ("c.maybe.port", 5), ("c.by.eu.port", 7)):
        trace = resolution.trace(path)
        assert (trace.winner.layer, trace.winner.origin.line) == ("file", line)


def test_a_missing_field_names_its_section() -> None:
    """The place is that of the section which lacks it."""
    said = refused(lambda: load("[c.needy]\nport = 6\n").build(App))
    assert said.startswith("'c.needy.host' has no value, and Needy needs one\n  written in  /r.toml:1:2\n")


@pytest.mark.parametrize(
    "view", [View(Parent, "p"), View(Parent, "p", {"db": View(Ep, "db"), "none": View(Ep, "none")})]
)
def test_default_instances_stand(view: View[Parent]) -> None:
    """With a view of the inner class and without; its origin is the attribute that has it."""
    resolution = resolve(Schema("s", [view]), PRECEDENCE, [])
    assert resolution.build(Parent) == Parent()
    path = "p.db.port" if "p.db.port" in resolution else "db.port"
    assert str(resolution.trace(path).winner.origin) == "default of Parent.db"
    layer = defaults.layer("defaults", view, *view.nested)
    assert resolve(Schema("s", [view]), PRECEDENCE, [layer]).build(Parent) == Parent()


def test_two_default_instances_of_a_view_are_refused() -> None:
    """One view cannot have both."""

    @dataclass
    class Other:
        db: Ep = field(default_factory=lambda: Ep("test", 1))

    Other.__annotations__["db"] = Ep
    inner = View(Ep, "ep")
    with pytest.raises(SchemaError, match=r"Parent\.db and .*Other\.db have different defaults"):
        Schema(
            "s", [View(Parent, "p", {"db": inner, "none": View(Ep, "n")}), View(Other, "o", {"db": inner})]
        )


def test_none_is_a_barrier() -> None:
    """Nothing below it wins, all stay as losers; a key above starts from the class's own defaults."""
    low = '[c.maybe]\nhost = "low"\n[c.by.eu]\nport = 7\n[c.by.us]\nport = 8\n'
    assert load(low, over({"c.maybe": None}))["c.maybe"] is None
    resolution = load(low, over({"c.maybe.port": 3}), over({"c.maybe": None}, "middle"))
    assert resolution["c.maybe"] == Ep("h", 3)
    trace = resolution.trace("c.maybe.host")
    assert str(trace.winner.origin) == "default of Ep.host"
    assert [(entry.layer, entry.value) for entry in trace.losers][:2] == [("middle", None), ("file", "low")]


def test_none_removes_a_key() -> None:
    """From a table whose values cannot be None; the whole table is cleared as well."""
    low = "[c.by.eu]\nport = 7\n[c.by.us]\nport = 8\n[c.limits]\na = 1\nb = 2\n"
    resolution = load(low, over({"c.by.eu": None, "c.limits.a": None}))
    assert (list(resolution["c.by"]), resolution["c.limits"]) == (["us"], {"b": 2})
    assert "c.by.eu" not in resolution
    assert load(low, over({"c.by": None}))["c.by"] == {}
    assert list(load('unset = ["c.by.eu"]\n[profile.x]\nunset = ["c.by.us"]', profile="x")["c.by"]) == []


def test_a_table_may_replace() -> None:
    """Where its setting says so."""
    schema = Schema("app", [APP], [Setting("c.by", merge="replace")])
    assert load("[c.by.eu]\nport = 7\n", over({"c.by": {"x": {}}}), schema=schema)["c.by"] == {"x": Ep()}


def test_paths_reach_sections_and_elements() -> None:
    """Iteration gives the ends, an empty container by its own path; the rest is there by path or tuple."""
    resolution = load('[c.by."e.u"]\nport = 3\n[[c.items]]\nport = 4\n')
    assert list(resolution) == [
        "c.maybe",
        'c.by."e.u".host',
        'c.by."e.u".port',
        "c.items[0].host",
        "c.items[0].port",
        "c.needy",
        "c.limits",
        "c.ep.host",
        "c.ep.port",
    ]
    assert resolution["c", "by", "e.u"] == resolution['c.by."e.u"'] == Ep("h", 3)  # type: ignore[index]
    assert resolution["c.items"] == [Ep("h", 4)]
    assert resolution["c"] == resolution.build(App)
    assert resolution.trace("c.items[0].port").winner.origin.line == 4
    assert [each.key for each in resolution.trace("c.items").elements] == ["[0].host", "[0].port"]


MISTAKES = {
    "element": ('[[c.items]]\nport = 1\n[[c.items]]\nport = "x"\n', "'c.items[1].port' is", "4:1"),
    "key": ('[c.by.a]\nport = 1\n[c.by.b]\nport = "x"\n', "'c.by.b.port' is", "4:1"),
    "unknown": ("[c.by.a]\nprot = 1\n", "unknown setting 'c.by.a.prot'", "2:1"),
    "no table": ("[c]\nby = 3\n", "'c.by' is 3; expected a table of tables that make a Ep", "2:1"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_stand_at_their_own_line(name: str) -> None:
    """Of the element or key that is wrong, with a hint in the words of the source."""
    text, first, place = MISTAKES[name]
    said = refused(lambda: load(text))
    assert said.splitlines()[0].startswith(first.partition("; expected")[0])
    assert f"written in  /r.toml:{place}" in said
    if name != "no table":
        assert said.splitlines()[-1].split() == ["try", "port", "=", "1"]


def test_checks_see_elements_and_the_merged_whole() -> None:
    """A star stands for one key; a check on a container gets what its type says."""
    limits = [
        Setting("c.by.*.port", check=lambda port: "too high" if port > 10 else None),
        Setting("c.by", check=lambda by: "no us" if "us" not in by and by else None),
    ]
    schema = Schema("app", [APP], limits)
    assert "/r.toml:2:1" in refused(lambda: load("[c.by.us]\nport = 11\n", schema=schema))
    assert refused(lambda: load("[c.by.eu]\nport = 1\n", schema=schema)).startswith("no us")
    assert load("[c.by.us]\n[c.by.eu]\nport = 2\n", schema=schema)["c.by.eu.port"] == 2


def test_derivations_and_policies_take_stars() -> None:
    """One for every key that there is."""
    schema = Schema(
        "app",
        [APP],
        derivations=[Derivation("c.by.*.host", ("c.by.*.port",), lambda port: f"h{port}", when="missing")],
        policies=[Policy("c.by.*.port", "overrides", "only in files")],
    )
    resolution = load("[c.by.eu]\nport = 2\n", over({"c.by.eu.port": 5}), schema=schema)
    assert resolution["c.by.eu.port"] == 2
    assert [each.reason for each in resolution.trace("c.by.eu.port").policies] == ["only in files"]


def test_objects_are_taken_apart() -> None:
    """Nested fields are taken, where a class knows them only those that were set."""
    view = View(App, "c")
    schema = Schema("app", [view])
    layer = instance.layer("overrides", App(Ep("x", 2), items=[Ep("y", 3)]), view, fields="all")
    resolution = resolve(schema, PRECEDENCE, [layer])
    assert resolution.build(App) == App(Ep("x", 2), items=[Ep("y", 3)])
    assert str(resolution.trace("c.ep.host").winner.origin) == "App.ep.host"
    below = over({"c.ep": Ep("z", 4)}, "middle")
    only = instance.layer("overrides", App(Ep("x", 1)), view, fields="changed")
    assert resolve(schema, PRECEDENCE, [only, below]).build(App).ep == Ep("x", 4)


def test_tracked_objects_inside_are_sparse() -> None:
    """An untouched default of an inner object beats nothing."""

    @tracks_set_fields
    @dataclass
    class Inner:
        host: str = "h"
        port: int = 1

    @tracks_set_fields
    @dataclass
    class Outer:
        ep: Inner = field(default_factory=Inner)

    Outer.__annotations__["ep"] = Inner
    view = View(Outer, "c")
    resolution = resolve(
        Schema("s", [view]),
        PRECEDENCE,
        [instance.layer("overrides", Outer(Inner(port=5)), view), over({"c.ep.host": "file"}, "middle")],
    )
    assert (resolution["c.ep.host"], resolution["c.ep.port"]) == ("file", 5)


def test_paths_inside_are_anchored(tmp_path: Path) -> None:
    """In inline tables, optional sections and lists, as at top level."""

    @dataclass
    class Files:
        one: Path = Path()

    @dataclass
    class Holder:
        inside: Files = field(default_factory=Files)
        maybe: Files | None = None
        many: list[Files] = field(default_factory=list)

    Holder.__annotations__.update(inside=Files, maybe=Files | None, many=list[Files])
    file = tmp_path / "r.toml"
    file.write_text('[c]\ninside = {one = "a"}\nmaybe = {one = "b"}\nmany = [{one = "/abs"}, {one = "d"}]\n')
    built = resolve(Schema("s", [View(Holder, "c")]), PRECEDENCE, toml.load(file)).build(Holder)
    assert built.maybe is not None
    assert [built.inside.one, built.maybe.one] == [tmp_path / "a", tmp_path / "b"]
    assert [each.one for each in built.many] == [Path("/abs"), tmp_path / "d"]


def test_inner_instances_know_their_settings() -> None:
    """Also what was assigned to them since."""
    resolution = load("[c.by.eu]\nport = 5\n[[c.items]]\nport = 1\n")
    built = resolution.build(App)
    assert provenance_of(built.by["eu"]) is resolution
    built.by["eu"].port = 77
    built.ep.port = 4
    eu, ep = provenance_of(built.by["eu"]), provenance_of(built.ep)
    assert eu is not None
    assert ep is not None
    assert (eu["c.by.eu.port"], ep["c.ep.port"]) == (77, 4)
    assert eu.trace("c.by.eu.port").winner.layer == "assigned after resolve"


def test_a_class_may_hold_itself() -> None:
    """To any depth."""
    schema = Schema("s", [View(Node, "n")])
    resolution = load("[n.kids.a.kids.b]\nsize = 3\n[n.up.up]\nsize = 4\n", schema=schema)
    assert resolution["n.kids.a.kids.b.size"] == 3
    built = resolution.build(Node)
    assert built.up is not None
    assert (built.kids["a"].kids["b"].size, built.up.size) == (3, 0)


def test_a_flat_class_has_no_section() -> None:
    """Its paths have no leading dot."""
    schema = Schema("flat", [View(Ep, "")])
    assert load("port = 3\n", schema=schema).build(Ep) == Ep("h", 3)
    assert refused(lambda: load("prot = 3\n", schema=schema)).splitlines()[-1].split() == [
        "try",
        "port",
        "=",
        "3",
    ]


def test_one_layer_can_be_replaced() -> None:
    """As after a reload; the others stay."""
    resolution = load("[c.ep]\nport = 1\n", over({"c.ep.host": "x"}))
    (again,) = toml.parse("[c.ep]\nport = 2\n", file="/r.toml")
    assert resolution.replace_layer(again).build(App).ep == Ep("x", 2)
    with pytest.raises(SchemaError, match="there is no layer 'middle' to replace"):
        resolution.replace_layer(over({}, "middle"))
