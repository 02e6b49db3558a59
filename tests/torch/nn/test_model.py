"""The whole network: shapes for every setting, slopes that are true, masks that hold."""

import copy

import numpy as np
import pytest
import torch
from ptycho_torch.nn.unrolled import Illumination

from ptycho.network.initial import draw_kernel
from ptycho.network.settings import NetworkSettings
from ptycho.physics import fourier
from ptycho.training.loss import Loss, LossWeights
from ptycho_torch.nn import physics
from ptycho_torch.nn.model import PtychoNetwork
from ptycho_torch.nn.weights import count_parameters, export

BOTH = pytest.mark.parametrize("architecture", ["cnn", "unet"])


def batch(network, size=2, seed=0):
    """Random amplitudes and offsets of whole groups, centred as the scan's are."""
    generator = torch.Generator().manual_seed(seed)
    settings = network.settings
    X = torch.rand(size, settings.positions, settings.N, settings.N, generator=generator)
    offsets = 4 * torch.randn(size, settings.positions, 2, generator=generator)
    return X, offsets - offsets.mean(1, keepdim=True)


@BOTH
@pytest.mark.parametrize("gridsize", [1, 2, 3])
@pytest.mark.parametrize("N", [64, 128, 256])
def test_every_size_gives_patches_and_amplitudes(make_network, architecture, gridsize, N):
    """One complex patch and one amplitude for each position."""
    network = make_network(N=N, gridsize=gridsize, architecture=architecture)
    X, relative = batch(network, size=1)
    patches, amplitude = network(X, relative)
    assert patches.shape == amplitude.shape == X.shape
    assert patches.dtype == torch.complex64
    assert torch.isfinite(amplitude).all()


@BOTH
@pytest.mark.parametrize(
    "values",
    [
        {"pad_object": False},
        {"probe_big": False},
        {"object_big": False, "gridsize": 2},
        {"probe_mask": True, "gaussian_smoothing_sigma": 0.5},
        {"amp_activation": "swish"},
        {"amp_activation": "softplus"},
        {"amp_activation": "relu"},
        {"probe_modes": 3, "probe_trainable": True},
        {"model_type": "supervised"},
    ],
)
def test_every_setting_trains_with_finite_slopes(make_network, architecture, values):
    """Each choice gives a loss whose gradient reaches every parameter and is finite."""
    network = make_network(architecture=architecture, **values)
    X, relative = batch(network)
    supervised = network.settings.model_type == "supervised"
    weights = LossWeights(mae=1, supervised=supervised)
    labels = torch.polar(X, X) if supervised else None
    total, _ = Loss(weights)(network(X, relative), X, network.measured_scale, labels=labels)
    total.backward()
    for name, parameter in network.named_parameters():
        if supervised and name == "log_gain":
            continue  # Labels say nothing about the detector.
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_cnn_has_the_size_of_the_contract(make_network):
    """About 2.3 million weights at N = 64, scale 2, single positions."""
    assert count_parameters(make_network(n_filters_scale=2)) == pytest.approx(2.3e6, rel=0.05)


def test_unet_weights_serve_every_group_size(make_network):
    """Positions meet on the canvas, so the weights of one group size fit all."""
    single = make_network(architecture="unet", gridsize=1)
    make_network(architecture="unet", gridsize=3).load_state_dict(single.state_dict(), strict=True)


@BOTH
def test_predicted_amplitude_is_the_physics_of_the_patches(make_network, architecture):
    """The second output is the numpy forward model of the first, gain included."""
    network = make_network(architecture=architecture, gridsize=2, probe_modes=2)
    with torch.no_grad():
        network.log_gain.fill_(0.1)
        patches, amplitude = network(*batch(network))
    probe = network.probe.detach().numpy()
    reference = np.exp(0.1) * fourier.far_field_amplitude(patches.numpy(), probe)
    assert np.linalg.norm(amplitude.numpy() - reference) <= 1e-4 * np.linalg.norm(reference)


@BOTH
def test_a_group_does_not_depend_on_its_batch(make_network, architecture):
    """The same group gives the same patches alone and among others."""
    network = make_network(architecture=architecture, gridsize=2)
    X, relative = batch(network, size=5)
    with torch.no_grad():
        together = network(X, relative).patches[:1]
        alone = network(X[:1], relative[:1]).patches
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-4)


