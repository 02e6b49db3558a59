"""Bundles by the names that torch clients know: which network is meant, and whether it is the one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.config.config import ModelConfig, TrainingConfig
from ptycho_torch.workflows.components import (
    load_inference_bundle_torch,
    load_torch_bundle,
    save_torch_bundle,
)

EARLIER = Path(__file__).parents[1] / "data" / "earlier"


@pytest.mark.parametrize("load", [load_torch_bundle, load_inference_bundle_torch])
def test_a_bundle_is_asked_for_the_network_it_holds(load: object, tmp_path: Path) -> None:
    """Another name of a network is refused before the file is opened."""
    with pytest.raises(ValueError, match="a bundle holds no network 'autoencoder'") as caught:
        load(tmp_path, model_name="autoencoder")  # type: ignore[operator]
    assert str(caught.value).endswith("  expected  'diffraction_to_obj'\n  try       leave model_name out")


def test_models_without_the_network_are_refused(tmp_path: Path) -> None:
    """The error lists what is there and says how to give it."""
    with pytest.raises(ValueError, match="there is no network among the models") as caught:
        save_torch_bundle({"autoencoder": None}, tmp_path)
    assert "\n  known here  'autoencoder'\n" in str(caught.value)


def test_a_network_goes_to_a_bundle_and_back_by_name(tmp_path: Path, fresh_params: None) -> None:
    """Saved under its name and a base path without .zip, it opens by that path and predicts alike."""
    network, _ = load_torch_bundle(EARLIER / "pytorch-unet.h5.zip")
    shape = {name: getattr(network.settings, name) for name in ("N", "gridsize", "architecture")}
    config = TrainingConfig(ModelConfig(**shape))
    saved = save_torch_bundle(
        {"diffraction_to_obj": network}, tmp_path / "wts.h5", config, network.intensity_scale
    )
    assert saved == tmp_path / "wts.h5.zip"
    again, legacy = load_torch_bundle(tmp_path / "wts.h5", model_name="diffraction_to_obj")
    assert legacy["intensity_scale"] == pytest.approx(network.intensity_scale)
    rng = np.random.default_rng(1)
    given = [
        rng.random((2, shape["N"], shape["N"], shape["gridsize"] ** 2)),
        np.zeros((2, 1, 2, shape["gridsize"] ** 2)),
    ]
    np.testing.assert_array_equal(again.predict(given), network.predict(given))


def test_a_network_that_is_another_one_is_not_saved(tmp_path: Path, fresh_params: None) -> None:
    """A configuration of another size, or another scale, is refused and nothing is written."""
    network, _ = load_torch_bundle(EARLIER / "pytorch-unet.h5.zip")
    with pytest.raises(ValueError, match="N = 128 is asked for"):
        save_torch_bundle(network, tmp_path, TrainingConfig(ModelConfig(N=128)))
    with pytest.raises(ValueError, match=r"intensity_scale = 1\.0, and the network was"):
        save_torch_bundle(network, tmp_path, intensity_scale=1.0)
    assert not list(tmp_path.iterdir())
