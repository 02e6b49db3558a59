"""Tables of any values: variables, flags and dotted keys reach their keys, as a file would."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, load, provenance_of, resolve, schema_of
from ptyconf.load import DEFAULT
from ptyconf.sources import environment, flags, mapping
from ptyconf.text.show import toml_text


@dataclass
class Plugin:
    """What is open for anything."""

    options: dict[str, Any] = field(default_factory=dict)


@dataclass
class App:
    """Such tables at the root, in a section, in a table, in a list; and a value of any type."""

    extra: dict[str, Any] = field(default_factory=lambda: {"kept": 1})
    bare: dict = field(default_factory=dict)  # type: ignore[type-arg]
    plugin: Plugin = field(default_factory=Plugin)
    plugins: dict[str, Plugin] = field(default_factory=dict)
    listed: list[Plugin] = field(default_factory=list)
    anything: Any = None


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,3}", fullmatch=True)
SCALARS = st.one_of(st.integers(), st.booleans(), st.text(max_size=5), st.lists(st.integers(), max_size=2))
TABLES = st.dictionaries(
    NAMES, st.one_of(SCALARS, st.dictionaries(NAMES, SCALARS, min_size=1, max_size=2)), min_size=1, max_size=3
)


def ends(table: dict[str, Any], at: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """List the values of nested tables with their places."""
    pairs = []
    for key, value in table.items():
        pairs += ends(value, (*at, key)) if isinstance(value, dict) else [((*at, key), value)]
    return pairs


@given(table=TABLES, place=st.sampled_from([("extra",), ("plugin", "options"), ("plugins", "a", "options")]))
def test_parts_say_what_a_table_says(table: dict[str, Any], place: tuple[str, ...]) -> None:
    """Given in parts by variables, flags or dotted keys, a table is what it is in one piece."""
    whole: Any = table
    for name in reversed(place):
        whole = {name: whole}
    schema = schema_of(App)
    wanted = resolve(schema, DEFAULT, [mapping.layer("overrides", whole)]).build(App)
    places = [((*place, *below), value) for below, value in ends(table)]
    layers = [
        environment.layer("APP", {f"APP__{'__'.join(at).upper()}": toml_text(value) for at, value in places}),
        flags.parse([f"--{'.'.join(at)}={toml_text(value)}" for at, value in places], schema)[0],
        mapping.layer("overrides", {".".join(at): value for at, value in places}),
    ]
    for layer in layers:
        for _ in range(3):  # a shape that came twice is read by a plan
            assert resolve(schema, DEFAULT, [layer]).build(App) == wanted
    again = [mapping.layer("overrides", {".".join(at): value for at, value in places}) for _ in range(3)]
    assert [resolve(schema, DEFAULT, [layer]).build(App) for layer in again] == [wanted] * 3


def test_a_text_that_is_no_toml_is_the_text() -> None:
    """As for a value of any type; each key has its own place."""
    app = load(App, flags=["--extra.mode", "fast", "--extra.pool.size=3", "--listed[0].options.a", "1"])
    assert app.extra == {"kept": 1, "mode": "fast", "pool": {"size": 3}}
    assert app.listed == [Plugin({"a": 1})]
    resolution = provenance_of(app)
    assert resolution is not None
    assert resolution.trace("extra").winner.origin.key == "--extra.mode"


def test_one_layer_agrees_with_itself() -> None:
    """Whole and in parts, where they do not contradict each other; 1 is not true."""
    assert load(App, flags=["--bare", "{a = 1}", "--bare.b", "2"]).bare == {"a": 1, "b": 2}
    with pytest.raises(ConfigError, match="'bare' is written twice with different values"):
        load(App, flags=["--bare", "{a = 1}", "--bare.a", "true"])


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("--anything.a=5", "--anything '{a = ...}'"),
        ("--extra.ports.80=x", "--extra '{ports = {80 = ...}}'"),
    ],
)
def test_where_a_key_may_mean_two_things(word: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of any type has no keys, and a number may be an element: the hint is the text of the whole."""
    with pytest.raises(ConfigError) as caught:
        load(App, flags=[word])
    assert [problem.hint for problem in caught.value.exceptions] == [hint]
    name, _, text = word[2:].partition("=")
    monkeypatch.setenv(f"APP__{name.upper().replace('.', '__')}", text)
    with pytest.raises(ConfigError) as caught:
        load(App, env="APP")
    value = text if text.isdecimal() else f'"{text}"'
    wanted = hint.removeprefix("--").replace("...", value).split(" ", 1)
    assert [problem.hint for problem in caught.value.exceptions] == [f"APP__{wanted[0].upper()}={wanted[1]}"]


@dataclass
class Outer:
    """A class whose default instance has more in the table than the table's own class."""

    plugin: Plugin = field(default_factory=lambda: Plugin({"kept": 1, "pool": {"size": 2}}))


@dataclass
class Row:
    """Such an instance in an element of a list."""

    rows: list[Outer] = field(default_factory=list)


@pytest.mark.parametrize("options", [{}, {"new": 3}, {"kept": 4}])
def test_every_part_of_such_a_table_has_its_source(options: dict[str, Any]) -> None:
    """Those of a default instance too; together they are the value."""
    given = {"plugin": {"options": options}} if options else {}
    resolution = resolve(schema_of(Row), DEFAULT, [mapping.layer("overrides", {"rows": [given]})])
    trace = resolution.trace("rows[0].plugin.options")
    parts = {element.key: (element.value, element.layer) for element in trace.elements}
    wanted = {"kept": (1, "schema"), "pool.size": (2, "schema")}
    assert parts == wanted | {key: (value, "overrides") for key, value in options.items()}
