"""The whole network: shapes for every setting, slopes that are true, masks that hold, graphs that last."""

import numpy as np
import pytest
import tensorflow as tf
from ptycho.tf.unrolled import Illumination

from ptycho.network.settings import NetworkSettings
from ptycho.physics import fourier
from ptycho.tf import physics
from ptycho.tf.layers import convolutions
from ptycho.tf.model import PtychoNetwork
from ptycho.tf.weights import count_parameters, export, load
from ptycho.training.loss import Loss, LossWeights

BOTH = pytest.mark.parametrize("architecture", ["cnn", "unet"])


def batch(network, size=2, seed=0):
    """Random amplitudes and offsets of whole groups, centred as the scan's are."""
    rng = np.random.default_rng(seed)
    settings = network.settings
    X = rng.random((size, settings.positions, settings.N, settings.N))
    offsets = 4 * rng.standard_normal((size, settings.positions, 2))
    arrays = X, offsets - offsets.mean(1, keepdims=True)
    return tuple(tf.constant(a, network.variable_dtype) for a in arrays)


def slopes(network, loss, X, relative, labels=None):
    """Return the loss and its slope in every trainable variable."""
    with tf.GradientTape() as tape:
        total, _ = loss(network((X, relative)), X, network.measured_scale, labels=labels)
    return total, tape.gradient(total, network.trainable_variables)


@BOTH
@pytest.mark.parametrize("gridsize", [1, 2, 3])
@pytest.mark.parametrize("N", [64, 128, 256])
def test_every_size_gives_patches_and_amplitudes(make_network, architecture, gridsize, N):
    """One complex patch and one amplitude for each position."""
    network = make_network(N=N, gridsize=gridsize, architecture=architecture)
    X, relative = batch(network, size=1)
    patches, amplitude = network((X, relative))
    assert patches.shape == amplitude.shape == X.shape
    assert patches.dtype == tf.complex64
    assert np.isfinite(amplitude).all()


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
        {"cbam_encoder": True},
    ],
)
def test_every_setting_trains_with_finite_slopes(make_network, architecture, values):
    """Each choice gives a loss whose gradient reaches every variable and is finite."""
    network = make_network(architecture=architecture, **values)
    X, relative = batch(network)
    supervised = network.settings.model_type == "supervised"
    labels = physics.polar(X, X) if supervised else None
    _, found = slopes(network, Loss(LossWeights(mae=1, supervised=supervised)), X, relative, labels)
    for variable, slope in zip(network.trainable_variables, found, strict=True):
        if supervised and variable is network.log_gain:
            continue  # Labels say nothing about the detector.
        assert slope is not None, variable.path
        assert np.isfinite(slope).all(), variable.path


def test_cnn_has_the_size_of_the_contract(make_network):
    """About 2.3 million weights at N = 64, scale 2, single positions."""
    assert count_parameters(make_network(n_filters_scale=2)) == pytest.approx(2.3e6, rel=0.05)


def test_unet_weights_serve_every_group_size(make_network):
    """Positions meet on the canvas, so the weights of one group size fit all."""
    load(make_network(architecture="unet", gridsize=3), export(make_network(architecture="unet")))


@BOTH
def test_predicted_amplitude_is_the_physics_of_the_patches(make_network, architecture):
    """The second output is the numpy forward model of the first, gain included."""
    network = make_network(architecture=architecture, gridsize=2, probe_modes=2)
    network.log_gain.assign(0.1)
    patches, amplitude = network(batch(network))
    reference = np.exp(0.1) * fourier.far_field_amplitude(patches.numpy(), network.probe.numpy())
    assert np.linalg.norm(amplitude - reference) <= 1e-4 * np.linalg.norm(reference)


@BOTH
def test_a_group_does_not_depend_on_its_batch(make_network, architecture):
    """The same group gives the same patches alone and among others."""
    network = make_network(architecture=architecture, gridsize=2)
    X, relative = batch(network, size=5)
    relative = tf.concat([relative[:1], 0.5 * relative[1:]], axis=0)  # The first reaches farthest.
    together = network((X, relative)).patches[:1]
    alone = network((X[:1], relative[:1])).patches
    np.testing.assert_allclose(together, alone, rtol=1e-3, atol=1e-4)


@BOTH
def test_bad_pixels_do_not_reach_the_network(make_network, architecture):
    """What masked pixels say, NaN included, changes nothing."""
    network = make_network(architecture=architecture)
    good = np.ones((64, 64), bool)
    good[10, 20] = False
    network.mask.assign(good)
    X, relative = batch(network)
    spoilt = X.numpy()
    spoilt[..., 10, 20] = np.nan
    clean = network((X, relative)).patches
    np.testing.assert_array_equal(clean, network((tf.constant(spoilt), relative)).patches)


def test_a_missing_offset_means_single_positions(make_network):
    """The measurement alone is enough where nothing is merged."""
    network = make_network(architecture="unet")
    X, relative = batch(network)
    np.testing.assert_array_equal(network(X).patches, network((X, 0 * relative)).patches)


