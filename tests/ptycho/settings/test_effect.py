"""Settings that have nothing to act on: each is told with its reason, and only where somebody wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ptycho.run.resolve import resolve_run
from ptycho.settings.effect import settings_without_effect
from ptycho.settings.layers import Command
from ptyconf.report import dump_toml

NEIGHBOURS = "every position is reconstructed in one group, with its nearest neighbours"
ONE_PROCESS = "a reconstruction reads its frames in one process, on one device"


def told(command: Command, **written: Any) -> list[str]:
    """Write settings as overrides, with two underscores for the dot, and listen."""
    overrides = {name.replace("__", "."): value for name, value in written.items()}
    return settings_without_effect(command, resolve_run(command, overrides=overrides))


@pytest.mark.parametrize(
    ("written", "path", "reason"),
    [
        ({"model__unet_stages": 3}, "model.unet_stages", 'model.architecture is "cnn"'),
        (
            {"model__cbam_encoder": True, "model__architecture": "unet"},
            "model.cbam_encoder",
            'model.architecture is "unet"',
        ),
        ({"execution__warmup_epochs": 3}, "execution.warmup_epochs", 'execution.scheduler is "Default"'),
        (
            {"execution__min_lr_ratio": 0.0, "execution__scheduler": "WarmupCosine"},
            "execution.min_lr_ratio",
            'execution.scheduler is "WarmupCosine"',
        ),
        (
            {"model__pad_object": False, "model__architecture": "unet"},
            "model.pad_object",
            'model.architecture is "unet"',
        ),
        (
            {"model__probe_big": False, "model__pad_object": False},
            "model.probe_big",
            "model.pad_object is false",
        ),
        ({"model__object_big": False, "model__gridsize": 1}, "model.object_big", "model.gridsize is 1"),
        (
            {"training__neighbor_pool_size": 9},
            "training.neighbor_pool_size",
            "training.enable_oversampling is false",
        ),
        (
            {"training__nll_weight": 0.5, "training__torch_loss_mode": "mae"},
            "training.nll_weight",
            'training.torch_loss_mode is "mae"',
        ),
        (
            {"training__mae_weight": 0.5, "model__model_type": "supervised"},
            "training.mae_weight",
            'model.model_type is "supervised"',
        ),
        (
            {"training__probe_learning_rate": 0.1},
            "training.probe_learning_rate",
            "training.probe_trainable is false",
        ),
        (
            {"execution__gradient_clip_algorithm": "value"},
            "execution.gradient_clip_algorithm",
            "execution.gradient_clip_val is not set",
        ),
        (
            {"training__probe_warmup_epochs": 5, "training__resume": "run"},
            "training.probe_warmup_epochs",
            "the probe comes from training.resume",
        ),
        (
            {"data__wavelength_m": 1e-10, "data__distance_m": 2.0},
            "data.wavelength_m",
            "metres need data.pixel_size_m too",
        ),
    ],
)
def test_a_training_says_what_has_no_effect(written: dict[str, Any], path: str, reason: str) -> None:
    """The sentence names the setting and what leaves it without effect."""
    assert f"{path} has nothing to act on: {reason}" in told("train", **written)


def test_an_inference_says_what_has_no_effect() -> None:
    """Groups are not drawn in a reconstruction, and its frames are not loaded by workers."""
    assert told("infer", inference__neighbor_count=9, execution__num_workers=2) == [
        f"inference.neighbor_count has nothing to act on: {NEIGHBOURS}",
        f"execution.num_workers has nothing to act on: {ONE_PROCESS}",
    ]
    assert told("infer", inference__subsample_seed=3) == [
        "inference.subsample_seed has nothing to act on: every position is reconstructed"
    ]


def test_settings_that_act_are_not_told() -> None:
    """Nothing is said of defaults, of settings that act, or of a file that serves trainings too."""
    assert told("train") == told("infer") == []
    assert told("train", model__architecture="unet", model__unet_stages=1, model__object_big=False) == []
    assert told("infer", inference__subsample_seed=3, inference__n_subsample=10) == []
    assert told("train", data__wavelength_m=None) == []
    lengths = {"data__pixel_size_m": 1e-4, "data__wavelength_m": 1e-10, "data__distance_m": 2.0}
    assert told("train", **lengths) == []


def test_a_file_may_serve_both(tmp_path: Path) -> None:
    """What a settings file says for trainings is no noise in a reconstruction."""
    file = tmp_path / "run.toml"
    file.write_text("[execution]\nnum_workers = 2\n")
    assert settings_without_effect("infer", resolve_run("infer", files=[file])) == []


def test_a_dumped_file_is_no_noise(tmp_path: Path) -> None:
    """A file that writes every setting at its default says nothing new."""
    file = tmp_path / "all.toml"
    file.write_text(dump_toml(resolve_run("train")))
    assert settings_without_effect("train", resolve_run("train", files=[file])) == []
