"""A small program that the engine's tests configure, and a clean place to do it in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from ptyconf import (
    Bind,
    Complaint,
    Conversion,
    Derivation,
    Layer,
    Policy,
    Precedence,
    Resolution,
    Schema,
    Setting,
    View,
    resolve,
    tracks_set_fields,
)
from ptyconf.sources import defaults, mapping


@dataclass
class ModelConfig:
    """The network."""

    gridsize: int = field(default=1, metadata={"help": "Patches along a side of a group.", "unit": "patches"})
    n_filters_scale: int = 2
    activation: Literal["sigmoid", "swish"] = "sigmoid"


@dataclass
class TrainingConfig:
    """The training, with the network inside."""

    model: ModelConfig
    nepochs: int = 50
    batch_size: int = 16
    nphotons: float = 1e9
    data_file: Path | None = None
    tags: list[str] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    token: str = field(default="", metadata={"secret": True, "help": "Key of the tracking server."})


@dataclass
class DataConfig:
    """The other side's view of some of the same settings."""

    grid_size: tuple[int, int] = (2, 2)
    C: int = 4
    epochs: int = 50
    nphotons: float = 1e5


@tracks_set_fields
@dataclass
class ExecutionConfig:
    """How to run; knows which fields its caller set."""

    learning_rate: float = 1e-3
    workers: int = 0
    accelerator: str = "auto"

    def __post_init__(self) -> None:
        if self.accelerator == "auto":
            self.accelerator = "cpu"


def side(pair: tuple[int, int]) -> int:
    """Give the side of a square grid."""
    if pair[0] != pair[1]:
        raise ValueError(f"Non-square grids are not supported, got {pair}")
    return pair[0]


def power_of_two(value: int) -> Complaint | None:
    """Say what is wrong with a batch size."""
    if value > 0 and not value & (value - 1):
        return None
    return Complaint(f"batch_size must be positive power of 2, got {value}", expected="1, 2, 4, 8, ...")


def square(gridsize: int) -> int:
    """Count the patches of a group."""
    return gridsize * gridsize


SQUARE = Conversion("(g, g) <-> g", to_setting=side, to_target=lambda g: (g, g))
MODEL = View(ModelConfig, "model")
TRAINING = View(TrainingConfig, "training", {"model": MODEL})
DATA = View(
    DataConfig,
    "data",
    {
        "grid_size": Bind("model.gridsize", SQUARE),
        "epochs": "training.nepochs",
        "nphotons": "training.nphotons",
    },
)
EXECUTION = View(ExecutionConfig, "execution")


def make_schema(**more: Any) -> Schema:
    """Make the program's schema."""
    return Schema(
        "demo",
        [MODEL, TRAINING, DATA, EXECUTION],
        [
            Setting("training.batch_size", check=power_of_two, deprecated=("training.batch",)),
            Setting("model.gridsize", choices=(1, 2, 3)),
            Setting("training.tags", merge="append"),
            *more.pop("settings", ()),
        ],
        derivations=[Derivation("data.C", ("model.gridsize",), square), *more.pop("derivations", ())],
        policies=[Policy("training.nphotons", "other-defaults", "the canonical default is 1e9")],
        **more,
    )


PRECEDENCE = Precedence(
    "overrides",
    "flags",
    "execution",
    "environment",
    "profile",
    "file",
    "included",
    "other-defaults",
    "defaults",
)
SCHEMA = make_schema()
OWN = defaults.layer("defaults", MODEL, TRAINING, EXECUTION)
OTHER = defaults.layer("other-defaults", DATA)


@pytest.fixture
def program() -> SimpleNamespace:
    """The classes, views, schema, precedence and default layers of the program."""

    def run(
        *layers: Layer, overrides: Mapping[str, Any] | None = None, schema: Schema = SCHEMA
    ) -> Resolution:
        given = [*layers, OWN, OTHER]
        if overrides is not None:
            given.append(mapping.layer("overrides", overrides))
        return resolve(schema, PRECEDENCE, given)

    return SimpleNamespace(
        ModelConfig=ModelConfig,
        TrainingConfig=TrainingConfig,
        DataConfig=DataConfig,
        ExecutionConfig=ExecutionConfig,
        MODEL=MODEL,
        TRAINING=TRAINING,
        DATA=DATA,
        EXECUTION=EXECUTION,
        schema=SCHEMA,
        make_schema=make_schema,
        precedence=PRECEDENCE,
        own=OWN,
        other=OTHER,
        resolve=run,
    )


@pytest.fixture
def jail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """An empty environment and an empty folder to work in; called with a name and a text it writes a file."""
    import os

    for name in list(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def write(name: str = "", text: str | bytes = "") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
