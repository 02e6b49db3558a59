"""Weights travel: what one backend trained, the other reconstructs with, to the same picture."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.read import read_bundle
from ptycho.reconstruction.result import Reconstruction

BACKENDS = ("pytorch", "tensorflow")
NETWORKS = ("cnn-1", "cnn-2", "unet-1", "unet-2", "canvas_unet-1")
TOLERANCE = 1e-4
SETTINGS = """\
[model]
architecture = "{architecture}"
gridsize = {gridsize}
n_filters_scale = 1
unet_stages = 1
amp_activation = "sigmoid"

[training]
train_data_file = "scan.npz"
n_groups = 8
nepochs = 1
batch_size = 8
torch_loss_mode = "mae"

[inference]
refine_epochs = 3

[execution]
accelerator = "cpu"
threads = 1
"""
RUN_ALL = """\
import json, sys
from ptycho.commands.main import main
sys.exit(max(main([*command, "--quiet"]) for command in json.loads(sys.argv[1])))
"""

pytestmark = pytest.mark.slow


def other(backend: str) -> str:
    """Name the other backend."""
    return BACKENDS[1 - BACKENDS.index(backend)]


def run_both(folder: Path, commands: dict[str, list[list[str]]]) -> None:
    """Run the commands of each backend in a process of its own, both processes at once."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RUN_ALL, json.dumps(wanted)],
            cwd=folder,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for wanted in commands.values()
    ]
    for process in started:
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said


def train(backend: str, network: str) -> list[str]:
    """Train and reconstruct with one backend."""
    home = f"{network}-{backend}"
    return ["train", f"{network}.toml", "--training.backend", backend, "--output_dir", home]


def infer(run: str, output: str, *more: str) -> list[str]:
    """Reconstruct with a bundle."""
    return [
        *("infer", run, "--scan", "scan.npz", "--accelerator", "cpu", "--output_dir", output),
        *("--refine_epochs", "3", *more),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train each network with each backend, and let the other one convert it and reconstruct."""
    place = tmp_path_factory.mktemp("travel")
    for name in NETWORKS:
        architecture, gridsize = name.split("-")
        text = SETTINGS.format(architecture=architecture, gridsize=gridsize)
        (place / f"{name}.toml").write_text(text)
    simulate = ["simulate", "scan.npz", "--n-frames", "16"]
    run_both(place, {"pytorch": [simulate]})
    run_both(place, {backend: [train(backend, name) for name in NETWORKS] for backend in BACKENDS})
    travels: dict[str, list[list[str]]] = {}
    for backend in BACKENDS:
        home = other(backend)
        travels[backend] = [
            infer(f"unet-2-{home}", f"unet-2-{home}-direct", "--inference.backend", backend),
        ]
        for name in NETWORKS:
            run = f"{name}-{home}"
            travels[backend].append(["convert", run, "--to", backend])
            travels[backend].append(infer(f"{run}-{backend}", f"{run}-abroad"))
    run_both(place, travels)
    return place


def assert_same_picture(folder: Path, home: str, abroad: str) -> None:
    """Compare what two backends made of one scan with the same weights."""
    first, second = (Reconstruction.load(folder / name / "reconstruction.npz") for name in (home, abroad))
    for name in ("network_object", "object", "predicted", "probe"):
        expected, found = getattr(first, name), getattr(second, name)
        distance = np.linalg.norm(found - expected) / np.linalg.norm(expected)
        assert distance <= TOLERANCE, f"{name}: {distance:.1e}"
    np.testing.assert_allclose(second.origin_px, first.origin_px)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("home", BACKENDS)
def test_a_converted_network_gives_the_same_picture(folder: Path, home: str, network: str) -> None:
    """The network alone and the refined picture agree with those of the backend that trained it."""
    assert_same_picture(folder, f"{network}-{home}", f"{network}-{home}-abroad")


@pytest.mark.parametrize("home", BACKENDS)
def test_a_bundle_is_read_by_the_other_backend_too(folder: Path, home: str) -> None:
    """Without a conversion, by naming the backend, the picture is the same, and the report says so."""
    assert_same_picture(folder, f"unet-2-{home}", f"unet-2-{home}-direct")
    report = (folder / f"unet-2-{home}-direct" / "report.md").read_text()
    assert f"the network was trained by {home} and reconstructs by {other(home)}" in report


@pytest.mark.parametrize("home", BACKENDS)
def test_the_story_of_a_conversion_is_kept(folder: Path, home: str) -> None:
    """The converted bundle names both backends with the versions of their packages."""
    before = read_bundle(folder / f"cnn-1-{home}" / FILE_NAME)
    after = read_bundle(folder / f"cnn-1-{home}-{other(home)}" / FILE_NAME)
    assert (before.backend, after.backend) == (home, other(home))
    assert after.converted_from == (before.writer,)
    assert {"torch", "tensorflow"} <= before.versions.keys() & after.versions.keys()
    assert before.weights.keys() == after.weights.keys()
    for name, array in before.weights.items():
        np.testing.assert_array_equal(after.weights[name], array, err_msg=name)
