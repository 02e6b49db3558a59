"""Weights travel under neutral names and come back bit for bit, or not at all."""

import numpy as np
import pytest
import tensorflow as tf

from ptycho.network.initial import draw_kernel
from ptycho.tf.weights import export, load

BOTH = pytest.mark.parametrize("architecture", ["cnn", "unet"])


@BOTH
def test_exported_weights_come_back(make_network, rng, architecture):
    """A fresh network that loads an export is the same network."""
    network = make_network(architecture=architecture, gridsize=2, probe_modes=2)
    for variable in network.variables:
        if variable.dtype != "bool":
            variable.assign(rng.standard_normal(variable.shape))
    good = np.ones((64, 64), bool)
    good[3, 4] = False
    network.mask.assign(good)
    other = make_network(architecture=architecture, gridsize=2, probe_modes=2)
    load(other, export(network))
    for mine, theirs in zip(network.variables, other.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy(), err_msg=mine.path)


@BOTH
def test_names_and_axes_are_neutral(make_network, architecture):
    """Kernels are (height, width, in, out), the probe is complex, and every variable has a name."""
    network = make_network(architecture=architecture, probe_modes=2)
    arrays = export(network)
    assert arrays["probe"].shape == (2, 64, 64)
    assert arrays["probe"].dtype == np.complex64
    kernels = {name: a for name, a in arrays.items() if name.endswith("kernel")}
    assert kernels
    assert all(a.ndim == 4 and a.shape[:2] == (3, 3) for a in kernels.values())
    assert len(arrays) == len(network.variables)
    assert arrays["mask"].dtype == bool


@BOTH
def test_a_network_starts_from_its_seed(make_network, architecture):
    """Every kernel is the one that its name draws, on this backend as on the other; biases are zero."""
    for name, array in export(make_network(architecture=architecture)).items():
        if name.endswith("kernel"):
            np.testing.assert_array_equal(array, draw_kernel(name, array.shape, 0), err_msg=name)
        if name.endswith("bias"):
            assert not array.any(), name


def test_double_precision_travels(make_network):
    """A network in double precision exports its probe so."""
    assert export(make_network("float64"))["probe"].dtype == np.complex128


def test_export_is_a_copy(make_network):
    """Training on does not change what was exported."""
    network = make_network()
    arrays = export(network)
    before = {name: a.copy() for name, a in arrays.items()}
    for variable in network.variables:
        variable.assign(tf.zeros_like(variable))
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)


def test_foreign_weights_are_refused_untouched(make_network):
    """The error names what is missing, unknown and of another shape, and nothing was changed."""
    network = make_network()
    arrays = export(network)
    arrays["core/nonsense"] = arrays.pop("core/phase_head/centre/bias")
    arrays["probe"] = arrays["probe"][:, :32]
    before = export(network)
    with pytest.raises(ValueError, match="another network") as error:
        load(network, arrays)
    assert str(error.value) == (
        "these weights belong to another network\n"
        "  found     missing: core/phase_head/centre/bias\n"
        "  found     unknown: core/nonsense\n"
        "  found     of another shape: probe\n"
        "  expected  the names and shapes that model.architecture, N, gridsize and n_filters_scale give\n"
        "  try       the settings stored in the bundle beside the weights"
    )
    assert all(np.array_equal(a, b) for a, b in zip(before.values(), export(network).values(), strict=True))
