"""Choices and limits of what holds others: each element is looked at, and the merged value is measured."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Precedence, Schema, Setting, load, resolve, schema_of
from ptyconf.report import dump_toml
from ptyconf.report.jsonschema import json_schema
from ptyconf.report.template import template
from ptyconf.sources import file, mapping

CHOSEN = {"choices": ("q", "r", "s")}


@dataclass
class App:
    """Choices of every shape."""

    one: str = field(default="q", metadata=CHOSEN)
    several: list[str] = field(default_factory=lambda: ["q"], metadata=CHOSEN)
    pair: tuple[str, str] = field(default=("q", "r"), metadata=CHOSEN)
    either: str | list[str] = field(default="q", metadata=CHOSEN)
    table: dict[str, str] = field(default_factory=dict, metadata=CHOSEN)
    deep: list[list[str]] = field(default_factory=list, metadata=CHOSEN)
    absent: list[str] | None = field(default=None, metadata=CHOSEN)
    whole: list[int] = field(default_factory=lambda: [1], metadata={"choices": ([1], [1, 2])})


ends = st.sampled_from(["q", "r", "s", "x"])
VALUES: dict[str, Any] = {
    "one": ends,
    "several": st.lists(ends, max_size=3),
    "pair": st.lists(ends, min_size=2, max_size=2),
    "either": ends | st.lists(ends, max_size=3),
    "table": st.dictionaries(ends, ends, max_size=2),
    "deep": st.lists(st.lists(ends, max_size=2), max_size=2),
    "absent": st.lists(ends, max_size=3),
    "whole": st.lists(st.integers(1, 2), max_size=2),
}


def written_ends(value: Any) -> list[Any]:
    """List the ends of a value."""
    if isinstance(value, dict):
        value = list(value.values())
    return [end for item in value for end in written_ends(item)] if isinstance(value, list) else [value]


@given(st.sampled_from(list(VALUES)).flatmap(lambda name: st.tuples(st.just(name), VALUES[name])))
def test_every_end_is_one_of_the_choices(sample: tuple[str, Any]) -> None:
    """And the JSON Schema says the same."""
    name, value = sample
    legal = value in ([1], [1, 2]) if name == "whole" else "x" not in written_ends(value)
    described = jsonschema.Draft202012Validator(json_schema(schema_of(App)))
    assert described.is_valid(json.loads(json.dumps({name: value}))) == legal
    if legal:
        load(App, overrides={name: value})
    else:
        with pytest.raises(ConfigError, match="expected one of"):
            load(App, overrides={name: value})


def test_the_wrong_element_is_blamed(jail: Any) -> None:
    """At its own line, with the choices."""
    jail("a.toml", 'several = [\n  "q",\n  "x",\n]\n')
    with pytest.raises(ConfigError) as caught:
        load(App, "a.toml")
    assert str(caught.value) == (
        '\'several\' is ["q", "x"]; expected one of "q", "r", "s" at [1]\n  written in  a.toml:3:3'
    )


def test_the_template_tells_the_choices_of_elements() -> None:
    """In the words of a list of such."""
    assert '(a list of one of "q", "r", "s"' in template(schema_of(App))


class Length:
    """A limit, as annotated-types has it."""

    def __init__(self, least: int, most: int) -> None:
        self.min_length, self.max_length = least, most


@dataclass
class Node:
    """A section."""

    port: int = 1


@dataclass
class Bounded:
    """Limits of what holds others."""

    table: Annotated[dict[str, int], Length(0, 2)] = field(default_factory=dict)
    nodes: Annotated[dict[str, Node], Length(0, 2)] = field(default_factory=dict)
    items: Annotated[list[Node], Length(0, 2)] = field(default_factory=list)
    joined: Annotated[list[int], Length(0, 2)] = field(default_factory=list, metadata={"merge": "append"})
    absent: Annotated[dict[str, int], Length(1, 2)] | None = None


SIZES = st.integers(0, 2)


@given(st.sampled_from(["table", "nodes", "items", "joined", "absent"]), SIZES, SIZES)
def test_limits_measure_the_merged_value(name: str, above: int, below: int) -> None:
    """Over all layers; nothing raw comes out."""

    def layer(at: str, size: int) -> Any:
        table = {f"{at}{number}": {} if name == "nodes" else number for number in range(size)}
        values = {"joined": list(range(size)), "items": [{} for _ in range(size)]}
        return mapping.layer(at, {name: values.get(name, table)})

    size = {"items": above}.get(name, above + below)
    layers = [layer("high", above), layer("low", below)]
    legal = size <= 2 and not (name == "absent" and size == 0)
    if legal:
        resolve(schema_of(Bounded), Precedence("high", "low"), layers)
    else:
        with pytest.raises(ConfigError, match="of length at"):
            resolve(schema_of(Bounded), Precedence("high", "low"), layers)


def test_a_text_spells_the_choice_that_is_none() -> None:
    """A number without quotes is the number, where that is a choice."""

    @dataclass
    class Mixed:
        x: Literal["1", 1, "true", True, "a"] = "a"

    spelled = {"1": 1, '"1"': "1", "true": True, '"true"': "true", "a": "a", '"a"': "a"}
    for text, value in spelled.items():
        read = load(Mixed, flags=["--x", text]).x
        assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "default", "text"), [(Path, Path("a"), '"b/c"'), (list[Path], [], '["b/c"]')]
)
def test_a_relative_path_may_be_chosen_in_a_file(kind: Any, default: Any, text: str) -> None:
    """It is a word then, which no folder changes; a dump says the same."""
    setting = Setting("p", kind, default, choices=(Path("a"), Path("b/c")))
    schema = Schema("s", settings=[setting])
    order = Precedence("file")
    resolution = resolve(schema, order, file.parse(f"p = {text}", file="/x/y.toml"))
    assert resolution["p"] in (Path("b/c"), [Path("b/c")])
    again = file.parse(dump_toml(resolution, folder="/z"), file="/z/y.toml")
    assert resolve(schema, order, again)["p"] == resolution["p"]
