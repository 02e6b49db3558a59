"""Every example runs, stays short, and says what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_EXAMPLES = sorted((_ROOT / "examples").glob("*.py"))
_LONGEST = 80
_SAID = {
    "01_where_did_that_come_from.py": ("frames=3", "BEAM__CAMERA__EXPOSURE_S", "camera.toml:3:1"),
    "02_one_payload_for_a_training.py": ("model.N = 128", "probeGuess", "data.C = 4", "passed over"),
    "03_simulate_and_look.py": ("100 frames, 1e+06 photons each",),
    "04_train_as_a_library.py": ("network alone: amplitude r", "refined: amplitude r"),
    "05_serve_a_client.py": ("trained with tensorflow: loss -", "(100, 64, 64, 1) make a picture (68, 68)"),
}


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], check=False, capture_output=True, text=True, cwd=cwd, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.name)
def test_examples_are_short_and_known(path: Path) -> None:
    """One idea each, under 80 lines, with its output listed here."""
    assert len(path.read_text(encoding="utf-8").splitlines()) < _LONGEST
    assert path.name in _SAID


@pytest.mark.slow
@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: path.name)
def test_examples_say_what_they_promise(path: Path, tmp_path: Path) -> None:
    """Each runs in a process of its own, in an empty folder."""
    said = _run(str(path), cwd=tmp_path).stdout
    for text in _SAID[path.name]:
        assert text in said


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["pytorch", "tensorflow"])
@pytest.mark.parametrize("name", ["quickstart.toml", "real_scan.toml"])
def test_settings_files_train(name: str, backend: str, tmp_path: Path) -> None:
    """The settings of the examples train on a small scan with either backend, and leave a report."""
    for number, file in enumerate(("train.npz", "unseen.npz")):
        seed = ["--seed", str(number), "--object-seed", str(number)]
        _run("-m", "ptycho", "simulate", file, "--n-frames", "64", "--quiet", *seed, cwd=tmp_path)
    fewer = ["--n_groups", "40", "--nepochs", "1", "--output_dir", "run", "--accelerator", "cpu"]
    fewer += ["--backend", backend]
    scans = ["--train_data_file", "train.npz", "--test_data_file", "unseen.npz"]
    settings = str(_ROOT / "examples" / name)
    _run("-m", "ptycho", "train", settings, *fewer, *scans, "--quiet", cwd=tmp_path)
    assert "network alone" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
