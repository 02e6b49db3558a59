"""Recipes: settings files of the package that stand below whatever a user of the command line writes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ptyconf.sources import toml

if TYPE_CHECKING:
    from ptyconf import Layer

STANDARD = "standard"
CONTRACT = "contract"
RECIPES = (STANDARD, "fast", CONTRACT)
LAYER = "recipe"

_FOLDER = Path(__file__).with_name("recipes")


@cache
def recipe_layers(name: str) -> tuple[Layer, ...]:
    """Read a recipe: one layer a file, the file itself above those that it includes.

    Args:
        name: One of `RECIPES`.
    """
    layers = toml.load(_FOLDER / f"{name}.toml")
    return tuple(replace(layer, name=LAYER, within=number) for number, layer in enumerate(layers))


def counts_groups(name: str | None) -> bool:
    """Tell whether a recipe draws as many groups as the scan has positions; None is no recipe."""
    return name is not None and name != CONTRACT
