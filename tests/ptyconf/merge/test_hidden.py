"""Secrets are masked wherever they stand: inside classes, lists, tables, and in what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ptyconf import ConfigError, Derivation, Precedence, Resolution, Schema, Setting, View, diff, resolve
from ptyconf.report import story, table, to_json, tree
from ptyconf.sources import mapping, toml

PRECEDENCE = Precedence("overrides", "file")


@dataclass
class Login:
    """A class with a secret."""

    user: str = "u"
    password: str = field(default="", metadata={"secret": True})


@dataclass
class App:
    """Every way to hold one."""

    many: list[Login] = field(default_factory=list)
    by: dict[str, Login] = field(default_factory=dict)
    maybe: Login | None = None
    one: Login = field(default_factory=Login)
    tokens: dict[str, str] = field(default_factory=dict, metadata={"secret": True})


SCHEMA = Schema("s", [View(App, "c")])
FULL = """
[c]
many = [{password = "hunter2"}]
by.x.password = "hunter2"
maybe.password = "hunter2"
one.password = "hunter2"
tokens.a = "hunter2"
"""


def load(text: str) -> Resolution:
    """Resolve a text."""
    return resolve(SCHEMA, PRECEDENCE, toml.parse(text, file="/r.toml"))


def test_reports_mask_secrets_at_every_depth() -> None:
    """The values themselves are there for the program."""
    resolution = load(FULL)
    places = [*resolution, "c", "c.many", "c.by", "c.by.x", "c.maybe", "c.one", "c.tokens"]
    texts = [repr(resolution), table(resolution), tree(resolution), str(to_json(resolution))]
    texts += [repr(resolution.trace(path)) for path in places]
    texts += [story(resolution, path) for path in resolution]
    texts += [str(diff(resolution, load(""))), str(diff(resolution, load("")).as_dict())]
    assert [text for text in texts if "hunter2" in text] == []
    assert resolution["c.many[0].password"] == "hunter2"
    assert resolution.trace("c.by.x.password", reveal=True).value == "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "[c]\nmany = [{password = 71}]\nby.x.password = 71\nmaybe.password = 71\n",
        '[c]\nmany = "hunter2"\n',
        '[c]\nby = "hunter2"\nmaybe = "hunter2"\none = "hunter2"\ntokens = "hunter2"\n',
        '[[c.one]]\npassword = "hunter2"\n',
        '[c.one]\npasword = "hunter2"\n[c.maybe]\npassword = "hunter2"\nx = 1\n',
        '[c.one]\npasword = "hunter2',
    ],
    ids=["wrong type", "no list", "no table", "list for a table", "slip", "no closing quote"],
)
def test_errors_mask_secrets(text: str) -> None:
    """In values of a wrong type, in tables that are none, in slips and lines that do not parse."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert "hunter2" not in str(caught.value)
    assert " 71" not in str(caught.value)


def test_what_follows_from_a_secret_is_one() -> None:
    """A derived value is masked with its input."""
    schema = Schema(
        "s",
        [View(Login, "a")],
        [Setting("a.url", str)],
        derivations=[Derivation("a.url", ("a.password",), lambda password: f"x:{password}")],
    )
    resolution = resolve(schema, PRECEDENCE, [mapping.layer("overrides", {"a.password": "hunter2"})])
    assert resolution["a.url"] == "x:hunter2"
    assert "hunter2" not in repr(resolution.trace("a.url")) + story(resolution, "a.url")
