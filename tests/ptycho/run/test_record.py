"""The settings of a run can be read again from its folder, and tell where each value came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ptycho.run.record import PROVENANCE, SETTINGS, write_settings
from ptycho.run.resolve import resolve_run
from ptyconf.sources import flags


def test_settings_come_back(tmp_path: Path) -> None:
    """What was written resolves to the same values, and paths mean the same files from the run's home."""
    scan, home = tmp_path / "scan.npz", tmp_path / "runs" / "a"
    resolution = resolve_run("train", overrides={"training.train_data_file": scan, "n_groups": 8})
    write_settings(tmp_path, resolution, home=home)
    home.mkdir(parents=True)
    (tmp_path / SETTINGS).rename(home / SETTINGS)
    again = resolve_run("train", files=[home / SETTINGS])
    assert again["training.n_groups"] == 8
    assert Path(str(again["training.train_data_file"])).resolve() == scan
    entries = {entry["path"]: entry for entry in json.loads((tmp_path / PROVENANCE).read_text())["settings"]}
    assert entries["training.n_groups"]["winner"]["layer"] == "overrides"


def test_a_name_of_bytes_is_told_with_its_flag(tmp_path: Path) -> None:
    """Bytes that the locale makes no letters of cannot be written: flag and remedy are named."""
    given = flags.given(
        {"training.output_dir": "l\udcc3\udca4uf"}, spelling={"training.output_dir": "--output_dir"}
    )
    with pytest.raises(ValueError, match="half a character") as caught:
        write_settings(tmp_path, resolve_run("train", flags=given), home=tmp_path)
    assert str(caught.value) == (
        "the settings cannot be written down: 'training.output_dir' holds half a character, which TOML "
        "cannot say\n"
        "  written in  flag --output_dir\n"
        "  expected    names whose bytes are letters in the locale of this process\n"
        "  try         another name, or a locale that knows its letters (LC_ALL=C.UTF-8)"
    )
    assert list(tmp_path.iterdir()) == []
