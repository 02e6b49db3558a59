"""Both backends and the numpy reference say the same of the same arrays, each backend in its own process.

Sums over a whole network hold single ReLUs and signs that turn over where a number is zero but for rounding:
slopes of weights have a bound of their own in single precision.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cases
import numpy as np
import pytest
import reference

from ptycho import params
from ptycho.config.config import ModelConfig, TrainingConfig, update_legacy_dict
from ptycho.physics.illumination import probe_intensity
from ptycho.physics.stitch import stitch
from ptycho.raw_data import RawData

BACKENDS = ("torch", "tensorflow")
CASES = {case.name: case for case in cases.network_cases()}
SLOPES_OF_WEIGHTS = {"float32": 1e-3, "float64": cases.TOLERANCE["float64"]}

Found = dict[str, np.ndarray]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Let both backends compute everything, at once and each in a process of its own."""
    folder = tmp_path_factory.mktemp("parity")
    cases.write_scan(folder / "scan.npz")
    quiet = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    worker = str(Path(__file__).with_name("worker.py"))
    started = [
        subprocess.Popen(
            [sys.executable, worker, backend, str(folder)],
            env={**os.environ, **quiet},
            stderr=subprocess.PIPE,
            text=True,
        )
        for backend in BACKENDS
    ]
    for process in started:
        _, said = process.communicate(timeout=900)
        assert process.returncode == 0, said
    return folder


def read(folder: Path, backend: str, name: str) -> Found:
    """Read what a backend found."""
    with np.load(folder / backend / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """Give the relative l2 distance; the absolute one from zero."""
    found, expected = (np.asarray(a, np.result_type(a, np.float64)) for a in (found, expected))
    assert found.shape == expected.shape
    assert np.isfinite(found).all()
    return float(np.linalg.norm(found - expected) / (np.linalg.norm(expected) or 1.0))


def assert_near(found: Found, expected: Found, tolerance: dict[str, float] | float) -> None:
    """Compare everything that is expected, and name what lies too far away."""
    far = {}
    for name, array in expected.items():
        bound = tolerance[name] if isinstance(tolerance, dict) else tolerance
        apart = distance(found[name], array)
        if apart > bound:
            far[name] = apart
    assert far == {}


@pytest.mark.parametrize("name", CASES)
def test_backends_agree(results: Path, name: str) -> None:
    """Amplitudes, losses, slopes of object and weights, and the stitched picture are those of the other."""
    first, second = (read(results, backend, name) for backend in BACKENDS)
    assert first.keys() == second.keys()
    dtype = CASES[name].dtype
    bounds = dict.fromkeys(first, cases.TOLERANCE[dtype]) | {"weight_slopes": SLOPES_OF_WEIGHTS[dtype]}
    assert_near(second, first, bounds)
    assert all(found["amplitude"].dtype == dtype for found in (first, second))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CASES)
def test_backends_agree_with_numpy(results: Path, name: str, backend: str) -> None:
    """Merged patches, amplitudes, losses and their slopes in the object are those written out by hand."""
    expected = reference.Reference(CASES[name])
    merged = expected.merge(expected.patches)
    wanted: Found = {"merged": merged, "amplitude": expected.amplitude(merged)}
    for loss in cases.LOSSES:
        value, wanted[f"slope_{loss}"] = expected.loss(loss)
        wanted[f"loss_{loss}"] = np.array(value)
    assert_near(read(results, backend, name), wanted, cases.TOLERANCE[CASES[name].dtype])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CASES)
def test_predictions_are_numpys_of_the_patches(results: Path, name: str, backend: str) -> None:
    """What a network predicts and how it is stitched follow from its patches by the numpy physics."""
    case, found = CASES[name], read(results, backend, name)
    arrays, own = cases.arrays_of(case), reference.Reference(case)
    patches = found["network_patches"].astype(np.complex128)
    unmerged = case.settings["architecture"] == "cnn" and case.settings["object_big"]
    # Between pixels the canvas of a scan moves the probe for its prediction, and only shows moved patches.
    unmerged |= case.settings["architecture"] == "canvas_unet"
    flat = patches.reshape(-1, cases.N, cases.N)
    if not unmerged:
        assert_near(found, {"network_amplitude": own.amplitude(patches)}, cases.TOLERANCE[case.dtype])
    picture = stitch(flat, arrays["positions"].astype(np.float64), probe_intensity(own.probe)).object
    assert_near(found, {"stitched": picture}, cases.TOLERANCE[case.dtype])


def test_fresh_networks_start_alike(results: Path) -> None:
    """The same seed gives the same first weights, bit for bit."""
    first, second = (read(results, backend, "start") for backend in BACKENDS)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(second[name], array, err_msg=name)


def test_scans_are_grouped_and_pictured_alike(results: Path) -> None:
    """Groups are equal, and whole reconstructions of a scan agree."""
    first, second = (read(results, backend, "scan") for backend in BACKENDS)
    assert first.keys() == second.keys()
    for name, array in first.items():
        if name.startswith("grouped"):
            np.testing.assert_array_equal(second[name], array, err_msg=name)
    assert_near(second, first, cases.TOLERANCE["float32"])


@pytest.mark.parametrize("gridsize", [1, 2, 3])
def test_groups_are_those_of_the_scan(results: Path, fresh_params: None, gridsize: int) -> None:
    """Training sees the groups that the public `generate_grouped_data` gives, on both backends."""
    config = TrainingConfig(model=ModelConfig(N=cases.N, gridsize=gridsize), n_groups=8)
    update_legacy_dict(params.cfg, config)
    scan = RawData.from_file(results / "scan.npz")
    grouped = scan.generate_grouped_data(cases.N, K=9, nsamples=8, seed=1, gridsize=gridsize)
    wanted = {
        f"grouped_X_{gridsize}": np.moveaxis(grouped["X_full"], -1, 1),
        f"grouped_relative_{gridsize}": np.moveaxis(grouped["coords_relative"][:, 0], -1, 1),
        f"grouped_labels_{gridsize}": np.moveaxis(grouped["Y"], -1, 1),
    }
    for backend in BACKENDS:
        assert_near(read(results, backend, "scan"), wanted, 1e-6)


def test_iterations_agree(results: Path) -> None:
    """Probe retrieval and refinement take the same steps to the same picture, and tell the same misfits."""
    first, second = (read(results, backend, "iterations") for backend in BACKENDS)
    assert first.keys() == second.keys()
    assert_near(second, first, cases.TOLERANCE["float32"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_workers_import_one_framework(results: Path, backend: str) -> None:
    """While a backend computed, nothing of the other one was imported."""
    assert json.loads((results / backend / "foreign.json").read_text()) == []
