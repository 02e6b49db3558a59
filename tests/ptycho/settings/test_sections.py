"""Torch-side names: each shared field takes its words from the one setting that it shares."""

from __future__ import annotations

from dataclasses import dataclass, fields

import pytest

from ptycho.settings import torch_names as torch
from ptycho.settings.sections import SECTIONS, shared, shares_settings, torch_names
from ptycho.settings.training import TrainingConfig
from ptyconf import SchemaError


def test_a_shared_field_says_what_its_setting_says() -> None:
    """Help and unit of the setting stand on the torch-side field, the default is the field's own."""
    torch_field = next(item for item in fields(torch.DataConfig) if item.name == "nphotons")
    setting = next(item for item in fields(TrainingConfig) if item.name == "nphotons")
    assert torch_field.metadata["help"] == setting.metadata["help"]
    assert torch_field.metadata["unit"] == setting.metadata["unit"]
    assert (torch_field.default, setting.default) == (1e5, 1e9)


def test_a_field_of_two_settings_is_the_first_sections() -> None:
    """Neighbours are those of the training in a training, those of the inference in an inference."""
    assert torch_names(SECTIONS)["DataConfig.K"].path == "training.neighbor_count"
    assert torch_names(("inference", "training"))["DataConfig.K"].path == "inference.neighbor_count"


def test_a_field_that_shares_nothing_is_refused() -> None:
    """A shared field without a setting is a mistake of the program, told when its module is imported."""
    with pytest.raises(SchemaError, match=r"Stray\.nothing shares 'training\.nothing', which is no setting"):

        @dataclass
        @shares_settings("training")
        class Stray:
            nothing: int = shared(1)
