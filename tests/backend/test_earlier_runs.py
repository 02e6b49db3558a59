"""Bundles and checkpoints of version 0.1.0, as it wrote them, still serve: files in `tests/data/earlier`."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from ptycho.commands.main import main

_EARLIER = Path(__file__).resolve().parents[1] / "data" / "earlier"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the scan that the files were made from."""
    shutil.copy(_EARLIER / "scan.npz", tmp_path / "train.npz")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["pytorch-unet", "tensorflow-unet", "pytorch-cnn"])
def test_an_earlier_bundle_gives_the_same_picture(name: str, folder: Path, backend: str) -> None:
    """Whichever backend wrote it, the network alone makes the picture that it made then."""
    shutil.copy(_EARLIER / f"{name}.h5.zip", folder / "wts.h5.zip")
    given = ["--scan", "train.npz", "--backend", backend, "--accelerator", "cpu", "--refine_epochs", "0"]
    assert main(["infer", str(folder), *given, "--output_dir", "shown", "--quiet"]) == 0
    with np.load(folder / "shown" / "reconstruction.npz") as made, np.load(_EARLIER / "objects.npz") as then:
        picture, expected = made["object"], then[name]
    assert picture.shape == expected.shape
    assert np.linalg.norm(picture - expected) <= 1e-3 * np.linalg.norm(expected)


def test_an_earlier_checkpoint_is_resumed(folder: Path, backend: str) -> None:
    """The backend that wrote a checkpoint goes on from it and keeps its history."""
    shutil.copy(_EARLIER / f"{backend}-unet.ckpt", folder / "earlier.ckpt")
    shutil.copy(_EARLIER / f"{backend}-unet.toml", folder / "run.toml")
    # What the file leaves out meant the defaults of the classes then; a recipe says more since.
    given = ["--recipe", "contract", "--resume", "earlier.ckpt", "--nepochs", "2"]
    assert main(["train", "run.toml", *given, "--quiet"]) == 0
    with (folder / "run" / "metrics.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    assert [int(float(row["epoch"])) for row in rows] == [0, 1]
