"""The configuration classes: fields, construction, legacy keys, and what they do not import."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import subprocess
import sys
import typing
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.config.config import (
    InferenceConfig,
    ModelConfig,
    PyTorchExecutionConfig,
    TrainingConfig,
    dataclass_to_legacy_dict,
    update_legacy_dict,
)
from ptycho.settings import torch_names as torch_side
from ptyconf import set_fields

CLASSES = (
    ModelConfig,
    TrainingConfig,
    InferenceConfig,
    PyTorchExecutionConfig,
    torch_side.DataConfig,
    torch_side.ModelConfig,
    torch_side.TrainingConfig,
    torch_side.InferenceConfig,
    torch_side.DatagenConfig,
)

# The public contract, literally: default of every field, in the order of the classes.
CONTRACT = json.loads((Path(__file__).parent / "contract.json").read_text())


def name_of(kind: type) -> str:
    """Name a class as the contract file does."""
    return f"{'pt' if kind.__module__.endswith('torch_names') else 'tf'}.{kind.__name__}"


@pytest.mark.parametrize("kind", CLASSES, ids=name_of)
def test_every_contract_field_has_its_default(kind: Any) -> None:
    """Names and defaults are those that programs outside rely on."""
    found = {}
    for item in dataclasses.fields(kind):
        default = item.default_factory() if item.default_factory is not dataclasses.MISSING else item.default
        plain = list(default) if isinstance(default, tuple) else default
        found[item.name] = str(plain) if isinstance(plain, Path) else plain
    for field, default in CONTRACT[name_of(kind)].items():
        assert field in found
        assert found[field] == default or (default == "<required>" and found[field] is dataclasses.MISSING)


@pytest.mark.parametrize("kind", CLASSES, ids=name_of)
def test_every_field_says_what_it_does(kind: Any) -> None:
    """Each field but the nested model carries a help text of one line."""
    for item in dataclasses.fields(kind):
        if item.name != "model":
            assert item.metadata["help"].strip(), item.name
            assert "\n" not in item.metadata["help"]


@pytest.mark.parametrize("kind", CLASSES, ids=name_of)
def test_annotations_can_be_read(kind: Any) -> None:
    """The types are there at run time, for schema and converters."""
    assert set(typing.get_type_hints(kind)) == {item.name for item in dataclasses.fields(kind)}


def test_classes_are_not_frozen() -> None:
    """A client assigns after construction, and may start with a size of zero."""
    config = TrainingConfig(model=ModelConfig(N=0))  # type: ignore[arg-type]
    config.model.N = 128
    config.nepochs = 3
    assert (config.model.N, config.nepochs) == (128, 3)


def test_groups_of_a_training_default_to_512() -> None:
    """A training without groups takes 512, and is known not to have asked for them."""
    assert TrainingConfig(model=ModelConfig()).n_groups == 512
    assert "n_groups" not in set_fields(TrainingConfig(model=ModelConfig()))
    assert "n_groups" in set_fields(TrainingConfig(model=ModelConfig(), n_groups=512))


def test_groups_of_an_inference_default_to_none() -> None:
    """An inference without groups takes every position."""
    assert (
        InferenceConfig(model=ModelConfig(), model_path=Path("m"), test_data_file=Path("t")).n_groups is None
    )


@pytest.mark.parametrize("kind", [TrainingConfig, InferenceConfig])
def test_n_images_alone_is_deprecated(kind: Any) -> None:
    """The old name is copied, with one warning that names both and the caller's file."""
    paths = {} if kind is TrainingConfig else {"model_path": Path("m"), "test_data_file": Path("t")}
    with pytest.warns(DeprecationWarning, match=r"n_images.*n_groups") as told:
        config = kind(model=ModelConfig(), n_images=7, **paths)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert config.n_groups == 7


