"""What to try is written in the language of the source."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Layer, Precedence, Schema, Setting, View, load, resolve
from ptyconf.schema.free import freeze_any
from ptyconf.sources import environment, file, mapping
from ptyconf.sources.document import Format
from ptyconf.sources.formats import FORMATS
from ptyconf.text.show import MASK


@dataclass
class Server:
    """A section."""

    ip: str = "h"
    port: int = 1
    url: str = field(default="", metadata={"env": "DATABASE_URL"})


SCHEMA = Schema(
    "s",
    [View(Server, "server")],
    [
        Setting("my-app.max-size", int, 1),
        Setting("a.x", int | None, 1),
        Setting("on", bool, default=False),
        Setting("a.price", Decimal, Decimal("1.10")),
    ],
)


def hint(*layers: Layer) -> str:
    """Give what the only problem says to try."""
    with pytest.raises(ConfigError) as caught:
        resolve(SCHEMA, Precedence("environment", "file"), layers)
    (problem,) = caught.value.exceptions
    return str(problem.hint)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.toml", "[srever]\nip = '1'", "[server]"),
        ("a.json", '{"srever": {"ip": "1"}}', '"server": ...'),
        ("a.yaml", "srever: {ip: a}", "server: ..."),
        ("a.toml", "[server]\nprot = 5", "port = 5"),
        ("a.json", '{"server": {"prot": 5}}', '"port": 5'),
        ("a.yaml", "server: {prot: 5}", "port: 5"),
        ("a.yaml", "server: {port: x}", "port: 1"),
        ("a.json", '{"prot": 5}', '"server": {"port": 5}'),
        ("a.yaml", "prot: 5", "server: {port: 5}"),
        ("a.yaml", "on: yes", "on: true"),
        ("a.toml", "a.price = 1.5", 'price = "1.5"'),
        ("a.toml", "a.price = []", 'price = "1.10"'),
        ("a.toml", "replace = ['a.y']", 'replace = ["a.x"]'),
        ("a.toml", "unset = ['x']", 'unset = ["a.x"]'),
        ("a.json", '{"unset": ["x"]}', '"unset": ["a.x"]'),
    ],
)
def test_a_files_hint_is_a_line_of_it(name: str, text: str, expected: str) -> None:
    """Tables, values and lists of what is unset."""
    assert hint(*file.parse(text, file=f"/x/{name}")) == expected


def test_a_variables_hint_is_one_that_a_shell_exports() -> None:
    """With a sign that no variable has as an underscore; and by its own name where that was written."""
    assert hint(environment.layer("A", {"A__MY_APP__MAX_SIZ": "2"})) == "A__MY_APP__MAX_SIZE=2"
    assert (
        resolve(SCHEMA, Precedence("e"), [environment.layer("A", {"A__MY_APP__MAX_SIZE": "2"}, name="e")])[
            "my-app.max-size"
        ]
        == 2
    )
    assert hint(environment.layer("A", {"A__SERVER__PORT": "x"})) == "A__SERVER__PORT=1"


@dataclass
class Named:
    """Texts of any kind."""

    name: str = "n"
    mode: Literal["a b", "c"] = "a b"


@pytest.mark.parametrize("text", ["two words", "it's", "$HOME", "a;b", "*"])
def test_a_shell_reads_a_hint_as_one_word(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In variables and in flags; a text that no shell touches stays bare."""
    monkeypatch.setenv("A__NMAE", text)
    with pytest.raises(ConfigError) as caught:
        load(Named, env="A", flags=["--mode", text])
    flag, variable = (str(problem.hint) for problem in caught.value.exceptions)  # type: ignore[attr-defined]
    assert shlex.split(variable) == [f"A__NAME={text}"]
    assert shlex.split(flag) == ["--mode", "a b"]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.json", '{"server.port": 3}', '"server": {"port": 3}'),
        ("a.yaml", "server.port: 3", "server: {port: 3}"),
        ("a.json", '{"server.prot": 3}', '"server": {"port": 3}'),
    ],
)
def test_json_and_yaml_nest_what_toml_dots(name: str, text: str, expected: str) -> None:
    """A dotted key is a key with a dot there; the hint is the table."""
    layers = file.parse(text, file=f"/x/{name}")
    assert hint(*layers) == expected
    resolved = resolve(SCHEMA, Precedence("file"), file.parse(f"{{{expected}}}", file=f"/x/{name}"))
    assert resolved["server.port"] == 3


