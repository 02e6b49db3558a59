"""A path leads to one archive, or the error says which there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ptycho.bundle.archive import FILE_NAME, Bundle, locate
from ptycho.bundle.write import write_bundle


def test_a_folder_means_its_archive(tmp_path: Path, trained: Bundle) -> None:
    """The archive, its folder, and a parent with exactly one such folder all lead to it."""
    path = tmp_path / "run" / FILE_NAME
    write_bundle(path, trained)
    assert locate(path) == path
    assert locate(path.parent) == path
    assert locate(tmp_path) == path


def test_two_candidates_are_not_guessed(tmp_path: Path, trained: Bundle) -> None:
    """A parent of two runs is ambiguous, and the error names both."""
    for name in ("a", "b"):
        write_bundle(tmp_path / name / FILE_NAME, replace(trained))
    with pytest.raises(FileNotFoundError) as caught:
        locate(tmp_path)
    assert str(caught.value) == (
        f"Model archive not found: {tmp_path / FILE_NAME}\n"
        "  expected  wts.h5.zip there, or in exactly one of its subfolders (found: a, b)\n"
        "  try       the folder that `ptycho train` named at its end"
    )


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """A path to nothing says so with the path."""
    with pytest.raises(FileNotFoundError, match=r"Model directory does not exist: .*nowhere"):
        locate(tmp_path / "nowhere")
