"""The intensity scale that clients ask for is always a number."""

from __future__ import annotations

import pytest

from ptycho import model, params
from ptycho.config.config import ModelConfig, TrainingConfig, update_legacy_dict
from ptycho.params import UnpopulatedError

pytestmark = pytest.mark.usefixtures("new_process")


def test_the_scale_follows_from_the_photons() -> None:
    """sqrt(nphotons) / (N / 2), as long as no network knows better."""
    update_legacy_dict(params.cfg, TrainingConfig(model=ModelConfig(N=64), nphotons=1e9))
    assert model.params()["intensity_scale"] == pytest.approx(988.2118, abs=1e-4)
    assert model.params()["bigN"] == 64


def test_the_scale_of_a_network_wins() -> None:
    """What was measured stands above what was expected."""
    update_legacy_dict(params.cfg, TrainingConfig(model=ModelConfig(N=64), nphotons=1e9))
    params.set("intensity_scale", 12.5)
    assert model.params()["intensity_scale"] == 12.5


def test_no_scale_comes_from_defaults_of_nobody() -> None:
    """Without a configuration there is none (CONFIG-001)."""
    with pytest.raises(
        UnpopulatedError, match=r"CONFIG-001: ptycho\.model\.params would read 'N', 'nphotons'"
    ):
        model.params()
