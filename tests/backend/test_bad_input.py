"""Bad input: one message with its place and a remedy, exit code 2, no traceback, nothing written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho import params
from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.read import read_bundle
from ptycho.bundle.write import write_bundle
from ptycho.commands.main import main

INFER = ["infer", "run", "--accelerator", "cpu", "--output_dir", "out"]
TRAIN = ["train", "run.toml", "--output_dir", "out"]
_ON_MPS = ["--accelerator", "mps", "--output_dir", "out"]
Arrays = dict[str, Any]


def refuse(job: Path, capsys: pytest.CaptureFixture[str], command: list[str], message: str) -> None:
    """Run a command that must fail, and look at what it says and what it leaves."""
    before = {item: item.stat().st_mtime_ns for item in sorted(job.rglob("*")) if item.is_file()}
    assert main(command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert message in said.err
    assert "Traceback" not in said.err
    assert {item: item.stat().st_mtime_ns for item in sorted(job.rglob("*")) if item.is_file()} == before
    assert not list(job.glob("out*"))


SETTINGS = {
    "unknown setting": (
        ("n_filters_scale = 1", "n_filtres_scale = 1"),
        [],
        "unknown setting 'model.n_filtres_scale'\n  written in  run.toml:4:1\n",
    ),
    "wrong type": (
        ("nepochs = 2", 'nepochs = "two"'),
        [],
        "'training.nepochs' is \"two\"; expected a whole number\n  written in  run.toml:13:1\n",
    ),
    "out of range": (
        ("", ""),
        ["--batch_size", "3"],
        "batch_size must be positive power of 2, got 3\n  written in  flag --batch_size\n",
    ),
    "no scan": (
        ("", ""),
        ["--train_data_file", "nowhere.npz"],
        "Training data file not found: nowhere.npz\n",
    ),
    "no test scan": (
        ("", ""),
        ["--test_data_file", "nowhere.npz"],
        "Test data file not found: nowhere.npz\n",
    ),
    "unknown flag": (("", ""), ["--gridsiz", "2"], "unknown argument '--gridsiz'\n  try  --gridsize\n"),
    "unknown scheduler": (("", ""), ["--scheduler", "Sometimes"], "'Sometimes'"),
    "no such file": (("", ""), ["gone.toml"], 'the file "gone.toml" does not exist'),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_bad_settings_are_refused(job: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    """Before anything is read or built; the legacy dict stays as it was."""
    (old, new), flags, message = SETTINGS[case]
    path = job / "run.toml"
    path.write_text(path.read_text().replace(old, new) if old else path.read_text())
    before = dict(params.cfg)
    refuse(job, capsys, [*TRAIN[:2], *flags, *TRAIN[2:]], message)
    assert dict(params.cfg) == before


CONTRADICTIONS = {
    "architecture": (
        ["--architecture", "cnn"],
        (
            '\'model.architecture\' is "cnn", and the trained network was made with "unet"\n'
            "  written in  flag --architecture\n"
            '  overrides   model.architecture (run/wts.h5.zip) ("unet")\n'
            '  expected    "unet"\n'
            "  try         leaving architecture out, or a network that was trained with it\n"
        ).replace('"', "'"),
    ),
    "gridsize": (["--gridsize", "2"], "'model.gridsize' is 2, and the trained network was made with 1\n"),
    "width": (
        ["--n_filters_scale", "2"],
        "'model.n_filters_scale' is 2, and the trained network was made with 1\n",
    ),
    "N": (["--model.N", "128"], "'model.N' is 128, and the trained network was made with 64\n"),
    "scan": (
        ["--scan", "nowhere.npz"],
        "Test data file not found: nowhere.npz\n  written in  flag --scan\n",
    ),
    "no scan": ([], "inference.test_data_file is required\n"),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_settings_that_contradict_the_weights_are_refused(
    job: Path, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """Both places are named, and the legacy dict stays as it was."""
    flags, message = CONTRADICTIONS[case]
    scan = [] if "scan" in case else ["--scan", "other.npz"]
    before = dict(params.cfg)
    refuse(job, capsys, [*INFER, *scan, *flags], message)
    assert dict(params.cfg) == before


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-50])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _describe(**network: Any) -> Callable[[Path], None]:
    """Let the manifest of a bundle describe another network than its weights make."""

    def change(path: Path) -> None:
        held = read_bundle(path)
        told = [
            entry | {"value": network[entry["path"].removeprefix("model.")]}
            if entry["path"].removeprefix("model.") in network
            else entry
            for entry in held.provenance["settings"]
        ]
        described = replace(held, network=held.network | network, provenance={"settings": told})
        path.unlink()
        write_bundle(path, described)

    return change


BUNDLES: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (Path.unlink, "Model archive not found: run/wts.h5.zip\n"),
    "cut": (_cut, "run/wts.h5.zip is damaged: it ends before its directory\n  written by  ptychopinn "),
    "one byte changed": (_flip, "run/wts.h5.zip is damaged: "),
    "of another architecture": (
        _describe(architecture="cnn"),
        "run/wts.h5.zip does not fit {backend}: these weights belong to another network; missing: core/",
    ),
    "of another width": (
        _describe(n_filters_scale=2),
        "run/wts.h5.zip does not fit {backend}: these weights belong to another network; of another shape: ",
    ),
    "of another size of probe": (
        _describe(probe_modes=3),
        (
            "run/wts.h5.zip does not fit {backend}: "
            "the probe of shape (1, 64, 64) and type complex64 does not fit the network\n"
        ),
    ),
}


@pytest.mark.parametrize("case", BUNDLES)
def test_bad_bundles_are_refused(
    job: Path, backend: str, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    """The file is named, and who wrote it where that can still be read; the legacy dict stays as it was."""
    spoil, message = BUNDLES[case]
    spoil(job / "run" / FILE_NAME)
    before = dict(params.cfg)
    refuse(job, capsys, [*INFER, "--scan", "other.npz"], message.format(backend=backend))
    assert dict(params.cfg) == before


def _with(name: str, change: Callable[[Any], Any]) -> Callable[[Arrays], Arrays]:
    return lambda arrays: arrays | {name: change(arrays[name])}


def _spoilt_pixel(value: float) -> Callable[[Any], Any]:
    def spoil(frames: Any) -> Any:
        changed = np.array(frames, np.float32)
        changed[5, 3, 3] = value
        return changed

    return spoil


def _far_apart(arrays: Arrays) -> Arrays:
    """Lay the positions so far apart that no two frames see the same spot."""
    n = len(arrays["xcoords"])
    kept = {name: arrays[name] for name in ("diff3d", "probeGuess")}
    return kept | {"xcoords": 200.0 * np.arange(n), "ycoords": np.zeros(n) + np.arange(n) % 2}


SCANS: dict[str, tuple[Callable[[Arrays], Arrays], list[str], str]] = {
    "NaN": (_with("diff3d", _spoilt_pixel(np.nan)), [], "frame 5"),
    "negative": (_with("diff3d", _spoilt_pixel(-1.0)), [], "frame 5"),
    "probe of another size": (
        _with("probeGuess", lambda probe: probe[..., :32, :32]),
        ["--model.N", "64"],
        "probe",
    ),
    "unequal coordinates": (
        _with("xcoords", lambda x: x[:-1]),
        [],
        "Coordinate arrays must have matching shapes",
    ),
    "fewer positions than frames": (
        lambda arrays: arrays | {name: array[:-1] for name, array in arrays.items() if "coords" in name},
        [],
        "Every pattern needs a position.",
    ),
    "no frames": (
        lambda arrays: {name: array for name, array in arrays.items() if name != "diff3d"},
        [],
        "diff3d",
    ),
    "no overlap for groups": (
        _far_apart,
        ["--gridsize", "2", "--neighbor_count", "4"],
        "200 pixels apart, frames of 64 px share nothing",
    ),
    "positions in other units": (
        lambda arrays: (
            {name: arrays[name] for name in ("diff3d", "probeGuess")}
            | {name: 1e6 * arrays[name] for name in ("xcoords", "ycoords")}
        ),
        [],
        "the positions in bad.npz span ",
    ),
    "no labels": (lambda arrays: arrays, ["--model_type", "supervised"], "DATA-SUP-001"),
}


def _not_a_number(labels: Any) -> Any:
    return np.full_like(labels, np.nan)


def test_a_loss_that_is_no_number_is_one_message(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends the training with what it was made of and what to try."""
    with np.load(job / "train.npz") as scan:
        arrays = {name: scan[name] for name in scan.files}
    np.savez(job / "bad.npz", **_with("Y", _not_a_number)(arrays))
    flags = ["--train_data_file", "bad.npz", "--model_type", "supervised"]
    refuse(job, capsys, [*TRAIN, *flags], "the training loss is nan in epoch 1, batch 1\n")


