"""Texts that refer to other values: read after the merge, told step by step, refused with their place."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Derivation, Precedence, Resolution, Schema, Setting, View, load, resolve
from ptyconf.freeze import freeze
from ptyconf.report import dump_toml, story, to_json
from ptyconf.schema.reference import escaped
from ptyconf.sources import environment, mapping, toml

PRECEDENCE = Precedence("overrides", "environment", "file")


@dataclass
class Server:
    """A place to listen."""

    host: str = "h"
    port: int = 80
    url: str = "http://${server.host}:${server.port}"


@dataclass
class App:
    """Settings that refer to each other."""

    server: Server = field(default_factory=Server)
    by: dict[str, Server] = field(default_factory=dict)
    items: list[Server] = field(default_factory=list)
    tags: list[str] = field(default_factory=list, metadata={"merge": "append"})
    numbers: list[int] = field(default_factory=list)
    password: str = field(default="hunter2", metadata={"secret": True})
    dsn: str = ""
    admin: int = 0
    data: Path = Path("/d")
    optional: int | None = None


SCHEMA = Schema("app", [View(App, "")], references=True)
PLAIN = Schema("app", [View(App, "")])


def resolved(text: str, schema: Schema = SCHEMA, **overrides: Any) -> Resolution:
    """Resolve a file and what stands above it."""
    layers = [*toml.parse(text, file="/etc/run.toml"), mapping.layer("overrides", overrides)]
    return resolve(schema, PRECEDENCE, layers)


def refused(text: str) -> str:
    """Give what is said against a file."""
    with pytest.raises(ConfigError) as caught:
        resolved(text)
    return str(caught.value)


def test_the_default_is_plain_text() -> None:
    """Without leave from schema or layer a reference means nothing."""
    assert resolved('dsn = "${server.host}"', PLAIN)["dsn"] == "${server.host}"


def test_one_layer_may_be_allowed_alone() -> None:
    """The file refers, the dict above it does not."""
    layers = [
        *toml.parse('dsn = "${server.port}/"', file="/r.toml", references=True),
        mapping.layer("overrides", {"server.host": "${dsn}"}),
    ]
    resolution = resolve(PLAIN, PRECEDENCE, layers)
    assert resolution["dsn"] == "80/"
    assert resolution["server.host"] == "${dsn}"


def test_a_whole_text_takes_the_typed_value() -> None:
    """Inside a longer text the value's own spelling stands."""
    resolution = resolved('admin = "${server.port}"\ndsn = "x${server.port}"')
    assert resolution["admin"] == 80
    assert resolution["dsn"] == "x80"


def test_the_winner_is_what_is_referred_to() -> None:
    """References are followed after the merge, into defaults of classes too."""
    resolution = resolved('[server]\nhost = "a"', **{"server.host": "b"})
    assert resolution["server.url"] == "http://b:80"


def test_every_place_can_refer_and_be_referred_to() -> None:
    """Keys of tables, elements of lists, lists that gather."""
    text = """
tags = ["a", "${by.eu.host}"]
numbers = [1, "${items[0].port}"]
[by.eu]
host = "${server.host}"
[[items]]
port = "${by.eu.port}"
"""
    resolution = resolved(text, tags=["z"])
    assert resolution["tags"] == ["a", "h", "z"]
    assert resolution["numbers"] == [1, 80]
    assert resolution.build(App).by["eu"].url == "http://h:80"
    assert resolution.trace("tags").elements[1].value == "h"


