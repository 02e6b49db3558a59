"""What one layer writes of a place as a whole and in pieces counts together, or is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptyconf import ConfigError, Resolution, load, provenance_of, resolve, schema_of
from ptyconf.load import DEFAULT
from ptyconf.sources import environment, flags
from ptyconf.text.show import toml_text


@dataclass
class Cat:
    """One member of a union."""

    kind: Literal["cat"] = "cat"
    lives: int = 9


@dataclass
class Dog:
    """The other member."""

    kind: Literal["dog"] = "dog"
    name: str = "rex"


@dataclass
class Node:
    """A section with every kind of place below it."""

    port: int = 80
    pw: str = field(default="", metadata={"secret": True})
    free: dict[str, Any] = field(default_factory=dict)
    pet: Cat | Dog = field(default_factory=Cat)


@dataclass
class App:
    """Holders of such sections."""

    m: dict[str, Node] = field(default_factory=dict)
    d: dict[str, dict[str, Node]] = field(default_factory=dict)
    e: list[Node] = field(default_factory=list)
    free: dict[str, Any] = field(default_factory=dict)


ENDS: list[tuple[tuple[Any, ...], Any]] = [
    (("m", "eu", "port"), 3),
    (("m", "eu", "pw"), "hunter2"),
    (("m", "eu", "free", "b"), 5),
    (("m", "eu", "free", "c", "d"), "words"),
    (("m", "eu", "pet", "kind"), "cat"),
    (("m", "eu", "pet", "lives"), 2),
    (("d", "k", "eu", "port"), 4),
    (("e", 0, "port"), 6),
    (("e", 0, "pet", "kind"), "cat"),
    (("free", "a", "b"), 7),
]


def nested(ends: list[tuple[tuple[Any, ...], Any]]) -> Any:
    """Put ends together as one table; the only element of a list is the list."""
    if ends[0][0] == ():
        return ends[0][1]
    keys = dict.fromkeys(place[0] for place, _ in ends)
    below = {key: nested([(at[1:], end) for at, end in ends if at[0] == key]) for key in keys}
    return [below[0]] if 0 in below else below


@st.composite
def writings(draw: Any) -> dict[tuple[Any, ...], Any]:
    """Write each end alone, or with others in a table at some place above it."""
    written: dict[tuple[Any, ...], Any] = {}
    rest = draw(st.lists(st.sampled_from(ENDS), min_size=1, unique_by=lambda end: end[0]))
    whole = [end for end in ENDS if end in rest]
    while whole:
        place, value = whole[0]
        length = draw(st.integers(1 + (place[0] != "free"), len(place)))
        start = place[:length]
        inside = [(at[length:], end) for at, end in whole if at[:length] == start]
        together = inside if length == len(place) else draw(st.permutations(inside))[: 1 + len(inside) // 2]
        if start in written or start[-1] == "pet" or start == ("e",):
            start, together = place, [((), value)]
        taken = [(*start, *at) for at, _ in together]
        written[start] = nested(list(together))
        whole = [end for end in whole if end[0] not in taken]
    return written


def variables(written: dict[tuple[Any, ...], Any]) -> Resolution:
    """Resolve what is written, as variables."""
    texts = {
        "__".join(["E", *(str(key).upper() for key in place)]): value
        if isinstance(value, str)
        else toml_text(value)
        for place, value in written.items()
    }
    schema = schema_of(App)
    return resolve(schema, DEFAULT, [environment.layer("E", texts, schema=schema)])


@settings(max_examples=50)
@given(writings())
def test_whole_and_pieces_count_together(written: dict[tuple[Any, ...], Any]) -> None:
    """A variable for each end says what some tables and the other ends say."""
    ends = [
        (place, end)
        for place, end in ENDS
        if any(
            place[: len(start)] == start and holds(value, place[len(start) :])
            for start, value in written.items()
        )
    ]
    apart = variables(dict(ends)).build(App)
    assert variables(written).build(App) == apart == load(App, overrides=nested(ends))


def holds(value: Any, place: tuple[Any, ...]) -> bool:
    """Tell whether a table has a place."""
    for key in place:
        if isinstance(value, str) or (isinstance(value, dict) and key not in value):
            return False
        value = value[key]
    return True


@pytest.mark.parametrize(
    "texts",
    [
        {"E__M__EU": "{port=3}", "E__M__EU__PORT": "4"},
        {"E__M__EU": "none", "E__M__EU__PORT": "4"},
        {"E__M__EU__PORT": "4", "E__M__eu__PORT": "5"},
        {"E__FREE__A": "{b=1}", "E__FREE__A__B": "2"},
        {"E__FREE__A": "5", "E__FREE__A__B": "2"},
        {"E__E__0": "{port=1}", "E__E__0__PORT": "2"},
        {"E__M__EU__PET": "{kind='cat', lives=2}", "E__M__EU__PET__LIVES": "3"},
    ],
)
def test_variables_that_differ_are_refused(texts: dict[str, str]) -> None:
    """And both are named."""
    schema = schema_of(App)
    with pytest.raises(ConfigError) as caught:
        resolve(schema, DEFAULT, [environment.layer("E", texts, schema=schema)])
    assert all(name in str(caught.value) for name in texts)


@pytest.mark.parametrize("turned", [False, True])
def test_flags_that_remove_and_write_are_refused(turned: bool) -> None:
    """In either order of the words."""
    words = [("--m.eu", "none"), ("--m.eu.port", "5")]
    with pytest.raises(ConfigError, match=r"'m\.eu' is written twice"):
        load(App, flags=[word for pair in (words[::-1] if turned else words) for word in pair])


@pytest.mark.parametrize("turned", [False, True])
def test_an_element_may_come_in_pieces(turned: bool) -> None:
    """As a table and with a flag of its own, in either order."""
    words = [("--e[0]", "{port=1}"), ("--e[0].pw", "hunter2")]
    app = load(App, flags=[word for pair in (words[::-1] if turned else words) for word in pair])
    assert app.e == [Node(1, "hunter2")]
    assert provenance_of(app).trace("e[0].pw").winner.origin.key == "--e[0].pw"


def test_secret_files_come_in_pieces(tmp_path: Path) -> None:
    """One for a section, one for a secret of it."""
    (tmp_path / "m__eu").write_text("{port=3}")
    (tmp_path / "m__eu__pw").write_text("hunter2")
    assert load(App, secrets=tmp_path).m == {"eu": Node(3, "hunter2")}


def test_a_union_is_whole_and_in_pieces() -> None:
    """Its members count together; of two members one is wrong."""
    given_whole: dict[str, Any] = {"m.eu.pet": {"lives": 3}, "m.eu.pet.kind": "cat"}
    assert load(App, overrides=given_whole).m["eu"].pet == Cat(lives=3)
    assert given_whole["m.eu.pet"] == {"lives": 3}
    layer, _ = flags.parse(["--m.eu.pet", "{kind='cat'}", "--m.eu.pet.lives", "3"], schema_of(App))
    assert resolve(schema_of(App), DEFAULT, [layer]).value("m.eu.pet") == Cat(lives=3)


@pytest.mark.parametrize("path", ["m..port", "m.", "m.eu..port"])
def test_a_path_has_no_empty_key(path: str) -> None:
    """A flag and a dotted key with nothing between two dots mean nothing; in quotes it is a key."""
    with pytest.raises(ConfigError):
        load(App, flags=[f"--{path}", "5"])
    with pytest.raises(ConfigError):
        load(App, overrides={path: 5})
    assert load(App, overrides={'m."".port': 5}).m == {"": Node(5)}


def test_a_dotenv_that_is_not_read_is_told(tmp_path: Path) -> None:
    """Without a prefix none of its variables means a setting."""
    (tmp_path / ".env").write_text("E__M__EU__PORT=5\n")
    with pytest.warns(UserWarning, match="no variable of"):
        assert load(App, dotenv=tmp_path / ".env") == App()
    assert load(App, dotenv=tmp_path / ".env", env="E").m == {"eu": Node(5)}


@pytest.mark.parametrize("name", ["M", "FREE"])
def test_keys_of_one_layer_do_not_differ_by_case(name: str) -> None:
    """A variable's name says ``eu`` where the text of the whole table has ``EU``."""
    texts = {f"E__{name}": "{EU = {port = 3}}", f"E__{name}__EU__PORT": "4"}
    schema = schema_of(App)
    with pytest.raises(ConfigError, match="would be a new key of"):
        resolve(schema, DEFAULT, [environment.layer("E", texts, schema=schema)])


