"""Small inputs by variable, flag and command line; hints, templates and JSON Schema that tell the truth."""

from __future__ import annotations

import datetime
import enum
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pytest

from ptyconf import ConfigError, Schema, Setting, View, load, resolve
from ptyconf.cli import main
from ptyconf.report.jsonschema import json_schema
from ptyconf.report.template import template
from ptyconf.sources import environment, flags, toml
from tests.ptyconf.cases.prelude import Ep, P


class Level(enum.Enum):
    """An enum that a file names by value or by name."""

    LOW = 1
    HIGH = 2


@dataclass
class App:
    """All that a variable or a flag may mean."""

    ports: dict[str, int] = field(default_factory=dict)
    maybe: Ep | None = None
    items: list[Ep] = field(default_factory=list)
    by: dict[str, Ep] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    debug: bool = False
    level: Level = Level.LOW
    mode: Literal["r", "w"] = "r"
    wait: datetime.timedelta = datetime.timedelta(minutes=1)
    main: Ep = field(default_factory=Ep)


SCHEMA = Schema("s", [View(App, "")])


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"A__PORTS__EU": "5"}, ["--ports.eu", "5"]),
        ({"A__MAYBE__PORT": "5"}, ["--maybe.port=5"]),
        (
            {"A__ITEMS__0__PORT": "5", "A__ITEMS__1__HOST": "x"},
            ["--items[0].port", "5", "--items[1].host", "x"],
        ),
        ({"A__BY__EU__PORT": "5"}, ["--by.eu.port", "5"]),
        ({"A__ITEMS": '[{port = 5}, {host = "x"}]'}, ['--items=[{"port": 5}, {"host": "x"}]']),
        ({"A__BY": "{eu = {port = 5}}"}, ["--by", '{"eu": {"port": 5}}']),
        ({"A__TAGS": '["a", "b"]'}, ["--tags", "a", "--tags", "b"]),
        ({"A__DEBUG": "true"}, ["--debug"]),
    ],
)
def test_every_place_is_set_with_its_place(variables: dict[str, str], words: list[str]) -> None:
    """By variables and by flags alike."""
    by_variable = resolve(SCHEMA, P, [environment.layer("A", variables)])
    by_flag = resolve(SCHEMA, P, [flags.parse(words, SCHEMA)[0]])
    assert by_variable.build(App) == by_flag.build(App) != App()
    for path in by_variable:
        origin = by_variable.trace(path).winner.origin
        if origin.kind == "environment":
            assert origin.key in variables
            flag = by_flag.trace(path).winner.origin.key
            assert any(word == flag or word.startswith(f"{flag}=") for word in words)


def test_other_programs_variables_are_ignored() -> None:
    """A container's service link is none of ours; a slip below the prefix is told."""
    link = {"APP_PORT_80_TCP": "tcp://10.0.0.1", "APP_SERVICE_HOST": "x", "APP_PORT": "tcp://x"}
    schema = Schema("s", [View(Ep, "")])
    assert resolve(schema, P, [environment.layer("APP", link, schema=schema)]).build(Ep) == Ep()
    with pytest.raises(ConfigError, match=r"unknown setting 'prot'(.*\n)*.*try +APP__PORT=1"):
        resolve(schema, P, [environment.layer("APP", {"APP__PROT": "1"}, schema=schema)])


PROGRAM = """
from dataclasses import dataclass, field
from ptyconf import Schema, View
@dataclass
class A:
    host: str = "h"
    tags: list[str] = field(default_factory=list)
    debug: bool = False
schema = Schema("s", [View(A, "a")])
"""


