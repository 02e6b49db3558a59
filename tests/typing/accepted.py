"""Code that the type checkers must accept."""

from dataclasses import dataclass

from ptyconf import Precedence, Resolution, Schema, View, provenance_of, resolve, tracks_set_fields
from ptyconf.sources import instance, mapping, toml


@tracks_set_fields
@dataclass
class Model:
    """Inside."""

    gridsize: int = 1


@dataclass
class Training:
    """Outside."""

    model: Model
    nepochs: int = 50


MODEL = View(Model, "model")
TRAINING = View(Training, "training", {"model": MODEL})
SCHEMA = Schema("typed", [TRAINING])


def run() -> int:
    """Use what the checkers must know the types of."""
    resolution: Resolution = resolve(
        SCHEMA,
        Precedence("overrides", "execution", "file"),
        [mapping.layer("overrides", {"gridsize": 2}), *toml.parse("[training]\nnepochs = 3\n")],
    )
    config = resolution.build(Training)
    by_view: Training = resolution.build(TRAINING)
    found = provenance_of(config)
    layer = instance.layer("execution", Model(gridsize=1), MODEL)
    again = resolution.with_layer(layer) if found is not None else resolution
    return config.model.gridsize + by_view.nepochs + again.build(Model).gridsize
