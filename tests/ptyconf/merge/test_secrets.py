"""A secret does not show in the words of the program's own code, in causes, or in what travels."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import attrs
import pytest

from ptyconf import (
    ConfigError,
    Conversion,
    Derivation,
    Precedence,
    Rule,
    Schema,
    SchemaError,
    Setting,
    View,
    resolve,
)
from ptyconf.report import to_json
from ptyconf.sources import mapping, toml

SECRET = {"secret": True}
PRECEDENCE = Precedence("overrides", "file")
WORD = "hunter2"


@dataclass
class Database:
    """Says its password when it is refused."""

    host: str = "h"
    password: str = field(default=WORD, metadata=SECRET)

    def __post_init__(self) -> None:
        """Refuse a host."""
        if self.host == "bad":
            raise ValueError(f"cannot reach {self.host}:{self.password}")


@attrs.define
class Account:
    """One attribute's validator says another."""

    user: str = attrs.field(default="u")
    token: str = attrs.field(default=WORD, metadata=SECRET)

    @user.validator
    def _check(self, _attribute: Any, value: str) -> None:
        if value == "bad":
            raise ValueError(f"no account {value} with {self.token}")


@dataclass
class App:
    """Secrets in every place."""

    database: Database = field(default_factory=Database)
    account: Account = field(default_factory=Account)
    by: dict[str, Database] = field(default_factory=dict)
    items: list[Database] = field(default_factory=list)
    optional: Database | None = None
    either: Database | Account = field(default_factory=Account)


SCHEMA = Schema("app", [View(App, "")])


@pytest.mark.parametrize(
    "text",
    [
        "database.host = 'bad'",
        "account.user = 'bad'",
        "by.x.host = 'bad'",
        "[[items]]\nhost = 'bad'",
        "optional.host = 'bad'",
        "either.user = 'bad'",
    ],
)
def test_words_of_a_class_are_masked(text: str) -> None:
    """And the exception behind them is not shown either."""
    with pytest.raises(ConfigError) as caught:
        resolve(SCHEMA, PRECEDENCE, toml.parse(text)).build(App)
    assert "********" in str(caught.value)
    assert WORD not in "".join(traceback.format_exception(caught.value))


def test_harmless_words_keep_their_cause() -> None:
    """A traceback leads to the program's own line."""
    with pytest.raises(ConfigError) as caught:
        resolve(SCHEMA, PRECEDENCE, toml.parse("by.x.host = 'bad'\nby.x.password = ''")).build(App)
    assert isinstance(caught.value.__cause__, ValueError)


@dataclass
class Three:
    """A secret and what follows from it."""

    a: str = field(default=WORD, metadata=SECRET)
    b: str = ""
    c: str = ""


def refuse(*values: str) -> str:
    """Say what was given."""
    raise ValueError(f"refused {' '.join(values)}")


@pytest.mark.parametrize(
    "more",
    [
        {"settings": [Setting("x.c", check=lambda value: f"bad {value}")]},
        {"rules": [Rule(("x.b",), lambda resolution: f"bad {resolution['x.b']}")]},
        {"rules": [Rule(("x.c", "x.a"), lambda resolution: f"bad {resolution['x.a']}")]},
        {"rules": [Rule(("x.c",), lambda resolution: refuse(resolution["x.a"]))]},
    ],
    ids=["check", "rule of what follows", "rule of two", "rule that raises"],
)
def test_words_about_what_follows_are_masked(more: dict[str, Any]) -> None:
    """A value that follows from a secret is one."""
    chain = [Derivation("x.b", "x.a", lambda a: f"<{a}>"), Derivation("x.c", "x.b", lambda b: f"[{b}]")]
    schema = Schema("s", [View(Three, "x")], more.pop("settings", ()), derivations=chain, **more)
    with pytest.raises(ConfigError) as caught:
        resolve(schema, PRECEDENCE, [])
    assert WORD not in "".join(traceback.format_exception(caught.value))


def test_what_follows_is_masked_in_reports() -> None:
    """In the repr, and after a journey to another process."""
    schema = Schema("s", [View(Three, "x")], derivations=[Derivation("x.b", "x.a", lambda a: f"<{a}>")])
    resolution = resolve(schema, PRECEDENCE, [mapping.layer("overrides", {"x.a": "hunter22"})])
    travelled = pickle.loads(pickle.dumps(resolution))
    assert travelled["x.b"] == "<hunter22>"
    for shown in (repr(resolution), repr(travelled), to_json(travelled), travelled.trace("x.b")):
        assert WORD not in str(shown)


def test_a_default_is_not_in_the_repr_of_a_setting() -> None:
    """It may be the secret of somebody's development."""
    assert WORD not in str(dict(SCHEMA.settings))


def test_a_conversion_must_take_the_default() -> None:
    """Told when the schema is made, without the secret."""
    conversion = Conversion("c", refuse, str)
    with pytest.raises(SchemaError, match=r"^'x\.a': the conversion c does not take the default$"):
        Schema("s", [View(Three, "x")], [Setting("x.a", conversion=conversion)])
    with pytest.raises(SchemaError, match=r"does not take the default: refused $"):
        Schema("s", [View(Three, "x")], [Setting("x.b", conversion=conversion)])


@pytest.mark.parametrize("word", ["--tokne", "--token"])
def test_a_word_on_the_command_line_may_be_one(jail: Callable[..., Any], word: str) -> None:
    """Behind a misspelt flag, or where it belongs to none."""
    from ptyconf import load

    jail()
    with pytest.raises(ConfigError) as caught:
        load(Account, flags=[word, WORD, "--user", "u", WORD])
    assert WORD not in str(caught.value)