@BOTH
def test_double_precision_stays_double(make_network, architecture):
    """Nothing on the way rounds to single precision."""
    network = make_network("float64", architecture=architecture, gridsize=2)
    patches, amplitude = network(batch(network))
    assert patches.dtype == tf.complex128
    assert amplitude.dtype == tf.float64
    single = make_network(architecture=architecture, gridsize=2)
    expected = single(tuple(tf.cast(t, tf.float32) for t in batch(network))).amplitude.numpy()
    assert np.linalg.norm(amplitude - expected) <= 1e-4 * np.linalg.norm(expected)


@BOTH
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_leaves_the_physics_alone(make_network, architecture, policy):
    """Half floats stay in the convolutions: what comes out is complex64, near the full result."""
    mixed, full = (make_network(p, architecture=architecture, gridsize=2) for p in (policy, "float32"))
    X, relative = batch(full)
    patches, amplitude = mixed((X, relative))
    assert patches.dtype == tf.complex64
    assert amplitude.dtype == tf.float32
    expected = full((X, relative)).patches
    assert np.linalg.norm(patches - expected) <= 0.03 * np.linalg.norm(expected)
    assert np.linalg.norm(patches - expected) > 1e-6 * np.linalg.norm(expected)
    _, found = slopes(mixed, Loss(LossWeights()), X, relative)
    assert all(slope.dtype == tf.float32 and np.isfinite(slope).all() for slope in found)


@BOTH
def test_slopes_of_the_weights_equal_finite_differences(make_network, architecture):
    """The tape through network, merging and physics gives the slope that the loss has."""
    # The last layers alone: behind a ReLU whose input is exactly zero there is no slope to compare.
    network = make_network("float64", architecture=architecture, gridsize=2)
    rng = np.random.default_rng(3)
    # A white probe leaves no pixel dark; near darkness the misfit curves within any step.
    network.probe_parts.assign(rng.standard_normal(network.probe_parts.shape))
    X, relative = batch(network, size=1)
    loss = Loss(LossWeights(nll=1, mae=1))
    ends = [part for name, part in convolutions(network.core) if "last" in name or "centre" in name]
    moved = [variable for part in ends for variable in (part.kernel, part.bias)]
    # The unet removes the gain from what it sees and holds it constant there, on purpose.
    moved += [network.log_gain] if architecture == "cnn" else []
    steps = [rng.standard_normal(variable.shape) for variable in moved]
    found = slopes(network, loss, X, relative)[1]
    by_path = {v.path: slope for v, slope in zip(network.trainable_variables, found, strict=True)}
    slope = sum(float(np.sum(by_path[v.path] * s)) for v, s in zip(moved, steps, strict=True))

    def value(h):
        before = [variable.numpy() for variable in moved]
        for variable, start, step in zip(moved, before, steps, strict=True):
            variable.assign(start + h * step)
        result = float(loss(network((X, relative)), X, network.measured_scale)[0])
        for variable, start in zip(moved, before, strict=True):
            variable.assign(start)
        return result

    h = 1e-9
    assert slope == pytest.approx((value(h) - value(-h)) / (2 * h), rel=1e-4)


@pytest.mark.parametrize("trainable", [False, True])
def test_probe_and_scale_learn_only_where_asked(make_network, trainable):
    """Trainable or not, both are held by the network and travel with its weights."""
    network = make_network(probe_trainable=trainable, intensity_scale_trainable=trainable)
    learned = {variable.path for variable in network.trainable_variables}
    assert (network.probe_parts.path in learned) is trainable
    assert (network.log_gain.path in learned) is trainable
    assert {"probe", "log_gain", "measured_scale", "mask"} <= export(network).keys()


def test_scale_in_force_is_measured_times_gain(make_network):
    """The learned gain multiplies the measured scale."""
    network = make_network()
    network.log_gain.assign(np.log(1.5))
    assert float(network.intensity_scale) == pytest.approx(1.5 * 988.2118)


def test_unet_learns_the_probe_through_the_loss(make_network):
    """Every mode of a trainable probe gets a slope from the forward model."""
    network = make_network(architecture="unet", probe_modes=2, probe_trainable=True)
    X, relative = batch(network)
    with tf.GradientTape() as tape:
        total, _ = Loss(LossWeights())(network((X, relative)), X, network.measured_scale)
    slope = tape.gradient(total, network.probe_parts.value).numpy()
    assert np.abs(slope).max(axis=(1, 2, 3)).min() > 0


def test_empty_sample_needs_no_correction(make_network):
    """Where the detector saw the bare probe, the first correction of the unet is zero."""
    network = make_network(architecture="unet", probe_modes=2)
    empty = tf.ones((1, 1, 64, 64), tf.complex64)
    light = Illumination(network.diffract(empty), tf.constant(network.mask.numpy()), network.probe, None, 0.0)
    correction = np.abs(light.correction(empty))
    assert correction.max() < 1e-5 * np.abs(network.probe).max() ** 2


