"""What another distribution brings by entry points trains on each backend, chosen in a settings file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

SETTINGS = {
    "model": {"architecture": "shallow", "gridsize": 1},
    "training": {"nepochs": 2, "batch_size": 8, "loss_terms": {"brightness": 0.25}, "output_dir": "run"},
    "inference": {"refine_epochs": 0, "outputs": ["notebook"]},
    "execution": {
        "scheduler": "halving",
        "logger_backend": "diary",
        "accelerator": "cpu",
        "learning_rate": 0.01,
    },
}


def test_a_plugin_trains_and_reports(laboratory: Callable[..., str], backend: str, tmp_path: Path) -> None:
    """Architecture, loss term, scheduler, logger, section and both formats of a plugin act in one run."""
    laboratory("simulate", "scan.npz", "--N", "48", "--n-frames", "16", "--quiet", "--probe", "square_hole")
    with np.load(tmp_path / "scan.npz") as scan:
        table = np.column_stack([scan["xcoords"], scan["ycoords"], scan["diff3d"].reshape(16, -1)])
    np.savetxt(tmp_path / "night.txt", table, fmt="%.10g", header="frames of the laboratory")
    (tmp_path / "run.note").write_text(json.dumps(SETTINGS))
    laboratory("train", "night.txt", "run.note", "--training.backend", backend, "--quiet")
    run = tmp_path / "run"
    assert (run / "diary.txt").read_text() == "0.01\n0.005\n"
    assert "## Laboratory\n\nMeasured at night." in (run / "report.md").read_text()
    assert (run / "size.txt").read_text().startswith("night.txt: ")
    entries = {item["path"]: item for item in json.loads((run / "provenance.json").read_text())["settings"]}
    assert entries["model.N"]["value"] == 48
    assert entries["model.architecture"]["value"] == "shallow"
    assert "brightness" in (run / "report.md").read_text()
    laboratory("infer", "run", "--scan", "night.txt", "--accelerator", "cpu", "--quiet")
    assert (tmp_path / "inference_outputs" / "reconstruction.npz").is_file()
