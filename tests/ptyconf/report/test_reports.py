"""Reports: table, tree, story, JSON, TOML dump, JSON Schema, template."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from ptyconf import UNSET, Layer, Origin, Policy, Precedence, Schema, resolve
from ptyconf.report import dump_toml, story, table, to_json, tree, why
from ptyconf.report.jsonschema import json_schema
from ptyconf.report.template import template
from ptyconf.sources import mapping, toml

Jail = Callable[..., Path]


@pytest.fixture
def resolution(jail: Jail, program: SimpleNamespace):
    """A resolution of one file."""
    jail("data.npz")
    path = jail(
        "run.toml",
        '[model]\ngridsize = 2\n[training]\nnepochs = 7\ndata_file = "data.npz"\ntoken = "canary"\n'
        'tags = ["a"]\n'
        "weights = {nll = 1.0}\n",
    )
    return program.resolve(*toml.load(path))


def test_table_is_aligned(resolution) -> None:
    """Path, value, layer and place in columns; paths relative to the working directory."""
    assert table(resolution, ["model.gridsize", "training.nepochs", "data.C", "training.token"]) == (
        "setting           value     layer    written in\n"
        "----------------  --------  -------  ----------\n"
        "model.gridsize    2         file     run.toml:2:1 model.gridsize\n"
        "training.nepochs  7         file     run.toml:4:1 training.nepochs\n"
        "data.C            4         derived  square(model.gridsize)\n"
        "training.token    ********  file     run.toml:6:1 training.token"
    )


def test_tree_has_sections(resolution) -> None:
    """Each section with its settings below it."""
    assert tree(resolution, ["model.gridsize", "model.n_filters_scale", "training.nepochs"]) == (
        "demo\n"
        "|-- model\n"
        "|   |-- gridsize         2  (file: run.toml:2:1 model.gridsize)\n"
        "|   `-- n_filters_scale  2  (defaults: ModelConfig.n_filters_scale)\n"
        "`-- training\n"
        "    `-- nepochs  7  (file: run.toml:4:1 training.nepochs)"
    )


def test_story_tells_winner_and_losers(resolution) -> None:
    """With help, unit, conversions and policies."""
    assert story(resolution, "model.gridsize") == (
        "model.gridsize = 2 patches\n"
        "  Patches along a side of a group.\n"
        "  set by      file            2  run.toml:2:1 model.gridsize\n"
        "  overrides   other-defaults  2  DataConfig.grid_size\n"
        "  overrides   defaults        1  ModelConfig.gridsize"
    )
    assert story(resolution, "training.nphotons").splitlines()[-2:] == [
        "  passes over other-defaults  100000.0      DataConfig.nphotons",
        "  passed over other-defaults: the canonical default is 1e9",
    ]
    assert story(resolution, "training.tags").splitlines()[-1] == (
        '  element     0: "a"  file: run.toml:7:9 training.tags.0'
    )


def test_story_passes_over_only_the_source_that_is_meant(program: SimpleNamespace) -> None:
    """A policy that singles out one source of a layer leaves the others of that layer ordinary losers."""
    policy = Policy("model.gridsize", "low", "why", label="second")
    schema = Schema("demo", [program.MODEL], policies=[policy])
    layers = [
        mapping.layer("low", {"gridsize": 3}, label="second", origin=lambda key: Origin("x", "", f"2 {key}")),
        Layer("low", {"model": {"gridsize": 2}}, lambda _: Origin("x", "", "first"), label="first", within=1),
        mapping.layer("high", {"gridsize": 1}, origin=lambda key: Origin("x", "", f"top {key}")),
    ]
    found = resolve(schema, Precedence("high", "low"), layers)
    assert story(found, "model.gridsize").splitlines()[2:] == [
        "  set by      high    1  top gridsize",
        "  passes over low     3  2 gridsize",
        "  overrides   low     2  first",
        "  overrides   schema  1  default of model.gridsize",
        "  passed over low: why",
    ]
    losers = to_json(found, "model.gridsize")["losers"]
    assert [each.get("passed_over") for each in losers] == ["why", None, None]


def test_why_walks_the_chain(resolution) -> None:
    """C = 4 because gridsize = 2 from its place."""
    assert why(resolution, "data.C") == ["data.C = 4 because model.gridsize = 2 from run.toml:2:1"]
    assert story(resolution, "data.C") == (
        "data.C = 4\n"
        "  set by      derived         4  square(model.gridsize)\n"
        "  overrides   other-defaults  4  DataConfig.C\n"
        "  why         data.C = 4 because model.gridsize = 2 from run.toml:2:1"
    )


def test_json_has_a_version_and_every_part(resolution) -> None:
    """The documented form, and it is JSON."""
    origin = {"kind": "toml", "key": "model.gridsize", "file": "run.toml", "line": 2, "column": 1}
    standard = {"kind": "defaults", "file": None, "line": None, "column": None}
    assert to_json(resolution, "model.gridsize") == {
        "version": 1,
        "path": "model.gridsize",
        "value": 2,
        "winner": {"layer": "file", "origin": origin},
        "losers": [
            {"layer": "other-defaults", "value": 2, "origin": {**standard, "key": "DataConfig.grid_size"}},
            {"layer": "defaults", "value": 1, "origin": {**standard, "key": "ModelConfig.gridsize"}},
        ],
        "derivation": None,
        "policies": [],
    }
    whole = to_json(resolution)
    assert whole["version"] == 1
    assert [each["path"] for each in whole["settings"]] == list(resolution)
    derived = to_json(resolution, "data.C")
    assert derived["derivation"] == {"function": "square", "inputs": {"model.gridsize": 2}}
    policies = to_json(resolution, "training.nphotons")["policies"]
    assert policies == [{"layer": "other-defaults", "reason": "the canonical default is 1e9"}]
    assert json.loads(json.dumps(whole)) == whole


def test_secrets_are_masked_everywhere(resolution) -> None:
    """In every report, repr, trace and diff; value() and built classes have them."""
    from ptyconf import diff

    said = [
        table(resolution),
        tree(resolution),
        story(resolution, "training.token"),
        json.dumps(to_json(resolution)),
        dump_toml(resolution),
        repr(resolution),
        repr(resolution.trace("training.token")),
        repr(resolution.layers),
        str(diff(resolution, resolve(resolution.schema, Precedence("x"), []))),
        template(resolution.schema),
        json.dumps(json_schema(resolution.schema)),
    ]
    assert not [text for text in said if "canary" in text]
    assert resolution.value("training.token") == "canary"
    assert resolution.trace("training.token", reveal=True).value == "canary"


def test_dump_loads_back(jail: Jail, program: SimpleNamespace, resolution) -> None:
    """To the same values, with and without origins, from another folder; secrets and derived are comments."""
    for origins in (True, False):
        text = dump_toml(resolution, origins=origins, folder=jail() / "out")
        again = program.resolve(*toml.load(jail("out/settings.toml", text)))
        expected = {path: each for path, each in resolution.items() if path != "training.token"}
        found = {path: each for path, each in again.items() if path != "training.token"}
        assert found == expected
    assert 'data_file = "../data.npz"' in text
    assert "# token = ********  # secret" in text
    assert "# C = 4  # follows from model.gridsize = 2" in text
    assert "unset" not in tomllib.loads(text)


def test_dump_lists_none_as_unset(program: SimpleNamespace, jail: Jail) -> None:
    """And it beats what would otherwise stand there."""
    text = dump_toml(program.resolve(overrides={"data_file": None}), origins=False)
    assert tomllib.loads(text)["unset"] == ["training.data_file"]
    again = program.resolve(*toml.load(jail("s.toml", text)))
    assert again.trace("training.data_file").winner.layer == "file"


def test_dump_shows_origins_beside_values(resolution) -> None:
    """Layer and place, as a comment."""
    lines = dump_toml(resolution, header="made by\na test").splitlines()
    assert lines[:2] == ["# made by", "# a test"]
    assert "nepochs = 7  # file: run.toml:4:1 training.nepochs" in lines


def test_json_schema_is_valid_and_describes(program: SimpleNamespace) -> None:
    """Against its metaschema; with descriptions, units, choices, defaults, aliases."""
    found = json_schema(program.schema)
    jsonschema.Draft202012Validator.check_schema(found)
    model = found["properties"]["model"]["properties"]
    assert model["gridsize"] == {
        "type": "integer",
        "description": "Patches along a side of a group. [patches]",
        "enum": [1, 2, 3],
        "default": 1,
    }
    assert model["activation"]["enum"] == ["sigmoid", "swish"]
    data = found["properties"]["data"]["properties"]
    assert data["grid_size"]["description"] == "Another name of model.gridsize."
    assert found["properties"]["training"]["properties"]["batch"]["deprecated"] is True
    check = jsonschema.Draft202012Validator(found)
    assert check.is_valid(
        tomllib.loads("[training]\nnepochs = 3\ntags = ['a']\n[profile.x.model]\ngridsize = 2\n")
    )
    for wrong in ("[training]\nnepoch = 3\n", "[training]\nnepochs = 'x'\n", "[model]\ngridsize = 9\n"):
        assert not check.is_valid(tomllib.loads(wrong))


def test_the_template_uncommented_changes_nothing(program: SimpleNamespace) -> None:
    """All lines behind one # together give what is in force without them."""
    text = template(program.schema, defaults=program.resolve())
    whole = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    assert dict(program.resolve(*toml.parse(whole))) == dict(program.resolve())


def test_every_line_of_the_template_loads(program: SimpleNamespace) -> None:
    """Uncommented one by one; help, unit and choices stand above each."""
    text = template(program.schema, schema_url="demo.schema.json")
    assert text.startswith("#:schema demo.schema.json\n")
    assert "## Patches along a side of a group. [patches] (one of 1, 2, 3)\n# gridsize = 1\n" in text
    assert dict(program.resolve(*toml.parse(text))) == dict(program.resolve())
    lines = text.splitlines()
    settings = [number for number, line in enumerate(lines) if line.startswith("# ") and " = " in line]
    without = [
        path for path, each in program.schema.settings.items() if each.default in (None, UNSET) or each.secret
    ]
    assert len(settings) == len(program.schema) - 1 - len(without)  # all but the derived one
    assert text.count("\n## for example: ") == len(without)
    for number in settings:
        changed = [line[2:] if each == number else line for each, line in enumerate(lines)]
        program.resolve(*toml.parse("\n".join(changed)))