@BOTH
def test_bad_pixels_do_not_reach_the_network(make_network, architecture):
    """What masked pixels say, NaN included, changes nothing."""
    network = make_network(architecture=architecture)
    network.mask[10, 20] = False
    X, relative = batch(network)
    with torch.no_grad():
        clean = network(X, relative)
        X[..., 10, 20] = float("nan")
        spoilt = network(X, relative)
    torch.testing.assert_close(clean.patches, spoilt.patches)


@BOTH
def test_double_precision_stays_double(make_network, architecture):
    """Nothing on the way rounds to single precision."""
    network = make_network(architecture=architecture, gridsize=2).double()
    X, relative = batch(network)
    patches, amplitude = network(X.double(), relative.double())
    assert patches.dtype == torch.complex128
    assert amplitude.dtype == torch.float64


@BOTH
def test_slopes_of_the_weights_equal_finite_differences(make_network, architecture):
    """Autograd through network, merging and physics gives the slope that the loss has."""
    # The last layers alone: behind a ReLU whose input is exactly zero there is no slope to compare.
    network = make_network(architecture=architecture, gridsize=2, probe_trainable=True).double()
    with torch.no_grad():
        # A white probe leaves no pixel dark; near darkness the misfit curves within any step.
        network.probe_parts.copy_(torch.randn(network.probe_parts.shape))
    X, relative = (t.double() for t in batch(network, size=1))
    loss = Loss(LossWeights(nll=1, mae=1))
    parameters = [p for name, p in network.named_parameters() if "last" in name or "centre" in name]
    parameters += [network.probe_parts, network.log_gain]
    generator = torch.Generator().manual_seed(3)
    steps = [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in parameters]

    def value(h, moved=network):
        with torch.no_grad():
            for p, s in zip(parameters, steps, strict=True):
                p.add_(h * s)
            result = float(loss(moved(X, relative), X, moved.measured_scale)[0])
            for p, s in zip(parameters, steps, strict=True):
                p.sub_(h * s)
        return result

    # Corrections and merging weights hold the probe, and corrections the gain, constant on purpose.
    steps[-2].zero_()
    if architecture == "unet":
        steps[-1].zero_()
    loss(network(X, relative), X, network.measured_scale)[0].backward()
    slope = sum(float((p.grad * s).sum()) for p, s in zip(parameters, steps, strict=True))
    h = 1e-9
    assert slope == pytest.approx((value(h) - value(-h)) / (2 * h), rel=1e-4)


@pytest.mark.parametrize("trainable", [False, True])
def test_probe_and_scale_learn_only_where_asked(make_network, trainable):
    """Trainable things are registered as parameters, the others as buffers."""
    network = make_network(probe_trainable=trainable, intensity_scale_trainable=trainable)
    names = {name for name, _ in network.named_parameters()}
    assert ({"probe_parts", "log_gain"} <= names) is trainable
    state = network.state_dict()
    assert {"probe_parts", "log_gain", "measured_scale", "mask"} <= state.keys()


def test_scale_in_force_is_measured_times_gain(make_network):
    """The learned gain multiplies the measured scale."""
    network = make_network()
    with torch.no_grad():
        network.log_gain.fill_(np.log(1.5))
    assert float(network.intensity_scale.detach()) == pytest.approx(1.5 * 988.2118)


def test_unet_learns_the_probe_through_the_loss(make_network):
    """A trainable probe gets a slope from the forward model."""
    network = make_network(architecture="unet", probe_modes=2, probe_trainable=True)
    X, relative = batch(network)
    Loss(LossWeights())(network(X, relative), X, network.measured_scale)[0].backward()
    assert network.probe_parts.grad.abs().amax(dim=(1, 2, 3)).min() > 0


def test_empty_sample_needs_no_correction(make_network):
    """Where the detector saw the bare probe, the first correction of the unet is zero."""
    network = make_network(architecture="unet", probe_modes=2)
    bare = network.diffract(torch.ones(1, 1, 64, 64, dtype=torch.complex64))
    light = Illumination(bare, network.mask, network.probe, None, 0.0)
    correction = light.correction(torch.ones(1, 1, 64, 64, dtype=torch.complex64))
    assert correction.abs().max() < 1e-5 * network.probe.abs().max() ** 2


