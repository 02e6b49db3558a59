"""A secret in a wrong place, in a wrong form, or in a section that is a secret is shown nowhere."""

from __future__ import annotations

import json
import tomllib
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from ptyconf import ConfigError, Layer, Schema, View, diff, resolve, schema_of
from ptyconf.freeze import freeze
from ptyconf.load import DEFAULT
from ptyconf.report import dump_toml, story, table, to_json, tree
from ptyconf.report.jsonschema import json_schema
from ptyconf.report.template import template
from ptyconf.sources import environment, file, flags, mapping, toml
from ptyconf.text.show import toml_text

CANARY = "canary-secret"


@dataclass
class Auth:
    """Secrets of every form."""

    user: str = "u"
    password: str = field(default="", metadata={"secret": True})
    pins: list[int] = field(default_factory=list, metadata={"secret": True})
    keys: dict[str, str] = field(default_factory=dict, metadata={"secret": True})
    mode: Literal["canary-secret", "b"] = field(default="b", metadata={"secret": True})


@dataclass
class Tok:
    """A member of a union."""

    kind: Literal["tok"] = "tok"
    token: str = field(default="", metadata={"secret": True})


@dataclass
class Key:
    """The other one."""

    kind: Literal["key"] = "key"
    size: int = 1


@dataclass
class Plain:
    """A section without secrets of its own."""

    user: str = ""
    inner: Key = field(default_factory=Key)


@dataclass
class App:
    """They stand everywhere."""

    auth: Auth = field(default_factory=Auth)
    auths: list[Auth] = field(default_factory=list)
    by: dict[str, Auth] = field(default_factory=dict)
    maybe: Auth | None = None
    either: Tok | Key = field(default_factory=Key)
    whole: Plain = field(default_factory=Plain, metadata={"secret": True})
    size: int = 1


SCHEMA = schema_of(App)
IN_A_SECTION: list[dict[str, Any]] = [
    {"user": {"password": CANARY}},
    {"user": [{"pasword": CANARY}]},
    {"password": [CANARY]},
    {"password": {"x": CANARY}},
    {"pins": [CANARY]},
    {"pins": CANARY},
    {"keys": CANARY},
    {"keys": {"a": [CANARY]}},
    {"mode": f"{CANARY}x"},
    {"pasword": CANARY},
    {"PASSWORD": CANARY},
]
DOCUMENTS: list[dict[str, Any]] = [
    *({"auth": part} for part in IN_A_SECTION),
    *({"auths": [part]} for part in IN_A_SECTION),
    *({"by": {"k": part}} for part in IN_A_SECTION),
    *({"maybe": part} for part in IN_A_SECTION),
    *({name: wrong} for name in ("auth", "auths", "by", "maybe", "either") for wrong in (CANARY, [CANARY])),
    {"aut": {"password": CANARY}},
    {"size": {"password": CANARY}},
    {"either": {"kind": "tok", "token": [CANARY]}},
    {"either": {"token": CANARY, "size": 2}},
    {"either": {"tokn": CANARY}},
    {"whole": {"user": [CANARY]}},
    {"whole": {"usr": CANARY}},
    {"whole": {"inner": {"size": CANARY}}},
]
SOURCES: dict[str, Callable[[dict[str, Any]], list[Layer]]] = {
    "toml": lambda document: toml.parse("\n".join(f"{key} = {toml_text(document[key])}" for key in document)),
    "json": lambda document: file.parse(json.dumps(document), file="/x/a.json"),
    "overrides": lambda document: [mapping.layer("overrides", document)],
    "variable": lambda document: [
        environment.layer("A", {f"A__{key.upper()}": toml_text(document[key]) for key in document})
    ],
    "flag": lambda document: [
        flags.parse([f"--{key}={toml_text(document[key])}" for key in document], SCHEMA)[0]
    ],
}


