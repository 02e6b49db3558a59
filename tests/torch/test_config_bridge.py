"""The bridge: torch-side configurations read by the same views that the factories build from."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho import params
from ptycho.config.config import InferenceConfig, ModelConfig, TrainingConfig, update_legacy_dict
from ptycho.settings.schema import schema
from ptycho.settings.views import TORCH_DATA, TORCH_MODEL, TORCH_TRAINING
from ptycho_torch import config_params as pt
from ptycho_torch.config_bridge import to_inference_config, to_model_config, to_training_config

GOLDEN_DATA = pt.DataConfig(nphotons=5e8, N=128, K=6, grid_size=(3, 3), probe_scale=2.0)
GOLDEN_MODEL = pt.ModelConfig(
    amp_activation="swish",
    probe_mask=True,
    object_big=False,
    probe_big=False,
    pad_object=False,
    gaussian_smoothing_sigma=0.5,
)
GOLDEN_TRAINING = pt.TrainingConfig(epochs=100, batch_size=32, nll=True)
GOLDEN_OVERRIDES = {
    "train_data_file": Path("train.npz"),
    "test_data_file": Path("test.npz"),
    "n_groups": 512,
    "mae_weight": 0.3,
    "nll_weight": 0.7,
    "realspace_mae_weight": 0.05,
    "realspace_weight": 0.1,
    "positions_provided": False,
    "probe_trainable": True,
    "sequential_sampling": True,
    "n_subsample": 1024,
    "subsample_seed": 99,
}
GOLDEN_INFERENCE = {
    "model_path": Path("model"),
    "test_data_file": Path("test.npz"),
    "n_groups": 512,
    "n_subsample": 1024,
    "subsample_seed": 99,
}


def model() -> ModelConfig:
    """Translate the golden model."""
    return to_model_config(GOLDEN_DATA, GOLDEN_MODEL)


def training(given_training: pt.TrainingConfig, **overrides: Any) -> TrainingConfig:
    """Translate a training on the golden data."""
    return to_training_config(model(), GOLDEN_DATA, GOLDEN_MODEL, given_training, overrides)


def test_the_golden_case_fills_the_legacy_dict() -> None:
    """Training then inference, written into an emptied dict, give every legacy key its known value."""
    trained = to_training_config(model(), GOLDEN_DATA, GOLDEN_MODEL, GOLDEN_TRAINING, GOLDEN_OVERRIDES)
    inferred = to_inference_config(model(), GOLDEN_DATA, pt.InferenceConfig(), GOLDEN_INFERENCE)
    params.cfg.clear()
    update_legacy_dict(params.cfg, trained)
    update_legacy_dict(params.cfg, inferred)
    assert dict(params.cfg) == {
        "N": 128,
        "gridsize": 3,
        "n_filters_scale": 2,
        "model_type": "pinn",
        "amp_activation": "swish",
        "object.big": False,
        "probe.big": False,
        "probe.mask": True,
        "pad_object": False,
        "probe_scale": 2.0,
        "gaussian_smoothing_sigma": 0.5,
        "architecture": "cnn",
        "train_data_file_path": "train.npz",
        "test_data_file_path": "test.npz",
        "batch_size": 32,
        "nepochs": 100,
        "mae_weight": 0.3,
        "nll_weight": 0.7,
        "realspace_mae_weight": 0.05,
        "realspace_weight": 0.1,
        "nphotons": 5e8,
        "n_groups": 512,
        "n_subsample": 1024,
        "subsample_seed": 99,
        "neighbor_count": 6,
        "enable_oversampling": False,
        "positions.provided": False,
        "probe.trainable": True,
        "intensity_scale.trainable": False,
        "output_prefix": "inference_outputs",
        "sequential_sampling": True,
        "backend": "pytorch",
        "torch_loss_mode": "poisson",
        "model_path": "model",
        "debug": False,
    }


def test_inputs_and_the_legacy_dict_stay_as_they_were() -> None:
    """The bridge is pure: it reads its arguments and writes nothing."""
    inputs = (GOLDEN_DATA, GOLDEN_MODEL, GOLDEN_TRAINING, dict(GOLDEN_OVERRIDES))
    before = copy.deepcopy(inputs)
    legacy = dict(params.cfg)
    to_training_config(model(), GOLDEN_DATA, GOLDEN_MODEL, GOLDEN_TRAINING, inputs[3])
    assert inputs == before
    assert dict(params.cfg) == legacy
    assert not params.is_populated()


def test_torch_defaults_are_translated() -> None:
    """A torch side that nobody touched gives its own defaults, not TensorFlow's."""
    translated = to_model_config(pt.DataConfig(), pt.ModelConfig())
    assert translated == ModelConfig(gridsize=2, amp_activation="swish")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("silu", "swish"),
        ("SiLU", "swish"),
        ("swish", "swish"),
        ("sigmoid", "sigmoid"),
        ("softplus", "softplus"),
        ("relu", "relu"),
    ],
)
def test_activations_keep_or_change_their_name(written: str, read: str) -> None:
    """Activation silu is TensorFlow's swish; the others have one name."""
    assert to_model_config(pt.DataConfig(), pt.ModelConfig(amp_activation=written)).amp_activation == read


