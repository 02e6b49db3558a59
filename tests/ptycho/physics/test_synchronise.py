"""Patches with unknown global phases are brought together, without domain walls."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from ptycho.physics.canvas import cut
from ptycho.physics.stitch import stitch
from ptycho.physics.synchronise import neighbour_pairs, relative_phases, synchronise_phases


def scan(side, scene, *, N=32, step=7.0, noise=0.0, seed=0):
    """Cut patches on a jittered raster and give each a random global phase and smooth errors."""
    rng = np.random.default_rng(seed)
    raster = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2) * step
    positions = raster + rng.uniform(-1.5, 1.5, raster.shape) + N // 2 + 2
    truth = scene(*(int(step * side + N + 4),) * 2, seed=seed)
    patches = cut(truth, positions, N)
    errors = rng.standard_normal(patches.shape) + 1j * rng.standard_normal(patches.shape)
    errors = ndimage.gaussian_filter(errors, (0, 2, 2))
    unknown = np.exp(2j * np.pi * rng.random(len(patches)))
    patches = (patches + noise * errors / errors.std()) * unknown[:, None, None]
    y, x = np.mgrid[:N, :N] - N // 2
    return truth, patches, positions, np.exp(-(x**2 + y**2) / (N / 4) ** 2), unknown


def coherence(phases, unknown):
    """Say how well found phases undo the unknown ones: 1 when they do but for one constant."""
    return abs(np.mean(phases * unknown))


@given(seed=st.integers(0, 1000))
def test_random_phases_are_undone(seed):
    """On a small scan of true patches, all phases are found but one global constant."""
    rng = np.random.default_rng(seed)
    truth = np.exp(1j * ndimage.gaussian_filter(rng.standard_normal((40, 40)), 3) * 5)
    positions = rng.uniform(10, 30, (30, 2))
    unknown = np.exp(2j * np.pi * rng.random(30))
    found = relative_phases(cut(truth, positions, 16) * unknown[:, None, None], positions, np.ones((16, 16)))
    np.testing.assert_allclose(np.abs(found), 1.0, rtol=1e-9)
    assert coherence(found, unknown) > 0.99


def test_a_large_noisy_scan_has_no_domain_walls(scene):
    """900 patches with errors of 30 % agree across the whole scan, where sweeps alone get stuck."""
    _, patches, positions, weights, unknown = scan(30, scene, noise=0.3)
    assert coherence(relative_phases(patches, positions, weights), unknown) > 0.98
    assert coherence(np.ones(len(patches)), unknown) < 0.2


def test_stitching_after_synchronisation_recovers_the_object(scene):
    """Random phases cancel in a plain stitch; synchronised patches give the object back."""
    truth, patches, positions, weights, _ = scan(8, scene)

    def likeness(patches):
        stitched = stitch(patches, positions, weights)
        x, y = stitched.origin_px
        height, width = stitched.object.shape
        expected = truth[y : y + height, x : x + width]
        well = stitched.coverage > 0.2 * stitched.coverage.max()
        a, b = stitched.object[well], expected[well]
        return abs(np.vdot(a, b)) / np.linalg.norm(a) / np.linalg.norm(b)

    assert likeness(patches) < 0.5
    assert likeness(synchronise_phases(patches, positions, weights)) > 0.995


def test_moduli_and_precision_are_kept(scene):
    """Only phases change, by one constant for each patch; complex64 stays complex64."""
    _, patches, positions, weights, _ = scan(4, scene)
    single = patches.astype(np.complex64)
    turned = synchronise_phases(single, positions, weights)
    assert turned.dtype == np.complex64
    np.testing.assert_allclose(np.abs(turned), np.abs(single), rtol=1e-5)
    np.testing.assert_allclose(np.std(turned / single, axis=(1, 2)), 0, atol=1e-5)


def test_the_same_input_gives_the_same_phases(scene):
    """No hidden randomness: two calls agree to the bit, on either eigenvalue routine."""
    for side in (4, 16):
        _, patches, positions, weights, _ = scan(side, scene, noise=0.3)
        first, second = (relative_phases(patches, positions, weights) for _ in range(2))
        np.testing.assert_array_equal(first, second)


def test_dark_patches_do_no_harm(scene):
    """Patches of zeros keep phase 0; the others are still found."""
    _, patches, positions, weights, unknown = scan(8, scene)
    patches[5] = 0
    patches[40] = 0
    found = relative_phases(patches, positions, weights)
    assert np.isfinite(found).all()
    bright = np.delete(np.arange(64), [5, 40])
    assert coherence(found[bright], unknown[bright]) > 0.99


def test_parts_without_overlap_are_told(scene, caplog):
    """Two scans far apart are synchronised each in itself, and the log says so."""
    _, patches, positions, weights, unknown = scan(6, scene)
    far = np.concatenate([positions, positions + 500.0])
    both = np.concatenate([patches, 1j * patches])
    with caplog.at_level(logging.WARNING):
        found = relative_phases(both, far, weights)
    assert coherence(found[:36], unknown) > 0.99
    assert coherence(found[36:], unknown) > 0.99
    assert caplog.messages == [
        "the scan falls into 2 parts without overlap; each keeps a global phase of its own"
    ]


def test_sparse_clusters_are_connected():
    """Twelve neighbours inside a tight cluster do not hide the link to the next cluster."""
    rng = np.random.default_rng(0)
    cluster = rng.uniform(0, 0.5, (20, 2))
    first, second = neighbour_pairs(np.concatenate([cluster, cluster + np.array([6, 0])]), 16)
    assert ((first < 20) & (second >= 20)).any()


def test_pairs_overlap_and_are_listed_once():
    """Every pair is listed once, ordered, and closer than three quarters of a patch."""
    positions = np.random.default_rng(1).uniform(0, 100, (200, 2))
    first, second = neighbour_pairs(positions, 20)
    assert (first < second).all()
    assert len({*zip(first.tolist(), second.tolist(), strict=True)}) == len(first)
    assert np.abs(positions[first] - positions[second]).max() < 15


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_smallest_scans_work(n, waves):
    """One patch is left alone; two and three identical patches agree."""
    patch = waves(0, 8, 8)
    unknown = np.exp(1j * np.arange(n))
    turned = synchronise_phases(patch * unknown[:, None, None], np.zeros((n, 2)), np.ones((8, 8)))
    np.testing.assert_allclose(turned, np.broadcast_to(turned[0], turned.shape), atol=1e-9)
