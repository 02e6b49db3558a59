"""Places below a setting in `unset` and `replace`; objects whose tables are smaller than their class's."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import Any

import pytest

from ptyconf import ConfigError, Precedence, Resolution, Schema, View, provenance_of, resolve, schema_of
from ptyconf.freeze import Frozen, freeze
from ptyconf.report import dump_toml
from ptyconf.sources import instance, mapping, toml


@dataclass
class Depth:
    """What stands innermost."""

    level: int | None = None


@dataclass
class Rule:
    """A class with a table, a free one and an object by default."""

    limits: dict[str, int] = field(default_factory=lambda: {"cpu": 1, "ram": 2})
    words: dict = field(default_factory=lambda: {"a": {"b": 1}})  # type: ignore[type-arg]
    depth: Depth = field(default_factory=lambda: Depth(5))
    named: dict[str, int] = field(default_factory=dict)


@dataclass
class App:
    """Rules in every holder."""

    rules: list[Rule] = field(default_factory=lambda: [Rule({}, {}, Depth())])
    named: dict[str, Rule] = field(default_factory=lambda: {"one": Rule({"gpu": 1})})
    spare: Rule | None = field(default_factory=lambda: Rule({}, {"c": 1}))
    main: Rule = field(default_factory=lambda: Rule({"gpu": 1}))


SCHEMA = Schema("app", [View(App, "a")], importable=f"{__name__}:SCHEMA")
PRECEDENCE = Precedence("dict", "file")
BARE = Rule({}, {}, Depth())


def resolved(values: dict[str, Any]) -> Resolution:
    """Resolve one dict over the defaults."""
    return resolve(SCHEMA, PRECEDENCE, [mapping.layer("dict", {"a": values})])


def from_text(text: str) -> App:
    """Build what a file says."""
    return resolve(SCHEMA, PRECEDENCE, toml.parse(text, name="file")).build(App)


def test_a_default_instance_stands_everywhere() -> None:
    """In lists, tables, options: what it lacks of its class's own default table is not added."""
    assert resolve(SCHEMA, PRECEDENCE, []).build(App) == App()


@pytest.mark.parametrize(
    "values",
    [
        {"rules": [BARE], "spare": BARE, "named": {"one": None, "two": BARE}},
        {"rules": [{"limits": {"cpu": None}, "depth": {"level": None}}, {}]},
        {"named": {"one": {"limits": None, "words": {"z": {}}, "depth": BARE.depth}}},
        {"spare": {"limits": {"gpu": None, "ram": None}}},
    ],
)
def test_what_is_gone_stays_gone(values: dict[str, Any]) -> None:
    """After a dump, a frozen file and a pickle."""
    resolution = resolved(values)
    built = resolution.build(App)
    assert from_text(dump_toml(resolution)) == built
    frozen = Frozen.loads(freeze(resolution).dumps())
    assert frozen.replay(SCHEMA).build(App) == built
    assert freeze(frozen.replay(SCHEMA)).sha256 == frozen.sha256
    assert pickle.loads(pickle.dumps(resolution)).build(App) == built


def test_an_object_counts_whole_where_it_is_new() -> None:
    """Where a lower layer has the place already, its tables merge key by key."""
    assert resolved({"rules": [BARE]}).build(App).rules == [BARE]
    assert resolved({"named": {"new": BARE}}).build(App).named["new"] == BARE
    given = instance.layer("dict", App(rules=[BARE], named={"one": BARE}), View(App, "a"), fields="all")
    file = toml.parse("[a.named.one]\nlimits.disk = 4", name="file")
    app = resolve(SCHEMA, PRECEDENCE, [given, *file]).build(App)
    assert app.rules == [BARE]
    assert app.named["one"] == Rule({"gpu": 1, "disk": 4}, {"a": {"b": 1}}, Depth())


def test_unset_and_replace_reach_into_lists() -> None:
    """An element's key is unset at the line of the list `unset`; a replaced table has no default below it."""
    text = """
unset = ["a.rules[1].depth.level", "a.rules[0].limits.cpu"]
replace = ["a.rules[1].limits", "a.named.one.words"]
[[a.rules]]
[[a.rules]]
limits.gpu = 1
[a.named.one]
words.z = 1
"""
    resolution = resolve(SCHEMA, PRECEDENCE, toml.parse(text, name="file"))
    app = resolution.build(App)
    assert app.rules == [Rule(limits={"ram": 2}), Rule({"gpu": 1}, depth=Depth())]
    assert app.named["one"].words == {"z": 1}
    assert str(resolution.trace("a.rules[1].depth.level").winner.origin) == "<string>:2:10 unset.0"
    assert str(resolution.trace("a.rules[0].depth.level").winner.origin) == "default of Rule.depth"
    assert resolution.trace("a.named.one.words").elements[0].origin.line == 8


