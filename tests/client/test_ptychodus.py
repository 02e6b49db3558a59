"""ptychodus 1.7.0 from PyPI works with this library, and neither was changed for it."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ptycho.commands.main import main

pytestmark = [pytest.mark.client, pytest.mark.slow]

Drive = Callable[[str], dict[str, Any]]

GOOD = 0.95
"""Correlation with the true object that a reconstruction must reach in amplitude and in phase."""

LEARNED = 0.85
"""Correlation that the network alone must reach after some seconds of training."""

BLANK = 0.2
"""Correlation that a picture of nothing stays below."""


def test_torch_path_reconstructs_the_object(drive: Drive) -> None:
    """Exported, trained, saved, opened again: the picture is that of the object, where the object was."""
    seen = drive("torch")
    assert seen["model_loaded"]
    assert seen["products"] == 1
    assert seen["dtype"] == "complex64"
    assert min(seen["amplitude"], seen["phase"]) > GOOD
    assert max(abs(seen["constant_amplitude"]), abs(seen["constant_phase"])) < BLANK
    assert seen["centre_kept"]
    assert max(abs(value) for value in seen["shift_px"]) < 0.2


def test_torch_path_reports_the_losses(drive: Drive) -> None:
    """The client's own callback hears training and validation loss of every epoch, and they fall."""
    for name, epochs in ("torch", 2), ("torch-network-alone", 8):
        seen = drive(name)
        assert seen["progress"] == len(seen["training_loss"]) == len(seen["validation_loss"]) == epochs
        assert seen["training_loss"][-1] < seen["training_loss"][0]
    # Two epochs are too few to tell: an object that starts transparent explains much of the frames at once.
    assert seen["validation_loss"][-1] < seen["validation_loss"][0]


def test_torch_network_alone_learns_the_object(drive: Drive) -> None:
    """Without any refinement the trained network shows the object."""
    seen = drive("torch-network-alone")
    assert min(seen["amplitude"], seen["phase"]) > LEARNED
    assert max(abs(seen["constant_amplitude"]), abs(seen["constant_phase"])) < BLANK


def test_saved_model_is_one_of_ours(drive: Drive) -> None:
    """The file that the client saved opens without running code, and its run folder holds a bundle."""
    seen = drive("torch")
    assert Path(seen["model"]).stat().st_size > 1e6
    runs = list((seen["folder"] / "trained").iterdir())
    assert [run.name[:4] for run in runs] == ["run_"]
    assert {"last.ckpt", "metrics.csv", "wts.h5.zip"} <= {path.name for path in runs[0].iterdir()}


def test_tensorflow_path_reconstructs_the_object(drive: Drive) -> None:
    """Exported, trained, saved, opened again: the network's own picture is that of the object."""
    seen = drive("tensorflow-learned")
    assert seen["model_loaded"]
    assert seen["products"] == 1
    assert seen["dtype"] == "complex64"
    assert min(seen["amplitude"], seen["phase"]) > LEARNED
    assert max(abs(seen["constant_amplitude"]), abs(seen["constant_phase"])) < BLANK
    assert seen["centre_kept"]
    assert max(abs(value) for value in seen["shift_px"]) < 1


def test_tensorflow_path_runs_as_shipped(drive: Drive) -> None:
    """With the client's own settings a product comes back, of the size that its scan has."""
    seen = drive("tensorflow")
    assert seen["products"] == 1
    assert seen["shape"][0] == seen["shape"][1]
    assert seen["shape"][0] % 2 == 0
    assert 70 <= seen["shape"][0] <= 126
    assert [path.name for path in (seen["folder"] / "trained").iterdir()] == ["wts.h5.zip"]


