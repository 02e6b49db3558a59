"""A training writes into its own folder alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptycho.commands.training_folder import TrainingFolder
from ptycho.run.folder import building
from ptycho.run.identity import Identity
from ptycho.run.resolve import resolve_run


def test_a_folder_that_another_run_took_is_its_own(tmp_path: Path) -> None:
    """The folder is not made anew over a run that goes on: the training has none any more, and says so."""
    identity, partial = Identity(), tmp_path / "own.partial"
    with identity.holding(tmp_path), building(tmp_path / "own"):
        before = (partial / "run.json").read_bytes()
        place = TrainingFolder(partial, identity, resolve_run("train"), tmp_path / "own")
        with pytest.raises(FileNotFoundError, match="was renamed or removed by somebody"):
            place.require()
        assert [(path.name, path.read_bytes()) for path in partial.iterdir()] == [("run.json", before)]