def test_what_is_written_twice_has_two_places_in_the_hint() -> None:
    """The keys where they differ, else that it is to be written once."""
    twice = mapping.layer("file", {"server": {"port": 1}, "server.port": 2})
    assert hint(twice) == "keep one of file['server']['port'] and file['server.port']"


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (mapping.layer("file", {"server": {"prot": "x"}}), "port = 1"),
        (mapping.layer("file", {"server": {"prot": 7}}), "port = 7"),
        (mapping.layer("file", {"server.prot": True}), "port = 1"),
        (mapping.layer("file", {"server": {"ulr": 3}}), 'url = ""'),
        (environment.layer("A", {"A__SERVER__PROT": "x"}), "A__SERVER__PORT=1"),
        (environment.layer("A", {"A__SERVER__PROT": "7"}), "A__SERVER__PORT=7"),
        (environment.layer("A", {"A__SERVER__": "7"}), ""),
    ],
)
def test_what_a_name_gets_is_what_the_setting_takes(layer: Layer, expected: str) -> None:
    """The value that was written where that is of its type, else its default."""
    order = Precedence("environment", "file")
    with pytest.raises(ConfigError) as caught:
        resolve(SCHEMA, order, [layer])
    (problem,) = caught.value.exceptions
    assert problem.hint == expected


@dataclass
class Lists:
    """Lists of several types."""

    numbers: list[int] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("NUMBERS", "1, 2", "'[1, 2]'"),
        ("NUMBERS", "3", "'[3]'"),
        ("NUMBERS", "1,x", "'[]'"),
        ("NAMES", "a,b", """'["a", "b"]'"""),
    ],
)
def test_a_list_with_commas_is_answered_with_an_array(name: str, text: str, expected: str) -> None:
    """Where no separator is declared; the array is one that loads."""
    schema = Schema("s", [View(Lists, "")])
    layer = environment.layer("A", {f"A__{name}": text})
    with pytest.raises(ConfigError) as caught:
        resolve(schema, Precedence("environment"), [layer])
    (problem,) = caught.value.exceptions
    assert problem.hint == f"A__{name}={expected}"
    again = environment.layer("A", {f"A__{name}": shlex.split(expected)[0]})
    assert resolve(schema, Precedence("environment"), [again])


WORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=4) | st.sampled_from(
    ["é: #", "none", "no-none"]
)
FREE = st.recursive(
    st.integers(0, 99) | st.booleans() | WORDS | st.dates() | st.sampled_from([MASK, "..."]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=5,
)


@given(
    st.dictionaries(WORDS, FREE, min_size=1, max_size=3),
    st.sampled_from(sorted(FORMATS.entries(), key=str)),
)
def test_a_files_hint_is_read_back(table: dict[str, object], form: Format) -> None:
    """What a hint says of a table, typed as it stands, is the table, in each format."""
    schema = Schema("s", settings=[Setting("a b", dict[str, Any], table), Setting("l", list[Any], [table])])

    def document(line: str) -> str:
        return f"{{{line}}}" if form.name == "json" else line

    for name, value in (("a b", table), ("l", [table])):
        wrong = document(form.spell([name], 5))
        with pytest.raises(ConfigError) as caught:
            resolve(schema, Precedence("file"), file.parse(wrong, file=f"/x/a{form.suffixes[0]}"))
        advised = document(caught.value.exceptions[0].hint)  # type: ignore[attr-defined]
        expected = document(form.spell([name], value))
        assert freeze_any(form.parse(advised)) == freeze_any(form.parse(expected))
