"""One way to publish a configuration in `params.cfg`."""

from __future__ import annotations

import logging

import pytest

from ptycho.settings import legacy_dict
from ptycho.settings.legacy import publish
from ptycho.settings.model import ModelConfig
from ptycho.settings.training import TrainingConfig

pytestmark = pytest.mark.usefixtures("fresh_params")


@pytest.mark.parametrize(
    ("seal", "before", "after"), [(True, False, True), (None, True, True), (None, False, False)]
)
def test_the_seal_is_set_or_left(seal: bool | None, before: bool, after: bool) -> None:
    """Publishing seals where it is told to, and otherwise leaves a sealed dict sealed, an open one open."""
    legacy_dict.cfg.sealed = before
    publish(TrainingConfig(ModelConfig(N=128)), seal=seal)
    assert legacy_dict.is_sealed() is after
    assert legacy_dict.is_populated()
    assert legacy_dict.get("N") == 128


def test_publishing_into_a_sealed_dict_is_no_stray_write(caplog: pytest.LogCaptureFixture) -> None:
    """The one place that is meant to write is not warned of; what was measured comes with it."""
    legacy_dict.cfg.sealed = True
    with caplog.at_level(logging.WARNING, logger="ptycho.params"):
        publish(ModelConfig(gridsize=3), measured={"nphotons": 5e8})
    assert (legacy_dict.get("gridsize"), legacy_dict.get("nphotons")) == (3, 5e8)
    assert caplog.records == []


def test_a_refused_object_leaves_the_seal() -> None:
    """An object that has no place in the dict changes nothing, the seal included."""
    legacy_dict.cfg.sealed = True
    with pytest.raises(TypeError, match="expected a ModelConfig, TrainingConfig or InferenceConfig"):
        publish("a text")
    assert legacy_dict.is_sealed()