@pytest.mark.parametrize("source", SOURCES)
def test_no_error_shows_a_secret(source: str) -> None:
    """In whatever source, place and form it is wrong: the words, the hints and the traceback."""
    for document in DOCUMENTS:
        with pytest.raises(ConfigError) as caught:
            resolve(SCHEMA, DEFAULT, SOURCES[source](document))
        words = [str(caught.value), repr(caught.value), *traceback.format_exception_only(caught.value)]
        assert CANARY not in "\n".join(words), document


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"auths": [{"password": CANARY}]}, {"auths": []}),
        ({"either": {"kind": "tok", "token": CANARY}}, {"either": {"kind": "key"}}),
        ({"maybe": {"password": CANARY}}, {"maybe": None}),
        ({"whole": {"user": CANARY}}, {"whole": {"user": "x"}}),
    ],
)
def test_no_disagreement_shows_a_secret(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Of what holds secrets, and of what stands in a section that is one."""
    with pytest.raises(ConfigError, match="must agree") as caught:
        resolve(SCHEMA, DEFAULT, [mapping.layer("overrides", each) for each in (first, second)])
    assert CANARY not in str(caught.value)


def _words(schema: Schema) -> str:
    given = {
        "auth": {"password": CANARY, "keys": {"a": CANARY}, "mode": CANARY},
        "auths": [{"password": CANARY}],
        "either": {"kind": "tok", "token": CANARY},
        "whole": {"user": CANARY},
    }
    resolution = resolve(schema, DEFAULT, [mapping.layer("overrides", given)])
    other = resolve(schema, DEFAULT, [])
    return "\n".join(
        [
            dump_toml(resolution),
            freeze(resolution).dumps(),
            json.dumps(to_json(resolution)),
            table(resolution),
            tree(resolution),
            *(story(resolution, path) for path in resolution),
            str(diff(resolution, other)),
            str(freeze(resolution).compare(other)),
            template(schema),
            json.dumps(json_schema(schema)),
        ]
    )


def test_a_section_may_be_a_secret_as_a_whole() -> None:
    """All settings in it are, in every report; with an explicit View too, and the template still loads."""
    inner, whole = View(Key, "whole.inner"), View(Plain, "whole")
    whole = View(Plain, "whole", {"inner": inner})
    explicit = Schema("s", [inner, View(App, "", {"whole": whole}), whole])
    for schema in (SCHEMA, explicit):
        assert {path for path in schema if path.startswith("whole") and schema[path].secret} == {
            "whole.user",
            "whole.inner.kind",
            "whole.inner.size",
        }
        assert CANARY not in _words(schema)
    tomllib.loads(template(SCHEMA))
    lines = [line.removeprefix("# ") for line in template(SCHEMA).splitlines()[1:]]
    resolve(SCHEMA, DEFAULT, toml.parse("\n".join(lines)))


@dataclass
class Inner:
    """A section with a secret."""

    pw: str = field(default="", metadata={"secret": True})


@dataclass
class Outer:
    """One around it."""

    port: int = 1
    inner: Inner = field(default_factory=Inner)


@dataclass
class Wider(Outer):
    """A subclass of that, which does not stand for it."""

    more: int = 3


@pytest.mark.parametrize("place", ["outer.inner.pw", "elsewhere.pw"])
def test_an_instance_that_is_refused_shows_no_secret(place: str) -> None:
    """One deeper inside it, wherever its setting stands; a text in its place, too."""
    inner = View(Inner, place.rpartition(".")[0])
    schema = Schema("App", [View(Outer, "outer", {"inner": inner})])
    for value in (Wider(2, Inner("hunter2")), "hunter2"):
        with pytest.raises(ConfigError, match=r"'outer' is \*+; expected") as refused:
            resolve(schema, DEFAULT, [mapping.layer("overrides", {"outer": value})])
        assert "hunter" not in str(refused.value)


@dataclass
class Bare:
    """A class without secrets."""

    n: int = 1


@dataclass
class Keyed(Bare):
    """A subclass of it with one."""

    pw: str = field(default="", metadata={"secret": True})


@dataclass
class Holder:
    """The first as a section, and in a list."""

    one: Bare = field(default_factory=Bare)
    many: list[Bare] = field(default_factory=list)
    number: int = 1


@pytest.mark.parametrize("overrides", [{"one": Keyed(1, "hunter2")}, {"many": [Keyed(1, "hunter2")]}])
def test_an_instance_hides_the_secrets_of_its_class(overrides: dict[str, Any]) -> None:
    """Also where the settings in whose place it stands have none."""
    with pytest.raises(ConfigError, match=r"is \*+; expected a Bare itself") as refused:
        resolve(schema_of(Holder), DEFAULT, [mapping.layer("overrides", overrides)])
    assert "hunter" not in str(refused.value)
    with pytest.raises(ConfigError, match=r"'number' is \*+; expected"):
        resolve(schema_of(Holder), DEFAULT, [mapping.layer("overrides", {"number": Keyed(1, "hunter2")})])
