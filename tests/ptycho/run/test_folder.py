"""A run folder appears whole or not at all."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from ptycho.run.folder import building

if TYPE_CHECKING:
    from pathlib import Path


def _fail_after_writing(target: Path, name: str) -> None:
    with building(target) as folder:
        (folder / name).write_text("x")
        raise ZeroDivisionError


def test_a_run_takes_its_name_only_at_the_end(tmp_path: Path) -> None:
    """While the run is going on, its folder has another name."""
    target = tmp_path / "runs" / "a"
    with building(target) as folder:
        (folder / "f").write_text("x")
        assert not target.exists()
    assert [item.name for item in target.parent.iterdir()] == ["a"]
    assert (target / "f").read_text() == "x"


def test_an_earlier_run_is_kept(tmp_path: Path) -> None:
    """A second and a third run under one name leave the first and the second readable."""
    target = tmp_path / "a"
    for text in ("first", "second", "third"):
        with building(target) as folder:
            (folder / "f").write_text(text)
    assert {item.name: (item / "f").read_text() for item in tmp_path.iterdir()} == {
        "a.1": "first",
        "a.2": "second",
        "a": "third",
    }


def test_a_failed_run_leaves_nothing(tmp_path: Path) -> None:
    """Without a checkpoint there is nothing to keep."""
    with pytest.raises(ZeroDivisionError):
        _fail_after_writing(tmp_path / "a", "metrics.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_keeps_its_checkpoint(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a checkpoint the partial folder stays, and the log says how to go on."""
    with caplog.at_level(logging.WARNING), pytest.raises(ZeroDivisionError):
        _fail_after_writing(tmp_path / "a", "last.ckpt")
    partial = tmp_path / "a.partial"
    assert (partial / "last.ckpt").is_file()
    assert caplog.messages == [
        f"the run did not finish; what it reached is in {partial} (resume with --training.resume {partial})"
    ]
    with building(tmp_path / "a") as folder:
        assert folder.name == "a.partial-2"
    assert partial.is_dir()


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    """The error names the file and what to do; the file stays."""
    target = tmp_path / "a"
    target.write_text("mine")
    with pytest.raises(FileExistsError) as caught, building(target):
        pass
    assert str(caught.value) == (
        f"{target} is a file\n"
        "  expected  a folder to write the run into, or a name that is free\n"
        "  try       another output_dir"
    )
    assert target.read_text() == "mine"
