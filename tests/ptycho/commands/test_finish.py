"""What is missing of an unfinished run, or wrong in it, is told with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptycho.commands.main import main


@pytest.fixture
def left(jail: Path) -> Path:
    """The folder of a training that was killed, with a checkpoint."""
    folder = jail / "run.partial"
    folder.mkdir()
    for name in ("run.json", "last.ckpt"):
        (folder / name).write_text("{}")
    return folder


def test_missing_settings_are_named(left: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A checkpoint without settings cannot be finished by itself; the folder and a way on are named."""
    assert main(["finish", str(left.with_name("run"))]) == 2
    assert capsys.readouterr().err == (
        f"{left} holds last.ckpt and no settings.toml: with which settings to go on is not known\n"
        "  expected  the settings.toml that `ptycho train` wrote there\n"
        f"  try       ptycho train FILE.toml --resume {left}\n"
    )


def test_broken_settings_are_named_with_their_line(left: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings that are no TOML are the error, and not that there is nothing to finish."""
    (left / "settings.toml").write_text("[training]\nseed = 1\nx=[\n")
    assert main(["finish", str(left.with_name("run"))]) == 2
    said = capsys.readouterr().err
    assert str(left / "settings.toml") in said or "run.partial/settings.toml" in said
    assert "nothing to finish" not in said


@pytest.mark.parametrize(
    ("kind", "how", "again"),
    [
        ("reconstruction", "without a network", "ptycho reconstruct SCAN"),
        ("inference", "with a network that was trained before", "ptycho infer RUN_FOLDER --scan FILE"),
    ],
)
@pytest.mark.parametrize("named", ["r", "r.partial"])
def test_what_is_no_training_is_begun_anew(
    kind: str, how: str, again: str, named: str, jail: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a kill left of a run without training cannot be finished: the command that makes one is named."""
    (jail / "r.partial").mkdir()
    (jail / "r.partial" / "run.json").write_text(f'{{"kind": "{kind}"}}')
    assert main(["finish", named]) == 2
    folder = Path("r.partial") if named == "r.partial" else jail / "r.partial"
    assert capsys.readouterr().err == (
        f"{folder} was made {how}: there is no training to finish\n"
        "  expected  a run of `ptycho train`\n"
        f"  try       {again}, which begins anew\n"
    )


def test_a_scan_that_was_moved_is_named(left: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the scan is gone, the command is named that goes on with its new place."""
    (left / "settings.toml").write_text('[training]\ntrain_data_file = "../scan.npz"\n')
    assert main(["finish", str(left.with_name("run"))]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"the scan that {left} learned from is not there: ")
    words = f"{left / 'settings.toml'} --train_data_file FILE --output_dir {left.with_name('run')} --resume"
    assert f"  try       ptycho train {words}, with its new place\n" in said
