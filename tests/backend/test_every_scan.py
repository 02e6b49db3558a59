"""A network for every scan, from the command line: no training, fine-tuning, and the start of sweeps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ptycho.commands.main import main
from ptycho.network.settings import NetworkSettings
from ptycho.zoo.every_scan import write_network

SHAPE = {"architecture": "canvas_unet", "n_filters_scale": 1, "amp_activation": "sigmoid", "unet_stages": 1}

ROWS = {"refined", "network alone", "no network"}
BF16 = ("--execution.precision", "bf16-mixed")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, build_network) -> Path:
    """A folder with a scan of two modes, and one with random weights of a small network."""
    folder = tmp_path_factory.mktemp("every")
    simulate = ["simulate", str(folder / "scan.npz"), "--n-frames", "36", "--probe-modes", "2", "--quiet"]
    assert main(simulate) == 0
    return folder


@pytest.fixture(scope="module")
def weights(place: Path, build_network, backend: str) -> Path:
    """A file of the weights that a seed stands for."""
    if backend == "pytorch":
        from ptycho_torch.nn.weights import export
    else:
        from ptycho.tf.weights import export
    network = build_network(NetworkSettings(**SHAPE), np.ones((1, 64, 64), np.complex64), 1.0, seed=3)
    core = {name: array for name, array in export(network).items() if name.startswith("core/")}
    write_network(place / "net.safetensors", SHAPE, core)
    return place / "net.safetensors"


def run(folder: Path, *words: str) -> dict[str, dict[str, dict[str, float]]]:
    """Run a command, and give the scores of its report."""
    assert main([*words, "--accelerator", "cpu", "--output_dir", str(folder), "--quiet"]) in (0, 10)
    return json.loads((folder / "scores.json").read_text())


def test_the_packaged_network_sees_any_scan(place: Path, backend: str) -> None:
    """It resembles the object at first sight, its sweeps learn the probe, the report says what adds what."""
    given = ["--scan", str(place / "scan.npz"), "--backend", backend, "--refine_epochs", "3"]
    scores = run(place / "seen", "infer", "universal", *given)
    assert scores.keys() >= ROWS
    assert scores["network alone"]["phase"]["correlation"] > 0.6
    for part in ("amplitude", "phase"):
        assert scores["refined"][part]["correlation"] > scores["no network"][part]["correlation"]
    with np.load(place / "seen" / "reconstruction.npz") as made:
        assert made["probe"].shape == (2, 64, 64)
        assert np.isfinite(made["object"]).all()


@pytest.mark.slow
def test_a_scan_without_a_probe_gets_one(place: Path, backend: str) -> None:
    """The probe is searched before the network looks, as for sweeps alone; the report says so."""
    with np.load(place / "scan.npz") as scan:
        arrays = {name: scan[name] for name in scan.files if name != "probeGuess"}
    np.savez(place / "bare.npz", **arrays)
    given = ["--scan", str(place / "bare.npz"), "--backend", backend, "--refine_epochs", "3"]
    scores = run(place / "bare", "infer", "universal", *given)
    assert "the probe was found from the frames" in (place / "bare" / "report.md").read_text()
    assert scores["refined"]["amplitude"]["correlation"] > 0.5


def test_half_precision_shows_the_same_picture(place: Path, backend: str) -> None:
    """Convolutions in bfloat16 change the picture, and hardly its score; the report says so."""
    given = ["infer", "universal", "--scan", str(place / "scan.npz"), "--backend", backend]
    alone = ["--refine_epochs", "0"]
    scores = [run(place / "single", *given, *alone), run(place / "half", *given, *alone, *BF16)]
    whole, half = (score["network alone"]["phase"]["correlation"] for score in scores)
    assert whole == pytest.approx(half, abs=5e-3)
    pictures = [np.load(place / name / "reconstruction.npz")["object"] for name in ("single", "half")]
    assert not np.array_equal(*pictures)
    assert "convolutions are computed in bf16-mixed" in (place / "half" / "report.md").read_text()


def test_a_training_starts_from_a_file_of_weights(place: Path, weights: Path, backend: str) -> None:
    """The network is that of the weights, whatever the recipe says, and learns from windows of the scan."""
    given = [str(place / "scan.npz"), "--training.backend", backend, "--init", str(weights)]
    scores = run(place / "tuned", "train", *given, "--nepochs", "1", "--refine_epochs", "1")
    assert scores.keys() >= ROWS
    report = (place / "tuned" / "report.md").read_text()
    assert "the weights start from" in report
    assert "windows of" in report
    assert "canvas_unet" in (place / "tuned" / "settings.toml").read_text()


def test_sweeps_start_from_the_network(place: Path, weights: Path, backend: str) -> None:
    """The report shows the picture that they started from, and what as many sweeps make without it."""
    given = [str(place / "scan.npz"), "--inference.backend", backend, "--start", str(weights)]
    scores = run(place / "swept", "reconstruct", *given, "--refine_epochs", "2")
    assert scores.keys() >= ROWS
    report = (place / "swept" / "report.md").read_text()
    assert "the sweeps start from the picture of the network" in report
    assert "No network took part." not in report


def test_a_dense_scan_is_thinned_for_the_start(backend: str) -> None:
    """The network looks at every so many-th frame, and one sweep later leads as if it had seen all."""
    import ptycho
    from ptycho.metrics.comparison import compare
    from ptycho.simulate.scan import Simulation, simulate

    scan = simulate(Simulation(n_frames=144, seed=5, object_seed=5))
    settings = {"inference.backend": backend, "execution.accelerator": "cpu", "inference.refine_epochs": 1}
    started, flat = (
        ptycho.reconstruct(scan, settings | {"inference.start": start}) for start in ("universal", "flat")
    )
    assert any("of 144 frames" in note for note in started.notes)
    phases = [compare(made, scan).scores.phase.correlation for made in (started, flat)]
    assert phases[0] > phases[1] + 0.05


def test_weights_of_another_shape_are_refused(
    place: Path, weights: Path, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error says what the file describes, and what needs no network."""
    from safetensors.numpy import load_file

    wrong = place / "wrong.safetensors"
    write_network(wrong, {**SHAPE, "n_filters_scale": 2}, load_file(weights))
    given = ["--scan", str(place / "scan.npz"), "--backend", backend, "--accelerator", "cpu"]
    assert main(["infer", str(wrong), *given, "--output_dir", str(place / "no"), "--quiet"]) == 2
    told = capsys.readouterr().err
    for part in ("do not fill the network", "n_filters_scale = 2", "ptycho reconstruct SCAN"):
        assert part in told


def test_settings_against_the_weights_are_refused(
    place: Path, weights: Path, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another architecture than that of the weights is an error that names both, and nothing is computed."""
    given = ["--scan", str(place / "scan.npz"), "--backend", backend, "--accelerator", "cpu"]
    words = [*given, "--model.architecture", "unet", "--output_dir", str(place / "other"), "--quiet"]
    assert main(["infer", str(weights), *words]) == 2
    assert "'model.architecture' is 'unet', and the trained network was made with 'canvas_unet'" in (
        capsys.readouterr().err
    )


def test_a_start_that_fills_nothing_is_named(
    place: Path, weights: Path, backend: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights of another width than their file says are refused by their name."""
    from safetensors.numpy import load_file

    wrong = place / "narrow.safetensors"
    write_network(wrong, {**SHAPE, "n_filters_scale": 2}, load_file(weights))
    words = ["--training.backend", backend, "--accelerator", "cpu", "--output_dir", str(place / "narrow")]
    assert main(["train", str(place / "scan.npz"), "--init", str(wrong), *words, "--quiet"]) == 2
    told = capsys.readouterr().err
    assert "narrow.safetensors does not fill the network that it describes" in told
    assert "n_filters_scale = 2" in told
