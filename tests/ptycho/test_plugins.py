"""What another distribution brings by entry points is found and used, from its folder alone."""

from __future__ import annotations

import configparser
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ptycho.settings import registries
from ptyconf.registry import Registry
from ptyconf.sources.formats import FORMATS

_PLUGIN = Path(__file__).resolve().parents[1] / "data" / "plugin"
_NO_PLUGINS = {"ptycho.backends"}
"""A backend is a package of its own: nothing small enough for a test computes."""


def test_the_plugin_has_an_entry_for_each_registry() -> None:
    """A registry that is added wants an entry in the plugin of the tests, and a use of it."""
    known = [FORMATS, *(value for value in vars(registries).values() if isinstance(value, Registry))]
    entries = configparser.ConfigParser()
    entries.read(_PLUGIN / "entry_points.txt")
    assert {registry.group for registry in known} - _NO_PLUGINS == set(entries.sections())


def test_a_scan_is_simulated_with_its_probe_and_object(
    laboratory: Callable[..., str], tmp_path: Path
) -> None:
    """A beam and a kind of object of another distribution are chosen by their names."""
    chosen = ["--probe", "square_hole", "--object-family", "steps"]
    laboratory("simulate", "scan.npz", "--N", "48", "--n-frames", "9", "--quiet", *chosen)
    with np.load(tmp_path / "scan.npz") as scan:
        lit = np.abs(scan["probeGuess"]) > 0.5 * np.abs(scan["probeGuess"]).max()
        rows, columns = np.nonzero(lit)
    assert lit.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    assert 'there is no probe "square"' not in laboratory("simulate", "--help")


def test_its_formats_of_scans_and_settings_are_read(laboratory: Callable[..., str], tmp_path: Path) -> None:
    """A text is a scan where a plugin recognises it, and settings are read in a format of a plugin's own."""
    table = np.column_stack([np.arange(9) * 6.0, np.arange(9) % 3 * 6.0, np.ones((9, 48 * 48))])
    np.savetxt(tmp_path / "night.txt", table, fmt="%d", header="frames of the laboratory")
    (tmp_path / "run.note").write_text('{"model": {"architecture": "shallow"}}\n')
    story = laboratory("explain", "night.txt", "run.note", "model.N")
    assert story.startswith("model.N = 48 px\n")
    assert "night.txt" in story
    story = laboratory("explain", "night.txt", "run.note", "model.architecture")
    assert story.startswith('model.architecture = "shallow"\n')
    assert "run.note:1" in story


def test_its_command_runs(laboratory: Callable[..., str]) -> None:
    """A command of another distribution stands in the list and runs; without it there is none."""
    assert laboratory("greet", "Ada") == "the laboratory greets Ada\n"
    assert "greet somebody" in laboratory("--help")
