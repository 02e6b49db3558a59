"""The layer of a folder of secret files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from ptyconf import ConfigError, Precedence, Resolution, Schema, Setting, View, load, resolve
from ptyconf.sources import environment, secrets


@pytest.mark.parametrize(
    "name", ["training__token", "TRAINING__TOKEN", "training.token", "training/token", "API_TOKEN"]
)
def test_a_file_is_a_setting(jail: Callable[..., Path], program: SimpleNamespace, name: str) -> None:
    """By any of its names; the last line end is no part of it, hidden files are passed over."""
    jail(f"run/secrets/{name}", "canary\n")
    jail("run/secrets/..data/training__token", "no")
    schema = program.make_schema(settings=[Setting("training.token", env="API_TOKEN")])
    layer = secrets.layer("run/secrets", name="environment", schema=schema)
    resolution = program.resolve(layer, schema=schema)
    assert resolution.value("training.token") == "canary"
    origin = resolution.trace("training.token").winner.origin
    assert (origin.kind, origin.file) == ("secret file", str(jail(f"run/secrets/{name}", "canary\n")))


def test_a_prefix_chooses_among_files(jail: Callable[..., Path], program: SimpleNamespace) -> None:
    """Of several programs that share a folder."""
    jail("s/DEMO__TRAINING__NEPOCHS", "7")
    jail("s/other_key", "x")
    assert (
        program.resolve(secrets.layer("s", prefix="DEMO", name="environment")).value("training.nepochs") == 7
    )


def test_what_is_wrong_is_told(jail: Callable[..., Path], program: SimpleNamespace) -> None:
    """Without a word of what the files hold; or nothing is, where the folder may be missing."""
    program.resolve(secrets.layer("gone", name="environment", missing="skip"))
    jail("big/training__token", "canary" * 20_000)
    jail("slip/training__tokn", "canary")
    jail("raw/training__token", b"canary\xff")
    for folder, words in (
        ("gone", "the folder 'gone' of secrets does not exist"),
        ("big", "the file of a secret has 120000 bytes; at most 100000 are read"),
        ("slip", "unknown setting 'training.tokn'"),
        ("raw", "the file of a secret is not UTF-8"),
    ):
        with pytest.raises(ConfigError) as caught:
            program.resolve(secrets.layer(folder, name="environment"))
        assert str(caught.value).startswith(words)
        assert "canary" not in str(caught.value)


@dataclass
class Replica:
    """One of many."""

    host: str = "h"
    password: str = field(default="", metadata={"secret": True})


@dataclass
class Cluster:
    """Secrets below tables and lists."""

    by: dict[str, Replica] = field(default_factory=dict)
    items: list[Replica] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict, metadata={"secret": True})
    optional: Replica | None = None


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("A__BY__EU__PASSWORD", "by.eu.password"),
        ("A__ITEMS__0__PASSWORD", "items[0].password"),
        ("A__TOKENS__X", "tokens.x"),
        ("A__OPTIONAL__PASSWORD", "optional.password"),
    ],
)
def test_a_file_reaches_every_secret(jail: Callable[..., Path], variable: str, path: str) -> None:
    """``NAME_FILE`` names it; value and file together must agree."""
    file = jail("word", "hunter2\n")
    schema = Schema("s", [View(Cluster, "")])

    def resolved(texts: dict[str, str]) -> Resolution:
        return resolve(schema, Precedence("environment"), [environment.layer("A", texts, schema=schema)])

    resolution = resolved({f"{variable}_FILE": str(file)})
    assert resolution[path] == "hunter2"
    assert str(resolution.trace(path).winner.origin) == f"{variable}_FILE (word)"
    with pytest.raises(ConfigError, match="mean the same setting and differ"):
        resolved({f"{variable}_FILE": str(file), variable: "other"})


def test_only_a_secret_has_a_file(jail: Callable[..., Path]) -> None:
    """Of any other setting the name with _FILE is unknown."""
    jail()
    schema = Schema("s", [View(Cluster, "")])
    layer = environment.layer("A", {"A__OPTIONAL__HOST_FILE": "/x"}, schema=schema)
    with pytest.raises(ConfigError, match=r"unknown setting 'optional\.host_file'"):
        resolve(schema, Precedence("environment"), [layer])


@dataclass
class Db:
    """A database."""

    host: str = "h"
    port: int = 1
    password: str = field(default="", metadata={"secret": True})


@dataclass
class Files:
    """What files may set."""

    db: Db = field(default_factory=Db)


def test_hints_name_the_file_and_its_text(jail: Callable[..., Path]) -> None:
    """In the language of a folder: the same file for another text, the file of the name that was meant."""
    jail("run/db__port", "abc")
    jail("run/DB__HSOT", "x")
    jail("run/db/pasword", "hunter2")

    with pytest.raises(ConfigError) as caught:
        load(Files, secrets="run")
    hints = {problem.hint for problem in caught.value.exceptions}
    assert hints == {
        "1 in the file run/db__port",
        "x in the file run/DB__HOST",
        "******** in the file run/db__password",
    }