@dataclass
class Rack:
    """A section with one inside it."""

    node: Node = field(default_factory=Node)


@dataclass
class Hall:
    """A list and a table of such sections."""

    racks: list[Rack] = field(default_factory=list)
    named: dict[str, Rack] = field(default_factory=dict)


@pytest.mark.parametrize(("key", "value"), [("port", 2), ("pw", "hunter3"), ("pet", {"kind": "dog"})])
@pytest.mark.parametrize("turned", [False, True])
def test_a_table_and_its_dotted_keys_agree(key: str, value: Any, turned: bool) -> None:
    """Inside an element or a key they count together, and what differs is refused, secrets unseen."""
    first = {"port": 1, "pw": "hunter2", "pet": {"kind": "cat"}}
    parts: list[tuple[str, Any]] = [("node", {key: first[key]}), (f"node.{key}", value)]
    written = dict(reversed(parts) if turned else parts)
    for overrides in ({"racks": [written]}, {"named": {"a": written}}):
        with pytest.raises(ConfigError, match=r"node' is written twice with different values") as refused:
            load(Hall, overrides=overrides)
        assert "hunter" not in str(refused.value)
    whole = {name: item for name, item in first.items() if name != key}
    together = load(Hall, overrides={"racks": [{"node": whole, f"node.{key}": value}]})
    assert together == load(Hall, overrides={"racks": [{"node": {**whole, key: value}}]})


