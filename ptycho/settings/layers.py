"""Which layer stands where, as data, and the layers that never change."""

from collections.abc import Mapping
from typing import Literal

from ptycho.settings import views
from ptyconf import Origin, Precedence
from ptyconf.sources import defaults, mapping

Command = Literal["train", "infer"]

precedence = Precedence(
    "measured",
    "overrides",
    "flags",
    "execution",
    "environment",
    "profile",
    "file",
    "included",
    "found",
    "data-file",
    "bundle",
    "cli-defaults",
    "recipe",
    "torch-defaults",
    "tensorflow-defaults",
)
# From torch-side instances to TensorFlow-side classes.
bridge_precedence = Precedence(
    "overrides", "tensorflow-config", "torch-config", "torch-defaults", "tensorflow-defaults"
)

WRITTEN_BY_USERS = ("overrides", "flags", "environment", "profile", "file", "included", "cli-defaults")
"""Layers that may say how many groups to draw; the defaults of classes may not."""

BARE_NAMES: Mapping[Command, tuple[str, ...]] = {
    "train": ("training", "model", "execution", "data"),
    "infer": ("inference", "model", "execution", "data", "training"),
}
"""Where a name without its section is looked up: its own section first."""

ENVIRONMENT_PREFIX = "PTYCHO"

TENSORFLOW_DEFAULTS = (
    defaults.layer(
        "tensorflow-defaults", views.MODEL, views.TRAINING, views.INFERENCE, views.SCAN, views.PROBE_MODEL
    ),
)
TORCH_DEFAULTS = (
    defaults.layer("torch-defaults", views.EXECUTION),
    defaults.layer("torch-defaults", views.TORCH_DATA, within=1),
    defaults.layer("torch-defaults", views.TORCH_MODEL, within=2),
    defaults.layer("torch-defaults", views.TORCH_TRAINING, within=3),
    defaults.layer("torch-defaults", views.TORCH_INFERENCE, within=4),
    defaults.layer("torch-defaults", views.TORCH_NEIGHBOURS_IN_INFERENCE, within=5),
)
TORCH_BACKEND = mapping.layer(
    "torch-defaults",
    {"training.backend": "pytorch", "inference.backend": "pytorch"},
    kind="defaults",
    origin=lambda key: Origin("defaults", "ptycho_torch", f"ptycho_torch {key}"),
)
"""What only the doors of the torch side add: whoever calls them means torch."""
