"""Weights travel under neutral names and come back bit for bit, or not at all."""

import numpy as np
import pytest
import torch

from ptycho_torch.nn.weights import export, load

BOTH = pytest.mark.parametrize("architecture", ["cnn", "unet"])


@BOTH
def test_exported_weights_come_back(make_network, architecture):
    """A fresh network that loads an export is the same network."""
    network = make_network(architecture=architecture, gridsize=2, probe_modes=2)
    with torch.no_grad():
        for value in network.state_dict().values():
            if value.is_floating_point():
                value.add_(torch.randn(value.shape))
    network.mask[3, 4] = False
    other = make_network(architecture=architecture, gridsize=2, probe_modes=2)
    load(other, export(network))
    for (name, mine), (_, theirs) in zip(
        network.state_dict().items(), other.state_dict().items(), strict=True
    ):
        assert torch.equal(mine, theirs), name


@BOTH
def test_names_and_axes_are_neutral(make_network, architecture):
    """Kernels are (height, width, in, out), the probe is complex, and torch's words do not appear."""
    arrays = export(make_network(architecture=architecture, probe_modes=2))
    assert arrays["probe"].shape == (2, 64, 64)
    assert arrays["probe"].dtype == np.complex64
    kernels = {name: a for name, a in arrays.items() if name.endswith("kernel")}
    assert kernels
    assert all(a.ndim == 4 and a.shape[:2] == (3, 3) for a in kernels.values())
    assert not any("weight" in name or "." in name for name in arrays)


def test_export_is_a_copy(make_network):
    """Training on does not change what was exported."""
    network = make_network()
    arrays = export(network)
    before = {name: a.copy() for name, a in arrays.items()}
    with torch.no_grad():
        for value in network.state_dict().values():
            value.zero_()
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
