"""A slip on the command line is answered with the name that was most likely meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptycho.commands.main import main
from ptycho.settings.recipe import RECIPES
from ptycho.settings.registries import COMMANDS, OBJECTS, PROBES


def slips(name: str) -> list[str]:
    """Misspell a name: a letter left out, two letters exchanged."""
    middle = len(name) // 2
    return [
        name[:middle] + name[middle + 1 :],
        name[:middle] + name[middle : middle + 2][::-1] + name[middle + 2 :],
    ]


def error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Give what a refused command says."""
    assert main(arguments) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_misspelled_command_is_recognised(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The hint is the command that looks like it most."""
    for slip in set(slips(command)) - set(COMMANDS):
        assert error([slip], capsys).endswith(f"\n  try  ptycho {command}\n")


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_misspelled_recipe_is_recognised(recipe: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So is the name of a recipe."""
    for slip in slips(recipe):
        assert error(["train", "--recipe", slip], capsys).endswith(
            f"\n  try  ptycho train --recipe {recipe}\n"
        )


@pytest.mark.parametrize(("flag", "names"), [("--probe", PROBES), ("--object-family", OBJECTS)])
def test_a_misspelled_entry_is_recognised(
    flag: str, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """So are the entries of registries."""
    for name in names:
        text = error(["simulate", "new.npz", flag, slips(name)[0]], capsys)
        assert text.endswith(f"\n  try  ptycho simulate {flag} {name}\n")


def test_what_resembles_nothing_gets_help(capsys: pytest.CaptureFixture[str]) -> None:
    """A word that is like no name is answered with the list and the way to the help."""
    text = error(["qqqqqq"], capsys)
    assert "(choose from 'reconstruct', 'train'," in text
    assert text.endswith("\n  try  ptycho --help\n")


def test_a_key_of_a_table_has_a_flag(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A weight of a loss term is given and explained by the path of its key, in either form of a flag."""
    for flag in (["--training.loss_terms.tv", "0.5"], ["--training.loss_terms.tv=0.5"]):
        assert main(["explain", "training.loss_terms.tv", *flag]) == 0
        assert capsys.readouterr().out.startswith(
            "training.loss_terms.tv = 0.5\n  set by      flags  0.5  --training.loss_terms.tv\n"
        )


def test_a_key_that_nobody_writes_shows_its_table(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The story of the table says that it is empty, and which layer has it so."""
    assert main(["explain", "training.loss_terms.tv"]) == 0
    assert capsys.readouterr().out.startswith("training.loss_terms = {}\n")


def test_a_key_of_no_entry_is_refused(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The names that there are, and the nearest of them, stand in the error."""
    text = error(["explain", "training.nepochs", "--training.loss_terms.tvv", "1"], capsys)
    assert "names out of ['labels', 'mae', 'nll', 'tv']" in text
    assert text.endswith("\n  try         loss_terms = {tv = 1.0}\n")


def test_a_flag_below_a_plain_setting_is_unknown(jail: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only tables have keys."""
    assert "unknown argument '--training.nepochs.x'" in error(["train", "--training.nepochs.x", "1"], capsys)


def test_a_variable_that_lacks_an_underscore_is_told(
    jail: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where settings are explained, one line names the variable that would be read."""
    monkeypatch.setenv("PTYCHO_TRAINING_NEPOCHS", "3")
    assert main(["explain", "training.nepochs"]) == 0
    assert capsys.readouterr().err == (
        "the variable PTYCHO_TRAINING_NEPOCHS is not read; PTYCHO__TRAINING__NEPOCHS would be a setting\n"
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (["--independent-halves"], "true"),
        (["--independent_halves"], "true"),
        (["--training.independent-halves=true"], "true"),
        (["--no-independent-halves"], "false"),
    ],
)
def test_hyphens_stand_for_underscores(
    written: list[str], value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A flag of a setting may be spelled as other programs spell theirs."""
    assert main(["explain", "--quiet", *written, "independent_halves"]) == 0
    assert capsys.readouterr().out.startswith(f"training.independent_halves = {value}\n")
