"""The command lines of the contract: ``python -m ptycho_torch.train`` and ``.inference``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ptycho.bundle.archive import FILE_NAME
from ptycho.commands.main import main
from ptycho.reconstruction.result import Reconstruction
from ptycho_torch import inference, train

torch.set_num_threads(1)


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with two simulated scans."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("train.npz", "other.npz")):
        seeds = ["--seed", str(number), "--object-seed", str(number)]
        assert main(["simulate", name, "--n-frames", "36", "--quiet", *seeds]) == 0
    return tmp_path


def test_the_contract_commands_do_the_same_job(scans: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
    assert (scans / "old" / FILE_NAME).is_file()
    settings = json.loads((scans / "old" / "provenance.json").read_text())["settings"]
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
    assert len(Reconstruction.load(scans / "out" / "reconstruction.npz").positions) == 32
    (scans / "other.npz").replace(scans / "train.npz")
    assert inference.main(["train.npz" if word == "other.npz" else word for word in command]) == 0
    assert "than those in train.npz, which was replaced since" in capsys.readouterr().err
    assert train.main(["--train_data_file", "nowhere.npz"]) == 2
    assert "Training data file not found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "arguments", "text"),
    [
        (train.main, ["--max_epoch", "3"], "unknown argument '--max_epoch'\n  try  --max_epochs\n"),
        (
            inference.main,
            ["stray"],
            "unknown argument 'stray'\n  try  python -m ptycho_torch.inference --help\n",
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
