"""Recipes: packaged settings files below what users write, and how many groups they draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.files import npz
from ptycho.run.resolve import resolve_layers, resolve_run
from ptycho.settings.recipe import CONTRACT, RECIPES, recipe_layers
from ptycho.settings.schema import schema

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def scan_file(jail: Path) -> Path:
    """A file of 30 positions with a probe of 64 x 64."""
    arrays = {"probeGuess": np.ones((64, 64), np.complex64), "diff3d": np.ones((30, 64, 64), np.float32)}
    positions = {name: np.arange(30.0) for name in ("xcoords", "ycoords")}
    return npz.write(jail / "scan.npz", arrays | positions)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_legal_and_stands_on_defaults(name: str) -> None:
    """Every recipe resolves, and each of its values beats a default with a place in its file."""
    resolution = resolve_layers(recipe_layers(name))
    won = [path for path in resolution if resolution.winner_layer(path) == "recipe"]
    assert won
    for path in won:
        origin = resolution.trace(path).winner.origin
        assert Path(str(origin.file)).parent.name == "recipes"
        assert origin.line


def test_the_standard_recipe_is_that_of_the_demo() -> None:
    """What the demo's file says beside its scans and its folder is the standard recipe."""
    demo = resolve_run("train", files=[ROOT / "examples" / "quickstart.toml"], recipe="standard")
    alone = resolve_layers(recipe_layers("standard"))
    of_the_demo = {"training.train_data_file", "training.test_data_file", "training.output_dir"}
    differing = {path for path in schema if path in demo and demo[path] != alone.get(path)}
    assert differing <= of_the_demo | {"training.n_groups", "model.N", "training.nphotons"}


def test_groups_follow_from_the_scan(scan_file: Path) -> None:
    """Each position leads a group, and the story says so; what a user writes wins."""
    given = {"train_data_file": scan_file}
    counted = resolve_run("train", overrides=given, recipe="fast")
    assert counted["training.n_groups"] == 30
    assert "30 positions, each of which leads a group" in str(
        counted.trace("training.n_groups").winner.origin
    )
    assert resolve_run("train", overrides=given | {"n_groups": 4}, recipe="fast")["training.n_groups"] == 4


def test_the_contract_draws_its_own_number(scan_file: Path) -> None:
    """Recipe contract takes 512, as the configuration class does; library callers have no recipe."""
    given = {"train_data_file": scan_file}
    assert resolve_run("train", overrides=given, recipe=CONTRACT)["training.n_groups"] == 512
    assert resolve_run("train", overrides=given)["training.n_groups"] is None


def test_a_scan_that_cannot_be_counted_says_why(jail: Path) -> None:
    """Settings can be shown all the same, with the reason beside the number."""
    damaged = npz.write(jail / "scan.npz", {"probeGuess": np.ones((64, 64), np.complex64)})
    resolution = resolve_run("train", overrides={"train_data_file": damaged}, recipe="standard")
    assert resolution["training.n_groups"] == 512
    assert "its positions cannot be counted: " in str(resolution.trace("training.n_groups").winner.origin)
