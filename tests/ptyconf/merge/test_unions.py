"""Unions of sections: chosen by a tag, given in parts by flags and dotted keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from ptyconf import ConfigError, load, provenance_of
from ptyconf.report import dump_toml


@dataclass
class Cat:
    """One member."""

    kind: Literal["cat"] = "cat"
    name: str = "c"


@dataclass
class Dog:
    """The other one."""

    kind: Literal["dog"] = "dog"
    name: str = "d"


@dataclass
class Zoo:
    """One of them, and a table."""

    pet: Cat | Dog = field(default_factory=Cat)
    pets: dict[str, Cat | Dog] = field(default_factory=dict)


def test_parts_of_a_union_say_together_what_it_is() -> None:
    """As flags, as dotted keys, as variables; the hint is in the language of the source."""
    words = ["--pet.kind", "dog", "--pet.name=rex", "--pets.x.name", "tom", "--pets.x.kind=cat"]
    assert load(Zoo, flags=words) == Zoo(Dog(name="rex"), {"x": Cat(name="tom")})
    dotted = {"pet.kind": "dog", "pet.name": "rex"}
    assert load(Zoo, overrides=dotted) == Zoo(Dog(name="rex"))
    with pytest.raises(
        ConfigError, match=r"'pet' may be .*; kind says which\n(.*\n)*  try +--pet.kind cat or"
    ):
        load(Zoo, flags=["--pet.name=rex"])


def test_a_missing_tag_is_one_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint lists them, the place is that of a part; a wrong tag is near one."""
    monkeypatch.setenv("APP__PET__NAME", "rex")
    with pytest.raises(ConfigError) as caught:
        load(Zoo, env="APP")
    (problem,) = caught.value.exceptions
    assert str(problem).endswith("try         APP__PET__KIND=cat or APP__PET__KIND=dog")
    assert str(problem.origin) == "APP__PET__NAME"  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=r'expected one of "cat", "dog"\n(.*\n)*  try +--pet.kind dog$'):
        load(Zoo, flags=["--pet.kind=dogg"])


@dataclass
class Memory:
    """A member without a tag."""

    size: int = 1


@dataclass
class Disk:
    """The other one, with a key that may be none."""

    path: str = "/"
    level: int = 1
    label: str | None = "l"


@dataclass
class Stores:
    """Unions everywhere."""

    store: Memory | Disk = field(default_factory=Memory)
    table: dict[str, Memory | Disk] = field(default_factory=dict)
    rows: list[Memory | Disk] = field(default_factory=list)
    spare: Memory | Disk | None = None


def test_a_union_is_one_value_that_replaces(tmp_path: Path) -> None:
    """A higher layer's keys do not join those of a lower one; each leaf has its own place."""
    file = tmp_path / "a.toml"
    file.write_text('[store]\npath = "/x"\n[profile.p]\nstore.level = 3\n')
    stores = load(Stores, file, profile="p")
    assert stores.store == Disk(level=3)
    assert str(provenance_of(stores).trace("store.level").winner.origin).startswith(f"{file}:4:1")


@pytest.mark.parametrize("levels", [{}, {"level": 4}])
def test_what_is_unset_in_a_union_belongs_to_its_table(levels: dict[str, int], tmp_path: Path) -> None:
    """A dump lists it in ``unset`` and loads back equal: as a section, in a table, a list, an option."""
    disk = {"path": "/x", "label": None, **levels}
    stores = load(Stores, overrides={"store": disk, "table": {"a": disk}, "rows": [disk], "spare": disk})
    file = tmp_path / "dump.toml"
    file.write_text(dump_toml(provenance_of(stores)))
    assert load(Stores, file) == stores
    file.write_text('unset = ["store.label", "spare.label"]\n')
    assert load(Stores, file) == Stores(store=Disk(label=None), spare=Disk(label=None))