def test_first_correction_is_the_back_projection(make_network):
    """From an empty sample, correction plus empty beam is the numerator of the back-projection."""
    network = make_network("float64", architecture="unet")
    empty = tf.ones((1, 1, 64, 64), tf.complex128)
    bare = network.diffract(empty)
    # Where the bare beam is dark its phase is rounding noise: nothing shall be measured there.
    X = tf.where(bare > 1e-3, bare * (0.5 + batch(network)[0]), 0)
    light = Illumination(X, tf.ones((64, 64), tf.bool), network.probe, None, 0.0)
    power = physics.illumination(network.probe).numpy()
    found = light.correction(empty) + power
    level = power + physics.WIENER_LEVEL * power.max()
    expected = physics.back_project(X, network.probe).numpy() * level
    assert np.linalg.norm(found - expected) < 1e-2 * np.linalg.norm(expected)


def test_unet_with_a_learned_gain_sees_the_gain_removed(make_network):
    """Doubling both gain and measurement leaves the picture as it is."""
    network = make_network(architecture="unet", gridsize=2)
    X, relative = batch(network)
    before = network((X, relative)).patches
    network.log_gain.assign(np.log(2.0))
    np.testing.assert_allclose(network((2 * X, relative)).patches, before, rtol=1e-3, atol=1e-4)


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


@BOTH
def test_a_short_training_lowers_the_loss(make_network, architecture):
    """Thirty steps on one batch bring the network closer to the measurement than it began."""
    network = make_network(architecture=architecture)
    rng = np.random.default_rng(0)
    modulus, phase = (tf.constant(rng.random((4, 1, 64, 64)), tf.float32) for _ in range(2))
    X = network.diffract(physics.polar(0.4 + 0.5 * modulus, phase))
    loss = Loss(LossWeights(nll=0, mae=1))
    optimiser = tf.keras.optimizers.Adam(2e-3)
    optimiser.build(network.trainable_variables)

    @tf.function
    def step():
        total, found = slopes(network, loss, X, None)
        optimiser.apply(found)
        return total

    values = [float(step()) for _ in range(30)]
    assert values[-1] < 0.8 * values[0]


@BOTH
def test_amplitude_and_phase_multiply(make_network, architecture):
    """Saturated heads give a patch of amplitude 1 and phase pi: -1, not a sum of the two."""
    network = make_network(architecture=architecture)
    for _, part in convolutions(network.core):
        part.kernel.assign(tf.zeros_like(part.kernel))
        part.bias.assign(20 * tf.ones_like(part.bias))
    patches = network.patches(*batch(network)).numpy()
    np.testing.assert_allclose(patches, -1, atol=1e-4)


@BOTH
@pytest.mark.parametrize("gridsize", [1, 2])
def test_one_graph_serves_every_batch(make_network, architecture, gridsize):
    """Other batch sizes and offsets trace nothing new and give what eager execution gives."""
    network = make_network(architecture=architecture, gridsize=gridsize)
    traces, C = [], gridsize**2

    @tf.function(input_signature=[tf.TensorSpec((None, C, 64, 64)), tf.TensorSpec((None, C, 2))])
    def predict(X, relative):
        traces.append(1)
        return network((X, relative))

    for size, factor in ((1, 0.5), (3, 1.0), (2, 2.0)):
        X, relative = batch(network, size)
        found, expected = predict(X, factor * relative), network((X, factor * relative))
        for ours, theirs in zip(found, expected, strict=True):
            assert np.linalg.norm(ours - theirs) <= 1e-5 * np.linalg.norm(theirs)
    assert len(traces) == 1


@BOTH
def test_compiled_slopes_equal_traced_ones(make_network, architecture):
    """The whole step of single positions compiles by XLA, and gives the same loss and slopes."""
    network = make_network(architecture=architecture)
    X, relative = batch(network)
    loss = Loss(LossWeights(nll=1, mae=1))
    compiled = tf.function(slopes, jit_compile=True)(network, loss, X, relative)
    traced = tf.function(slopes)(network, loss, X, relative)
    assert float(compiled[0]) == pytest.approx(float(traced[0]), rel=1e-5)
    for ours, theirs in zip(compiled[1], traced[1], strict=True):
        assert np.linalg.norm(ours - theirs) <= 1e-3 * np.linalg.norm(theirs)


@BOTH
def test_replicas_share_one_network(architecture):
    """Under a strategy, variables are made once and every replica computes with them."""
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    probe = np.ones((1, 64, 64), np.complex64)
    with strategy.scope():
        network = PtychoNetwork(
            NetworkSettings(n_filters_scale=1, gridsize=2, architecture=architecture), probe, 988.0
        )
    X, relative = batch(network)

    @tf.function
    def run():
        return strategy.run(lambda: slopes(network, Loss(LossWeights()), X, relative))

    total, found = run()
    assert all(np.isfinite(slope).all() for slope in found)
    assert float(total) == pytest.approx(
        float(slopes(network, Loss(LossWeights()), X, relative)[0]), rel=1e-5
    )
