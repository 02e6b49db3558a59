"""The backend is chosen by its name, imported only then, and never replaced by another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ptycho.backends import base
from ptycho.backends.base import Library, library_of, load_backend
from ptycho.errors import BackendError
from ptycho.settings.registries import BACKENDS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "pytorch",
            (
                "PyTorch backend selected, but torch is not installed (POLICY-001)\n"
                "  expected  torch 2.2 or newer\n"
                "  try       pip install 'torch>=2.2'"
            ),
        ),
        (
            "tensorflow",
            (
                "TensorFlow backend selected, but tensorflow is not installed\n"
                "  expected  tensorflow 2.18 or newer\n"
                "  try       pip install 'tensorflow>=2.18'"
            ),
        ),
    ],
)
def test_a_missing_framework_is_named(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    """The error says what to install; the other backend does not step in."""
    monkeypatch.setattr(base, "find_spec", lambda _: None)
    with pytest.raises(BackendError) as caught:
        load_backend(name)
    assert str(caught.value) == text


def test_an_unknown_backend_is_refused() -> None:
    """The error lists both."""
    with pytest.raises(ValueError, match="Invalid backend") as caught:
        load_backend("jax")
    assert str(caught.value) == (
        "Invalid backend: 'jax'. TrainingConfig.backend must be 'tensorflow' or 'pytorch'."
    )


def test_a_backend_is_an_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that was added is loaded by its name, its module only then; removed, it is gone."""
    (tmp_path / "backend_of_a_plugin.py").write_text("TITLE = 'here'\n")
    monkeypatch.syspath_prepend(tmp_path)
    library = Library(
        name="plugin",
        title="Plugin",
        package="numpy",
        oldest="1.26",
        module="backend_of_a_plugin",
        best_accelerator=lambda _package: ("cpu", "it says so"),
        leads=bool,
    )
    BACKENDS.add("plugin", library)
    try:
        assert "backend_of_a_plugin" not in sys.modules
        assert library_of("plugin") is library
        assert vars(load_backend("plugin"))["TITLE"] == "here"
        with pytest.raises(ValueError, match="must be 'tensorflow' or 'pytorch' or 'plugin'"):
            load_backend("jax")
    finally:
        BACKENDS.remove("plugin")
    with pytest.raises(ValueError, match="Invalid backend: 'plugin'"):
        load_backend("plugin")


def test_inference_imports_nothing_that_trains() -> None:
    """What stands behind `infer` knows neither a training's plan nor its loss and journal."""
    script = (
        "import sys, ptycho.backends.light, ptycho.backends.model, ptycho.commands.infer\n"
        "print({'plan', 'loss', 'journal', 'result'} & {name.rpartition('.')[2] for name in sys.modules"
        " if name.startswith('ptycho.training.')})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
