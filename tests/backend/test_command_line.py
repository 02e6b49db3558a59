"""The main job through its command line: train, look at what is left, reconstruct another scan."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.read import read_bundle
from ptycho.commands.main import main
from ptycho.reconstruction.result import Reconstruction
from ptycho.run.resolve import resolve_run

LEFT_BEHIND = {
    "wts.h5.zip",
    "last.ckpt",
    "run.json",
    "metrics.csv",
    "settings.toml",
    "provenance.json",
    "reconstruction.npz",
    "scores.json",
    "report.html",
    "report.md",
    "object.png",
    "network.png",
    "probe.png",
    "diffraction.png",
    "loss.png",
    "positions.png",
    "residuals.png",
    "comparison.png",
    "frc.png",
}


def test_a_run_folder_holds_everything(trained: Path) -> None:
    """Bundle, checkpoints, metrics, settings, provenance, reconstruction, scores and pictures; no remains."""
    names = {item.name for item in (trained / "run").iterdir()}
    assert names >= LEFT_BEHIND
    assert {name for name in names - LEFT_BEHIND if not name.startswith("best-")} == set()
    assert sorted(item.name for item in trained.iterdir()) == ["other.npz", "run", "run.toml", "train.npz"]


def test_a_scan_of_any_side_trains_as_it_is(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames of a side that the architecture takes are neither cut nor filled up, up to the picture."""
    monkeypatch.chdir(tmp_path)
    assert main(["simulate", "scan.npz", "--N", "72", "--n-frames", "16", "--quiet"]) == 0
    short = ["--nepochs", "1", "--gridsize", "1", "--n_filters_scale", "1", "--accelerator", "cpu"]
    train = ["train", "scan.npz", "--training.backend", backend, "--output_dir", "run", "--quiet"]
    # So many sweeps explain 16 frames: fewer are followed by a search of causes that takes longer.
    assert main([*train, *short, "--inference.refine_epochs", "40"]) == 0
    settings = {
        item["path"]: item["value"]
        for item in json.loads(Path("run/provenance.json").read_text())["settings"]
    }
    assert (settings["model.N"], settings["data.crop_px"]) == (72, None)
    assert settings["model.architecture"] == "unet"
    again = ["infer", "run", "--scan", "scan.npz", "--output_dir", "again", "--accelerator", "cpu"]
    assert main([*again, "--quiet"]) == 0
    assert Reconstruction.load(Path("again/reconstruction.npz")).probe.shape == (1, 72, 72)