@pytest.mark.parametrize(
    ("written", "read"), [(True, True), (False, False), (None, False), (np.ones((4, 4)), True)]
)
def test_any_mask_array_switches_the_mask_on(written: Any, read: bool) -> None:
    """A mask given as an array becomes the switch that TensorFlow knows."""
    assert to_model_config(pt.DataConfig(), pt.ModelConfig(probe_mask=written)).probe_mask is read


@pytest.mark.parametrize(("nll", "weight"), [(True, 1.0), (False, 0.0)])
def test_the_likelihood_switch_is_a_weight(nll: bool, weight: float) -> None:
    """True is a weight of one, False none."""
    config = training(pt.TrainingConfig(nll=nll, train_data_file="a", test_data_file="b", n_groups=3))
    assert config.nll_weight == weight


def test_paths_may_come_from_the_torch_side() -> None:
    """Text becomes paths, epochs nepochs, and the backend is torch."""
    given_training = pt.TrainingConfig(
        epochs=9, train_data_file="a.npz", test_data_file="b.npz", n_groups=3, output_dir="o"
    )
    config = training(given_training)
    assert (config.train_data_file, config.test_data_file) == (Path("a.npz"), Path("b.npz"))
    assert (config.output_dir, config.nepochs, config.backend) == (Path("o"), 9, "pytorch")


def test_samples_per_point_are_not_subsampling() -> None:
    """Torch's n_subsample means something else and does not reach TensorFlow's."""
    config = training(pt.TrainingConfig(train_data_file="a", test_data_file="b", n_groups=3))
    assert config.n_subsample is None


def test_the_training_seed_does_not_reach_inference() -> None:
    """Inference takes its seed from overrides alone."""
    data = dataclasses.replace(GOLDEN_DATA, subsample_seed=5)
    assert to_inference_config(model(), data, pt.InferenceConfig(), GOLDEN_INFERENCE).subsample_seed == 99
    seedless = {key: value for key, value in GOLDEN_INFERENCE.items() if key != "subsample_seed"}
    assert to_inference_config(model(), data, pt.InferenceConfig(), seedless).subsample_seed is None
    given_training = pt.TrainingConfig(train_data_file="a", test_data_file="b", n_groups=3)
    assert to_training_config(model(), data, GOLDEN_MODEL, given_training).subsample_seed == 5


def test_overrides_win() -> None:
    """What is written in the overrides beats the torch side, in every function."""
    assert to_model_config(GOLDEN_DATA, GOLDEN_MODEL, {"N": 64, "gridsize": 1}).N == 64
    assert training(pt.TrainingConfig(epochs=3), **GOLDEN_OVERRIDES, nepochs=4).nepochs == 4
    inferred = to_inference_config(
        model(), GOLDEN_DATA, pt.InferenceConfig(), {**GOLDEN_INFERENCE, "neighbor_count": 12}
    )
    assert isinstance(inferred, InferenceConfig)
    assert inferred.neighbor_count == 12


