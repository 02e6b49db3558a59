"""JSON Schema and resolve give one verdict on the same document."""

from __future__ import annotations

import datetime as dt
import enum
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jsonschema
import pytest

from ptyconf import ConfigError, Precedence, Schema, View, resolve
from ptyconf.report.jsonschema import json_schema
from ptyconf.sources import file


class Colour(enum.Enum):
    """A choice."""

    RED = "red"
    BLUE = 2


@dataclass
class Tls:
    """A nested class."""

    port: int = 443
    cert: Path | None = None


@dataclass
class End:
    """An element."""

    host: str
    port: int = 1


@dataclass
class Cat:
    """One of a union."""

    kind: Literal["cat"] = "cat"
    lives: int = 9


@dataclass
class Dog:
    """Another one."""

    kind: Literal["dog"] = "dog"
    name: str = ""


@dataclass
class Tree:
    """A class that holds itself."""

    name: str = ""
    inner: list[Tree] = field(default_factory=list)


@dataclass
class App:
    """A program."""

    tls: Tls = field(default_factory=Tls)
    size: float = 1.0
    colour: Colour = Colour.RED
    day: dt.date = dt.date(2026, 1, 1)
    span: dt.timedelta = dt.timedelta(0)
    raw: bytes = b""
    pair: tuple[int, str] = (1, "a")
    either: int | str = 1
    backup: Tls | None = None
    ends: list[End] = field(default_factory=list)
    by_name: dict[str, Tls] = field(default_factory=dict)
    pet: Cat | Dog = field(default_factory=Cat)
    tree: Tree = field(default_factory=Tree)
    token: str = field(default="", metadata={"secret": True})
    tags: list[str] = field(default_factory=list, metadata={"merge": "append"})


SCHEMA = Schema("app", [View(App, "")])
CHECK = jsonschema.Draft202012Validator(json_schema(SCHEMA))
DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"tls": {"port": 1, "cert": "a"}},
    {"tls": {"port": "1"}},
    {"tls": {"prot": 1}},
    {"tls": 1},
    {"size": 1},
    {"size": True},
    {"size": None},
    {"colour": "red"},
    {"colour": "BLUE"},
    {"colour": 2},
    {"colour": "green"},
    {"day": "2026-01-02"},
    {"day": 3},
    {"span": "1h30m"},
    {"span": 90},
    {"span": []},
    {"raw": "base64:AA=="},
    {"raw": "AA=="},
    {"pair": [1, "b"]},
    {"pair": [1]},
    {"pair": ["b", 1]},
    {"either": "a"},
    {"either": 1.5},
    {"backup": {"port": 1}},
    {"backup": None},
    {"backup": {"prot": 1}},
    {"ends": [{"host": "a"}]},
    {"ends": [{"port": 1}]},
    {"ends": [{"host": "a", "x": 1}]},
    {"ends": {"host": "a"}},
    {"by_name": {"a": {"port": 1}, "b": {}}},
    {"by_name": {"a": {"prot": 1}}},
    {"by_name": {"a": 1}},
    {"pet": {"kind": "dog", "name": "x"}},
    {"pet": {"kind": "dog", "lives": 1}},
    {"pet": {"kind": "fish"}},
    {"tree": {"name": "a", "inner": [{"name": "b", "inner": [{"name": "c"}]}]}},
    {"tree": {"inner": [{"name": 1}]}},
    {"unset": ["backup"]},
    {"unset": "backup"},
    {"unset": 1},
    {"replace": ["tags"]},
    {"replace": [1]},
    {"by_name": None},
    {"by_name": {"a": None}},
    {"$schema": "app.schema.json"},
    {"$schema": 1},
    {"profile": {"x": {"size": 2, "unset": ["backup"], "replace": ["tags"]}}},
    {"profile": {"x": {"sise": 2}}},
    {"profile": {"x": 1}},
    {"token": "a"},
    {"token": 1},
    {"unknown": 1},
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=json.dumps)
def test_both_give_one_verdict(document: dict[str, Any]) -> None:
    """On values, names, nested classes, what is none, and profiles."""
    profile = "x" if "profile" in document else None
    order = Precedence("profile", "file")
    try:
        layers = file.parse(json.dumps(document), file="/x/app.json", profile=profile)
        resolve(SCHEMA, order, layers).build(App)
    except ConfigError as error:
        verdict, words = False, str(error)
    else:
        verdict, words = True, ""
    assert CHECK.is_valid(document) is verdict, words


def test_the_schema_is_one_and_shows_no_secret() -> None:
    """Valid by the draft; a secret is marked, and its default left out."""
    found = json_schema(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(found)
    assert found["properties"]["token"] == {"type": "string", "writeOnly": True}
    assert found["properties"]["tls"]["properties"]["port"] == {"type": "integer", "default": 443}


class Pair(NamedTuple):
    """A table, or a list in order."""

    x: int
    y: str = "q"


@dataclass
class Recorded:
    """Records, tables with numbers for keys, and what may be none."""

    pair: Pair = field(default_factory=lambda: Pair(1))
    pairs: list[Pair] = field(default_factory=list)
    by: dict[int, Pair] = field(default_factory=dict)
    none: int | None = None
    number: int = 1


@pytest.mark.parametrize(
    ("document", "legal"),
    [
        ({"pair": [1, "a"]}, True),
        ({"pair": ["a"]}, False),
        ({"pair": [1, "a", 2]}, False),
        ({"pairs": [[1]]}, True),
        ({"by": {"1": {"x": 1}}}, True),
        ({"by": {"a": {"x": 1}}}, False),
        ({"unset": ["none"]}, True),
        ({"unset": ["by.1"]}, True),
        ({"unset": ["number"]}, False),
        ({"unset": ["nothing"]}, False),
    ],
)
def test_records_and_names_have_one_verdict(document: dict[str, Any], legal: bool) -> None:
    """That of the JSON Schema and that of a resolve."""
    schema = Schema("recorded", [View(Recorded, "")])
    assert jsonschema.Draft202012Validator(json_schema(schema)).is_valid(document) is legal
    try:
        resolve(schema, Precedence("file"), file.parse(json.dumps(document), file="/r.json"))
    except ConfigError:
        assert not legal
    else:
        assert legal
