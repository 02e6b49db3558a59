"""Settings files as plain dicts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ptycho.config.config import load_toml_config, load_yaml_config

WANTED = {"model": {"N": 64, "architecture": "unet"}, "training": {"nepochs": 3}}
Loader = Callable[[str | Path], dict[str, Any]]


def test_toml_becomes_nested_dicts(tmp_path: Path) -> None:
    """Tables are dicts; the path may be text."""
    file = tmp_path / "run.toml"
    file.write_text('training.nepochs = 3\n[model]\nN = 64\narchitecture = "unet"\n')
    assert load_toml_config(file) == load_toml_config(str(file)) == WANTED


def test_yaml_becomes_nested_dicts(tmp_path: Path) -> None:
    """Mappings are dicts, an empty file an empty one."""
    file = tmp_path / "run.yaml"
    file.write_text("model: {N: 64, architecture: unet}\ntraining:\n  nepochs: 3\n")
    assert load_yaml_config(file) == WANTED
    file.write_text("")
    assert load_yaml_config(str(file)) == {}


@pytest.mark.parametrize("load", [load_toml_config, load_yaml_config])
def test_a_missing_file_is_named(load: Loader, tmp_path: Path) -> None:
    """The error says which configuration could not be loaded."""
    with pytest.raises(ValueError, match="Failed to load config from") as caught:
        load(tmp_path / "no.file")
    assert str(caught.value) == (
        f"Failed to load config from {tmp_path / 'no.file'}: "
        f"[Errno 2] No such file or directory: '{tmp_path / 'no.file'}'"
    )


@pytest.mark.parametrize(
    ("load", "text", "reason"),
    [
        (load_toml_config, "[model\nN = 64", "run.file is not TOML"),
        (load_toml_config, "a = " + "[" * 10_000, "nested more than 100 deep"),
        (load_yaml_config, "a: [1", "expected ',' or ']'"),
        (load_yaml_config, "!!python/object/apply:os.getcwd []", "could not determine a constructor"),
        (load_yaml_config, "- 1\n- 2", "it holds [1, 2]; expected a table of settings"),
        (load_yaml_config, "a: " + "[" * 10_000, "it is nested too deep"),
        (load_yaml_config, "#" * 2_000_001, "it has 2000001 bytes; at most 2000000 are read"),
    ],
    ids=["toml", "deep toml", "yaml", "yaml that runs code", "yaml list", "deep yaml", "long yaml"],
)
def test_a_damaged_file_gives_its_reason(load: Loader, text: str, reason: str, tmp_path: Path) -> None:
    """What is wrong is told, and nothing in the file is run."""
    file = tmp_path / "run.file"
    file.write_text(text)
    with pytest.raises(ValueError, match="Failed to load config from") as caught:
        load(file)
    assert str(caught.value).startswith(f"Failed to load config from {file}: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize("load", [load_toml_config, load_yaml_config])
def test_a_pipe_is_not_waited_for(load: Loader, tmp_path: Path) -> None:
    """What is no regular file is refused at once."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="is not a regular file"):
        load(tmp_path / "pipe")