def test_the_translated_model_is_taken_as_it_is() -> None:
    """A model that was overridden on its way stands above the torch side that it came from."""
    translated = to_model_config(GOLDEN_DATA, GOLDEN_MODEL, {"amp_activation": "relu", "N": 256})
    trained = to_training_config(translated, GOLDEN_DATA, GOLDEN_MODEL, GOLDEN_TRAINING, GOLDEN_OVERRIDES)
    inferred = to_inference_config(translated, GOLDEN_DATA, pt.InferenceConfig(), GOLDEN_INFERENCE)
    assert trained.model == inferred.model == translated


def test_missing_test_data_is_told_exactly_once() -> None:
    """A training without a scan to evaluate on says so, and goes on."""
    with pytest.warns(UserWarning, match="test_data_file is not given") as told:
        config = training(pt.TrainingConfig(), n_groups=3, train_data_file="a.npz")
    assert len(told) == 1
    assert "evaluation" in str(told[0].message)
    assert told[0].filename == __file__
    assert config.test_data_file is None


ERRORS: list[tuple[Callable[[], object], str]] = [
    (
        lambda: to_model_config(pt.DataConfig(grid_size=(2, 3)), pt.ModelConfig()),
        (
            "Non-square grids not supported by TensorFlow backend: (2, 3)\n"
            "  written in  DataConfig.grid_size\n  overrides   DataConfig.grid_size (2)"
        ),
    ),
    (
        lambda: to_model_config(pt.DataConfig(), pt.ModelConfig(mode="Other")),  # type: ignore[arg-type]
        (
            "Invalid mode 'Other'. Must be 'Unsupervised' or 'Supervised'.\n"
            '  written in  ModelConfig.mode\n  overrides   ModelConfig.mode ("pinn")'
        ),
    ),
    (
        lambda: to_model_config(pt.DataConfig(), pt.ModelConfig(amp_activation="gelu")),
        (
            "Unknown activation 'gelu'. "
            "Supported values: ['SiLU', 'relu', 'sigmoid', 'silu', 'softplus', 'swish']\n"
            '  written in  ModelConfig.amp_activation\n  overrides   ModelConfig.amp_activation ("swish")'
        ),
    ),
    (
        lambda: to_model_config(pt.DataConfig(), pt.ModelConfig(cbam_decoder=True)),
        (
            "'model.cbam_decoder' is True, which asks for what is not built here: "
            "block attention in the decoder\n"
            "  written in  ModelConfig.cbam_decoder\n  overrides   ModelConfig.cbam_decoder (false)\n"
            "  expected    its default, False\n  try         leave model.cbam_decoder out"
        ),
    ),
    (
        lambda: to_model_config(GOLDEN_DATA, pt.ModelConfig(mode=["pinn"])),  # type: ignore[arg-type]
        (
            "Invalid mode '['pinn']'. Must be 'Unsupervised' or 'Supervised'.\n"
            "  written in  ModelConfig.mode\n"
            '  overrides   ModelConfig.mode ("pinn")'
        ),
    ),
    (
        lambda: to_training_config(model(), pt.DataConfig(), GOLDEN_MODEL, pt.TrainingConfig()),
        (
            "nphotons default divergence detected: torch's default 100000 is not confirmed, "
            "and TensorFlow's is 1e+09\n  expected  a number\n"
            "  try       overrides=dict(..., nphotons=1e9)"
        ),
    ),
    (
        lambda: training(pt.TrainingConfig()),
        (
            "n_groups is required in overrides\n  expected  a whole number\n"
            "  try       overrides=dict(..., n_groups=512)"
        ),
    ),
    (
        lambda: training(pt.TrainingConfig(), n_groups=3, test_data_file="b"),
        (
            "train_data_file is required\n  expected  a path\n"
            "  try       overrides=dict(..., train_data_file=...)"
        ),
    ),
    (
        lambda: to_inference_config(model(), GOLDEN_DATA, pt.InferenceConfig()),
        (
            "n_groups is required in overrides\n  expected  a whole number\n"
            "  try       overrides=dict(..., n_groups=512)"
        ),
    ),
    (
        lambda: to_inference_config(model(), GOLDEN_DATA, pt.InferenceConfig(), {"n_groups": 3}),
        "model_path is required\n  expected  a path\n  try       overrides=dict(..., model_path=...)",
    ),
    (
        lambda: to_inference_config(
            model(), GOLDEN_DATA, pt.InferenceConfig(), {"n_groups": 3, "model_path": "m"}
        ),
        (
            "test_data_file is required\n  expected  a path\n"
            "  try       overrides=dict(..., test_data_file=...)"
        ),
    ),
]


