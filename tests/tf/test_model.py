"""The network in TensorFlow's own ways: precision policies, graphs that last, XLA, replicas."""

import numpy as np
import pytest
import tensorflow as tf

from ptycho.network.blocks import ConvPair, Head
from ptycho.network.settings import NetworkSettings
from ptycho.tf import operations
from ptycho.tf.layers import Core, KerasLayers
from ptycho.tf.model import PtychoNetwork
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
    _, found = slopes(mixed, Loss(operations, LossWeights()), X, relative)
    assert all(slope.dtype == tf.float32 and np.isfinite(slope).all() for slope in found)


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
    # A white probe leaves no pixel dark: there, the phase of a correction is rounding, in either compilation.
    network.probe_parts.assign(np.random.default_rng(3).standard_normal(network.probe_parts.shape))
    X, relative = batch(network)
    loss = Loss(operations, LossWeights(nll=1, mae=1))
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
        return strategy.run(lambda: slopes(network, Loss(operations, LossWeights()), X, relative))

    total, found = run()
    assert all(np.isfinite(slope).all() for slope in found)
    assert float(total) == pytest.approx(
        float(slopes(network, Loss(operations, LossWeights()), X, relative)[0]), rel=1e-5
    )


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_lives_in_convolutions(policy):
    """Weights and images stay float32, features between are half, whatever comes in."""
    layers = KerasLayers(policy)
    pair = ConvPair(layers, 2, 4)
    half = policy.removeprefix("mixed_")
    assert pair.conv0.kernel.dtype == "float32"
    assert pair(tf.ones((1, 8, 8, 2))).dtype == half
    head = Head(layers, 8, 1, tf.sigmoid, padded=True, framed=True)
    features = tf.ones((1, 8, 8, 8))
    assert head(features, features).dtype == tf.float32


def test_keras_tracks_the_layers_of_blocks():
    """What blocks hold is trained: every kernel and bias is a variable of the core."""
    core = Core(ConvPair(KerasLayers(), 2, 4))
    assert len(core.trainable_variables) == 4
