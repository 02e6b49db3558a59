"""Scans come from a client's folder or from its arrays, with positions (y, x)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.simulate.scan import Simulation, simulate
from ptycho_torch.api.base_api import DataloaderFormats, PtychoDataLoader
from ptycho_torch.api.scans import find_scan, new_run_folder

from .conftest import Configure


def test_scan_to_train_on_has_a_name(tmp_path: Path) -> None:
    """train_data.npz is taken among others; a lone scan may have any name, test_data.npz aside."""
    (tmp_path / "one.npz").touch()
    assert find_scan(tmp_path) == tmp_path / "one.npz"
    (tmp_path / "test_data.npz").touch()
    assert find_scan(tmp_path) == tmp_path / "one.npz"
    (tmp_path / "train_data.npz").touch()
    assert find_scan(tmp_path) == tmp_path / "train_data.npz"


def test_folder_without_scan_is_refused(tmp_path: Path) -> None:
    """The error says which file is expected."""
    with pytest.raises(FileNotFoundError) as caught:
        find_scan(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} holds no scan to train on\n"
        "  expected  train_data.npz, or one other scan (.npz)\n"
        "  try       exporting the training data into that folder"
    )


def test_folder_of_many_scans_is_refused(tmp_path: Path) -> None:
    """The error lists the first of them."""
    for name in "abcdef":
        (tmp_path / f"{name}.npz").touch()
    with pytest.raises(ValueError, match="6 scans") as caught:
        find_scan(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} holds 6 scans: a.npz, b.npz, c.npz, d.npz, e.npz ...\n"
        "  expected  train_data.npz, or one other scan (.npz); a training takes one scan\n"
        "  try       calling the scan to train on train_data.npz"
    )


def test_loader_names_scans_and_a_folder_of_its_own(
    client_folder: Path, tmp_path: Path, as_shipped: Configure
) -> None:
    """Each run gets a folder called by the time; the test scan is found beside the other."""
    copy = tmp_path / "scans"
    copy.mkdir()
    for name in ("train_data.npz", "test_data.npz"):
        (copy / name).write_bytes((client_folder / "train_data.npz").read_bytes())
    loader = PtychoDataLoader(
        copy, as_shipped(), DataloaderFormats("lightning_only_module"), tmp_path / "out"
    )
    assert loader.scan_file == copy / "train_data.npz"
    assert loader.test_file == copy / "test_data.npz"
    assert loader.output_dir is not None
    assert loader.output_dir.parent == tmp_path / "out"
    assert loader.output_dir.name.startswith("run_")
    assert PtychoDataLoader(client_folder, as_shipped(), output_dir=tmp_path).test_file is None


def test_run_folders_never_meet(tmp_path: Path) -> None:
    """Two runs in one second get two folders."""
    folders = set()
    for _ in range(3):
        folder = new_run_folder(tmp_path)
        folder.mkdir()
        folders.add(folder)
    assert len(folders) == 3


def test_positions_are_row_first(as_shipped: Configure) -> None:
    """(y, x) arrive as rows and columns, counted from the middle of the scan; frames are intensities."""
    scan = simulate(Simulation(N=64, n_frames=12, step_px=6.0, seed=2))
    counts = np.asarray(scan.diff3d).astype(np.float32) + 0.25
    given = np.column_stack((scan.ycoords + 100, scan.xcoords))
    loader = PtychoDataLoader.from_np(counts, scan.probeGuess, given, as_shipped())
    made = loader.scan
    assert made is not None
    assert made.quantity == "counts"
    middle = (scan.positions.min(axis=0) + scan.positions.max(axis=0)) / 2
    np.testing.assert_allclose(made.positions, scan.positions - middle, atol=1e-9)
    assert loader.scan_file is loader.output_dir is loader.test_file is None


def test_positions_must_be_pairs(as_shipped: Configure) -> None:
    """The error says what is expected."""
    with pytest.raises(ValueError, match="no pairs") as caught:
        PtychoDataLoader.from_np(
            np.ones((3, 64, 64)), np.ones((64, 64), complex), np.ones((2, 3)), as_shipped()
        )
    assert str(caught.value) == (
        "positions of shape (2, 3) are no pairs\n"
        "  expected  (y, x) in pixels for each frame, shape (n, 2)\n"
        "  try       numpy.column_stack((y, x))"
    )
