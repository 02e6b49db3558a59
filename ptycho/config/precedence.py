"""Which layer stands where, as data, and the layers that never change."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from ptycho.config import views
from ptyconf import Layer, Origin, Precedence
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
    "data-file",
    "bundle",
    "cli-defaults",
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
    defaults.layer("tensorflow-defaults", views.MODEL, views.TRAINING, views.INFERENCE, views.SCAN),
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

_CLI_DEFAULTS: Mapping[Command, Mapping[str, tuple[str, Any]]] = {
    "train": {
        "training.nepochs": ("--max_epochs", 100),
        "training.n_groups": ("--n_images", 512),
        "model.gridsize": ("--gridsize", 2),
        "training.batch_size": ("--batch_size", 16),
        "execution.accelerator": ("--accelerator", "auto"),
        "execution.deterministic": ("--deterministic", True),
        "execution.num_workers": ("--num-workers", 0),
        "execution.learning_rate": ("--learning-rate", 1e-3),
        "execution.scheduler": ("--scheduler", "Default"),
        "execution.accum_steps": ("--accumulate-grad-batches", 1),
        "execution.logger_backend": ("--logger", "csv"),
        "execution.enable_checkpointing": ("--enable-checkpointing", True),
        "execution.checkpoint_save_top_k": ("--checkpoint-save-top-k", 1),
        "execution.checkpoint_monitor_metric": ("--checkpoint-monitor", "val_loss"),
        "execution.checkpoint_mode": ("--checkpoint-mode", "min"),
        "execution.early_stop_patience": ("--early-stop-patience", 100),
        "training.torch_loss_mode": ("--torch-loss-mode", "poisson"),
        "execution.enable_progress_bar": ("--quiet", True),
    },
    "infer": {
        "inference.n_groups": ("--n_images", 32),
        "execution.accelerator": ("--accelerator", "auto"),
        "execution.num_workers": ("--num-workers", 0),
        "execution.inference_batch_size": ("--inference-batch-size", None),
        "execution.enable_progress_bar": ("--quiet", True),
    },
}


@cache
def cli_defaults(command: Command) -> Layer:
    """Make the layer of what `python -m ptycho_torch.train|inference` takes where no flag is given."""
    program = f"python -m ptycho_torch.{'train' if command == 'train' else 'inference'}"
    spelled = {path: f"{program} {flag} default" for path, (flag, _) in _CLI_DEFAULTS[command].items()}
    return mapping.layer(
        "cli-defaults",
        {path: value for path, (_, value) in _CLI_DEFAULTS[command].items()},
        kind="defaults",
        origin=lambda key: Origin("defaults", program, spelled[key]),
    )
