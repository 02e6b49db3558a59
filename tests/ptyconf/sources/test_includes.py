"""An include that may be missing says so itself; one that must be there is told with the nearest name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from ptyconf import ConfigError
from ptyconf.report.jsonschema import json_schema
from ptyconf.sources import file

Jail = Callable[..., Path]
OPTIONAL = {
    "toml": 'include = ["base.toml", {path = "own.toml", missing = "skip"}]\n',
    "json": '{"include": ["base.toml", {"path": "own.toml", "missing": "skip"}]}',
    "yaml": "include:\n- base.toml\n- {path: own.toml, missing: skip}\n",
}


@pytest.mark.parametrize("kind", OPTIONAL)
def test_an_include_may_be_missing(kind: str, jail: Jail, program: SimpleNamespace) -> None:
    """While it is there it stands above those before it, and its place names the include."""
    jail("base.toml", "training.nepochs = 1\n")
    path = jail(f"run.{kind}", OPTIONAL[kind])
    assert program.resolve(*file.load(path)).value("training.nepochs") == 1
    jail("own.toml", "training.nepochs = 2\n")
    trace = program.resolve(*file.load(path)).trace("training.nepochs")
    assert (trace.value, trace.losers[0].value) == (2, 1)
    assert trace.winner.origin.parent is not None
    assert trace.winner.origin.parent.line == (3 if kind == "yaml" else 1)


PATHS = 'the path of a file, or {path = "...", missing = "skip"}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["bsae.toml"]', ("the file \"{folder}/bsae.toml\" does not exist", "1:12", "base.toml")),
        ('{path = "gone.toml"}', ("the file \"{folder}/gone.toml\" does not exist", "1:1", "")),
        ('[{path = "own.toml", missing = "skpi"}]', (
            "'include.0.missing' is a text; expected \"error\" or \"skip\"", "1:32", "")),
        ('[{file = "own.toml"}]', (f"'include.0' is {{file = \"own.toml\"}}; expected {PATHS}", "1:12", "")),
        ("[3]", (f"'include.0' is 3; expected {PATHS}", "1:12", "")),
    ],
)  # fmt: skip
def test_a_wrong_include_is_told(
    text: str, words: tuple[str, str, str], jail: Jail, program: SimpleNamespace
) -> None:
    """At its own place; to skip what the program names skips nothing that a file includes."""
    jail("base.toml", "training.nepochs = 1\n")
    path = jail("run.toml", f"include = {text}\n")
    what, place, hint = words
    with pytest.raises(ConfigError) as error:
        program.resolve(*file.load(path, missing="skip"))
    told = f"{what}\n  written in  run.toml:{place}".replace("{folder}", str(jail()))
    assert str(error.value) == told + (f"\n  try         {hint}" if hint else "")


def test_editors_know_both_ways_to_include(program: SimpleNamespace) -> None:
    """The JSON Schema takes what is read, and nothing else."""
    validator = jsonschema.Draft202012Validator(json_schema(program.schema))
    for include, good in (
        ("a.toml", True),
        ({"path": "a.toml"}, True),
        (["a.toml", {"path": "b.toml", "missing": "skip"}], True),
        ([{"path": "b.toml", "missing": "skpi"}], False),
        ([{"file": "b.toml"}], False),
    ):
        assert validator.is_valid({"include": include}) is good
