"""What a network is made of: checked where it is made, read off the configuration, plain values."""

import json

import pytest

from ptycho.config.config import ModelConfig, TrainingConfig
from ptycho.network.settings import NetworkSettings
from ptycho.settings.registries import ARCHITECTURES


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"N": 65}, "Unsupported input size: 65\n  expected  one of 64, 128, 256"),
        ({"architecture": "fno"}, f"Invalid architecture 'fno'. Expected one of {sorted(ARCHITECTURES)}."),
        ({"model_type": "gan"}, "Invalid model_type 'gan'. Expected one of ['pinn', 'supervised']."),
        (
            {"amp_activation": "tanh"},
            "Unknown activation: tanh\n  expected  one of relu, sigmoid, softplus, swish",
        ),
        ({"gridsize": 0}, "gridsize must be positive, got 0"),
        ({"n_filters_scale": -1}, "n_filters_scale must be positive, got -1"),
        ({"unet_stages": 0}, "unet_stages must be positive, got 0"),
        ({"probe_modes": 0}, "probe_modes must be positive, got 0"),
        ({"gaussian_smoothing_sigma": -0.5}, "gaussian_smoothing_sigma must be non-negative, got -0.5"),
    ],
)
def test_impossible_networks_are_refused(values, text):
    """Each error says what is wrong and what would be right."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  The whole text is compared below.
        NetworkSettings(**values)
    assert str(error.value) == text


def test_settings_come_from_the_configuration():
    """Shape from the model, learnability from the training."""
    model = ModelConfig(N=128, gridsize=2, architecture="unet", object_big=False, probe_modes=3)
    training = TrainingConfig(model=model, n_groups=4, probe_trainable=True, intensity_scale_trainable=False)
    settings = NetworkSettings.of(model, training)
    assert (settings.N, settings.positions, settings.architecture) == (128, 4, "unet")
    assert (settings.object_big, settings.probe_modes) == (False, 3)
    assert (settings.probe_trainable, settings.intensity_scale_trainable) == (True, False)


def test_without_a_training_only_weights_learn():
    """Probe and scale are constants where no training says otherwise."""
    settings = NetworkSettings.of(ModelConfig())
    assert not settings.probe_trainable
    assert not settings.intensity_scale_trainable


def test_settings_survive_json():
    """Values travel in checkpoints and bundles."""
    settings = NetworkSettings(N=128, gridsize=3, gaussian_smoothing_sigma=0.5)
    assert NetworkSettings(**json.loads(json.dumps(settings.as_dict()))) == settings
