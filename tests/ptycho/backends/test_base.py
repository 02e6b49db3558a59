"""The backend is chosen by its name, imported only then, and never replaced by another."""

from __future__ import annotations

import pytest

from ptycho.backends import base
from ptycho.backends.base import load_backend
from ptycho.errors import BackendError


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