@pytest.mark.slow
def test_halves_may_have_networks_of_their_own(
    backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two more networks learn from a half each; report, scores and terminal say so, its own is the same."""
    monkeypatch.chdir(tmp_path)
    simulated = ["simulate", "scan.npz", "--N", "32", "--n-frames", "100", "--step-px", "4", "--quiet"]
    assert main(simulated) == 0
    short = ["--nepochs", "1", "--gridsize", "1", "--n_filters_scale", "1", "--accelerator", "cpu"]
    train = ["train", "scan.npz", "--training.backend", backend, *short, "--inference.refine_epochs", "4"]
    assert main([*train, "--output_dir", "shared"]) == 0
    shared = "odd and even of all frames, each by itself, one network for both: agreement, no resolution"
    assert f"half-bit ({shared}): " in capsys.readouterr().err
    assert main([*train, "--output_dir", "apart", "--independent-halves"]) == 0
    apart = "odd and even of all frames, each by itself, a network for each that learned from it alone"
    assert f"half-bit ({apart}): " in capsys.readouterr().err
    for run, what, networks in (("shared", shared, 1), ("apart", apart, 2)):
        halves = json.loads(Path(run, "scores.json").read_text())["halves"]
        assert (halves["what"], halves["networks"], halves["shared_network"]) == (
            what,
            networks,
            networks == 1,
        )
        assert what in Path(run, "report.md").read_text()
    weights = [read_bundle(Path(run, FILE_NAME)).weights for run in ("shared", "apart")]
    for name, values in weights[0].items():
        np.testing.assert_array_equal(values, weights[1][name], err_msg=name)


def test_pictures_are_pictures(trained: Path) -> None:
    """Every PNG decodes to an image with more than one colour."""
    from matplotlib import image

    for path in (trained / "run").glob("*.png"):
        pixels = image.imread(path)
        assert min(pixels.shape[:2]) > 100
        assert pixels[..., :3].std() > 0


def test_settings_load_back_to_the_same_values(trained: Path) -> None:
    """A run resolved from its own settings.toml has the values of the run, origins as comments aside."""
    provenance = json.loads((trained / "run" / "provenance.json").read_text())
    again = resolve_run("train", files=[trained / "run" / "settings.toml"])
    for setting in provenance["settings"]:
        now = again[setting["path"]]
        if isinstance(now, Path):
            now, setting["value"] = now.resolve(), Path(setting["value"]).resolve()
        assert now == (tuple(setting["value"]) if isinstance(now, tuple) else setting["value"]), setting


def test_provenance_names_file_and_line(trained: Path) -> None:
    """The report of a run says which line of which file gave a value, and what it beat."""
    settings = json.loads((trained / "run" / "provenance.json").read_text())["settings"]
    gridsize = next(item for item in settings if item["path"] == "model.gridsize")
    origin = gridsize["winner"]["origin"]
    assert (Path(origin["file"]).name, origin["line"], origin["column"]) == ("run.toml", 3, 1)
    assert [loser["layer"] for loser in gridsize["losers"]] == [
        "recipe",
        "torch-defaults",
        "tensorflow-defaults",
    ]
    measured = next(item for item in settings if item["path"] == "training.nphotons")
    assert measured["winner"]["layer"] == "measured"
    assert measured["losers"][0]["layer"] == "data-file"


def test_metrics_have_a_row_for_each_epoch(trained: Path) -> None:
    """metrics.csv counts the epochs and holds both losses."""
    with (trained / "run" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(float(row["epoch"])) for row in rows] == [0, 1]
    assert all(float(row["train_loss"]) > 0 and float(row["val_loss"]) > 0 for row in rows)


def test_the_report_says_whether_the_scan_was_seen(trained: Path) -> None:
    """Scores of the training scan say so, in the report and in scores.json."""
    scores = json.loads((trained / "run" / "scores.json").read_text())
    assert scores["trained_on_this_scan"] is True
    assert scores["reference"] == "truth"
    assert {"refined", "network alone"} <= scores.keys()
    assert scores["refined_from"] == "the network"
    assert "The network was trained on this very scan." in (trained / "run" / "report.md").read_text()


def test_the_same_settings_give_the_same_weights(job: Path) -> None:
    """Training again from the run's own settings.toml reproduces every weight bit for bit."""
    settings = str(job / "run" / "settings.toml")
    assert main(["train", settings, "--output_dir", str(job / "again"), "--quiet"]) == 0
    first, second = (read_bundle(job / name / FILE_NAME) for name in ("run", "again"))
    assert first.weights.keys() == second.weights.keys()
    for name, array in first.weights.items():
        np.testing.assert_array_equal(array, second.weights[name], err_msg=name)


def test_a_bundle_reconstructs_another_scan(job: Path) -> None:
    """Inference takes the network's shape from the bundle and says that the scan is new to it."""
    command = ["infer", "run", "--scan", "other.npz", "--accelerator", "cpu", "--output_dir", "new"]
    assert main([*command, "--refine_epochs", "20"]) == 0
    scores = json.loads((job / "new" / "scores.json").read_text())
    assert scores["trained_on_this_scan"] is False
    found = Reconstruction.load(job / "new" / "reconstruction.npz")
    assert len(found.positions) == 36
    assert np.isfinite(found.object).all()
    settings = json.loads((job / "new" / "provenance.json").read_text())["settings"]
    architecture = next(item for item in settings if item["path"] == "model.architecture")
    assert architecture["winner"]["layer"] == "bundle"
    assert Path(architecture["winner"]["origin"]["file"]).name == FILE_NAME


def test_inference_repeats_the_picture_of_the_training(job: Path) -> None:
    """The bundle alone gives the reconstruction that the training run left."""
    assert main(["infer", "run", "--scan", "train.npz", "--accelerator", "cpu", "--refine_epochs", "20"]) == 0
    first = Reconstruction.load(job / "run" / "reconstruction.npz")
    second = Reconstruction.load(job / "inference_outputs" / "reconstruction.npz")
    assert first.network_object is not None
    assert second.network_object is not None
    np.testing.assert_allclose(second.network_object, first.network_object, atol=1e-5)
    np.testing.assert_allclose(second.object, first.object, atol=1e-4)


def test_an_earlier_run_is_never_overwritten(job: Path) -> None:
    """A second reconstruction under one name leaves the first one beside it."""
    command = [
        "infer",
        "run",
        "--scan",
        "other.npz",
        "--accelerator",
        "cpu",
        "--output_dir",
        "new",
        "--quiet",
    ]
    assert main(command) == 0
    kept = (job / "new" / "report.md").stat().st_mtime_ns
    assert main(command) == 0
    assert (job / "new.1" / "report.md").stat().st_mtime_ns == kept


def test_a_training_goes_on_where_it_was_left(job: Path) -> None:
    """Resuming from a run folder trains the epochs that are missing and keeps the rows of the others."""
    command = ["train", "run.toml", "--resume", "run", "--nepochs", "3", "--output_dir", "more", "--quiet"]
    assert main(command) == 0
    with (job / "more" / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(float(row["epoch"])) for row in rows] == [0, 1, 2]


@pytest.mark.slow
def test_a_shared_training_leaves_one_run_folder(job: Path) -> None:
    """Two devices train together; results are written once, and nothing else remains."""
    command = [sys.executable, "-m", "ptycho", "train", "run.toml", "--output_dir", "shared", "--quiet"]
    done = subprocess.run(
        [*command, "--strategy", "ddp", "--devices", "2"],
        check=False,
        capture_output=True,
        text=True,
        cwd=job,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert {item.name for item in (job / "shared").iterdir()} >= LEFT_BEHIND
    assert [item.name for item in job.glob("shared*")] == ["shared"]


COMMANDS = {
    "infer": ["infer", "run", "--scan", "other.npz", "--accelerator", "cpu", "--output_dir", "inferred"],
    "train": ["train", "run.toml", "--nepochs", "1", "--output_dir", "trained"],
    "train with TensorBoard": [
        *("train", "run.toml", "--nepochs", "1", "--output_dir", "shown"),
        *("--logger_backend", "tensorboard"),
    ],
}
PROGRAM = """
import sys
from ptycho.commands.main import main
for words in {commands!r}:
    code = main([*words, "--quiet"])
    print(code, sorted({foreign!r} & {{name.split('.')[0] for name in sys.modules}}))
"""


def test_the_other_framework_stays_out(job: Path, foreign_packages: set[str]) -> None:
    """A process that reconstructed or trained holds nothing of the framework of the other backend."""
    code = PROGRAM.format(commands=[*COMMANDS.values()], foreign=foreign_packages)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=job)
    # In their order: what the first leaves out, the second may not bring in.
    assert dict(zip(COMMANDS, done.stdout.strip().splitlines(), strict=True)) == dict.fromkeys(
        COMMANDS, "0 []"
    )
    folders = {path.relative_to(job).parts[0] for path in job.rglob("events.out.tfevents*")}
    assert folders == {"shown"}
