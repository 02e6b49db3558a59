"""Laws of settings files: what TOML, JSON and YAML say is the same, and stands where it is said to stand."""

from __future__ import annotations

import datetime
import json
import tempfile
import tomllib
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

import tomli_w
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from ptyconf import Origin, Resolution, resolve
from ptyconf.merge.same import same
from ptyconf.report import dump_toml
from ptyconf.schema.path import split_path
from ptyconf.sources import file
from ptyconf.text.show import toml_key
from tests.ptyconf.laws.generated import PRECEDENCE, programs
from tests.ptyconf.laws.test_laws import Program, plain, resolved, same_object

WRITERS = {
    "toml": tomli_w.dumps,
    "json": lambda document: json.dumps(document, ensure_ascii=False, indent=1),
    "yaml": lambda document: yaml.safe_dump(document, allow_unicode=True, sort_keys=False),
}
TABLES = ("", "tool.app")


@given(programs(), st.sampled_from(TABLES))
def test_formats_say_the_same(program: Program, table: str) -> None:
    """With an included file, a profile, paths that are none or replace; values and stories alike."""
    kind, schema, layers = program
    contents = [
        tomllib.loads(dump_toml(resolved(schema, [layer, {}, {}]), origins=False)) for layer in layers
    ]
    low, middle, high = (with_words(content) for content in contents)
    assume(all(map(is_finite, (low, middle, high))))
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for name in WRITERS:
            whole = {"include": [f"low.{name}"], **middle, "profile": {"p": high}}
            write(Path(folder, f"low.{name}"), name, low)
            write(Path(folder, f"main.{name}"), name, {"tool": {"app": whole}} if table else whole)
            read = file.load(
                Path(folder, f"main.{name}"),
                profile="p",
                table=table,
                name="middle",
                included="low",
                profile_layer="high",
            )
            found[name] = resolve(schema, PRECEDENCE, read)
        first = found.pop("toml")
        check_places(first)
        for name, other in found.items():
            assert same_object(other.build(kind), first.build(kind)), name
            assert list(other) == list(first)
            check_places(other)
            for path in first:
                assert same(plain(other, path), plain(first, path))
                assert key_and_layer(other, path) == key_and_layer(first, path)


def with_words(value: Any) -> Any:
    """Write dates and times as text, which all formats can hold."""
    if isinstance(value, dict):
        return {key: with_words(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_words(item) for item in value]
    return value.isoformat() if isinstance(value, (datetime.date, datetime.time)) else value


def is_finite(value: Any) -> bool:
    """Tell whether JSON has words for all that is in a document."""
    if isinstance(value, (dict, list)):
        return all(map(is_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or isfinite(value)


def write(path: Path, name: str, document: Mapping[str, Any]) -> None:
    """Write a document in a format."""
    path.write_text(WRITERS[name](document), encoding="utf-8")  # type: ignore[no-untyped-call]


def key_and_layer(resolution: Resolution, path: str) -> tuple[str, str]:
    """Give the layer of a winner, and the key as its file has it."""
    winner = resolution.trace(path).winner
    return winner.layer, winner.origin.key


def check_places(resolution: Resolution) -> None:
    """Look up each place in the text of its file: the last key of the path starts there."""
    for path in resolution:
        name = split_path(path)[-1]
        origin = resolution.trace(path).winner.origin
        if origin.kind in WRITERS and isinstance(name, str) and origin.key.endswith(toml_key(name)):
            line, text = text_at(origin)
            written = (name, toml_key(name), json.dumps(name, ensure_ascii=False), f"'{name}'")
            if origin.kind == "toml" and line.startswith("["):
                assert toml_key(name) in line  # the header of a table that the format splits up
            else:
                assert text.startswith(written), (path, origin, line)


def text_at(origin: Origin) -> tuple[str, str]:
    """Give the line of a place, and what stands in it from there on."""
    assert origin.file is not None
    assert origin.line is not None
    assert origin.column is not None
    line = Path(origin.file).read_text(encoding="utf-8").split("\n")[origin.line - 1]
    return line, line[origin.column - 1 :]
