"""Laws of the command line: the same words give the same settings, whoever reads them."""

from __future__ import annotations

import argparse
from dataclasses import is_dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Precedence, Schema, resolve
from ptyconf.program import Request
from ptyconf.schema.path import Segments, split_path
from ptyconf.schema.tree import Slot
from ptyconf.sources import environment, flags, mapping
from tests.ptyconf.laws.generated import programs
from tests.ptyconf.laws.test_laws import Program, resolved, same_object

ORDER = Precedence("flags")


@st.composite
def command_lines(draw: Any) -> tuple[type, Schema, list[tuple[str, str]]]:
    """Write some settings of a generated program as flags: path and text."""
    kind, schema, layers = draw(programs())
    resolution = resolved(schema, layers)
    pairs = []
    for path in resolution:
        slot = schema.find_slot(path)
        if slot is not None and draw(st.booleans()):
            pairs.append((path, text_of(slot, resolution.value(path))))
    return kind, schema, draw(st.permutations(pairs))


def text_of(slot: Slot, value: Any) -> str:
    """Write what stands at an end as the text of a flag; of what holds settings, that it is empty."""
    if value is None:
        return "none"
    return slot.kind.written(value) if slot.node is None else "[]" if isinstance(value, list) else "{}"


def outcome(schema: Schema, kind: type, layer: Any) -> Any:
    """Give the instance, or what is said against the words."""
    try:
        return resolve(schema, ORDER, [layer]).build(kind)
    except ConfigError as error:
        return str(error)


@given(command_lines(), st.booleans())
def test_every_reader_of_words_agrees(line: Any, joined: bool) -> None:
    """A parser of argparse's kind, our own reading, and ``--set``."""
    kind, schema, pairs = line
    pairs = [(path, text) for path, text in pairs if joined or not text.startswith("-")]
    words = [
        word for path, text in pairs for word in ([f"--{path}={text}"] if joined else [f"--{path}", text])
    ]
    ours = outcome(schema, kind, flags.parse(words, schema)[0])
    parser = argparse.ArgumentParser(allow_abbrev=False)
    flags.add_flags(parser, schema)
    theirs = outcome(schema, kind, flags.layer(parser.parse_args(words)))
    assert same_object(ours, theirs), (words, ours, theirs)
    by_set = Request(given=tuple(pairs)).layers(schema) or [flags.given({})]
    set_too = outcome(schema, kind, by_set[0])
    both_refuse = isinstance(ours, str) and isinstance(set_too, str)
    assert both_refuse or same_object(ours, set_too), (words, ours, set_too)


@given(command_lines(), st.sampled_from(["flags", "environment"]))
def test_words_mean_the_same_each_time(line: Any, source: str) -> None:
    """What is remembered of the shape of a layer changes no value: each text is read anew."""
    kind, schema, pairs = line
    words = [f"--{path}={text}" for path, text in pairs]
    variables = {f"A__{'__'.join(map(str, split_path(path))).upper()}": text for path, text in pairs}
    outcomes = [
        outcome(
            schema,
            kind,
            flags.parse(words, schema)[0]
            if source == "flags"
            else environment.layer("A", variables, name="flags", schema=schema),
        )
        for _ in range(4)
    ]
    assert all(same_object(outcomes[0], again) for again in outcomes[1:]), (pairs, outcomes)


@given(programs())
def test_a_flag_says_what_a_table_says(program: Program) -> None:
    """Every end of every setting, written as the text of a flag, is the value that a table has there."""
    kind, schema, layers = program
    resolution = resolved(schema, layers)
    words, table = [], {}
    for path in resolution:
        value, slot = resolution.value(path), schema.find_slot(path)
        assert slot is not None
        words.append(f"--{path}={text_of(slot, value)}")
        put(table, split_path(path), as_table(slot, value))
    ours = outcome(schema, kind, flags.parse(words, schema)[0])
    theirs = outcome(schema, kind, mapping.layer("flags", with_lists(table)))
    assert same_object(ours, theirs), (words, ours, theirs)


def as_table(slot: Slot, value: Any) -> Any:
    """Give what a table has at an end; of a section without members, that it is there."""
    return {} if slot.node is not None and is_dataclass(value) else value


def put(table: dict[Any, Any], place: Segments, value: Any) -> None:
    """Put a value into tables in each other."""
    for key in place[:-1]:
        table = table.setdefault(key, {})
    table[place[-1]] = value


def with_lists(value: Any) -> Any:
    """Make lists of tables with numbers for keys."""
    if not isinstance(value, dict):
        return value
    below = {key: with_lists(item) for key, item in value.items()}
    return list(below.values()) if 0 in below else below