def test_first_correction_is_the_back_projection(make_network):
    """From an empty sample, correction plus empty beam is the numerator of the back-projection."""
    network = make_network(architecture="unet").double()
    empty = torch.ones(1, 1, 64, 64, dtype=torch.complex128)
    with torch.no_grad():
        bare = network.diffract(empty)
        # Where the bare beam is dark its phase is rounding noise: nothing shall be measured there.
        X = torch.where(bare > 1e-3, bare * (0.5 + batch(network)[0]), 0.0)
        light = Illumination(X, network.mask, network.probe, None, 0.0)
        power = physics.illumination(network.probe)
        found = light.correction(empty) + power
        expected = physics.back_project(X, network.probe) * (power + physics.WIENER_LEVEL * power.max())
    error = (found - expected).abs().square().sum() / expected.abs().square().sum()
    assert float(error) < 1e-4


def test_unet_with_a_learned_gain_sees_the_gain_removed(make_network):
    """Doubling both gain and measurement leaves the picture as it is."""
    network = make_network(architecture="unet", gridsize=2)
    X, relative = batch(network)
    with torch.no_grad():
        before = network(X, relative).patches
        other = copy.deepcopy(network)
        other.log_gain.fill_(np.log(2.0))
        after = other(2 * X, relative).patches
    torch.testing.assert_close(before, after, rtol=1e-3, atol=1e-4)


def test_a_probe_that_does_not_fit_is_an_error():
    """The error names both shapes."""
    with pytest.raises(ValueError, match="does not fit the network") as error:
        PtychoNetwork(NetworkSettings(probe_modes=2), np.ones((1, 64, 64), np.complex64), 1.0)
    assert str(error.value) == (
        "the probe of shape (1, 64, 64) and type complex64 does not fit the network\n"
        "  expected  complex, shape (2, 64, 64) (model.probe_modes, model.N, model.N)\n"
        "  try       a probe of that size, or other values of model.N and model.probe_modes"
    )


def test_a_mask_that_does_not_fit_is_an_error():
    """The error names both shapes."""
    probe = np.ones((1, 64, 64), np.complex64)
    with pytest.raises(ValueError, match="does not fit the detector") as error:
        PtychoNetwork(NetworkSettings(), probe, 1.0, np.ones((32, 32), bool))
    assert str(error.value) == (
        "the mask of shape (32, 32) does not fit the detector\n"
        "  expected  true at good pixels, shape (64, 64) (model.N)\n"
        "  try       a mask of the size of the frames after data.crop_px and data.bin"
    )


def test_a_short_training_lowers_the_loss(make_network):
    """Thirty steps on one batch bring the network closer to the measurement than it began."""
    for architecture in ("cnn", "unet"):
        network = make_network(architecture=architecture)
        with torch.no_grad():
            truth = torch.polar(torch.rand(4, 1, 64, 64) * 0.5 + 0.4, torch.rand(4, 1, 64, 64))
            X = network.diffract(truth)
        loss = Loss(LossWeights(nll=0, mae=1))
        optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
        values = []
        for _ in range(30):
            total, _ = loss(network(X), X, network.measured_scale)
            optimiser.zero_grad()
            total.backward()
            optimiser.step()
            values.append(float(total.detach()))
        assert values[-1] < 0.8 * values[0], architecture


@BOTH
def test_amplitude_and_phase_multiply(make_network, architecture):
    """Saturated heads give a patch of amplitude 1 and phase pi: -1, not a sum of the two."""
    network = make_network(architecture=architecture)
    last = [m for m in network.core.modules() if isinstance(m, torch.nn.Conv2d)]
    for convolution in last:
        torch.nn.init.zeros_(convolution.weight)
        torch.nn.init.constant_(convolution.bias, 20.0)
    X, relative = batch(network)
    patches = network.patches(X, relative)
    assert patches.real.detach().numpy() == pytest.approx(-1, abs=1e-4)
    assert patches.imag.detach().numpy() == pytest.approx(0, abs=1e-4)


def test_the_seed_alone_decides_the_first_weights(make_network):
    """Every kernel is drawn by its name, whatever torch has drawn before; biases are zero."""
    torch.rand(3)
    network = make_network(N=64, architecture="cnn")
    exported = export(network)
    for name, array in exported.items():
        if name.endswith("/kernel"):
            np.testing.assert_array_equal(array, draw_kernel(name, array.shape, 0))
        elif name.endswith("/bias"):
            assert not array.any()
    other = PtychoNetwork(network.settings, network.probe, 1.0, seed=1)
    name = "core/encoder/levels/0/conv0/kernel"
    assert not np.array_equal(export(other)[name], exported[name])