ERRORS = [
    (
        "torch-errors",
        "no scan",
        "holds no scan to train on\n  expected  train_data.npz, or one other scan (.npz)\n",
    ),
    ("torch-errors", "size", "have 64 x 64 pixels, and model.N is 128\n"),
    ("torch-errors", "unbuilt", "'model.eca_encoder' is True, which asks for what is not built here: "),
    (
        "torch-errors",
        "labels",
        "(DATA-SUP-001)\n  expected  an array 'Y' or 'label' of shape (144, 64, 64)",
    ),
    ("torch-errors", "foreign", "foreign.ckpt is not a checkpoint of this library: it is no archive\n"),
    (
        "tensorflow-errors",
        "labels",
        "(DATA-SUP-001)\n  expected  an array 'Y' or 'label' of shape (144, 64",
    ),
    ("tensorflow-errors", "foreign", "wts.h5.zip is no ZIP archive\n"),
]


@pytest.mark.parametrize(
    ("job", "mistake", "told"), ERRORS, ids=[f"{job}: {mistake}" for job, mistake, _ in ERRORS]
)
def test_errors_arrive_as_text(drive: Drive, job: str, mistake: str, told: str) -> None:
    """What ptychodus shows of an error says what is wrong and what is expected."""
    shown = drive(job)[mistake]
    assert shown.startswith("Subprocess raised ")
    assert told in shown
    assert "expected" in shown


@pytest.mark.parametrize("job", ["torch", "torch-network-alone", "torch-errors"])
def test_torch_path_keeps_tensorflow_out(drive: Drive, job: str) -> None:
    """Nothing in the log of the torch path speaks of TensorFlow."""
    assert "tensorflow" not in drive(job)["log"].lower()


def test_client_is_as_published(client_python: Path) -> None:
    """Every file of ptychodus has the checksum that its wheel recorded."""
    package = next(client_python.parents[1].glob("lib/python*/site-packages"))
    record = package / "ptychodus-1.7.0.dist-info" / "RECORD"
    rows = [line.rsplit(",", 2) for line in record.read_text().splitlines()]
    sums = {name: recorded for name, recorded, _ in rows if recorded and name.startswith("ptychodus/")}
    assert len(sums) > 300
    assert [name for name, recorded in sums.items() if _sum(package / name) != recorded] == []


def _sum(path: Path) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest())
    return "sha256=" + digest.decode().rstrip("=")


def test_client_meets_the_library_as_it_stands(client_python: Path) -> None:
    """The environment holds no copy of our packages: the client imports those that are tested here."""
    import ptycho
    import ptycho_torch

    code = "import ptycho, ptycho_torch; print(ptycho.__file__); print(ptycho_torch.__file__)"
    told = subprocess.run([str(client_python), "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == [ptycho.__file__, ptycho_torch.__file__]


OPENED = """
import sys
from pathlib import Path
import numpy as np
from ptychodus.api.io import load_product
from ptychodus.api.simulate.diffraction import generate_diffraction_data
product = load_product(Path(sys.argv[1]))
patterns = np.asarray(generate_diffraction_data(product).get_patterns(), float)
frames = np.load(sys.argv[2])["diff3d"].astype(float)
print(np.corrcoef(np.sqrt(patterns).ravel(), np.sqrt(frames).ravel())[0, 1])
print(product.metadata.photon_energy_eV, product.metadata.detector_distance_m)
"""


def test_a_product_of_ours_explains_the_frames(
    client_python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client opens the product of a run, and predicts the frames from it by its own propagator."""
    monkeypatch.chdir(tmp_path)
    lengths = ["--data.energy_kev", "8", "--data.distance_m", "1", "--data.detector_pixel_m", "75e-6"]
    scan = [
        "scan.npz",
        "--inference.output_dir",
        "run",
        "--quiet",
        "--execution.accelerator",
        "cpu",
        "--data.axes",
        "trust",
    ]
    assert main(["simulate", "scan.npz", "--n-frames", "36", "--object-family", "circuit", "--quiet"]) == 0
    assert main(["reconstruct", *scan, "--outputs", "product", *lengths]) == 0
    words = [str(client_python), "-c", OPENED, "run/product.h5", "scan.npz"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert float(told[0]) > 0.99
    assert [float(word) for word in told[1:]] == [pytest.approx(8000), 1.0]
