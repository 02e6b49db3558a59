"""The picture that a training retrieves with its probe is not lost: whatever makes results begins with it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from test_finish import spoil

from ptycho.commands.main import main
from ptycho.reconstruction.result import Reconstruction
from ptycho.reconstruction.starts import RETRIEVAL
from ptycho.run.record import RECONSTRUCTION

pytestmark = pytest.mark.slow

SWEEPS = ["--refine_epochs", "6", "--no-compare_flat"]


def test_every_way_to_results_begins_alike(job: Path) -> None:
    """Training, inference and both ways to finish give one picture, bit for bit."""
    # As many sweeps as explain the frames: none of the results below then pays for a search of causes.
    words = ["--probe_warmup_epochs", "12", "--nepochs", "1", *SWEEPS]
    assert main(["train", "run.toml", *words, "--quiet"]) == 0
    made = Reconstruction.load(job / "run" / RECONSTRUCTION)
    assert made.refined_from == RETRIEVAL
    assert json.loads((job / "run" / "scores.json").read_text())["refined_from"] == RETRIEVAL
    assert "the network had no part in it" in (job / "run" / "report.md").read_text()
    words = ["--scan", "train.npz", "--output_dir", "made", "--accelerator", "cpu", "--quiet", *SWEEPS]
    assert main(["infer", "run", *words]) == 0
    inferred = Reconstruction.load(job / "made" / RECONSTRUCTION)
    np.testing.assert_array_equal(inferred.object, made.object)
    for checkpoints in (True, False):
        if not checkpoints:
            for path in (job / "run").glob("*.ckpt"):
                path.unlink()
        spoil(job / "run")
        assert main(["finish", "run"]) == 0
        again = Reconstruction.load(job / "run" / RECONSTRUCTION)
        np.testing.assert_array_equal(again.object, made.object)
