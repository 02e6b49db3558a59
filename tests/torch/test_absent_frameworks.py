"""Environments that lack a framework, or hold a broken one: links to all that is installed but for that."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_DISTRIBUTIONS = {"tensorflow": r"tensorflow|keras|tf_", "torch": r"torch|functorch|lightning|pytorch"}

Run = Callable[..., subprocess.CompletedProcess[str]]


def _entries() -> list[Path]:
    """List what lies on the import path of installed packages, the folders of `.pth` files included."""
    folders = {Path(sysconfig.get_paths()[kind]) for kind in ("purelib", "platlib")}
    folders |= {Path(place) for place in sys.path if "site-packages" in place}
    return [entry for folder in folders for entry in folder.iterdir() if entry.suffix != ".pth"]


@pytest.fixture
def without(tmp_path: Path) -> Callable[[str], Run]:
    """Make an environment that lacks a framework; gives what runs Python there."""

    def make(framework: str) -> Run:
        site = tmp_path / "site"
        site.mkdir()
        left_out = re.compile(_DISTRIBUTIONS[framework], re.IGNORECASE)
        for entry in _entries():
            if not left_out.match(entry.name) and not (site / entry.name).exists():
                (site / entry.name).symlink_to(entry)
        paths = f"import sys; sys.path[:0] = [{str(_ROOT)!r}, {str(site)!r}]\n"

        def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
            environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
            return subprocess.run(
                [sys.executable, "-S", "-c", paths + code, *arguments],
                capture_output=True,
                text=True,
                check=False,
                cwd=tmp_path,
                env=environment,
            )

        return run

    return make


COMMAND = "from ptycho.commands.main import main; sys.exit(main())"


@pytest.mark.slow
def test_tensorflow_may_be_absent(without: Callable[[str], Run]) -> None:
    """All that torch computes works; who asks for TensorFlow is told what to install."""
    run = without("tensorflow")
    assert run("import importlib.util as u; assert u.find_spec('tensorflow') is None").returncode == 0
    assert run(COMMAND, "simulate", "scan.npz", "--n-frames", "30", "--quiet").returncode == 0
    done = run(COMMAND, "reconstruct", "scan.npz", "--refine_epochs", "2", "--accelerator", "cpu", "--quiet")
    assert done.returncode == 0, done.stderr
    refused = run(COMMAND, "train", "scan.npz", "--backend", "tensorflow", "--quiet")
    assert refused.returncode == 2
    assert "TensorFlow backend selected, but tensorflow is not installed\n" in refused.stderr
    assert "pip install 'tensorflow>=" in refused.stderr


def test_torch_may_not_be_absent(without: Callable[[str], Run]) -> None:
    """POLICY-001: who needs torch is told what to install; reading a configuration does not."""
    run = without("torch")
    assert run(COMMAND, "simulate", "scan.npz", "--n-frames", "30", "--quiet").returncode == 0
    told = run(COMMAND, "explain", "scan.npz", "model.N")
    assert told.returncode == 0, told.stderr
    refused = run(COMMAND, "reconstruct", "scan.npz", "--quiet")
    assert refused.returncode == 2
    assert "PyTorch backend selected, but torch is not installed (POLICY-001)\n" in refused.stderr
    imported = run("import ptycho_torch.config_factory")
    assert "RuntimeError: PyTorch is required (POLICY-001)" in imported.stderr


@pytest.mark.parametrize("failure", ["raise ImportError('libtorch.so: bad')", "raise OSError('libc10.so')"])
def test_a_broken_torch_is_told(failure: str, without: Callable[[str], Run], tmp_path: Path) -> None:
    """Installed but not loadable is the RuntimeError of POLICY-001, with the reason and the remedy."""
    run = without("torch")
    (tmp_path / "site" / "torch").mkdir()
    (tmp_path / "site" / "torch" / "__init__.py").write_text(failure + "\n")
    (tmp_path / "site" / "torch-2.13.0.dist-info").mkdir()
    (tmp_path / "site" / "torch-2.13.0.dist-info" / "METADATA").write_text("Name: torch\nVersion: 2.13.0\n")
    assert run(COMMAND, "simulate", "scan.npz", "--n-frames", "30", "--quiet").returncode == 0
    refused = run(COMMAND, "reconstruct", "scan.npz", "--accelerator", "cpu", "--quiet")
    assert refused.returncode == 2, refused.stderr
    assert "POLICY-001" in refused.stderr
    assert failure.partition("'")[2].rstrip("')") in refused.stderr
    assert "pip install --force-reinstall 'torch>=2.2'" in refused.stderr
