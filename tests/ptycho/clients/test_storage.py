"""Where a network is kept, and what happens when there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ptycho.clients.storage import archive_at
from ptycho.model_manager import ModelManager, save

pytestmark = pytest.mark.usefixtures("new_process")


@pytest.mark.parametrize(
    ("path", "archive"),
    [
        ("run", "run/wts.h5.zip"),
        ("run/wts.h5", "run/wts.h5.zip"),
        ("run/wts.h5.zip", "run/wts.h5.zip"),
        ("kept.zip", "kept.zip"),
    ],
)
def test_a_path_means_an_archive(path: str, archive: str) -> None:
    """A folder, the archive, or the archive without its last suffix, as older programs write it."""
    assert archive_at(path) == Path(archive)


def test_without_a_network_nothing_is_saved(tmp_path: Path) -> None:
    """The error tells what has to come before."""
    with pytest.raises(RuntimeError) as caught:
        save(tmp_path)
    assert str(caught.value) == (
        "there is no network to save: nothing was trained or opened in this process\n"
        "  expected  run_cdi_example, train_cdi_model or load_inference_bundle before\n"
        "  try       ModelManager.save_model(model, path) for a network at hand"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_network_is_refused(tmp_path: Path) -> None:
    """The words are those of the contract."""
    with pytest.raises(FileNotFoundError, match="Model archive not found: "):
        ModelManager.load_model(tmp_path)
