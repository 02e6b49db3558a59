"""The main job through its command line: train, look at what is left, reconstruct another scan."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ptycho import bundle
from ptycho.cli import main
from ptycho.config.run import resolve_run
from ptycho.reconstruction import Reconstruction
from ptycho_torch import inference, train

torch.set_num_threads(1)

SETTINGS = """\
[model]
architecture = "unet"
gridsize = 1
n_filters_scale = 1
unet_stages = 1
amp_activation = "sigmoid"

[training]
backend = "pytorch"
train_data_file = "train.npz"
output_dir = "run"
n_groups = 36
nepochs = 2
batch_size = 8
torch_loss_mode = "mae"

[inference]
refine_epochs = 2

[execution]
accelerator = "cpu"
"""
LEFT_BEHIND = {
    "wts.h5.zip",
    "last.ckpt",
    "metrics.csv",
    "settings.toml",
    "provenance.json",
    "reconstruction.npz",
    "scores.json",
    "report.md",
    "object.png",
    "network.png",
    "probe.png",
    "diffraction.png",
    "loss.png",
    "positions.png",
    "comparison.png",
    "frc.png",
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings, two simulated scans, and the run folder of a short training."""
    folder = tmp_path_factory.mktemp("job")
    for number, name in enumerate(("train.npz", "other.npz")):
        seeds = ["--seed", str(number), "--object-seed", str(number)]
        assert main(["simulate", str(folder / name), "--n-frames", "36", "--quiet", *seeds]) == 0
    (folder / "run.toml").write_text(SETTINGS)
    assert main(["train", str(folder / "run.toml"), "--quiet"]) == 0
    return folder


@pytest.fixture
def job(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, which a test may spoil, as the working directory."""
    folder = tmp_path / "job"
    shutil.copytree(trained, folder)
    monkeypatch.chdir(folder)
    return folder


def test_a_run_folder_holds_everything(trained: Path) -> None:
    """Bundle, checkpoints, metrics, settings, provenance, reconstruction, scores and pictures; no remains."""
    names = {item.name for item in (trained / "run").iterdir()}
    assert names >= LEFT_BEHIND
    assert {name for name in names - LEFT_BEHIND if not name.startswith("best-")} == set()
    assert sorted(item.name for item in trained.iterdir()) == ["other.npz", "run", "run.toml", "train.npz"]


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
    assert [loser["layer"] for loser in gridsize["losers"]] == ["torch-defaults", "tensorflow-defaults"]
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
    assert "The network was trained on this very scan." in (trained / "run" / "report.md").read_text()


def test_the_same_settings_give_the_same_weights(job: Path) -> None:
    """Training again from the run's own settings.toml reproduces every weight bit for bit."""
    settings = str(job / "run" / "settings.toml")
    assert main(["train", settings, "--output_dir", str(job / "again"), "--quiet"]) == 0
    first, second = (bundle.read(job / name / bundle.FILE_NAME) for name in ("run", "again"))
    assert first.weights.keys() == second.weights.keys()
    for name, array in first.weights.items():
        np.testing.assert_array_equal(array, second.weights[name], err_msg=name)


def test_a_bundle_reconstructs_another_scan(job: Path) -> None:
    """Inference takes the network's shape from the bundle and says that the scan is new to it."""
    assert main(["infer", "run", "--scan", "other.npz", "--accelerator", "cpu", "--output_dir", "new"]) == 0
    scores = json.loads((job / "new" / "scores.json").read_text())
    assert scores["trained_on_this_scan"] is False
    found = Reconstruction.load(job / "new" / "reconstruction.npz")
    assert len(found.positions) == 36
    assert np.isfinite(found.object).all()
    settings = json.loads((job / "new" / "provenance.json").read_text())["settings"]
    architecture = next(item for item in settings if item["path"] == "model.architecture")
    assert architecture["winner"]["layer"] == "bundle"
    assert Path(architecture["winner"]["origin"]["file"]).name == bundle.FILE_NAME


def test_inference_repeats_the_picture_of_the_training(job: Path) -> None:
    """The bundle alone gives the reconstruction that the training run left."""
    assert main(["infer", "run", "--scan", "train.npz", "--accelerator", "cpu", "--refine_epochs", "2"]) == 0
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


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--architecture", "cnn"],
            (
                "'model.architecture' is 'cnn', and the trained network was made with 'unet'\n"
                "  written in  flag --architecture\n"
                "  overrides   model.architecture (run/wts.h5.zip) ('unet')\n"
                "  expected    'unet'\n"
                "  try         leaving architecture out, or a network that was trained with it\n"
            ),
        ),
        (["--gridsize", "2"], "'model.gridsize' is 2, and the trained network was made with 1\n"),
        (
            ["--n_filters_scale", "2"],
            "'model.n_filters_scale' is 2, and the trained network was made with 1\n",
        ),
        (["--scan", "nowhere.npz"], "Test data file not found: nowhere.npz\n  written in  flag --scan\n"),
        (["--backend", "tensorflow"], "the backend is 'tensorflow', and this version"),
    ],
)
def test_settings_that_contradict_the_weights_are_refused(
    job: Path, capsys: pytest.CaptureFixture[str], flags: list[str], message: str
) -> None:
    """One message with both places, exit code 2, and nothing is written."""
    scan = [] if "--scan" in flags else ["--scan", "other.npz"]
    assert main(["infer", "run", *scan, "--accelerator", "cpu", *flags]) == 2
    assert message in capsys.readouterr().err
    assert not list(job.glob("inference_outputs*"))


