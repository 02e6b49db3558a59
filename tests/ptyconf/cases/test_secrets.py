"""Small inputs in which a secret used to be seen, or ate the words around it."""

from __future__ import annotations

import enum
import json
import subprocess
import sys
from dataclasses import dataclass, field
from ipaddress import IPv6Network
from pathlib import Path
from typing import Any

import pytest

from ptyconf import ConfigError, Resolution, Schema, Setting, View, diff, resolve
from ptyconf.freeze import freeze
from ptyconf.report import dump_toml, story, table, to_json, tree
from ptyconf.report.jsonschema import json_schema
from ptyconf.report.template import template
from ptyconf.sources import environment, flags, mapping, toml
from tests.ptyconf.cases.prelude import P

SECRET = "hunter2-é"


@dataclass
class Db:
    """A secret inside."""

    user: str = "me"
    password: str = field(default="", metadata={"secret": True})


@dataclass
class App:
    """Such a class in every holder."""

    many: list[Db] = field(default_factory=list)
    by: dict[str, Db] = field(default_factory=dict)
    maybe: Db | None = None
    main: Db = field(default_factory=Db)
    words: dict[str, str] = field(default_factory=dict, metadata={"secret": True})
    deep: dict[str, list[Db]] = field(default_factory=lambda: {"d": [Db("x", SECRET)]})


SCHEMA = Schema("s", [View(App, "c")])
WRITTEN = {
    "many": [{"password": SECRET}],
    "by": {"eu": {"password": SECRET}},
    "maybe": {"password": SECRET},
    "main": {"password": SECRET},
    "words": {"k": SECRET},
}


def everything(resolution: Resolution) -> str:
    """Give every text that a resolution can be asked for."""
    texts = [table(resolution), tree(resolution), json.dumps(to_json(resolution), ensure_ascii=False)]
    texts += [
        dump_toml(resolution),
        freeze(resolution).dumps(),
        repr(resolution),
        template(resolution.schema),
    ]
    texts += [story(resolution, path) for path in (*resolution, "c.many", "c.by", "c.by.eu", "c.deep", "c")]
    texts += [json.dumps(json_schema(resolution.schema), ensure_ascii=False)]
    texts += [str(diff(resolution, resolve(resolution.schema, P, [])))]
    return "\n".join(texts)


def test_a_secret_inside_is_masked_everywhere() -> None:
    """In lists, tables, options and defaults; in every report, and in the frozen file."""
    resolution = resolve(SCHEMA, P, [mapping.layer("overrides", {"c": WRITTEN})])
    assert SECRET not in everything(resolution)
    assert resolution.build(App).by["eu"].password == SECRET
    assert resolution.value("c.words.k") == SECRET


class Mode(enum.Flag):
    """A flag, which can be iterated for ever."""

    READ = 1
    WRITE = 2


@pytest.mark.parametrize(
    "value", [IPv6Network("2001:db8::/32"), Mode.READ, [b"\x01secret"], {"k": 12345678}], ids=str
)
def test_secrets_of_any_kind_are_masked(value: Any) -> None:
    """Also where a check shows the value in its own words."""
    kind = (
        type(value)
        if not isinstance(value, (list, dict))
        else list[bytes]
        if isinstance(value, list)
        else dict[str, int]
    )
    words = str(
        next(iter(value)) if isinstance(value, list) else value["k"] if isinstance(value, dict) else value
    )
    setting = Setting("a.x", type=kind, secret=True, check=lambda _: f"refused {words}!")
    with pytest.raises(ConfigError) as caught:
        resolve(Schema("s", (), [setting]), P, [mapping.layer("overrides", {"a": {"x": value}})])
    assert words not in str(caught.value)


@dataclass
class Auth:
    """A section of secrets."""

    token: str = field(default="", metadata={"secret": True})
    creds: dict[str, str] = field(default_factory=dict, metadata={"secret": True})


@dataclass
class Tool:
    """Its program."""

    auth: Auth = field(default_factory=Auth)
    token: str = field(default="", metadata={"secret": True})


