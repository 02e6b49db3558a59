"""The container of groups: what a grouped dict becomes, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ptycho import params, probe
from ptycho.config.config import ModelConfig, update_legacy_dict
from ptycho.loader import PtychoDataContainer, load
from ptycho.params import UnpopulatedError
from ptycho.raw_data import RawData

pytestmark = pytest.mark.usefixtures("new_process")


def configure(gridsize: int) -> None:
    """Do what a client does first."""
    update_legacy_dict(params.cfg, ModelConfig(N=64, gridsize=gridsize))


def grouped_by(scan: RawData, gridsize: int, **more: Any) -> dict[str, Any]:
    """Group a scan."""
    return scan.generate_grouped_data(64, K=7, nsamples=12, seed=3, gridsize=gridsize, **more)


@pytest.mark.parametrize("gridsize", [1, 2])
def test_a_container_has_what_the_contract_lists(tiny_scan: RawData, gridsize: int) -> None:
    """Names, shapes and types; the labels come apart into amplitude and phase."""
    configure(gridsize)
    container = load(lambda: grouped_by(tiny_scan, gridsize), tiny_scan.probeGuess, None, False)
    C = gridsize**2
    assert len(container) == 12
    assert container.X.shape == (12, 64, 64, C)
    assert container.X.dtype == np.float32
    assert container.global_offsets.shape == (12, 1, 2, 1)
    for name in ("coords_nominal", "coords_true", "local_offsets"):
        assert getattr(container, name).shape == (12, 1, 2, C)
    assert container.nn_indices.shape == (12, C)
    assert container.probe is not None
    assert container.probe.shape == np.shape(tiny_scan.probeGuess)
    assert container.Y is not None
    assert container.Y_I is not None
    assert container.Y_phi is not None
    np.testing.assert_allclose(container.Y_I * np.exp(1j * container.Y_phi), container.Y, atol=1e-6)
    assert repr(container) == f"PtychoDataContainer(12 groups, X (12, 64, 64, {C}))"


def test_without_labels_there_are_none(tiny_scan: RawData) -> None:
    """Nothing is made up in their place."""
    configure(1)
    container = load(lambda: grouped_by(tiny_scan, 1) | {"Y": None}, tiny_scan.probeGuess)
    assert (container.Y, container.Y_I, container.Y_phi) == (None, None, None)


def test_a_split_gives_every_group_once(tiny_scan: RawData) -> None:
    """The two parts together are the whole, in order."""
    configure(2)
    whole = grouped_by(tiny_scan, 2)
    parts = [load(lambda: (whole, 0.75), tiny_scan.probeGuess, which, True) for which in ("train", "test")]
    assert [len(part) for part in parts] == [9, 3]
    for name, key in (("X", "X_full"), ("nn_indices", "nn_indices"), ("global_offsets", "coords_offsets")):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(joined, whole[key])


def test_the_probe_that_was_set_stands_in(tiny_scan: RawData) -> None:
    """A client that set it once need not hand it over again."""
    configure(1)
    assert load(lambda: grouped_by(tiny_scan, 1)).probe is None
    probe.set_probe_guess(None, tiny_scan.probeGuess)
    np.testing.assert_array_equal(load(lambda: grouped_by(tiny_scan, 1)).probe, tiny_scan.probeGuess)


@pytest.mark.parametrize("gridsize", [1, 2])
def test_a_container_gives_its_scan_back(tiny_scan: RawData, gridsize: int) -> None:
    """Each frame once, at its own position, in units of X."""
    configure(gridsize)
    container = load(lambda: grouped_by(tiny_scan, gridsize), tiny_scan.probeGuess)
    scan = container.scan()
    frames = np.unique(container.nn_indices)
    np.testing.assert_allclose(scan.positions, tiny_scan.positions[frames], atol=1e-9)
    np.testing.assert_allclose(scan.nominal_positions, tiny_scan.nominal_positions[frames], atol=1e-9)
    factor = 32 / np.sqrt(tiny_scan.mean_square())
    np.testing.assert_allclose(scan.amplitudes(), tiny_scan.amplitudes(frames) * factor, rtol=1e-5)
    np.testing.assert_allclose(scan.labels(), tiny_scan.labels(frames), atol=1e-6)


def test_data_comes_after_the_configuration(tiny_scan: RawData) -> None:
    """Before it, the loader would read defaults that nobody meant (CONFIG-001)."""
    with pytest.raises(UnpopulatedError) as caught:
        load(lambda: grouped_by(tiny_scan, 1), tiny_scan.probeGuess)
    assert str(caught.value) == (
        "CONFIG-001: ptycho.loader.load would read 'N', 'gridsize' from params.cfg, "
        "which no configuration has populated\n"
        "  expected  update_legacy_dict(params.cfg, config) before any data helper\n"
        "  try       from ptycho.config.config import update_legacy_dict; "
        "update_legacy_dict(params.cfg, config)"
    )


def test_groups_of_another_size_are_refused(tiny_scan: RawData) -> None:
    """The error tells the shape, the configuration and who wrote it."""
    configure(1)
    with pytest.raises(ValueError, match="the groups have shape") as caught:
        load(lambda: grouped_by(tiny_scan, 2), tiny_scan.probeGuess)
    assert str(caught.value) == (
        "the groups have shape (12, 64, 64, 4), and params.cfg says N = 64, gridsize = 1\n"
        f"  written in  {params.writer('gridsize')}\n"
        "  expected    (groups, 64, 64, 1)\n"
        "  try         generate_grouped_data(64, gridsize=1), or update_legacy_dict(params.cfg, config) with "
        "the configuration of this data"
    )


def test_what_are_no_groups_is_refused() -> None:
    """The error tells what the callback gave instead."""
    configure(1)
    with pytest.raises(ValueError, match="the callback gave no groups") as caught:
        load(lambda: {"diffraction": 1})
    assert str(caught.value) == (
        "the callback gave no groups: ['diffraction']\n"
        "  expected  the dict of RawData.generate_grouped_data, with 'X_full'\n"
        "  try       load(lambda: scan.generate_grouped_data(...), probe)"
    )


def test_a_split_must_say_which_part(tiny_scan: RawData) -> None:
    """There is no default half."""
    configure(1)
    with pytest.raises(ValueError, match="which = None") as caught:
        load(lambda: (grouped_by(tiny_scan, 1), 0.5), tiny_scan.probeGuess, None, True)
    assert str(caught.value) == (
        "which = None\n  expected  'train' or 'test', for create_split is true\n  try       which='train'"
    )


@pytest.mark.parametrize(
    ("split", "found"),
    [
        (lambda grouped: grouped, "dict"),
        (lambda grouped: (grouped, 5), "a share of 5"),
        (lambda grouped: (grouped, float("nan")), "a share of nan"),
        (lambda grouped: (grouped, None), "a share of None"),
    ],
)
def test_a_split_is_groups_and_a_share(tiny_scan: RawData, split: Callable[[Any], Any], found: str) -> None:
    """Groups alone, or a number that is no share of them, are no split."""
    configure(1)
    with pytest.raises(ValueError, match="the callback gave no split") as caught:
        load(lambda: split(grouped_by(tiny_scan, 1)), tiny_scan.probeGuess, "train", True)
    assert str(caught.value) == (
        f"the callback gave no split: {found}\n"
        "  expected  groups and the share of them to train on, 0 to 1, for create_split is true\n"
        "  try       load(lambda: (scan.generate_grouped_data(...), 0.9), probe, 'train', True)"
    )


def test_containers_compare_by_identity(tiny_scan: RawData) -> None:
    """Comparing arrays would not give one answer."""
    configure(1)
    one, other = (load(lambda: grouped_by(tiny_scan, 1)) for _ in range(2))
    assert isinstance(one, PtychoDataContainer)
    assert one != other
