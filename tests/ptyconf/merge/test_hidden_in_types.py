"""A class with a secret inside any type: what cannot be told apart is masked as a whole."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, make_dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptyconf import ConfigError, Resolution, load, provenance_of
from ptyconf.freeze import freeze
from ptyconf.report import dump_toml, story, table, to_json, tree
from ptyconf.sources import flags

SECRET = "hunter2"


@dataclass
class Node:
    """A class with a secret."""

    port: int = 80
    pw: str = field(default="", metadata={"secret": True})


HOLDERS: list[tuple[Any, Any]] = [
    (lambda kind: kind | str, lambda value: value),
    (lambda kind: kind | None, lambda value: value),
    (lambda kind: list[kind], lambda value: [value]),
    (lambda kind: list[kind | int], lambda value: [value, 3]),
    (lambda kind: dict[str, kind], lambda value: {"k": value}),
    (lambda kind: tuple[str, kind], lambda value: ["q", value]),
    (lambda kind: kind | dict[str, int], lambda value: value),
]


def seen(resolution: Resolution) -> str:
    """Give the texts that a resolution can be asked for."""
    texts = [table(resolution), tree(resolution), str(to_json(resolution)), dump_toml(resolution)]
    texts += [freeze(resolution).dumps(), repr(resolution), story(resolution, "u")]
    parser = argparse.ArgumentParser()
    flags.add_flags(parser, resolution.schema)
    return "\n".join([*texts, *map(repr, resolution.traces()), parser.format_help()])


@settings(max_examples=25)
@given(st.lists(st.sampled_from(HOLDERS), min_size=1, max_size=3))
def test_a_secret_in_any_type_is_masked(holders: list[tuple[Any, Any]]) -> None:
    """Whatever holds its class: unions, lists, tables, tuples, in each other."""
    kind, value = Node, {"pw": SECRET}
    for wrap_type, wrap_value in holders:
        kind, value = wrap_type(kind), wrap_value(value)
    app = make_dataclass("App", [("u", kind | None, None), ("z", int, 1)])
    made = load(app, overrides={"u": value})
    assert SECRET in repr(made)
    assert SECRET not in seen(provenance_of(made))
    with pytest.raises(ConfigError) as caught:
        load(app, overrides={"u": value, "z": "a"})
    assert SECRET not in str(caught.value)


def test_help_shows_no_signature(capsys: pytest.CaptureFixture[str]) -> None:
    """With the default of a secret in it."""
    app = make_dataclass("App", [("token", str, field(default=SECRET, metadata={"secret": True}))])
    with pytest.raises(SystemExit):
        load(app, flags=["-h"])
    assert SECRET not in capsys.readouterr().out
