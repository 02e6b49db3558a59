"""Weights travel under neutral names and come back bit for bit, or not at all."""

import numpy as np
import pytest

from ptycho.network.initial import draw_kernel, initial_value

BOTH = pytest.mark.parametrize("architecture", ["cnn", "unet"])


@BOTH
def test_exported_weights_come_back(side, make_network, rng, architecture):
    """A fresh network that loads an export is the same network."""
    shape = {"architecture": architecture, "gridsize": 2, "probe_modes": 2}
    arrays = side.export(make_network(**shape))
    moved = {
        name: a if a.dtype == bool else (a + rng.random(a.shape)).astype(a.dtype)
        for name, a in arrays.items()
    }
    moved["mask"] = moved["mask"].copy()
    moved["mask"][3, 4] = False
    other = make_network(**shape)
    side.load(other, moved)
    exported = side.export(other)
    assert exported.keys() == moved.keys()
    for name, array in exported.items():
        np.testing.assert_array_equal(array, moved[name], err_msg=name)


@BOTH
def test_names_and_axes_are_neutral(side, make_network, architecture):
    """Kernels are (height, width, in, out), the probe is complex, and no library's words appear."""
    arrays = side.export(make_network(architecture=architecture, probe_modes=2))
    assert arrays["probe"].shape == (2, 64, 64)
    assert arrays["probe"].dtype == np.complex64
    kernels = {name: a for name, a in arrays.items() if name.endswith("kernel")}
    assert kernels
    assert all(a.ndim == 4 and a.shape[:2] == (3, 3) for a in kernels.values())
    assert not any("weight" in name or "." in name for name in arrays)
    assert arrays["mask"].dtype == bool


@BOTH
def test_a_network_starts_from_its_seed(side, make_network, architecture):
    """Every kernel and bias is the one that its name stands for, on this backend as on the other."""
    for name, array in side.export(make_network(architecture=architecture)).items():
        if name.endswith("kernel"):
            np.testing.assert_array_equal(array, draw_kernel(name, array.shape, 0), err_msg=name)
        if name.endswith("bias"):
            np.testing.assert_array_equal(array, initial_value(name, array.shape, 0), err_msg=name)


def test_double_precision_travels(side, make_network):
    """A network in double precision exports its probe so."""
    assert side.export(make_network("float64"))["probe"].dtype == np.complex128


def test_export_is_a_copy(side, make_network):
    """Loading other weights does not change what was exported."""
    network = make_network()
    arrays = side.export(network)
    before = {name: a.copy() for name, a in arrays.items()}
    side.load(network, {name: np.zeros_like(a) for name, a in arrays.items()})
    assert all(np.array_equal(arrays[name], before[name]) for name in arrays)


def test_foreign_weights_are_refused_untouched(side, make_network):
    """The error names what is missing, unknown and of another shape, and nothing was changed."""
    network = make_network()
    arrays = side.export(network)
    arrays["core/nonsense"] = arrays.pop("core/phase_head/centre/bias")
    arrays["probe"] = arrays["probe"][:, :32]
    before = side.export(network)
    with pytest.raises(ValueError, match="another network") as error:
        side.load(network, arrays)
    assert str(error.value) == (
        "these weights belong to another network\n"
        "  found     missing: core/phase_head/centre/bias\n"
        "  found     unknown: core/nonsense\n"
        "  found     of another shape: probe\n"
        "  expected  the names and shapes that model.architecture, N, gridsize and n_filters_scale give\n"
        "  try       the settings stored in the bundle beside the weights"
    )
    after = side.export(network)
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_unet_weights_serve_every_group_size(side, make_network):
    """Positions meet on the canvas, so the weights of one group size fit all."""
    side.load(make_network(architecture="unet", gridsize=3), side.export(make_network(architecture="unet")))
