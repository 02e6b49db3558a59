"""`ptycho reconstruct` and `ptycho.reconstruct`: a scan becomes a picture without a network."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import ptycho
from ptycho.commands.main import main
from ptycho.reconstruction.result import Reconstruction
from ptycho.scan.raw_data import RawData

CPU = {"execution.accelerator": "cpu"}


def test_a_scan_becomes_a_run_folder(job: Path, backend: str, foreign_packages: set[str]) -> None:
    """Picture, probe, scores, report and provenance lie in a folder that is named after the scan."""
    assert main(["reconstruct", "train.npz", "--backend", backend, "--accelerator", "cpu", "--quiet"]) == 0
    folder = job / "train-reconstructed"
    made = Reconstruction.load(folder / "reconstruction.npz")
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["no network"]["phase"]["correlation"] > 0.95
    assert scores["trained_on_this_scan"] is None
    assert "No network took part." in (folder / "report.md").read_text()
    assert {path.name for path in folder.iterdir()} >= {"object.png", "settings.toml", "provenance.json"}
    assert made.object.shape == made.coverage.shape
    assert made.network_object is None
    assert np.isfinite(made.object).all()
    assert not foreign_packages & sys.modules.keys()


TRAINING_STACK = ("lightning", "pytorch_lightning", "torchmetrics", "tensorboard", "keras", "sympy", "pandas")
LOADED_BY_KERAS = ("matplotlib.pyplot",)
SLOW_TO_IMPORT = ("scipy.signal", "scipy.stats", "scipy.optimize")


PICTURES = (["reconstruct", "train.npz"], ["infer", "universal", "train.npz"])
PROGRAM = """
import sys
from ptycho.commands.main import main
for words in {commands!r}:
    print(main(words), *sys.modules)
"""


def test_a_picture_needs_no_training_stack(job: Path, backend: str) -> None:
    """What only a training uses, and what takes long to import for little, stays out of the process."""
    words = ["--backend", backend, "--accelerator", "cpu", "--quiet", "--refine_epochs", "20"]
    program = PROGRAM.format(commands=[[*command, *words] for command in PICTURES])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    unwanted = SLOW_TO_IMPORT + (TRAINING_STACK + LOADED_BY_KERAS if backend == "pytorch" else ())
    for line, _ in zip(done.stdout.splitlines(), PICTURES, strict=True):
        code, *modules = line.split()
        assert code == "0"
        assert not set(unwanted) & set(modules)


def test_a_picture_without_a_network_says_so(
    job: Path, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reconstruction of frames alone is neither finished nor used as a network."""
    ptycho_words = ["--backend", backend, "--accelerator", "cpu", "--quiet"]
    assert main(["reconstruct", "train.npz", "--refine_epochs", "20", *ptycho_words]) == 0
    for words in (["finish", "train-reconstructed"], ["infer", "train-reconstructed", "train.npz"]):
        assert main(words) == 2
        assert "train-reconstructed was made without a network" in capsys.readouterr().err


def test_the_library_gives_the_same(job: Path, backend: str) -> None:
    """The function takes a scan or its file, and settings by path."""
    settings = CPU | {"inference.backend": backend, "inference.refine_epochs": 3}
    by_file = ptycho.reconstruct("train.npz", settings)
    by_scan = ptycho.reconstruct(RawData.from_file(job / "train.npz"), settings)
    np.testing.assert_array_equal(by_file.object, by_scan.object)
    assert any(note.startswith("3 sweeps over 36 frames took") for note in by_file.notes)


def test_a_scan_without_a_probe_starts_somewhere(job: Path, backend: str) -> None:
    """The square root of the mean frame stands in, and it is said."""
    arrays = dict(np.load("train.npz", allow_pickle=False))
    del arrays["probeGuess"]
    np.savez("bare.npz", **arrays)
    made = ptycho.reconstruct("bare.npz", CPU | {"inference.backend": backend, "inference.refine_epochs": 3})
    assert any(note.startswith("the scan has no probe") for note in made.notes)
    assert np.isfinite(made.object).all()


@pytest.mark.parametrize(
    ("rows", "settings", "complaint"),
    [
        pytest.param(1, {}, "has 1 frames of 64 x 64 pixels", id="one frame"),
        pytest.param(3, {"model.probe_modes": 4}, "model.probe_modes = 4, and the scan has 3", id="modes"),
    ],
)
def test_what_cannot_be_is_an_error(
    job: Path, backend: str, rows: int, settings: dict[str, int], complaint: str
) -> None:
    """Too little to go on is said before any work is done."""
    scan = RawData.from_file(job / "train.npz").subset(np.arange(rows))
    with pytest.raises(ValueError, match=complaint):
        ptycho.reconstruct(scan, CPU | {"inference.backend": backend} | settings)


def test_no_light_is_an_error(job: Path, backend: str) -> None:
    """Frames that are all zero end in one message, not in a picture of NaN."""
    arrays = dict(np.load("train.npz", allow_pickle=False))
    np.savez("dark.npz", **(arrays | {"diff3d": np.zeros_like(arrays["diff3d"])}))
    assert main(["reconstruct", "dark.npz", "--backend", backend, "--accelerator", "cpu", "--quiet"]) != 0
    assert not (job / "dark-reconstructed").exists()