@pytest.mark.parametrize(
    ("call", "text"), ERRORS, ids=[f"{n}-{text[:30]}" for n, (_, text) in enumerate(ERRORS)]
)
def test_every_error_in_full(call: Callable[[], object], text: str) -> None:
    """Every refusal has the words of the contract and says what to do."""
    with pytest.raises(ValueError, match=r".") as caught:
        call()
    assert str(caught.value) == text


def test_confirmed_photons_pass() -> None:
    """Torch's default is taken when the overrides confirm it."""
    config = to_training_config(
        model(), pt.DataConfig(), GOLDEN_MODEL, GOLDEN_TRAINING, {**GOLDEN_OVERRIDES, "nphotons": 1e5}
    )
    assert config.nphotons == 1e5


@given(
    gridsize=st.integers(1, 3),
    activation=st.sampled_from(["sigmoid", "swish", "softplus", "relu"]),
    kind=st.sampled_from(["pinn", "supervised"]),
    mask=st.booleans(),
)
def test_translation_there_and_back_is_identity(
    gridsize: int, activation: str, kind: str, mask: bool
) -> None:
    """What a view builds from settings, the bridge reads back to the same settings."""
    config = ModelConfig(gridsize=gridsize, amp_activation=activation, model_type=kind, probe_mask=mask)  # type: ignore[arg-type]
    back = {
        attribute.name: conversion.to_target(getattr(config, attribute.bind.path.partition(".")[2]))
        for view in (TORCH_DATA, TORCH_MODEL)
        for attribute in view.own
        if (conversion := attribute.bind.conversion) and attribute.bind.path.startswith("model.")
    }
    data = pt.DataConfig(grid_size=back.pop("grid_size"))
    assert to_model_config(data, pt.ModelConfig(**back)) == config


def test_every_torch_field_is_a_setting() -> None:
    """No field of a torch-side class is without a place in the schema."""
    for view in (TORCH_DATA, TORCH_MODEL, TORCH_TRAINING):
        names = {item.name for item in dataclasses.fields(view.target)}
        assert {attribute.name for attribute in view.own} == names
        assert {attribute.bind.path for attribute in view.own} <= set(schema)


@pytest.mark.parametrize("module", ["config_params", "config_bridge", "config_factory"])
def test_no_framework_is_imported(module: str) -> None:
    """Configurations, bridge and factory know no framework."""
    heavy = "{'torch', 'tensorflow', 'keras', 'lightning', 'matplotlib'}"
    code = f"import sys, ptycho_torch.{module}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_torch_the_package_says_what_to_install() -> None:
    """POLICY-001: the torch side cannot be imported where torch is not installed."""
    code = (
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'torch' else find(name, package)\n"
        "import ptycho_torch"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "RuntimeError: PyTorch is required (POLICY-001)" in done.stderr
    assert "pip install torch>=2.2" in done.stderr


def test_no_warning_where_all_is_given() -> None:
    """A complete translation is silent."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        training(GOLDEN_TRAINING, **GOLDEN_OVERRIDES)