def test_options_stand_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Before and after the words of a command."""
    (tmp_path / "anywhere_prog.py").write_text(PROGRAM)
    (tmp_path / "f.toml").write_text('a.host = "f"\n[profile.prod]\na.host = "p"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for words in (
        ["explain", "anywhere_prog:schema", "f.toml", "--profile", "prod", "a.host"],
        ["explain", "--profile=prod", "anywhere_prog:schema", "f.toml", "a.host"],
        ["explain", "anywhere_prog:schema", "--profile", "prod", "f.toml", "a.host"],
    ):
        assert main(words) == 0
        assert capsys.readouterr().out.startswith('a.host = "p"\n')


def test_switches_and_lists_by_flag() -> None:
    """The last of a scalar counts, every one of a list, and a switch needs no word."""
    assert load(App, flags=["--debug", "--tags", "a", "--tags=b", "--mode", "r", "--mode", "w"]) == App(
        tags=["a", "b"], debug=True, mode="w"
    )
    assert load(App, flags=["--debug", "--no-debug"]) == App()
    assert load(App, flags=["--debug", "false", "--tags", '["x"]']) == App(tags=["x"])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[mian]\nport = 5", "[main]"),
        ('unset = ["mode_"]', 'unset = ["mode"]'),
        ("mode = 5", 'mode = "r"'),
        ("main.prot = 5", "port = 5"),
        ("debug = 1", "debug = true"),
        ("level = 9", "level = 1"),
    ],
)
def test_a_hint_is_toml_that_loads(text: str, hint: str) -> None:
    """It can be pasted into the file."""
    with pytest.raises(ConfigError) as caught:
        resolve(SCHEMA, P, toml.parse(text))
    shown = re.search(r"^  try +(.*)$", str(caught.value), re.MULTILINE)
    assert shown is not None
    assert shown[1] == hint
    if not hint.startswith("unset"):  # that one goes on to say that the setting takes no None
        resolve(SCHEMA, P, toml.parse(f"main.{hint}" if text.startswith("main") else hint))


def test_a_hint_is_a_name_that_a_shell_can_export() -> None:
    """A dash of a key is an underscore in a variable."""
    schema = Schema("s", (), [Setting("my-app.max-size", type=int, default=1)])
    with pytest.raises(ConfigError) as caught:
        resolve(schema, P, [environment.layer("A", {"A__MY_APP__MAX_SIZ": "5"}, schema=schema)])
    assert "try         A__MY_APP__MAX_SIZE=5" in str(caught.value)
    read = resolve(schema, P, [environment.layer("A", {"A__MY_APP__MAX_SIZE": "5"}, schema=schema)])
    assert read.value("my-app.max-size") == 5


def test_a_flat_program_works() -> None:
    """Its keys stand at the top of the file, its variables behind the prefix."""
    schema = Schema("s", [View(Ep, "")])
    layers = [*toml.parse("port = 3"), environment.layer("A", {"A__HOST": "e"}, schema=schema)]
    assert resolve(schema, P, layers).build(Ep) == Ep("e", 3)


def test_every_template_line_loads_and_is_true() -> None:
    """Uncommented one by one it gives the default; an absent class says what it takes."""
    lines = template(SCHEMA).splitlines()
    wrong = "takes no other value than none"
    assert not any(wrong in line for line in lines)
    section = ""
    loaded = 0
    for line in lines:
        header = re.match(r"#? ?(\[[\w.]+\])$", line)
        if header:
            section = header[1]
        elif re.match(r"# ?[\w.\"]+ = ", line):
            text = f"{section}\n{line.removeprefix('#').strip()}"
            resolve(SCHEMA, P, toml.parse(text)).build(App)
            loaded += 1
    assert loaded >= 8


@pytest.mark.parametrize(
    ("document", "good"),
    [
        ({"profile": {"p": {"unset": ["maybe"]}}}, True),
        ({"level": "HIGH"}, True),
        ({"level": 2}, True),
        ({"level": "TWO"}, False),
        ({"main": {"port": 1}}, True),
        ({"main": {"prot": 1}}, False),
        ({"maybe": {"port": "x"}}, False),
        ({"items": [{"port": 1}, {}]}, True),
        ({"items": [{"port": True}]}, False),
        ({"by": {"x": {"host": "y"}}}, True),
        ({"by": {"x": {"host": 1}}}, False),
        ({"wait": "1h30m"}, True),
        ({"wait": 90}, True),
        ({"wait": True}, False),
        ({"debug": "true"}, False),
        ({"include": "x.toml"}, True),
        ({"profile": {"p": {"debug": 1}}}, False),
    ],
)
def test_json_schema_gives_the_same_verdict(document: dict[str, Any], good: bool) -> None:
    """As resolve does of the document's own types."""
    assert jsonschema.Draft202012Validator(json_schema(SCHEMA)).is_valid(document) is good
    if "include" in document:
        return
    from ptyconf.report.toml import literal

    text = "\n".join(f"{key} = {literal(value)}" for key, value in document.items())

    def resolved() -> None:
        resolve(SCHEMA, P, toml.parse(text, profile="p" if "profile" in document else None))

    if good:
        resolved()
    else:
        with pytest.raises(ConfigError):
            resolved()
