"""Settings that somebody wrote and that have nothing to act on in a run: each one is said, none refused."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ptycho.settings.layers import Command
from ptyconf import Resolution

__all__ = ["idle_settings"]

Judge = Callable[[Mapping[str, Any]], str | None]
"""Gives the reason why a setting has nothing to act on, or None where it acts."""

_FOR_THIS_RUN = ("overrides", "flags", "execution")
_WRITTEN = (*_FOR_THIS_RUN, "environment", "profile", "file", "included")
_GEOMETRY = ("data.pixel_size_m", "data.wavelength_m", "data.distance_m")


def _where(path: str, value: object) -> Judge:
    """Idle where another setting has that value."""
    shown = "not set" if value is None else json.dumps(value)
    return lambda settings: f"{path} is {shown}" if settings[path] == value else None


def _unless(path: str, value: object) -> Judge:
    """Idle where another setting has another value."""
    return lambda settings: None if settings[path] == value else f"{path} is {json.dumps(settings[path])}"


def _first(*judges: Judge) -> Judge:
    return lambda settings: next((reason for judge in judges if (reason := judge(settings))), None)


def _always(reason: str) -> Judge:
    return lambda _: reason


def _resumed(settings: Mapping[str, Any]) -> str | None:
    return None if settings["training.resume"] is None else "the probe comes from training.resume"


def _lone(length: str) -> Judge:
    """Idle where it is set and another length of the geometry is not."""

    def judge(settings: Mapping[str, Any]) -> str | None:
        missing = [path for path in _GEOMETRY if settings[path] is None]
        lone = missing and length not in missing
        return f"metres need {' and '.join(missing)} too" if lone else None

    return judge


def _unsampled(settings: Mapping[str, Any]) -> str | None:
    chosen = (settings["inference.n_subsample"], settings["inference.n_groups"])
    return "every position is reconstructed" if chosen == (None, None) else None


_CNN = _where("model.architecture", "cnn")
_UNET = _where("model.architecture", "unet")
_COSINE = _unless("execution.scheduler", "Cosine")
_SINGLE = _where("model.gridsize", 1)
_LABELS = _where("model.model_type", "supervised")
_NO_CHECKPOINTS = _where("execution.enable_checkpointing", False)
_ONE_GROUP_EACH = _always("every position is reconstructed in one group, with its nearest neighbours")
_ONE_PROCESS = _always("a reconstruction reads its frames in one process, on one device")

_IN_BOTH: Mapping[str, Judge] = {path: _lone(path) for path in _GEOMETRY}
_IN_TRAINING: Mapping[str, Judge] = {
    "model.unet_stages": _CNN,
    "model.cbam_encoder": _UNET,
    "model.pad_object": _UNET,
    "model.probe_big": _first(_UNET, _where("model.pad_object", False)),
    "model.object_big": _SINGLE,
    "training.neighbor_count": _SINGLE,
    "training.enable_oversampling": _SINGLE,
    "training.neighbor_pool_size": _first(_SINGLE, _where("training.enable_oversampling", False)),
    "training.nll_weight": _first(_LABELS, _where("training.torch_loss_mode", "mae")),
    "training.mae_weight": _LABELS,
    "training.realspace_weight": _LABELS,
    "training.realspace_mae_weight": _LABELS,
    "training.torch_loss_mode": _LABELS,
    "training.probe_learning_rate": _where("training.probe_trainable", False),
    "training.probe_warmup_epochs": _resumed,
    "execution.gradient_clip_algorithm": _where("execution.gradient_clip_val", None),
    "execution.checkpoint_save_top_k": _NO_CHECKPOINTS,
    "execution.warmup_epochs": _COSINE,
    "execution.min_lr_ratio": _COSINE,
}
_IN_INFERENCE: Mapping[str, Judge] = {
    "inference.neighbor_count": _ONE_GROUP_EACH,
    "inference.enable_oversampling": _ONE_GROUP_EACH,
    "inference.neighbor_pool_size": _ONE_GROUP_EACH,
    "inference.subsample_seed": _unsampled,
}
# A settings file serves trainings too: there these are in their place.
_MEANT_FOR_TRAINING: Mapping[str, Judge] = dict.fromkeys(
    (
        "execution.num_workers",
        "execution.pin_memory",
        "execution.persistent_workers",
        "execution.prefetch_factor",
        "execution.devices",
        "execution.strategy",
    ),
    _ONE_PROCESS,
)


def idle_settings(command: Command, resolution: Resolution) -> list[str]:
    """Say of every setting that somebody changed, and that this run has no use for, why that is so.

    Args:
        command: "train" or "infer".
        resolution: The settings in force.

    Returns:
        One sentence for each such setting.
    """
    tables: list[tuple[Mapping[str, Judge], tuple[str, ...]]] = [
        (_IN_BOTH, _WRITTEN),
        (_IN_TRAINING if command == "train" else _IN_INFERENCE, _WRITTEN),
    ]
    if command == "infer":
        tables.append((_MEANT_FOR_TRAINING, _FOR_THIS_RUN))
    return [
        f"{path} has nothing to act on: {reason}"
        for table, layers in tables
        for path, judge in table.items()
        if _is_news(resolution, path, layers) and (reason := judge(resolution)) is not None
    ]


def _is_news(resolution: Resolution, path: str, layers: tuple[str, ...]) -> bool:
    """Tell whether somebody wrote it, and not the default that holds anyway, as a dumped file does."""
    if resolution.winner_layer(path) not in layers:
        return False
    trace = resolution.trace(path)
    beaten = [entry.value for entry in trace.losers if entry.layer.endswith("-defaults")]
    return trace.value not in beaten