@pytest.mark.parametrize(
    "text",
    [
        '[[auth]]\ntoken = "hunter2"',
        'auth = "hunter2"',
        'auth = ["hunter2"]',
        'profile = "hunter2"',
        'profile.p = "hunter2"',
        'tokn = "hunter2',
        'token = "hunter2',
        "token = 'hunter2\n",
        'token = """hunter2',
        '[auth]\ntoken : "hunter2"',
        '[auth.creds]\ngithub = "hunter2',
        "[auth.creds]\ngithub = hunter2",
        '[auth]\ncreds = {github = "hunter2"',
        'auth.tokn = "hunter2"',
        '[atuh]\ntoken = "hunter2"',
        '[auth]\ntoken.inner = "hunter2"',
        'token = ["hunter2"]',
        '[auth.creds]\ngithub = ["hunter2"]',
    ],
)
def test_a_slip_shows_no_secret(text: str) -> None:
    """Wherever a secret stands by mistake, in the line of a syntax error too."""
    with pytest.raises(ConfigError) as caught:
        resolve(Schema("s", [View(Tool, "")]), P, toml.parse(text, profile="p"))
    assert "hunter2" not in str(caught.value)


LAYERS: list[Any] = [
    lambda: environment.layer("APP", {"APP__TOKN": "hunter2"}),
    lambda: environment.layer("APP", {"APP__AUTH": "hunter2"}),
    lambda: environment.layer("APP", {"APP__AUTH": '{token = "hunter2"'}),
    lambda: environment.layer("APP", {"APP__AUTH__CREDS": "hunter2"}),
    lambda: flags.given({"auth.tokn": "hunter2"}),
    lambda: flags.parse(["--auth.tokn", "hunter2"], Schema("s", [View(Tool, "")]))[0],
    lambda: flags.parse(["--tokn=hunter2"], Schema("s", [View(Tool, "")]))[0],
    lambda: mapping.layer("overrides", {"auth": {"creds": "hunter2"}}),
    lambda: mapping.layer("overrides", {"auth": {"token": ["hunter2"]}}),
]


@pytest.mark.parametrize("layer", LAYERS, ids=[f"source {number}" for number in range(len(LAYERS))])
def test_no_source_shows_a_secret(layer: Any) -> None:
    """In what it says of a slip."""
    with pytest.raises(ConfigError) as caught:
        resolve(Schema("s", [View(Tool, "")]), P, [layer()])
    assert "hunter2" not in str(caught.value)


FAILING = """
from dataclasses import dataclass, field
import ptyconf

@dataclass
class C:
    keys: list[str] = field(default_factory=list, metadata={"secret": True})
    short: str = field(default="e", metadata={"secret": True})
    name: str = "the name"

def test_element():
    c = ptyconf.load(C, overrides={"keys": ["s3cr3t-key"]})
    k = c.keys[0]
    assert k == "a", f"the key is {k}"

def test_short():
    c = ptyconf.load(C)
    assert c.name == "other name", "words with every letter e"
"""


def test_a_failing_test_shows_no_secret(tmp_path: Path) -> None:
    """An element that it touches is masked; a secret "e" leaves all other words as they are."""
    (tmp_path / "test_it.py").write_text(FAILING)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "2 failed" in done.stdout, done.stdout + done.stderr
    assert "s3cr3t-key" not in done.stdout
    assert "assert k ==" in done.stdout
    assert "words with every letter e" in done.stdout
    assert 'name = "the name"' in done.stdout


def test_a_frozen_pin_cannot_be_found() -> None:
    """It is not stored, nor is a hash of it, unless that is asked for."""
    schema = Schema("s", (), [Setting("a.pin", type=str, secret=True, default="")])
    one, two = (
        freeze(resolve(schema, P, [mapping.layer("overrides", {"a": {"pin": pin}})]))
        for pin in ("1234", "9999")
    )
    assert one.dumps() == two.dumps()
    assert "1234" not in one.dumps()
