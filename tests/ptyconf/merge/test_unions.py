"""Unions of sections: chosen by a tag, given in parts by flags and dotted keys."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Precedence, load, provenance_of, resolve, schema_of
from ptyconf.freeze import Frozen, freeze
from ptyconf.report import dump_toml, to_json
from ptyconf.sources import mapping, toml


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
    assert load(Zoo, flags=["--pet.name=rex"]) == Zoo(Cat(name="rex"))  # as the default says
    words = r"'pets.x' may be .*; kind says which\n(.*\n)*  try +--pets.x.kind cat"
    with pytest.raises(ConfigError, match=words):
        load(Zoo, flags=["--pets.x.name=rex"])


@dataclass
class Mem:
    """One that is told apart by its keys."""

    label: str | None = None
    size: int = 1


@dataclass
class Disk:
    """The other one."""

    path: str = "/"
    level: int = 0
    label: str | None = "d"


@dataclass
class Store:
    """One of them, and a table."""

    cache: Mem | Disk = field(default_factory=Mem)
    caches: dict[str, Mem | Disk] = field(default_factory=lambda: {"k": Mem(size=7)})


tables = st.dictionaries(
    st.sampled_from(["label", "size", "path", "level"]), st.integers(0, 9), max_size=2
).map(lambda table: {key: value if key in ("size", "level") else f"/{value}" for key, value in table.items()})


def meant(table: dict[str, Any]) -> type | None:
    """Give the class that has all keys of a table, None where both have them."""
    return Mem if "size" in table else Disk if {"path", "level"} & table.keys() else None


def oracle(default: Any, layers: list[dict[str, Any]]) -> Any:
    """Walk the layers down from the highest that says what is meant, to the first that means another."""
    kinds = [meant(table) for table in layers]
    decider = next((kind for kind in reversed(kinds) if kind is not None), type(default))
    counted: dict[str, Any] = {}
    for table, kind in zip(reversed(layers), reversed(kinds), strict=True):
        if kind not in (None, decider):
            return decider(**counted)
        counted = {**table, **counted}
    return replace(default, **counted) if type(default) is decider else decider(**counted)


@given(st.lists(tables.filter(lambda table: not ("size" in table and {"path", "level"} & table.keys()))))
@pytest.mark.parametrize("place", ["cache", "caches"])
def test_layers_of_one_member_merge(place: str, layers: list[dict[str, Any]]) -> None:
    """The highest that says what is meant decides; of another member, a layer ends what lies below it."""
    order = [f"layer{number}" for number in range(len(layers))]
    made = [
        mapping.layer(name, {place: table if place == "cache" else {"k": table}})
        for name, table in zip(order, layers, strict=True)
    ]
    schema = schema_of(Store)
    resolution = resolve(schema, Precedence(*(order[::-1] or ["none"])), made)
    got = resolution.build(Store)
    if place == "cache":
        assert got == Store(cache=oracle(Mem(), layers))
    else:
        assert got == Store(caches={"k": oracle(Mem(size=7), layers)})
    for path in resolution:
        trace = resolution.trace(path)
        assert trace.value == resolution.value(path)
        assert trace.value in ({}, trace.winner.value)
    assert to_json(pickle.loads(pickle.dumps(resolution))) == to_json(resolution)
    again = resolve(schema, Precedence("file"), toml.parse(dump_toml(resolution), name="file"))
    assert again.build(Store) == got
    assert Frozen.loads(freeze(resolution).dumps()).replay(schema).build(Store) == got


def test_what_a_file_unsets_belongs_to_its_table(tmp_path: Path) -> None:
    """A union is read with it, also in a table by key."""
    file = tmp_path / "a.toml"
    file.write_text('unset = ["cache.label", "caches.n.label"]\ncache.path = "/x"\ncaches.n.level = 2\n')
    got = load(Store, str(file))
    assert got == Store(Disk("/x", label=None), {"k": Mem(size=7), "n": Disk(level=2, label=None)})


@dataclass
class Small:
    """A class."""

    a: int = 1


@dataclass
class Large(Small):
    """A subclass, of which any table may be."""

    b: int = 2


@dataclass
class Sizes:
    """The subclass by default."""

    one: Small | Large = field(default_factory=Large)
    many: dict[str, Small | Large] = field(default_factory=lambda: {"k": Large()})


@given(st.sampled_from([Small(5), Large(6, 7)]), st.sampled_from([Small(5), Large(6, 7)]))
def test_a_table_that_is_written_whole_is_its_class(one: Small, other: Small) -> None:
    """A dump and a frozen file say that nothing below counts, so that they come back equal."""
    made = load(Sizes, overrides={"one": one, "many": {"k": other}})
    known = provenance_of(made)
    assert known is not None
    schema = schema_of(Sizes)
    again = resolve(schema, Precedence("file"), toml.parse(dump_toml(known), name="file"))
    assert again.build(Sizes) == made
    assert Frozen.loads(freeze(known).dumps()).replay(schema).build(Sizes) == made
