"""The network in torch's own ways: parameters, buffers, modules by canonical names, copies, autocast."""

import copy

import numpy as np
import pytest
import torch

from ptycho_torch.nn.weights import export

BOTH = pytest.mark.parametrize("architecture", ["cnn", "unet"])


@pytest.mark.parametrize("trainable", [False, True])
def test_probe_and_scale_learn_only_where_asked(make_network, trainable):
    """Trainable things are registered as parameters, the others as buffers."""
    network = make_network(probe_trainable=trainable, intensity_scale_trainable=trainable)
    names = {name for name, _ in network.named_parameters()}
    assert ({"probe_parts", "log_gain"} <= names) is trainable
    assert {"probe_parts", "log_gain", "measured_scale", "mask"} <= network.state_dict().keys()


@BOTH
def test_modules_have_the_canonical_names(make_network, architecture):
    """Checkpoints hold torch's names, and they are the canonical ones with dots."""
    network = make_network(architecture=architecture)
    modules = {name for name in network.state_dict() if name.startswith("core.")}
    names = {name.replace("/", ".").replace("kernel", "weight") for name in export(network)}
    assert modules == {name for name in names if name.startswith("core.")}


@BOTH
def test_a_copy_learns_for_itself(make_network, architecture):
    """What a copied network computes with are its own weights."""
    network = make_network(architecture=architecture)
    other = copy.deepcopy(network)
    X = torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        before = network.patches(X)
        for parameter in other.parameters():
            parameter.add_(0.1)
        torch.testing.assert_close(network.patches(X), before)
        assert not torch.allclose(other.patches(X), before)


@BOTH
def test_autocast_leaves_the_physics_alone(make_network, architecture):
    """Half floats stay in the convolutions: what comes out is complex64, near the full result."""
    network = make_network(architecture=architecture, gridsize=2)
    X, relative = torch.rand(2, 4, 64, 64), torch.randn(2, 4, 2)
    with torch.no_grad():
        expected = network(X, relative).patches
        with torch.autocast("cpu", dtype=torch.bfloat16):
            patches, amplitude = network(X, relative)
    assert patches.dtype == torch.complex64
    assert amplitude.dtype == torch.float32
    error = np.linalg.norm(patches - expected) / np.linalg.norm(expected)
    assert 1e-6 < error <= 0.03
