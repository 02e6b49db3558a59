"""The reference of every setting."""

from __future__ import annotations

from pathlib import Path

from ptycho.report.configuration import render, write
from ptycho.settings.schema import OFFERED, schema

ROOT = Path(__file__).resolve().parents[3]


def test_the_reference_is_up_to_date() -> None:
    """The page in docs is what the schema says now; if not, run `python -m ptycho.report.configuration`."""
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == render()


def test_every_setting_has_one_row(tmp_path: Path) -> None:
    """Each setting stands in the page once, with its help and its unit."""
    write(tmp_path / "page.md")
    rows = (tmp_path / "page.md").read_text(encoding="utf-8").splitlines()
    for path, setting in schema.settings.items():
        (row,) = [row for row in rows if row.startswith(f"| `{path}` |")]
        assert path not in OFFERED or setting.help in row
        assert path not in OFFERED or setting.unit in row


def test_a_row_tells_all_sides_of_a_setting() -> None:
    """Default in force, defaults of both sides, aliases and legacy key stand beside each other."""
    (row,) = [row for row in render().splitlines() if row.startswith("| `training.neighbor_count` |")]
    assert row == (
        "| `training.neighbor_count` | nearest neighbours (self excluded) that a group is drawn from "
        "| a whole number | `6` | `TrainingConfig.neighbor_count` `4`, `pt.DataConfig.K` `6` | `data.K` "
        "| `neighbor_count` |"
    )
