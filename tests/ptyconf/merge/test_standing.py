"""What no file can say of instances stands again where it is the default, and is said where it is lost."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptyconf import ConfigError, Resolution, load, provenance_of, schema_of
from ptyconf.freeze import Frozen, freeze
from ptyconf.report import dump_toml
from tests.ptyconf.merge.test_default_instances import Counted, Loud, Seeded, blank, defaults


@dataclass
class Base:
    """A member of a union that another one inherits from."""

    name: str = "b"


@dataclass
class Child(Base):
    """The other one."""

    extra: str = "e"


@dataclass
class Either:
    """Unions whose members no key tells."""

    one: Base | Child = field(default_factory=lambda: Base("default"))
    by: dict[int, Base | Child] = field(default_factory=dict)
    all: list[Base | Child] = field(default_factory=list)


def known(config: Any) -> Resolution:
    """Give what a config was built of."""
    resolution = provenance_of(config)
    assert resolution is not None
    return resolution


def read_again(app: Any, text: str) -> Any:
    """Load a text as a file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "dump.toml"
        file.write_text(text, encoding="utf-8")
        return load(app, str(file))


@settings(max_examples=50)
@given(st.lists(defaults(), min_size=1, max_size=3))
def test_default_instances_come_back_from_files(members: list[tuple[Any, Any]]) -> None:
    """From a dump, and from a frozen file without a warning."""
    app = make_dataclass("App", [(f"f{number}", *member) for number, member in enumerate(members)])
    config = load(app)
    assert read_again(app, dump_toml(known(config))) == config
    frozen = freeze(known(config))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert frozen.replay(schema_of(app)).build(app) == config
        again = Frozen.loads(frozen.dumps())
        replayed = again.replay(schema_of(app))
    assert again == frozen
    assert replayed.build(app) == config
    assert freeze(replayed) == frozen


KINDS = st.sampled_from([(Loud, Loud("z")), (Seeded, Seeded(7)), (Counted, Counted(5))])


@settings(max_examples=30)
@given(KINDS, st.sampled_from(["alone", "table", "list"]))
def test_given_instances_are_said_to_be_lost(case: Any, holder: str) -> None:
    """By the lines of a dump, and by a warning of a replay."""
    kind, instance = case
    held, value, place = {
        "alone": (kind, instance, "f"),
        "table": (dict[str, kind], {"k": instance}, "f.k"),
        "list": (list[kind], [instance], "f[0]"),
    }[holder]
    app = make_dataclass("App", [("f", held, blank(held))])
    resolution = known(load(app, overrides={"f": value}))
    lines = [line for line in dump_toml(resolution).splitlines() if " = " in line]
    assert lines
    assert all("made anew by a load" in line for line in lines)
    frozen = freeze(resolution)
    assert frozen.instances == (place,)
    with pytest.warns(UserWarning, match="made anew"):
        frozen.replay(schema_of(app))


LETTERS = st.sampled_from("xy")
MEMBERS = st.builds(Base, LETTERS) | st.builds(Child, LETTERS, LETTERS)


@settings(max_examples=40)
@given(MEMBERS, st.dictionaries(st.integers(0, 3), MEMBERS, max_size=2), st.lists(MEMBERS, max_size=2))
def test_members_that_no_key_tells_are_frozen(one: Any, by: dict[int, Any], members: list[Any]) -> None:
    """And come back as instances of their own classes."""
    config = load(Either, overrides={"one": one, "by": by, "all": members})
    frozen = Frozen.loads(freeze(known(config)).dumps())
    replayed = frozen.replay(schema_of(Either))
    assert replayed.build(Either) == config
    assert freeze(replayed) == frozen


def test_a_member_that_no_key_tells_is_said() -> None:
    """By the dump; the default loads again, and the error of any other one has a key to try."""
    assert read_again(Either, dump_toml(known(load(Either)))) == load(Either)
    text = dump_toml(known(load(Either, overrides={"one": Base("q")})))
    assert 'one = {name = "q"}' in text
    assert "Base, which no key tells" in text
    with pytest.raises(ConfigError, match='try         extra = "e"'):
        read_again(Either, text)
    assert read_again(Either, 'one = {name = "q", extra = "e"}').one == Child("q")