def test_a_damaged_bundle_is_refused(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A byte that flipped on the way is noticed before anything is used."""
    path = job / "run" / bundle.FILE_NAME
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert main(["infer", "run", "--scan", "other.npz", "--accelerator", "cpu"]) == 2
    said = capsys.readouterr().err
    assert "is damaged" in said
    assert "Traceback" not in said


def test_a_scan_that_fails_late_leaves_nothing(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A scan with NaN is refused before a run folder appears."""
    arrays = dict(np.load(job / "train.npz"))
    frames = arrays["diff3d"].astype(np.float32)
    frames[5, 3, 3] = np.nan
    np.savez(job / "bad.npz", **(arrays | {"diff3d": frames}))
    assert main(["train", "run.toml", "--train_data_file", "bad.npz", "--output_dir", "bad"]) == 2
    assert "frame 5" in capsys.readouterr().err
    assert not list(job.glob("bad*/"))


def test_the_contract_commands_do_the_same_job(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``python -m ptycho_torch.train`` and ``.inference`` take the contract's flags."""
    command = [
        "--train_data_file",
        "train.npz",
        "--output_dir",
        "old",
        "--max_epochs",
        "1",
        "--n_images",
        "9",
    ]
    assert (
        train.main([*command, "--gridsize", "2", "--accelerator", "cpu", "--batch_size", "4", "--quiet"]) == 0
    )
    assert (job / "old" / bundle.FILE_NAME).is_file()
    settings = json.loads((job / "old" / "provenance.json").read_text())["settings"]
    by_path = {item["path"]: item["winner"] for item in settings}
    assert by_path["training.nepochs"]["origin"]["key"] == "--max_epochs"
    assert by_path["execution.num_workers"]["layer"] == "cli-defaults"
    command = [
        "--model_path",
        "old",
        "--test_data",
        "other.npz",
        "--output_dir",
        "out",
        "--accelerator",
        "cpu",
    ]
    assert inference.main(command) == 0
    assert len(Reconstruction.load(job / "out" / "reconstruction.npz").positions) == 32
    assert train.main(["--train_data_file", "nowhere.npz"]) == 2
    assert "Training data file not found" in capsys.readouterr().err


def test_training_never_imports_tensorflow(job: Path) -> None:
    """A process that trained and reconstructed with torch holds no TensorFlow and no Keras."""
    code = (
        "import sys\nfrom ptycho.cli import main\n"
        "code = main(['train', 'run.toml', '--nepochs', '1', '--output_dir', 'sub', '--quiet'])\n"
        "print(code, sorted({'tensorflow', 'keras'} & {name.split('.')[0] for name in sys.modules}))"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=job, env=environment
    )
    assert done.stdout.strip() == "0 []"


@pytest.mark.slow
def test_a_shared_training_leaves_one_run_folder(job: Path) -> None:
    """Two processes train together; the first one alone writes results, and nothing else remains."""
    command = [sys.executable, "-m", "ptycho", "train", "run.toml", "--output_dir", "shared", "--quiet"]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, "--strategy", "ddp", "--devices", "2"],
        check=False,
        capture_output=True,
        text=True,
        cwd=job,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert {item.name for item in (job / "shared").iterdir()} >= LEFT_BEHIND
    assert [item.name for item in job.glob("shared*")] == ["shared"]


@pytest.mark.parametrize(
    ("command", "arguments", "text"),
    [
        (train.main, ["--max_epoch", "3"], "unknown argument '--max_epoch'\n  try       --max_epochs\n"),
        (
            inference.main,
            ["stray"],
            "unknown argument 'stray'\n  try       python -m ptycho_torch.inference --help\n",
        ),
        (
            inference.main,
            [],
            "--model_path is required\n  expected  a run folder that holds wts.h5.zip\n",
        ),
    ],
)
def test_the_contract_commands_explain_bad_use(
    command: Callable[[list[str]], int],
    arguments: list[str],
    text: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A slip of the keyboard gives one message, the close match, and code 2."""
    assert command(arguments) == 2
    assert capsys.readouterr().err == text
