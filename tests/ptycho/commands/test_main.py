"""The command line: one message and one exit code for bad input, JSON for programs, stories for people."""

from __future__ import annotations

import json
import logging
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest

from ptycho import params
from ptycho.commands.main import main
from ptycho.files import npz
from ptycho.settings.registries import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """\
[model]
gridsize = 1

[training]
backend = "pytorch"
train_data_file = "scan.npz"
n_groups = 8
nepochs = 3
"""


@pytest.fixture
def settings(jail: Path) -> Path:
    """A settings file beside a file that has a probe and nothing else."""
    npz.write(jail / "scan.npz", {"probeGuess": np.ones((64, 64), np.complex64)})
    path = jail / "run.toml"
    path.write_text(SETTINGS)
    return path


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Each command explains itself and leaves with 0."""
    for name in COMMANDS:
        with pytest.raises(SystemExit) as left:
            main([name, "--help"])
        assert left.value.code == 0
        assert COMMANDS[name].help[1:] in " ".join(capsys.readouterr().out.split())


def test_explain_names_winner_and_losers(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The story of a setting tells its place in the file, the flag above it and the defaults below it."""
    assert main(["explain", str(settings), "model.gridsize", "--gridsize", "3", "--recipe", "contract"]) == 0
    assert capsys.readouterr().out == (
        "model.gridsize = 3\n"
        "  a group is gridsize x gridsize overlapping patches\n"
        "  set by      flags                3  --gridsize\n"
        "  overrides   file                 1  run.toml:2:1 model.gridsize\n"
        "  overrides   torch-defaults       2  DataConfig.grid_size\n"
        "  overrides   tensorflow-defaults  1  ModelConfig.gridsize\n"
    )