TWICE: list[dict[str, Any]] = [
    {"m": {"eu": {"port": 1}}, "m.eu.port": 2},
    {"m.eu": {"port": 1}, "m.eu.port": 2},
    {"m": {"eu": None}, "m.eu.port": 2},
    {"free": {"a": 1}, "free.a": 2},
    {"free.a": {"b": 1}, "free.a.b": 2},
]


@pytest.mark.parametrize("written", TWICE)
@pytest.mark.parametrize("turned", [False, True])
def test_what_is_written_twice_has_two_names(written: dict[str, Any], turned: bool) -> None:
    """In a dict, by flags and by variables, whichever stands first: both are told, as they were written."""
    pairs = list(reversed(written.items())) if turned else list(written.items())
    with pytest.raises(ConfigError) as refused:
        load(App, overrides=dict(pairs))
    assert_two_names(refused.value, [f"overrides['{path.partition('.')[0]}" for path in written])
    if None in (value for table in written.values() if isinstance(table, dict) for value in table.values()):
        return  # a text cannot say that
    texts = [(path, toml_text(value)) for path, value in pairs]
    with pytest.raises(ConfigError) as refused:
        load(App, flags=[word for path, text in texts for word in (f"--{path}", text)])
    assert_two_names(refused.value, [f"--{path}" for path in written])
    environ = {f"E__{path.upper().replace('.', '__')}": text for path, text in texts}
    with pytest.raises(ConfigError) as refused:
        resolve(schema_of(App), DEFAULT, [environment.layer("E", environ, schema=schema_of(App))])
    assert_two_names(refused.value, list(environ))


def assert_two_names(error: ConfigError, names: list[str]) -> None:
    """Look at what is to be kept: two names, that of each writing."""
    (problem,) = error.exceptions
    kept = problem.hint.removeprefix("keep one of ").split(" and ")
    assert len(set(kept)) == 2, problem
    assert all(any(one.startswith(name) for one in kept) for name in names), (kept, names)
