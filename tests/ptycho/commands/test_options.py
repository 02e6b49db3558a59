"""Help that fits a screen; template, JSON Schema and explain agree about what is in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.commands import options
from ptycho.commands.main import main
from ptycho.files import npz
from ptycho.settings.recipe import RECIPES
from ptycho.settings.schema import OFFERED, UNSUPPORTED, schema
from ptyconf.sources import toml
from ptyconf.text.show import show

SCREEN = (60, 80)


def shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Give what a command prints."""
    code: Any
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code
    assert code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("command", ["train", "infer", "check", "explain"])
def test_help_fits_a_screen(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most 60 lines of 80 columns, with choices and the defaults in force."""
    monkeypatch.setenv("COLUMNS", str(SCREEN[1]))
    lines = shown([command, "--help"], capsys).splitlines()
    assert len(lines) <= SCREEN[0]
    assert max(map(len, lines)) <= SCREEN[1]
    text = " ".join(" ".join(lines).split())
    assert '"tensorflow") (default "pytorch")' in text
    sweeps = "0 shows the network alone, auto lets noise and misfit decide [sweeps] (default 10)"
    assert (sweeps if command == "infer" else "passes over the training groups (default 8)") in text


def test_help_all_offers_every_setting_with_a_feature(capsys: pytest.CaptureFixture[str]) -> None:
    """The long help names all of them, and none that another value would be refused for."""
    words = set(shown(["train", "--help-all"], capsys).replace(",", " ").split())
    assert {f"--{path}" for path in OFFERED} <= words
    assert not {f"--{path}" for path in UNSUPPORTED} & words
    assert not {"--training.notes", "--data.C"} & words


def test_a_flag_that_help_leaves_out_is_taken(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels can be given, help or not."""
    (jail / "run.toml").write_text("")
    assert "notes" in shown(["explain", "run.toml", "training.notes", "--training.notes", "third"], capsys)


@pytest.mark.parametrize("recipe", RECIPES)
def test_template_and_schema_have_what_is_in_force(recipe: str, capsys: pytest.CaptureFixture[str]) -> None:
    """For every setting: the line of the template, the default of the schema and explain say the same."""
    in_force = options.defaults(recipe)
    properties = json.loads(shown(["schema", "--recipe", recipe], capsys))["properties"]
    lines = shown(["template", "--recipe", recipe], capsys).splitlines()
    whole = "\n".join(line.removeprefix("# ") if " = " in line else line for line in lines)
    (layer,) = toml.parse(whole)
    filled = in_force.with_layer(layer)
    for path in OFFERED:
        value: Any = in_force.get(path)
        shown_setting = _setting_of(properties, path)
        if value is None:
            assert "default" not in shown_setting, path
            assert filled.get(path) is None, path
            continue
        stated = shown_setting["default"]
        assert (tuple(stated) if isinstance(value, tuple) else stated) == _plain(value), path
        assert filled.winner_layer(path) == "file", path
        assert filled[path] == (value.resolve() if isinstance(value, Path) else value), path


@pytest.mark.parametrize("command", ["train", "infer"])
def test_help_and_explain_have_what_is_in_force(
    command: str, jail: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """For every setting: the default in the long help and the value that explain gives are those in force."""
    in_force = options.defaults("standard")
    monkeypatch.setenv("COLUMNS", "4000")
    # A flag and what it means stand on two lines.
    lines = iter(shown([command, "--help-all"], capsys).splitlines())
    flags = (line for line in lines if line.lstrip().startswith("--") and "--no-" not in line)
    helps = {line.split()[0].rstrip(","): next(lines) for line in flags}
    (jail / "empty.toml").write_text("")
    told = json.loads(shown(["explain", "empty.toml", "--json", "--for", command], capsys))
    explained = {entry["path"]: entry["value"] for entry in told["settings"]}
    for path in OFFERED:
        value = in_force.get(path)
        text = "" if value is None else f"(default {show(value)})"
        assert text in helps[f"--{path}"], path
        assert (value is None) == ("(default " not in helps[f"--{path}"]), path
        if value is not None:
            stated = explained[path]
            assert (tuple(stated) if isinstance(value, tuple) else stated) == _plain(value), path


def _setting_of(properties: Any, path: str) -> Any:
    """Find a setting in the JSON Schema of all, section in section."""
    *sections, name = path.split(".")
    for section in sections:
        properties = properties[section]["properties"]
    return properties[name]


GO_WITH = {"kind": "diameter_m = 180e-6\nouter_zone_width_m = 50e-9\n"}
"""What an example cannot do without."""


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def test_examples_of_the_template_load(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not set is shown by a value that would be accepted."""
    section, checked = "", 0
    for line in shown(["template"], capsys).splitlines():
        if line.startswith("["):
            section = line
        elif line.startswith("## for example: "):
            example = line.removeprefix("## for example: ")
            beside = GO_WITH.get(example.partition(" = ")[0], "")
            (jail / "one.toml").write_text(f"{section}\n{example}\n{beside}")
            assert main(["dump", "one.toml", "--plain"]) == 0, line
            checked += 1
    assert checked > 10


def test_names_without_a_feature_are_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither template nor JSON Schema shows them, nor the names that mean them."""
    hidden = {path.split(".")[1] for path in set(schema.settings) - set(OFFERED)}
    hidden -= {path.split(".")[1] for path in OFFERED}
    lines = shown(["template"], capsys).splitlines()
    assert not hidden & {line.removeprefix("# ").partition(" = ")[0] for line in lines}
    properties = json.loads(shown(["schema"], capsys))["properties"]
    assert not hidden & {name for section in properties.values() for name in section.get("properties", ())}


def test_a_scan_stands_for_its_flag(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file with a suffix of its own, or with bytes that no text has, is the scan."""
    scan = npz.write(jail / "scan.npz", {"probeGuess": np.ones((64, 64), np.complex64)})
    bare = scan.rename(jail / "scan")
    told = shown(["explain", str(bare), "train_data_file"], capsys)
    assert told.splitlines()[2].split() == ["set", "by", "flags", f'"{bare}"', "SCAN"]
    assert main(["train", "nowhere.npz"]) == 2
    assert "Training data file not found: nowhere.npz\n  written in  flag SCAN\n" in capsys.readouterr().err


def test_a_second_scan_joins_the_first(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first scan stands for its flag, and those behind it for the setting of further scans."""
    scans = [str(npz.write(f"{name}.npz", {"xcoords": np.zeros(9)})) for name in "abc"]
    told = shown(["explain", *scans, "train_data_file"], capsys)
    assert told.splitlines()[2].split() == ["set", "by", "flags", '"a.npz"', "SCAN"]
    told = shown(["explain", *scans, "more_scans"], capsys)
    assert told.splitlines()[2].split() == ["set", "by", "flags", '["b.npz",', '"c.npz"]', "SCAN"]


def test_an_unknown_recipe_is_named(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists the recipes that there are."""
    assert main(["train", "scan.npz", "--recipe", "fats"]) == 2
    assert "invalid choice: 'fats' (choose from 'standard', 'fast', 'contract')" in capsys.readouterr().err


def test_diff_of_a_copy_by_value_is_empty(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A copy differs in its places; by value it does not."""
    for name in ("a.toml", "b.toml"):
        (jail / name).write_text("[training]\nnepochs = 3\n")
    assert main(["diff", "a.toml", "b.toml"]) == 1
    assert main(["diff", "--values", "a.toml", "b.toml"]) == 0
    assert capsys.readouterr().out.endswith("no difference\n")


def test_infer_asks_for_what_is_missing(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a run it asks for one, and not for settings files, which are optional."""
    assert main(["infer"]) == 2
    assert "required: RUN_FOLDER\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "scan"),
    [
        ("", False),
        ("# nothing yet\n", False),
        ("[model]\n", False),
        ("# mine\n\ntraining.nepochs = 3\n", False),
        ('"training".nepochs = 3\n', False),
        ("1.0 2.0 3.0\n", True),
        ("# x y\n1.0 2.0\n", True),
        ("x,y\n1,2\n", True),
        ("[1, 2, 3]\n", True),
    ],
)
def test_a_text_is_known_by_its_content(
    jail: Path, text: str, scan: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Settings under any name are read, and numbers are no settings: the error is that of a scan."""
    (jail / "given.txt").write_text(text)
    story = shown(["explain", "given.txt", "training.train_data_file"], capsys)
    assert ("given.txt" in story) == scan
    if scan:
        assert main(["check", "given.txt"]) == 1
        assert "given.txt is no scan file: it is a text file" in capsys.readouterr().out
