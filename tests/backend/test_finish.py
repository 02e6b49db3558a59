"""A training whose results are missing is completed from its checkpoint, or from its network alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.read import read_bundle
from ptycho.commands.main import main
from ptycho.report.markdown import missing_from

pytestmark = pytest.mark.slow

MISSING = "- the section 'object' is missing: DiskFullError: object.png could not be written"


def spoil(run: Path) -> None:
    """Take a picture from a run, and let its report say so, as one does that found no room for it."""
    (run / "object.png").unlink()
    page = run / "report.md"
    page.write_text(f"{page.read_text()}\n## What could not be told\n\n{MISSING}\n")


def digest(run: Path) -> str:
    """Give the sha256 of the network of a run, without the settings that were in force."""
    weights = read_bundle(run / FILE_NAME).weights
    content = b"".join(name.encode() + array.tobytes() for name, array in sorted(weights.items()))
    return hashlib.sha256(content).hexdigest()


def names(folder: Path) -> set[str]:
    """List what lies in a folder."""
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("words", "checkpoint"),
    [(["finish", "run"], True), (["finish", "run"], False), (["train", "run.toml", "--resume"], True)],
)
def test_missing_results_are_made(
    words: list[str], checkpoint: bool, job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run whose report lacks a picture gets it, keeps its network, and leaves nothing beside it."""
    if not checkpoint:
        for path in (job / "run").glob("*.ckpt"):
            path.unlink()
    files, network = names(job / "run"), digest(job / "run")
    spoil(job / "run")
    assert main(words) == 0
    assert "is whole but for its results: the section 'object'" in capsys.readouterr().err
    assert missing_from(job / "run") == []
    # What the epochs were like is known from the checkpoint alone.
    assert files - names(job / "run") <= (set() if checkpoint else {"loss.png"})
    assert digest(job / "run") == network
    assert {path.name for path in job.glob("run*")} == {"run", "run.toml"}


def test_a_network_alone_is_completed(job: Path) -> None:
    """A training without checkpoints that left its bundle gets pictures and a report, and its name."""
    partial = job / "run.partial"
    (job / "run").rename(partial)
    network = digest(partial)
    for name in names(partial) - {FILE_NAME, "settings.toml", "provenance.json", "run.json"}:
        (partial / name).unlink()
    assert main(["finish", "run"]) == 0
    assert {path.name for path in job.glob("run*")} == {"run", "run.toml"}
    assert digest(job / "run") == network
    assert {"object.png", "report.md", "report.html", "reconstruction.npz"} <= names(job / "run")
    assert "they come from its network alone" in (job / "run" / "report.md").read_text()


def test_what_cannot_be_completed_stays(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where results cannot be made, the run is left as it was, under its name."""
    spoil(job / "run")
    files = names(job / "run")
    (job / "train.npz").rename(job / "elsewhere.npz")
    assert main(["finish", "run"]) == 2
    assert "train.npz" in capsys.readouterr().err
    assert names(job / "run") == files
    assert {path.name for path in job.glob("run*")} == {"run", "run.toml"}


def test_a_whole_run_is_left_alone(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to finish, and that is no error: a script may always ask."""
    before = {path: path.stat().st_mtime_ns for path in (job / "run").iterdir()}
    assert main(["finish", "run"]) == 0
    assert capsys.readouterr().err == f"{job / 'run'} is a whole run: nothing is missing\n"
    assert {path: path.stat().st_mtime_ns for path in (job / "run").iterdir()} == before