def test_both_names_of_groups_are_silent() -> None:
    """Where the new name is given, the old one changes nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert TrainingConfig(model=ModelConfig(), n_images=7, n_groups=9).n_groups == 9


def test_auto_counts_as_set_only_when_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the constructor makes of 'auto' is not what the caller said."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.warns(UserWarning, match="POLICY-001") as told:
        config = PyTorchExecutionConfig(num_workers=2)
    assert len(told) == 1
    assert told[0].filename == __file__
    assert config.accelerator == "cpu"
    assert set_fields(config) == {"num_workers"}
    config.pin_memory = True
    assert set_fields(dataclasses.replace(config, num_workers=3)) == {"num_workers", "pin_memory"}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_copies_are_equal_and_know_what_was_set(duplicate: Any) -> None:
    """Copies and pickles keep values and knowledge."""
    config = PyTorchExecutionConfig(accelerator="cpu", threads=1)
    assert duplicate(config) == config
    assert set_fields(duplicate(config)) == {"accelerator", "threads"}


def test_pickles_open_in_a_child_without_framework() -> None:
    """A child process gets the configuration and no framework."""
    config = TrainingConfig(model=ModelConfig(N=0), output_dir=Path("o"))  # type: ignore[arg-type]
    code = (
        "import pickle, sys\n"
        "config = pickle.load(sys.stdin.buffer)\n"
        "config.model.N = 128\n"
        "assert not {'torch', 'tensorflow', 'keras', 'lightning'} & set(sys.modules)\n"
        "print(config.model.N, config.n_groups, config.output_dir)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(config), check=True, capture_output=True
    )
    assert done.stdout == b"128 512 o\n"


def test_legacy_keys_are_those_of_the_contract() -> None:
    """Nested model inlined, keys translated, paths as text, None kept."""
    config = TrainingConfig(
        model=ModelConfig(probe_mask=True), train_data_file=Path("a.npz"), output_dir=Path("o"), n_groups=3
    )
    values = dataclass_to_legacy_dict(config)
    assert values["probe.mask"] is True
    assert values["object.big"] is True
    assert values["probe.big"] is True
    assert values["probe.trainable"] is False
    assert values["intensity_scale.trainable"] is True
    assert values["positions.provided"] is True
    assert values["output_prefix"] == "o"
    assert values["train_data_file_path"] == "a.npz"
    assert values["test_data_file_path"] is None
    assert not {"model", "probe_modes", "seed", "resume", "validation_fraction"} & set(values)


@given(st.none() | st.integers(1, 100))
def test_none_leaves_the_old_value(value: int | None) -> None:
    """A field that is None does not erase what stands in the dict."""
    cfg: dict[str, Any] = {"subsample_seed": 42}
    update_legacy_dict(cfg, TrainingConfig(model=ModelConfig(), subsample_seed=value))
    assert cfg["subsample_seed"] == (42 if value is None else value)


@pytest.mark.parametrize("config", [PyTorchExecutionConfig(accelerator="cpu"), torch_side.TrainingConfig()])
def test_execution_and_torch_have_no_legacy_place(config: object) -> None:
    """Classes that never reach the legacy dict are refused by name."""
    cfg: dict[str, Any] = {}
    with pytest.raises(TypeError) as caught:
        update_legacy_dict(cfg, config)
    assert str(caught.value) == f"{type(config).__qualname__} has no place in the legacy dict"
    assert cfg == {}


def test_only_instances_are_flattened() -> None:
    """A class or a dict is not a configuration."""
    with pytest.raises(TypeError, match="expected a ModelConfig, TrainingConfig or InferenceConfig instance"):
        dataclass_to_legacy_dict(ModelConfig)


def test_importing_the_classes_imports_no_framework() -> None:
    """The classes cost neither framework nor numpy."""
    code = (
        "import sys, ptycho.config.config\n"
        "sys.exit(bool({'torch', 'tensorflow', 'keras', 'lightning', 'numpy', 'yaml'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