def test_an_absent_device_is_one_message(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Training and reconstruction name it, before anything is written."""
    for command in ([*TRAIN, "--accelerator", "mps"], ["infer", "run", "--scan", "other.npz", *_ON_MPS]):
        refuse(job, capsys, command, "with these execution settings: ")


@pytest.mark.skipif(find_spec("mlflow") is not None, reason="mlflow is installed here")
def test_an_absent_logger_is_one_message(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The package that is missing is named, and the extra that brings it."""
    refuse(job, capsys, [*TRAIN, "--logger_backend", "mlflow"], "pip install 'ptychopinn[mlflow]'")


@pytest.mark.parametrize("case", SCANS)
def test_bad_scans_are_refused(job: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    """What is wrong with a scan is found before a run folder appears."""
    change, flags, message = SCANS[case]
    with np.load(job / "train.npz") as scan:
        arrays = {name: scan[name] for name in scan.files}
    if case == "no labels":
        arrays.pop("Y")
    np.savez(job / "bad.npz", **change(arrays))
    refuse(job, capsys, [*TRAIN, "--train_data_file", "bad.npz", *flags], message)


def test_a_scan_of_another_size_is_refused(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A network for 64 pixels does not take frames of 128, and says what would help."""
    assert main(["simulate", "large.npz", "--N", "128", "--n-frames", "9", "--quiet"]) == 0
    refuse(
        job,
        capsys,
        [*INFER, "--scan", "large.npz"],
        "'model.N' is 128, and the trained network was made with 64\n",
    )


def test_a_file_in_the_place_of_the_output_stays(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An output that is a file is refused before anything is trained, and stays what it was."""
    (job / "taken").write_text("mine")
    shutil.rmtree(job / "run")
    assert main(["train", "run.toml", "--output_dir", "taken"]) == 2
    assert "taken is a file\n" in capsys.readouterr().err
    assert (job / "taken").read_text() == "mine"
