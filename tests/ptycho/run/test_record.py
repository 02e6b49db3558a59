"""The settings of a run can be read again from its folder, and tell where each value came from."""

from __future__ import annotations

import json
from pathlib import Path

from ptycho.run.record import PROVENANCE, SETTINGS, write_settings
from ptycho.run.resolve import resolve_run


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
