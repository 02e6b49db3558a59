"""What 'auto' becomes on a machine."""

from __future__ import annotations

import platform
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from ptycho.settings import device
from ptycho.settings.device import Device, find_accelerator, resolve_accelerator


def torch_with(*, cuda: bool, mps: bool) -> SimpleNamespace:
    """Stand in for a torch that sees these devices."""
    return SimpleNamespace(
        cuda=SimpleNamespace(is_available=lambda: cuda),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )


@pytest.mark.parametrize("name", ["cpu", "cuda", "gpu", "mps"])
def test_a_named_device_is_not_looked_for(name: str) -> None:
    """What the user names is given back without a look or a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve_accelerator(name) == name


@pytest.mark.parametrize(
    ("cuda", "mps", "found"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_torch_is_the_judge_once_it_is_there(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, found: str
) -> None:
    """An imported torch is asked: cuda, else mps, else cpu."""
    monkeypatch.setitem(sys.modules, "torch", torch_with(cuda=cuda, mps=mps))
    assert find_accelerator().accelerator == found


def test_only_the_cpu_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that is found is taken without a warning."""
    monkeypatch.setitem(sys.modules, "torch", torch_with(cuda=True, mps=False))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve_accelerator() == "cuda"


def test_the_fallback_is_told_once_with_its_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """POLICY-001: falling back to the CPU is one warning, at the caller's line."""
    monkeypatch.setitem(sys.modules, "torch", torch_with(cuda=False, mps=False))
    with pytest.warns(UserWarning, match="POLICY-001") as told:
        assert resolve_accelerator("auto") == "cpu"
    assert [str(each.message) for each in told] == [
        (
            "POLICY-001: No CUDA device detected (torch finds neither CUDA nor MPS); "
            "accelerator 'auto' becomes 'cpu'. Name accelerator='cpu' to say that this is meant."
        )
    ]
    assert told[0].filename == __file__


@pytest.mark.parametrize("value", ["", "-1"])
def test_hidden_devices_are_not_there(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """A variable that hides every device settles the matter without torch."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)
    assert find_accelerator() == Device("cpu", "CUDA_VISIBLE_DEVICES hides every device")


def test_no_driver_means_no_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the system shows no driver, torch need not be imported; where it does, torch is asked."""
    for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(device, "_DRIVER_FILES", (str(tmp_path / "driver"),))
    assert find_accelerator() == Device("cpu", "no NVIDIA or AMD driver is loaded")
    (tmp_path / "driver").touch()
    monkeypatch.setattr(device, "_import", lambda _: torch_with(cuda=True, mps=False))
    assert find_accelerator().accelerator == "cuda"


def test_other_systems_ask_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a Mac only torch knows whether MPS can be used."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(device, "_import", lambda _: torch_with(cuda=False, mps=True))
    assert find_accelerator().accelerator == "mps"
    monkeypatch.setattr(device, "_import", lambda _: None)
    assert find_accelerator() == Device("cpu", "torch is not installed")


def test_windows_looks_for_the_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On Windows the driver is a library of the system."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setenv("SYSTEMROOT", str(tmp_path))
    assert find_accelerator() == Device("cpu", "no NVIDIA driver is installed")


def test_without_a_device_torch_stays_unimported() -> None:
    """A configuration on a machine without devices never pays for torch."""
    code = (
        "import os, sys; os.environ['CUDA_VISIBLE_DEVICES'] = ''\n"
        "from ptycho.config.config import PyTorchExecutionConfig\n"
        "print(PyTorchExecutionConfig().accelerator, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    if platform.system() == "Linux":
        assert done.stdout == "cpu False\n"


@pytest.mark.parametrize(
    ("gpus", "system", "found"),
    [
        (["a", "b"], "Linux", Device("cuda", "TensorFlow finds 2 GPUs")),
        (["a"], "Darwin", Device("mps", "TensorFlow finds 1 GPU")),
        ([], "Linux", Device("cpu", "TensorFlow finds no GPU")),
    ],
)
def test_tensorflow_is_the_judge_of_its_own_devices(
    monkeypatch: pytest.MonkeyPatch, gpus: list[str], system: str, found: Device
) -> None:
    """For the TensorFlow backend TensorFlow is asked, and torch is not."""
    seen = SimpleNamespace(config=SimpleNamespace(list_physical_devices=lambda kind: gpus))
    monkeypatch.setitem(sys.modules, "tensorflow", seen)
    monkeypatch.setattr(platform, "system", lambda: system)
    assert find_accelerator("tensorflow") == found