def test_variables_and_files_are_read(jail: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole text of one is parsed by its type; the folder is that of the layer's file."""
    jail("conf/word", "hunter2\n")
    jail(
        "conf/run.toml",
        'admin = "${env:N}"\nnumbers = ["${env:N}"]\ndsn = "${file:word}!"\ndata = "${env:N}"',
    )
    monkeypatch.setenv("N", "7")
    app = load(App, "conf/run.toml", references=True)
    assert (app.admin, app.numbers, app.dsn) == (7, [7], "hunter2!")
    assert app.data == Path.cwd() / "conf/7"


def test_the_environment_may_refer() -> None:
    """A text that is a reference is no text of its type."""
    layer = environment.layer("APP", {"APP__ADMIN": "${server.port}", "APP__BY__EU__PORT": "${admin}"})
    assert resolve(SCHEMA, PRECEDENCE, [layer])["by.eu.port"] == 80


def test_the_chain_is_told() -> None:
    """By the trace, the story and the JSON."""
    resolution = resolved('admin = "${server.port}"\n[by.eu]\nport = "${admin}"')
    assert story(resolution, "by.eu.port").splitlines()[1:] == [
        "  set by      file  80  /etc/run.toml:3:1 by.eu.port",
        "  refers to   admin = 80  /etc/run.toml:1:1 admin",
        "  refers to     server.port = 80  default of server.port",
    ]
    (step,) = to_json(resolution, "by.eu.port")["references"]
    assert (step["text"], step["path"], step["origin"]["line"]) == ("${admin}", "admin", 1)
    assert step["references"][0]["path"] == "server.port"


def test_a_loser_stands_as_it_was_written() -> None:
    """Nobody reads it, so that it is shown as text."""
    resolution = resolved('dsn = "${server.nothing}"', dsn="x")
    assert [entry.value for entry in resolution.trace("dsn").losers] == ["${server.nothing}", ""]


def test_what_refers_to_a_secret_is_one() -> None:
    """Masked in every report, left out of dump and frozen file; so is what is derived from it."""
    schema = Schema(
        "app", [View(App, "")], references=True, derivations=[Derivation("optional", "dsn", len, name="len")]
    )
    resolution = resolved('dsn = "pg://u:${password}@h"\n[by.eu]\nhost = "${dsn}"', schema)
    reports = [dump_toml(resolution), freeze(resolution).dumps(), repr(resolution), str(to_json(resolution))]
    reports += [story(resolution, path) for path in ("dsn", "by.eu.host", "optional")]
    reports += [str(resolution.trace("by"))]
    assert not any("hunter2" in report for report in reports)
    assert resolution["by.eu.host"] == "pg://u:hunter2@h"
    assert resolution.trace("optional").value == "********"


def test_a_check_of_a_secret_by_reference_is_masked() -> None:
    """The words of the program's own code cannot give it away."""
    schema = Schema(
        "app", [View(App, "")], [Setting("dsn", check=lambda value: f"bad {value}")], references=True
    )
    with pytest.raises(ConfigError) as caught:
        resolved('dsn = "${password}"', schema)
    assert "hunter2" not in str(caught.value)


def test_a_derived_value_refers_no_further() -> None:
    """References are read before derivations, so that none leads to a derived setting."""
    schema = Schema("app", [View(App, "")], references=True, derivations=[Derivation("admin", (), lambda: 1)])
    with pytest.raises(ConfigError, match="'dsn' refers to 'admin', which is derived after"):
        resolved('dsn = "${admin}"', schema)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('dsn = "${dsn}"', "references go round in a circle: dsn -> dsn"),
        ('dsn = "${by.a.host}"\nby.a.host = "${dsn}"', "circle: by.a.host -> dsn -> by.a.host"),
        ('dsn = "${server}"', "'dsn' refers to 'server', which is a section and not one value"),
        ('dsn = "${by}"', "'dsn' refers to 'by', which is a section and not one value"),
        ('dsn = "${srever.host}"', "'dsn' refers to 'srever.host', which is no setting"),
        ('dsn = "${srever.host}"', "try         ${server.host}"),
        ('dsn = "${by.eu.host}"', "'dsn' refers to 'by.eu.host', which is no setting"),
        ('dsn = "a${optional}"', "'dsn' refers to 'optional', which is none; a text cannot hold that"),
        ('dsn = "${env:NO_SUCH}"', "'dsn' refers to the variable 'NO_SUCH', which is not set"),
        ('dsn = "${file:/no/such}"', "the file '/no/such', which cannot be read: No such file"),
        ('dsn = "${server"', "which begins a reference that is not closed"),
        ('dsn = "${a${b}}"', "which begins a reference that is not closed"),
        ('dsn = "${ }"', "which has an empty reference"),
        ('dsn = "${url:x}"', "which has a reference of no known kind"),
        ('admin = "${server.host}"', "'admin' is \"h\" by ${server.host}; expected a whole number"),
        ('admin = "1${server.port}"', "'admin' is \"180\" by ${server.port}; expected a whole number"),
        ('password = "a${ord}b"', "'password' refers to what is no setting"),
    ],
)
def test_what_is_wrong_is_told_once_with_its_place(text: str, said: str) -> None:
    """One problem, the line of the text, never a value in silence."""
    message = refused(text)
    assert said in message
    assert "written in  /etc/run.toml:" in message
    assert message.count("written in") == 1


def test_it_travels_as_it_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker with another environment sees the same values and stories."""
    monkeypatch.setenv("N", "7")
    resolution = resolved('admin = "${env:N}"\n[by.eu]\nport = "${admin}"', TRAVELS)
    packed = pickle.dumps(resolution)
    monkeypatch.setenv("N", "8")
    travelled = pickle.loads(packed)
    assert travelled.schema is TRAVELS
    assert all(travelled.trace(path) == resolution.trace(path) for path in resolution)


TRAVELS = Schema("app", [View(App, "")], references=True, importable=f"{__name__}:TRAVELS")

texts = st.text("a${}.:", max_size=8)


@given(texts, texts)
def test_escaped_texts_mean_themselves(host: str, tag: str) -> None:
    """And dump, frozen file and replay give the same values where references are read."""
    resolution = resolved(
        "", **{"server.host": escaped(host), "tags": [escaped(tag)], "dsn": "${server.host}"}
    )
    assert resolution["dsn"] == host
    assert resolution["tags"] == [tag]
    assert dict(resolved(dump_toml(resolution, folder="/etc"))) == dict(resolution)
    assert dict(freeze(resolution).replay(SCHEMA)) == dict(resolution)


@dataclass
class Link:
    """A default that refers to nothing."""

    url: str = "a${nope}"


@dataclass
class Links:
    """It under a key and in a list."""

    keyed: dict[str, Link] = field(default_factory=dict)
    listed: list[Link] = field(default_factory=list)


def test_a_bad_reference_of_a_default_is_in_no_file() -> None:
    """The class says it, wherever a file writes a key or an element; what the file says is in the file."""
    text = "[keyed.a]\n[keyed.b]\nurl = '${nope}'\n[[listed]]\n"
    schema = Schema("s", [View(Links, "")], references=True)
    layers = toml.parse(text, file="/x/a.toml", references=True)
    with pytest.raises(ConfigError) as caught:
        resolve(schema, Precedence("file"), layers)
    places = {problem.path: str(problem.origin) for problem in caught.value.exceptions}  # type: ignore[union-attr]
    assert places["keyed.a.url"] == "default of keyed.a.url"
    assert places["listed[0].url"] == "default of listed[0].url"
    assert places["keyed.b.url"].startswith("/x/a.toml:3")
