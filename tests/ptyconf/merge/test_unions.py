"""Unions of sections: chosen by a tag, given in parts by flags and dotted keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest

from ptyconf import ConfigError, load


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
    with pytest.raises(ConfigError, match=r"'pet' may be .*; kind says which\n(.*\n)*  try +--pet.kind cat"):
        load(Zoo, flags=["--pet.name=rex"])