def test_a_mark_that_speaks_of_nothing_is_refused() -> None:
    """With the place in the list, and what to write."""
    text = 'unset = ["a.rules[2].depth.level"]\nreplace = ["a.spare.limits", "a.mian"]\n[[a.rules]]\n'
    with pytest.raises(ConfigError) as caught:
        from_text(text)
    assert str(caught.value) == (
        "'a.rules[2].depth.level' stands in unset, and nothing is written for 'a.rules[2].depth'\n"
        "  written in  <string>:1:10\n\n"
        "'a.spare.limits' stands in replace, and nothing is written for 'a.spare.limits'\n"
        "  written in  <string>:2:1\n"
        "  overrides   default of a.spare.limits ({})\n"
        "  try         a.spare.limits = {}\n\n"
        "unknown setting 'a.mian'\n  written in  <string>:2:1\n  known here  rules, named, spare, main"
    )


def test_files_of_one_rank_agree_on_what_replaces() -> None:
    """Else it would be their order that counts."""
    layers = [
        *toml.parse('replace = ["a.named.one.limits"]\n[a.named.one]\nlimits.x = 1', name="file"),
        mapping.layer("dict", {"a": {"named": {"one": {"limits": {"y": 2}}}}}),
    ]
    for order in (layers, layers[::-1]):
        with pytest.raises(ConfigError, match=r"'a\.named\.one\.limits' is .* share a rank and must agree"):
            resolve(SCHEMA, Precedence(("dict", "file")), order)


def test_a_story_knows_what_was_replaced() -> None:
    """A key of a class's default has its place there, whatever lost below the barrier."""
    low = toml.parse("[a.named.one]\nlimits.cpu = 7\nlimits.gpu = 8", name="file")
    high = mapping.layer("dict", {"a": {"named": {"one": None}}})
    resolution = resolve(SCHEMA, Precedence("top", "dict", "file"), [*low, high])
    again = resolution.with_layer(mapping.layer("top", {"a": {"named": {"one": {"words": {"x": 1}}}}}))
    assert again.value("a.named.one.limits") == {"cpu": 1, "ram": 2}
    trace = again.trace("a.named.one.limits.cpu")
    assert (trace.value, trace.winner.layer, str(trace.winner.origin)) == (
        1,
        "schema",
        "default of Rule.limits",
    )
    assert again.trace("a.named.one.limits").winner.layer == "schema"
    assert {element.key for element in again.trace("a.named.one.words").elements} == {"a.b", "x"}


def test_assigned_later_adds_no_defaults_elsewhere() -> None:
    """The provenance of an instance that was changed has the other values as they are."""
    app = resolved({"rules": [BARE]}).build(App)
    app.main.depth.level = 9
    resolution = provenance_of(app)
    assert resolution is not None
    assert resolution.value("a.main.depth.level") == 9
    assert resolution.value("a.rules") == [BARE]
    app.rules[0].depth.level = 4
    changed = provenance_of(app)
    assert changed is not None
    assert changed.value("a.rules") == [Rule({}, {}, Depth(4))]


@dataclass
class Outer:
    """A default instance inside, which has more in a table than its class."""

    rule: Rule = field(default_factory=lambda: Rule(named={"k": 1}))


@dataclass
class Top:
    """Such objects in a table and in a list."""

    by: dict[str, Outer] = field(default_factory=dict)
    items: list[Outer] = field(default_factory=list)


def test_the_default_of_an_object_around_stays_away() -> None:
    """As that of the class itself does, after a dump."""
    schema = Schema("top", [View(Top, "t")])
    given = Outer(Rule({}, {}, Depth(), {}))
    resolution = resolve(
        schema, PRECEDENCE, [mapping.layer("dict", {"t": {"by": {"x": given}, "items": [given]}})]
    )
    assert resolution.build(Top) == Top({"x": given}, [given])
    again = resolve(schema, PRECEDENCE, toml.parse(dump_toml(resolution), name="file"))
    assert again.build(Top) == Top({"x": given}, [given])


@dataclass
class Gathering:
    """Settings that gather from all layers."""

    added: list[int] = field(default_factory=lambda: [0], metadata={"merge": "append"})
    joined: frozenset[str] = field(default=frozenset("z"), metadata={"merge": "union"})
    table: dict[str, int] = field(default_factory=lambda: {"z": 1})
    free: dict[str, Any] = field(default_factory=lambda: {"z": 1}, metadata={"merge": "deep"})
    size: int = 1


@pytest.mark.parametrize("name", ["added", "joined", "table", "free"])
def test_replace_alone_cuts_what_lies_below(name: str) -> None:
    """A profile that writes nothing for a setting itself empties it; layers above add to that."""
    below = "{a = 2}" if name in ("table", "free") else '["2"]' if name == "joined" else "[2]"
    text = f'{name} = {below}\n[profile.p]\nreplace = ["{name}", "size"]\n'
    schema = schema_of(Gathering)
    layers = toml.parse(text, profile="p")
    order = Precedence("profile", "file")
    resolution = resolve(schema, order, layers)
    assert not resolution[name]
    assert resolution["size"] == 1
    assert resolution.trace(name).winner.layer == "profile"
    again = toml.parse(dump_toml(resolution))
    assert resolve(schema, Precedence("file"), again).build(Gathering) == resolution.build(Gathering)