def test_explain_json_has_the_documented_form(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON of one setting carries version, winner with place, losers, derivation and policies."""
    assert main(["explain", str(settings), "model.gridsize", "--json", "--recipe", "contract"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["version"] == 1
    assert (said["path"], said["value"]) == ("model.gridsize", 1)
    place = {"kind": "toml", "key": "model.gridsize", "file": "run.toml", "line": 2, "column": 1}
    assert said["winner"] == {"layer": "file", "origin": place}
    assert [loser["layer"] for loser in said["losers"]] == ["torch-defaults", "tensorflow-defaults"]
    assert said["derivation"] is None
    assert said["policies"] == []


def test_the_environment_is_read(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable beats the file and loses to a flag."""
    monkeypatch.setenv("PTYCHO__TRAINING__NEPOCHS", "7")
    assert main(["explain", str(settings), "training.nepochs"]) == 0
    assert "set by      environment          7   PTYCHO__TRAINING__NEPOCHS" in capsys.readouterr().out
    assert main(["explain", str(settings), "nepochs", "--nepochs", "9"]) == 0
    assert capsys.readouterr().out.startswith("training.nepochs = 9\n")


def test_a_short_flag_finds_the_shared_setting(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--learning_rate`` means the one setting that training and execution share."""
    assert main(["explain", str(settings), "execution.learning_rate", "--learning_rate", "0.01"]) == 0
    assert capsys.readouterr().out.startswith("execution.learning_rate = 0.01\n")


def test_the_scan_says_its_patch_side(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """N comes from the probe in the scan file, and the story names that file."""
    assert main(["explain", str(settings), "model.N"]) == 0
    assert "data-file            64  probeGuess (64, 64) (scan.npz)" in capsys.readouterr().out


BAD = {
    "unknown setting": (
        "[model]\nn_filtres_scale = 2\n",
        [],
        "unknown setting 'model.n_filtres_scale'\n  written in  run.toml:2:1\n",
    ),
    "wrong type": (
        SETTINGS.replace("nepochs = 3", 'nepochs = "ten"'),
        [],
        "'training.nepochs' is \"ten\"; expected a whole number\n  written in  run.toml:8:1\n",
    ),
    "out of range": (
        SETTINGS,
        ["--training.batch_size", "3"],
        "batch_size must be positive power of 2, got 3\n  written in  flag --training.batch_size\n",
    ),
    "no scan": (
        SETTINGS.replace("scan.npz", "nowhere.npz"),
        [],
        "Training data file not found: ",
    ),
    "damaged scan": (SETTINGS, [], "scan.npz holds no diffraction frames\n"),
    "no such file": (None, [], 'the file "run.toml" does not exist'),
    "unknown flag": (SETTINGS, ["--gridsiz", "2"], "unknown argument '--gridsiz'\n  try  --gridsize\n"),
    "backend": (SETTINGS, ["--backend", "jax"], "jax"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_message_and_code_2(
    settings: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """Nothing is trained, nothing is written, params.cfg is untouched, and no traceback is shown."""
    text, flags, message = BAD[case]
    monkeypatch.chdir(settings.parent)
    if text is None:
        settings.unlink()
    else:
        settings.write_text(text)
    before, files = dict(params.cfg), sorted(item.name for item in settings.parent.iterdir())
    accelerator = ["--execution.accelerator", "cpu"]
    assert main(["train", "run.toml", *accelerator, *flags]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err
    assert sorted(item.name for item in settings.parent.iterdir()) == files
    if case != "damaged scan":  # Only then had the settings been accepted.
        assert dict(params.cfg) == before


def test_debug_shows_the_traceback(settings: Path) -> None:
    """With --debug the error is raised, so that the interpreter shows where it came from."""
    with pytest.raises(ValueError, match="unknown setting"):
        main(["explain", str(settings), "gridsizes", "--debug"])


def test_check_reports_all_problems_at_once(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, every problem in file order, each with its place."""
    settings.write_text(SETTINGS + '[execution]\nscheduler = "Sometimes"\naccum_steps = 0\n')
    assert main(["check", str(settings)]) == 1
    said = capsys.readouterr().out
    assert said.index("run.toml:10:1") < said.index("run.toml:11:1")
    settings.write_text(SETTINGS)
    assert main(["simulate", "scan.npz", "--n-frames", "9", "--quiet"]) == 0
    assert main(["check", str(settings)]) == 0


def test_an_unwritable_place_is_named(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the system names its file in one line."""
    assert main(["simulate", str(settings / "below" / "scan.npz"), "--n-frames", "4", "--quiet"]) == 2
    assert str(settings) in capsys.readouterr().err


def test_a_command_gives_the_log_back(jail: Path) -> None:
    """A program that calls a command finds its own handlers, levels and warnings as they were."""

    def state() -> list[object]:
        loggers = [logging.getLogger(name) for name in ("ptycho", "ptycho_torch", "ptyconf")]
        kept = [(list(each.handlers), each.propagate, each.level) for each in loggers]
        return [kept, warnings.showwarning]

    before = state()
    assert main(["simulate", "s.npz", "--n-frames", "4", "--quiet"]) == 0
    assert main(["simulate", "s.npz", "--n-frames", "0"]) == 2
    assert state() == before


def test_simulate_writes_a_scan(jail: Path) -> None:
    """The file holds as many frames as asked for, and reads back."""
    from ptycho.raw_data import RawData

    assert main(["simulate", "s.npz", "--n-frames", "9", "--quiet"]) == 0
    assert RawData.from_file(jail / "s.npz").n_frames == 9


def test_freeze_then_replay_agrees(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Replaying against the same settings finds nothing; a changed flag is found, with exit code 1."""
    assert main(["freeze", str(settings)]) == 0
    frozen = settings.with_name("frozen.json")
    frozen.write_text(capsys.readouterr().out)
    assert main(["replay", str(frozen), str(settings)]) == 0
    assert main(["replay", str(frozen), str(settings), "--gridsize", "2"]) == 1
    assert "model.gridsize" in capsys.readouterr().out


def test_files_settings_and_flags_in_any_order(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Options stand before, between and after files, and explain takes several files."""
    more = tmp_path / "more.toml"
    more.write_text("[training]\nnepochs = 2\n")
    for words in (
        ["--quiet", "explain", str(settings), str(more), "nepochs", "--batch_size", "2"],
        ["explain", str(settings), "--batch_size", "2", str(more), "--quiet", "training.nepochs"],
    ):
        assert main(words) == 0
        assert capsys.readouterr().out.startswith("training.nepochs = 2\n")


def test_explain_needs_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A setting alone has the value that nobody changed; several, and a missing file, are refused."""
    assert main(["explain", "gridsize"]) == 0
    assert capsys.readouterr().out.startswith("model.gridsize = 2\n")
    assert main(["explain", "gridsize", "nepochs"]) == 2
    assert "ptycho explain nepochs" in capsys.readouterr().err
    assert main(["explain", "away.npz", "gridsize"]) == 2
    assert "there is no file away.npz" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "template",
        "schema",
        "freeze run.toml",
        "dump run.toml",
        "explain run.toml",
        "explain run.toml model.N",
        "diff run.toml run.toml",
        "check run.toml",
        "completion bash",
        "formats",
        "train --help",
        "--help",
        "--version",
    ],
)
def test_an_answer_that_is_lost_is_an_error(
    words: str, settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What goes to the standard output arrives whole, or the exit code is 2 and one line says why."""
    command, *files = words.split()
    arguments = [str(settings) if name == "run.toml" else name for name in files]
    with open("/dev/full", "w") as full, monkeypatch.context() as patch:  # noqa: PTH123
        patch.setattr("sys.stdout", full)
        assert main([command, *arguments]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == "the output cannot be written: No space left on device"
