"""Laws of variables: wherever they stand, they say what a table says."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ptyconf.schema.path import Segments, split_path
from ptyconf.sources import dotenv, environment, mapping, secrets
from tests.ptyconf.laws.generated import programs
from tests.ptyconf.laws.test_laws import Program, resolved, same_object
from tests.ptyconf.laws.test_words import as_table, outcome, put, text_of, with_lists


@given(programs(), st.randoms())
def test_variables_say_what_a_table_says(program: Program, random: Any) -> None:
    """In the environment, in a dotenv file and in a folder of secrets, in any order; none is left out."""
    kind, schema, layers = program
    resolution = resolved(schema, layers)
    named = {name_of(place): place for place in map(split_path, resolution) if all(map(is_part, place))}
    variables: dict[str, str] = {}
    table: dict[Any, Any] = {}
    for name in sorted(named):  # keys of tables stand in the order of their variables
        value, slot = resolution.value(named[name]), schema.find_slot(named[name])
        assert slot is not None
        variables[name] = text_of(slot, value)
        put(table, named[name], as_table(slot, value))
    pairs = list(variables.items())
    random.shuffle(pairs)
    expected = outcome(schema, kind, mapping.layer("flags", with_lists(table)))
    own = {"name": "flags", "schema": schema}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ".env").write_text("".join(f"A__{name}={quoted(text)}\n" for name, text in pairs))
        (Path(folder) / "secrets").mkdir()
        for name, text in pairs:
            (Path(folder) / "secrets" / name.lower()).write_text(f"{text}\n")
        for layer in (
            environment.layer("A", {f"A__{name}": text for name, text in pairs}, **own),
            dotenv.layer(Path(folder) / ".env", "A", **own),
            secrets.layer(Path(folder) / "secrets", **own),
        ):
            assert same_object(outcome(schema, kind, layer), expected), (layer.label, pairs)


def is_part(segment: str | int) -> bool:
    """Tell whether a variable can name a key: in lower case, without signs."""
    return isinstance(segment, int) or (segment.isascii() and segment.isidentifier() and segment.islower())


def name_of(segments: Segments) -> str:
    """Name the variable of a place."""
    return "__".join(str(segment).upper() for segment in segments)


def quoted(text: str) -> str:
    """Write a text as a dotenv file has it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
