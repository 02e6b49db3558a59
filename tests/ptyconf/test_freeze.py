"""Canonical form, fingerprint, replay."""

from __future__ import annotations

import datetime
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Precedence, Schema, Setting, View, resolve
from ptyconf.freeze import Frozen, freeze
from ptyconf.report import story
from ptyconf.sources import mapping, toml


def test_fingerprint_is_of_values_alone(program: SimpleNamespace) -> None:
    """Independent of layers and of their order; any change of value changes it."""
    by_file = program.resolve(*toml.parse("training.nepochs = 7\n"))
    by_hand = program.resolve(overrides={"nepochs": 7})
    assert freeze(by_file).sha256 == freeze(by_hand).sha256
    assert freeze(by_file).sha256 != freeze(program.resolve(overrides={"nepochs": 8})).sha256


def test_what_is_hashed_is_documented(program: SimpleNamespace) -> None:
    """The canonical text: sorted keys, no blanks, program, settings, version."""
    schema = Schema("demo", (), [Setting("b.y", Path, Path("x/y")), Setting("b.x", float, 1.0)])
    found = freeze(resolve(schema, Precedence("o"), []))
    assert found.canonical == '{"program":"demo","settings":{"b.x":1.0,"b.y":"x/y"},"version":1}'
    assert found.sha256 == hashlib.sha256(found.canonical.encode()).hexdigest()


def test_replay_gives_the_same_values(program: SimpleNamespace) -> None:
    """Through a file, without any of the layers."""
    resolution = program.resolve(overrides={"gridsize": 3, "tags": ["a"], "data_file": "x/y.npz"})
    kept = Frozen.loads(freeze(resolution).dumps())
    again = kept.replay(program.schema)
    assert dict(again) == dict(resolution)
    assert again.trace("training.tags").winner.layer == "frozen"
    assert kept.compare(again) == ()


def test_compare_names_the_layer_that_disagrees(program: SimpleNamespace) -> None:
    """With its place and both values."""
    kept = freeze(program.resolve())
    now = program.resolve(*toml.parse("training.nepochs = 7\n", file="/x/run.toml"))
    found = kept.compare(now)
    assert [str(each) for each in found] == [
        "training.nepochs: frozen 50, now 7 (file: /x/run.toml:1:1 training.nepochs)"
    ]
    assert found[0].as_dict()["layer"] == "file"


def test_secrets_are_left_out(program: SimpleNamespace) -> None:
    """A marker stands; the fingerprint never depends on them, and their text is nowhere."""
    kept = [freeze(program.resolve(overrides={"token": f"canary{number}"})) for number in range(2)]
    assert kept[0].sha256 == kept[1].sha256
    assert "canary" not in kept[0].dumps() + kept[0].canonical
    assert kept[0].settings["training.token"] == {"$secret": "left out"}
    assert kept[0].replay(program.schema).value("training.token") == ""
    assert kept[0].compare(program.resolve(overrides={"token": "other"})) == ()


def test_secrets_may_be_hashed_beside_the_text(program: SimpleNamespace) -> None:
    """Slowly and with a salt, so that a change is seen; the canonical text and the fingerprint stay."""
    now = [program.resolve(overrides={"token": f"canary{number}"}) for number in range(2)]
    kept = Frozen.loads(freeze(now[0], secrets="scrypt").dumps())
    assert kept.sha256 == freeze(now[0]).sha256
    assert "canary" not in kept.dumps()
    assert kept.secrets != freeze(now[0], secrets="scrypt").secrets
    assert kept.compare(now[0]) == ()
    place = now[1].trace("training.token").winner.origin
    assert [str(each) for each in kept.compare(now[1])] == [
        f"training.token: another secret than the frozen one (overrides: {place})"
    ]


def test_a_changed_file_is_refused(program: SimpleNamespace) -> None:
    """The fingerprint must fit; anything else is no frozen configuration."""
    text = freeze(program.resolve()).dumps()
    with pytest.raises(ConfigError, match=r"^the frozen settings have the fingerprint [0-9a-f]{12}..., not "):
        Frozen.loads(text.replace('"training.nepochs": 50', '"training.nepochs": 51'))
    for broken in ("", "[]", "{}", '{"program": 1}', "[" * 100_000):
        with pytest.raises(ConfigError, match=r"^this is no frozen configuration"):
            Frozen.loads(broken)


@dataclass
class Odd:
    """Values that JSON has no word for."""

    at: datetime.datetime = datetime.datetime(2026, 1, 2, 3, 4)
    limit: float = field(default=float("inf"), metadata={"nonfinite": True})
    names: frozenset[str] = frozenset({"b", "a"})
    pair: tuple[int, int] = (1, 2)
    nothing: int | None = None


