"""What a bundle says of its settings is taken, or refused in the name of who wrote it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.backends.trained_network import open_network, with_settings
from ptycho.bundle.archive import FILE_NAME, Bundle, BundleError, MissingBundleError

ARCHIVE = Path("run") / "wts.h5.zip"
HELD = Bundle(
    backend="pytorch",
    network={"N": 64, "gridsize": 2},
    normalisation={},
    probe=np.ones((1, 64, 64), np.complex64),
    weights={},
    settings_toml="",
    provenance={"settings": []},
    created="2026-11-24T08:00:00+00:00",
    versions={"ptychopinn": "0.1.0"},
)


def test_settings_of_this_version_are_taken() -> None:
    """The layer of the bundle comes back when every setting in it is known."""
    assert with_settings(ARCHIVE, HELD).layer.name == "bundle"


@pytest.mark.parametrize(
    ("network", "settings", "said"),
    [
        ({"flavour": 1}, [], "unknown setting 'model.flavour'"),
        ({"N": "64"}, [], "'model.N' is \"64\"; expected a whole number"),
        ({}, [("model.\x1b[2Jx\ny", 1)], "unknown setting 'model.\\x1b[2Jx\\ny'"),
        ({}, [("data.crop_px", {"a": 1})], "'data.crop_px' is {a = 1}; expected a whole number"),
        ({}, [("data.a", 1), ("data.b", 1)], "unknown setting 'data.a' (and 1 more)"),
    ],
)
def test_settings_of_another_version_name_their_writer(
    network: dict[str, Any], settings: list[tuple[str, Any]], said: str
) -> None:
    """The file, what it holds, who wrote it and what to do: not a setting that its reader never wrote."""
    story = {"settings": [{"path": path, "value": value} for path, value in settings]}
    with pytest.raises(BundleError) as caught:
        with_settings(ARCHIVE, replace(HELD, network=HELD.network | network, provenance=story))
    assert str(caught.value) == (
        f"{ARCHIVE} holds settings that cannot be used: {said}\n"
        "  written by  ptychopinn 0.1.0, backend pytorch, 2026-11-24T08:00:00+00:00\n"
        "  expected    the settings of this version\n"
        "  try         training again with this version"
    )


@pytest.mark.parametrize("name", ["run", "run.partial"])
def test_an_unfinished_training_is_named(name: str, tmp_path: Path) -> None:
    """A run that left a checkpoint and no network is one that can be finished, and the error says how."""
    left = tmp_path / "run.partial" / "last.ckpt"
    left.parent.mkdir()
    left.touch()
    with pytest.raises(MissingBundleError) as caught:
        open_network(tmp_path / name)
    first = (
        f"Model directory does not exist: {tmp_path / name}"
        if name == "run"
        else f"Model archive not found: {tmp_path / name / FILE_NAME}"
    )
    assert str(caught.value) == (
        f"{first}\n"
        f"  unfinished  a training left {left}\n"
        f"  expected    a training that is done, which leaves {FILE_NAME}\n"
        f"  try         ptycho finish {tmp_path / 'run'}"
    )


@pytest.mark.parametrize(("beside", "command"), [(True, "infer"), (False, "finish")])
def test_a_checkpoint_is_no_bundle(beside: bool, command: str, tmp_path: Path) -> None:
    """Who names a checkpoint is told what it is, and which command takes its folder."""
    path = tmp_path / "last.ckpt"
    path.touch()
    if beside:
        (tmp_path / FILE_NAME).touch()
    with pytest.raises(MissingBundleError) as caught:
        open_network(path)
    assert str(caught.value) == (
        f"{path} is a checkpoint, from which a training goes on, and no bundle\n"
        f"  expected  a run folder that holds {FILE_NAME}\n"
        f"  try       ptycho {command} {tmp_path}"
    )
