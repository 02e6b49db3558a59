"""Lists in variables and flags: by number, with a separator, wherever they stand."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field, make_dataclass
from itertools import chain
from typing import Annotated, Any, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, load, provenance_of


@dataclass
class Part:
    """Lists of single values."""

    ids: list[int | str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list, metadata={"text": ","})


@dataclass
class Whole:
    """The same at the top, in a section, an option, a table and a list."""

    ids: list[int | str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list, metadata={"text": ","})
    section: Part = field(default_factory=Part)
    option: Part | None = None
    table: dict[str, Part] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)


class Right(enum.Flag):
    """Rights that are granted together."""

    READ = enum.auto()
    WRITE = enum.auto()
    SHARE = enum.auto()


@dataclass
class Door:
    """A flag enum by itself and one that may be absent."""

    rights: Right = Right.READ
    more: Annotated[Right, "what guests may"] | None = None


FLAGS = ("", "section.", "option.", "table.k.", "parts[0].")
VARIABLES = ("", "SECTION__", "OPTION__", "TABLE__K__", "PARTS__0__")
IDS = st.lists(st.one_of(st.integers(-99, 99), st.sampled_from(["a", "b c", "x,y"])), min_size=1, max_size=3)


def lists_of(whole: Whole) -> list[Part]:
    """Every place of the lists, in the order of the prefixes."""
    assert whole.option is not None
    return [Part(whole.ids, whole.tags), whole.section, whole.option, whole.table["k"], whole.parts[0]]


@given(ids=IDS)
def test_elements_by_number_make_the_list(ids: list[int | str]) -> None:
    """As flags and as variables, at any place; each element is read as its text alone would be."""
    words = [word for at in FLAGS for n, value in enumerate(ids) for word in (f"--{at}ids[{n}]={value}",)]
    assert [part.ids for part in lists_of(load(Whole, flags=words))] == [ids] * 5
    variables = {f"K__{at}IDS__{n}": str(value) for at in VARIABLES for n, value in enumerate(ids)}
    with pytest.MonkeyPatch.context() as patch:
        for name, text in variables.items():
            patch.setenv(name, text)
        assert [part.ids for part in lists_of(load(Whole, env="K"))] == [ids] * 5


def test_a_separator_counts_at_every_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below options, tables and lists as at the top, also when the names have been seen before."""
    words = [f"--{at}tags=q,r" for at in FLAGS]
    assert [part.tags for part in lists_of(load(Whole, flags=words))] == [["q", "r"]] * 5
    for turn in ("q,r", "q,s", "t"):
        for at in VARIABLES:
            monkeypatch.setenv(f"K__{at}TAGS", turn)
        assert [part.tags for part in lists_of(load(Whole, env="K"))] == [turn.split(",")] * 5


OLDER = Optional[list[str]]  # noqa: UP045  The other way to write it, which is another type.


@pytest.mark.parametrize("kind", [list[str] | None, OLDER, Annotated[list[str] | None, "words"], list[str]])
@pytest.mark.parametrize("separator", ["", ","])
def test_a_list_that_may_be_absent_is_a_list(kind: Any, separator: str) -> None:
    """However its type is written; it is also absent in the word of every such setting."""
    default: Any = field(default=None, metadata={"text": separator} if separator else {})
    app = make_dataclass("App", [("tags", kind, default)])
    together = ["--tags=q,r"] if separator else ["--tags=q", "--tags=r"]
    for words in (together, ["--tags[0]=q", "--tags[1]=r"], ['--tags=["q", "r"]']):
        assert load(app, flags=words).tags == ["q", "r"]
    assert load(app, flags=["--tags=q"]).tags == ["q"]
    assert load(app, flags=["--tags=none"]).tags == (["none"] if kind == list[str] else None)


@pytest.mark.parametrize("at", FLAGS)
def test_a_gap_in_the_numbers_is_told(at: str) -> None:
    """With the place of what was given."""
    with pytest.raises(ConfigError, match="have no number 0") as caught:
        load(Whole, flags=[f"--{at}ids[1]=7"])
    assert f"--{at}ids[1]" in str(caught.value)


@pytest.mark.parametrize("whole", ["--ids=[1]", "--parts=[]"])
def test_whole_and_by_number_is_refused(whole: str) -> None:
    """One of the two would be lost."""
    element = "--parts[0].ids[0]" if "parts" in whole else "--ids[0]"
    with pytest.raises(ConfigError, match="is given whole and by number"):
        load(Whole, flags=[whole, f"{element}=1"])


def test_a_list_by_number_has_the_place_of_its_first_element(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody typed the list as a whole."""
    monkeypatch.setenv("K__OPTION__IDS__0", "1")
    resolution = provenance_of(load(Whole, env="K", flags=["--ids[0]=1"]))
    assert str(resolution.trace("ids").winner.origin) == "--ids[0]"
    assert str(resolution.trace("option.ids").winner.origin) == "K__OPTION__IDS__0"
    assert json.dumps(resolution["ids"]) == "[1]"


@given(words=st.lists(st.lists(st.sampled_from([*Right.__members__]), min_size=1), min_size=1, max_size=4))
def test_a_repeated_flag_gathers_the_names_of_a_flag_enum(words: list[list[str]]) -> None:
    """Names given one by one, together, or both ways are all granted; no word is lost."""
    granted = Right(0)
    for name in chain(*words):
        granted |= Right[name]
    typed = [word for names in words for word in ("--rights", ",".join(names), "--more", ",".join(names))]
    assert load(Door, flags=typed) == Door(granted, granted)