@given(
    st.floats(),
    st.frozensets(st.text(max_size=3)),
    st.datetimes().map(lambda at: at.replace(fold=0)),
    st.integers() | st.none(),
)
def test_freeze_then_load_is_identity(
    limit: float, names: frozenset[str], at: datetime.datetime, nothing: int | None
) -> None:
    """For every kind of value."""
    schema = Schema("odd", [View(Odd, "odd")])
    values = {"odd": {"limit": limit, "names": names, "at": at, "nothing": nothing}}
    resolution = resolve(schema, Precedence("o"), [mapping.layer("o", values)])
    text = freeze(resolution).dumps()
    json.loads(text)
    again = Frozen.loads(text).replay(schema).build(Odd)
    before = resolution.build(Odd)
    assert repr(again.limit) == repr(before.limit)  # NaN equals nothing
    again.limit = before.limit = 0.0
    assert again == before


def test_frozen_settings_stand_in_order_of_path(program: SimpleNamespace) -> None:
    """Whatever order the schema has, so that two files compare line by line."""
    kept = freeze(program.resolve())
    assert list(kept.settings) == sorted(kept.settings)
    assert list(kept.settings) != list(program.schema.settings)


@dataclass
class Door:
    """A section with a secret."""

    code: str = field(default="0000", metadata={"secret": True})
    open: bool = False


@dataclass
class House:
    """Secrets at every kind of place."""

    front: Door = field(default_factory=Door)
    doors: list[Door] = field(default_factory=list)
    named: dict[str, Door] = field(default_factory=dict)
    key: str | None = field(default=None, metadata={"secret": True})


HOUSE = Schema("house", [View(House, "")])
CODES = {
    "front": {"code": "hunter2"},
    "doors": [{"open": True}, {"code": "hunter3"}],
    "named": {"a": {"code": "hunter4"}},
    "key": "hunter5",
}


def test_secrets_that_are_left_out_are_named() -> None:
    """By the file, and in their stories; what has its default says so, and nothing disagrees with itself."""
    frozen = freeze(resolve(HOUSE, Precedence("o"), [mapping.layer("o", CODES)]))
    paths = ("doors[0].code", "doors[1].code", "front.code", "key", "named.a.code")
    assert tuple(sorted(frozen.left_out)) == paths
    replayed = Frozen.loads(frozen.dumps()).replay(HOUSE)
    assert replayed.build(House) == House(doors=[Door(open=True), Door()], named={"a": Door()})
    assert story(replayed, "named.a.code").endswith(
        "  left out    frozen: a secret, which no frozen file holds"
    )
    assert frozen.compare(replayed, secrets=False) == ()
    assert "hunter" not in frozen.dumps() + "".join(map(str, frozen.compare(replayed)))
    assert "$secret" not in "".join(map(str, frozen.compare(resolve(HOUSE, Precedence("o"), []))))


def test_a_layer_above_gives_the_secrets_again() -> None:
    """The frozen values are a layer like others."""
    frozen = freeze(resolve(HOUSE, Precedence("o"), [mapping.layer("o", CODES)]))
    secrets = mapping.layer("secrets", {"front.code": "hunter2", "named.a.code": "hunter4", "key": "hunter5"})
    again = resolve(HOUSE, Precedence("secrets", "frozen"), [frozen.layer(HOUSE, file="run.json"), secrets])
    assert again.build(House).named == {"a": Door("hunter4")}
    assert again.value("key") == "hunter5"
    assert str(again.trace("doors[0].open").winner.origin.file) == "run.json"


@given(st.text(st.characters(max_codepoint=0xDFFF, min_codepoint=0xDC80), max_size=3))
def test_half_a_character_is_frozen(text: str) -> None:
    """A file name that is no UTF-8 has such; the frozen file is UTF-8, and says the same."""
    schema = Schema("s", (), [Setting("a", str, text)])
    frozen = freeze(resolve(schema, Precedence("o"), []))
    assert Frozen.loads(frozen.dumps().encode().decode()).replay(schema).value("a") == text


SIGNS = st.sampled_from(["$secret", "$$secret", "secret", "$pairs", "$date", "$"])
LOOKALIKES = st.dictionaries(SIGNS, st.sampled_from(["left out", "x"]), max_size=2)


@given(LOOKALIKES, st.dictionaries(SIGNS, LOOKALIKES, max_size=2))
def test_data_are_no_marks(texts: dict[str, str], tables: dict[str, dict[str, str]]) -> None:
    """A table that looks like what stands for a secret, or like a tag, comes back as it was."""
    settings = [Setting("a", dict[str, str], texts), Setting("b", dict[str, dict[str, str]], tables)]
    schema = Schema("s", (), settings)
    frozen = freeze(resolve(schema, Precedence("o"), []))
    again = Frozen.loads(frozen.dumps()).replay(schema)
    assert (again.value("a"), again.value("b")) == (texts, tables)
    assert frozen.left_out == ()
    assert freeze(again).sha256 == frozen.sha256
