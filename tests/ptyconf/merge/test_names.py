"""Attributes of any name: words of the engine and of cattrs, letters of every alphabet."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, make_dataclass

import attrs
import pytest

from ptyconf import ConfigError, Precedence, load, resolve, schema_of
from ptyconf.freeze import Frozen, freeze
from ptyconf.report import dump_toml, story
from ptyconf.sources import environment, flags, mapping, toml

PRECEDENCE = Precedence("overrides", "flags", "environment", "file")
WORDS = [
    "converter",
    "cl",
    "attrs",
    "items",
    "keys",
    "values",
    "value",
    "table",
    "self_",
    "größe",
    "名前",
    "é",
]
WORDS += ["typevar_map", "HOST", "_private", "none", "true", "null", "cls", "instance", "layer", "a__b"]


@pytest.mark.parametrize("inside", ["", "section.", "by.k."])
def test_every_name_is_a_setting(inside: str) -> None:
    """Read from every source, dumped, frozen and told: at the root, in a section, in a table of sections."""
    inner = make_dataclass("Inner", [(word, int, number) for number, word in enumerate(WORDS)])
    fields = [
        ("section", inner, field(default_factory=inner)),
        ("by", dict[str, inner], field(default_factory=dict)),
    ]
    app = inner if not inside else make_dataclass("App", fields)
    schema = schema_of(app)
    given = {f"{inside}{word}": number + 100 for number, word in enumerate(WORDS)}
    wanted = inner(*given.values())
    layers = [
        mapping.layer("overrides", given),
        flags.parse([f"--{path}={value}" for path, value in given.items()], schema)[0],
        toml.parse("\n".join(f'{inside}"{word}" = {given[inside + word]}' for word in WORDS))[0],
    ]
    for layer in layers:
        resolution = resolve(schema, PRECEDENCE, [layer])
        made = resolution.build(app)
        assert (made if not inside else made.section if "section" in inside else made.by["k"]) == wanted
        assert all(story(resolution, path).startswith(f"{path} = ") for path in resolution)
        again = resolve(schema, PRECEDENCE, toml.parse(dump_toml(resolution)))
        assert dict(again) == dict(resolution)
        assert dict(Frozen.loads(freeze(resolution).dumps()).replay(schema)) == dict(resolution)


@attrs.define
class Machine:
    """Names that cattrs keeps for itself, with code of their own."""

    converter: int = attrs.field(validator=attrs.validators.ge(2))
    größe: int = 1  # noqa: PLC2401  It is what is tried.


@dataclass
class App:
    """Such a class in a table."""

    by: dict[str, Machine] = field(default_factory=dict)


def test_what_a_class_with_such_names_refuses() -> None:
    """A validator, a value that is missing, and a slip: each at its place, the hint is TOML."""
    with pytest.raises(ConfigError) as caught:
        load(App, overrides={"by": {"a": {"converter": 1}, "b": {}}})
    assert [problem.path for problem in caught.value.exceptions] == ["by.a.converter", "by.b.converter"]
    with pytest.raises(ConfigError) as caught:
        resolve(schema_of(Machine), PRECEDENCE, toml.parse('"größ" = 3', file="/x/a.toml"))
    (problem,) = caught.value.exceptions
    assert tomllib.loads(problem.hint) == {"größe": 3}


def test_a_variable_of_such_a_name() -> None:
    """What no variable's name can have is an underscore in it."""
    layer = environment.layer("A", {"A__CONVERTER": "3", "A__GR_SSE": "5"})
    assert resolve(schema_of(Machine), PRECEDENCE, [layer]).build(Machine) == Machine(3, 5)
