"""Packing and unpacking a trained network, and what a run learns about its scales."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ptycho.bundle.archive import Bundle
from ptycho.config.config import PyTorchExecutionConfig
from ptycho.raw_data import RawData
from ptycho.simulate.scan import Simulation, simulate
from ptycho.training.result import TrainingResult
from ptycho_torch import backend
from ptycho_torch.config_factory import TrainingPayload, create_training_payload
from ptycho_torch.nn.model import PtychoNetwork

SETTINGS = {
    "n_groups": 16,
    "gridsize": 1,
    "architecture": "unet",
    "n_filters_scale": 1,
    "unet_stages": 1,
    "nepochs": 1,
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> TrainingPayload:
    """Settings of a small training, beside its scan."""
    folder = tmp_path_factory.mktemp("backend")
    path = simulate(Simulation(N=64, n_frames=16)).to_file(folder / "scan.npz")
    return create_training_payload(path, folder / "run", SETTINGS, PyTorchExecutionConfig(accelerator="cpu"))


@pytest.fixture(scope="module")
def scan(prepared: TrainingPayload) -> RawData:
    """The scan of the settings."""
    path = prepared.tf_training_config.train_data_file
    assert path is not None
    return RawData.from_file(path)


@pytest.fixture(scope="module")
def trained(
    prepared: TrainingPayload, scan: RawData, tmp_path_factory: pytest.TempPathFactory
) -> TrainingResult[PtychoNetwork]:
    """What one epoch leaves."""
    return backend.train(prepared, scan, tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def bundle(trained: TrainingResult[PtychoNetwork]) -> Bundle:
    """The network at rest."""
    return backend.pack(trained.model, trained.resolution, Path("run"))


def test_an_unpacked_network_predicts_as_before(
    trained: TrainingResult[PtychoNetwork], bundle: Bundle
) -> None:
    """Pack then unpack is the identity on weights, probe and scales."""
    back = backend.unpack(bundle)
    assert back.normalisation == trained.model.normalisation
    X = torch.rand(1, 1, 64, 64)
    with torch.inference_mode():
        assert torch.equal(back.network(X).patches, trained.model.network(X).patches)


def test_a_network_larger_than_its_weights_is_refused(bundle: Bundle) -> None:
    """A manifest that describes a giant takes no memory."""
    giant = replace(bundle, network={**bundle.network, "n_filters_scale": 10**6})
    with pytest.raises(ValueError, match="describes a network of") as caught:
        backend.unpack(giant)
    held = sum(array.size for array in bundle.weights.values())
    what, *rest = str(caught.value).splitlines()
    assert what.endswith(f" numbers and holds {held}")
    assert rest == [
        "  expected  the weights of that network",
        "  try       the file as `ptycho train` wrote it",
    ]


def test_measured_scales_stand_above_the_settings(trained: TrainingResult[PtychoNetwork]) -> None:
    """Counts measure dose and scale, in a layer of their own."""
    for path in ("model.intensity_scale", "training.nphotons"):
        assert trained.resolution.winner_layer(path) == "measured"
    assert trained.resolution["training.nphotons"] == trained.model.normalisation.nphotons


def test_amplitudes_tell_the_scale_and_not_the_dose(
    prepared: TrainingPayload, scan: RawData, tmp_path: Path
) -> None:
    """For amplitudes the photons stay as set; the scale that follows from them is recorded."""
    told = replace(scan.options, quantity="amplitude", position_origin="centre")
    frames = scan.amplitudes()
    bare = RawData(scan.xcoords, scan.ycoords, None, None, frames, scan.probeGuess, None, options=told)
    resolution = backend.train(prepared, bare, tmp_path).resolution
    assert resolution.winner_layer("training.nphotons") != "measured"
    photons = resolution["training.nphotons"]
    assert resolution["model.intensity_scale"] == pytest.approx(np.sqrt(photons) / 32)
