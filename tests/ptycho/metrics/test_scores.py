"""Scores: perfect for the truth in any disguise, fair against the truth's own range, blind to no fault."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import structural_similarity

from ptycho.metrics.align import align
from ptycho.metrics.scores import compare, phases, score


def everywhere(picture):
    """Mark every pixel."""
    return np.ones(picture.shape, bool)


def test_the_truth_scores_perfectly(scene):
    """Correlation 1, no error, endless PSNR, SSIM 1."""
    modulus = np.abs(scene(40, 40))
    same = compare(modulus, modulus, everywhere(modulus))
    assert same.correlation == pytest.approx(1.0)
    assert (same.mae, same.rmse, same.psnr_db) == (0.0, 0.0, math.inf)
    assert same.ssim == pytest.approx(1.0)


def test_the_truth_in_disguise_scores_well(scene):
    """Shifted, tilted, turned and scaled, the truth is still the truth."""
    truth = scene(180, 180)
    y, x = np.indices(truth.shape)
    disguised = (
        3j * ndimage.shift(truth, (0.4, -1.3), order=5, mode="nearest") * np.exp(1j * (0.05 * x - 0.02 * y))
    )
    scores = score(disguised[20:-20, 20:-20], truth[20:-20, 20:-20])
    assert scores.amplitude.correlation > 0.995
    assert scores.phase.correlation > 0.999
    assert scores.phase.mae < 0.02
    assert not scores.twin_fits_better
    assert scores.scale == pytest.approx(1 / 3, rel=0.01)


def test_psnr_is_against_the_truths_range(scene):
    """20 log10(range / rmse): a truth of range 0.2 is not measured against 1 or 255."""
    truth = np.linspace(0.5, 0.7, 400).reshape(20, 20)
    likeness = compare(truth + 0.01, truth, everywhere(truth))
    assert likeness.data_range == pytest.approx(0.2)
    assert likeness.psnr_db == pytest.approx(20 * np.log10(0.2 / 0.01))
    assert likeness.mae == pytest.approx(0.01)
    assert likeness.correlation == pytest.approx(1.0)


def test_a_flat_picture_scores_nothing(scene):
    """A constant has no correlation, and an SSIM near zero."""
    truth = np.abs(scene(60, 60))
    flat = compare(np.full_like(truth, truth.mean()), truth, everywhere(truth))
    assert math.isnan(flat.correlation)
    assert flat.ssim < 0.3
    assert flat.rmse == pytest.approx(truth.std(), rel=1e-6)


def test_contrast_reversed_is_negative(scene):
    """An inverted picture has correlation -1: signs are kept."""
    truth = np.abs(scene(60, 60))
    assert compare(2 * truth.mean() - truth, truth, everywhere(truth)).correlation == pytest.approx(-1.0)


def test_masked_pixels_do_not_count(scene):
    """Garbage outside the mask changes no number, the windows of SSIM included."""
    truth = np.abs(scene(60, 60))
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    noisy = truth + 0.01 * np.sin(np.arange(60))
    clean = compare(noisy, truth, mask)
    assert compare(np.where(mask, noisy, 77.0), truth, mask) == clean
    assert compare(np.where(mask, noisy, np.nan), truth, mask) == clean


def test_similarity_of_a_masked_square_is_that_of_the_square(scene):
    """Zeros outside the mask lend no similarity: SSIM is that of the cut-out square, its range included."""
    truth = np.abs(scene(60, 60))
    noisy = truth + 0.05 * np.sin(np.arange(60))
    mask = np.zeros((60, 60), bool)
    mask[10:50, 10:50] = True
    square = (slice(10, 50),) * 2
    expected = structural_similarity(
        truth[square], noisy[square], win_size=7, data_range=np.ptp(truth[square])
    )
    assert compare(noisy, truth, mask).ssim == pytest.approx(expected, rel=1e-9)


def test_phase_errors_are_wrapped(scene):
    """An error of 0.1 rad across the branch cut is 0.1 rad, not two pi."""
    truth = np.exp(1j * np.where(np.abs(scene(80, 80)) > 0.75, 3.1, 2.9))
    turned = truth * np.exp(0.1j * np.sign(scene(80, 80, seed=1).imag))
    reconstruction, reference = phases(align(turned, truth))
    assert np.abs(reconstruction - reference).max() < 0.2
    assert score(turned, truth).phase.mae < 0.15


def test_a_ramp_of_the_reference_does_not_flatter(scene, rng):
    """Noise against a tilted reference has no phase correlation: the common tilt is taken off first."""
    _, x = np.indices((100, 100))
    tilt = np.exp(0.05j * x)
    scores = score(scene(100, 100, seed=5) * tilt, scene(100, 100, seed=6) * tilt)
    assert abs(scores.phase.correlation) < 0.3


def test_twin_is_recognised(scene):
    """The conjugate picture turned by half a turn is reported as what it is."""
    truth = scene(120, 120)
    scores = score(truth[::-1, ::-1].conj(), truth)
    assert scores.twin_fits_better
    assert scores.phase.correlation < 0.5
    assert not score(truth, truth).twin_fits_better


def test_amplitude_plus_i_phase_is_caught(scene):
    """Amplitude + i phase in place of amplitude * exp(i phase) loses likeness that the right form has."""
    truth = scene(120, 120, depth=0.9)
    wrong = np.abs(truth) + 1j * np.angle(truth)
    assert score(truth, truth).amplitude.correlation > 0.999
    assert score(wrong, truth).amplitude.correlation < 0.8


def test_scores_are_plain_json(scene):
    """Numbers that are none become null; the rest survives."""
    scores = score(np.zeros((64, 64), complex), scene(64, 64))
    stored = json.loads(json.dumps(scores.as_dict(), allow_nan=False))
    assert stored["amplitude"]["correlation"] is None
    assert stored["phase"]["rmse"] == scores.phase.rmse
    assert stored["shift_px"] == list(scores.shift_px)


def test_halves_of_the_real_scan_agree(halves, middle):
    """Even and odd frames of the Siemens star: phase r 0.986, phase RMSE 0.062 rad.

    Source:
        README of the shared data: the figures of the split-half reference.
    """
    scores = score(*halves, middle)
    assert scores.phase.correlation == pytest.approx(0.986, abs=0.001)
    assert scores.phase.rmse == pytest.approx(0.062, abs=0.0015)
    assert not scores.twin_fits_better
