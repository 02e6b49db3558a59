"""Losses: equal to the reference, blind to bad pixels, and refused where they cannot be computed."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from ptycho.tf.losses import Loss, amplitude_mae, label_mae, poisson_nll, total_variation
from ptycho.tf.prediction import Prediction

from ptycho.physics.noise import poisson_nll as reference_nll
from ptycho.tf.physics import polar
from ptycho.training.loss import LABELS_MISSING, LossWeights

SCALE = tf.constant(30.0, tf.float64)


def amplitudes(seed, *shape):
    """Draw predicted and measured amplitudes."""
    rng = np.random.default_rng(seed)
    return tf.constant(rng.random(shape)), tf.constant(rng.random(shape))


@given(seed=st.integers(0, 999), masked=st.booleans())
@settings(max_examples=25)
def test_likelihood_equals_the_reference(seed, masked):
    """Poisson misfit, masked or not, is numpy's."""
    predicted, measured = amplitudes(seed, 2, 4, 8, 8)
    mask = np.random.default_rng(seed).random((8, 8)) > 0.3 if masked else None
    ours = poisson_nll(predicted, measured, SCALE, mask)
    rate, counts = (tf.square(SCALE * a).numpy() for a in (predicted, measured))
    assert float(ours) == pytest.approx(reference_nll(rate, counts, mask=mask), rel=1e-10)


@pytest.mark.parametrize("loss", [amplitude_mae, lambda p, m, mask: poisson_nll(p, m, SCALE, mask)])
def test_bad_pixels_have_no_say(loss):
    """What a masked pixel measures, be it NaN, changes neither value nor slope."""
    predicted, measured = amplitudes(1, 2, 1, 8, 8)
    mask = np.ones((8, 8), bool)
    mask[2, 5] = False
    values, slopes = [], []
    for wild in (0.0, 1e6, float("nan")):
        spoilt = measured.numpy()
        spoilt[..., 2, 5] = wild
        with tf.GradientTape() as tape:
            tape.watch(predicted)
            value = loss(predicted, tf.constant(spoilt), mask)
        values.append(float(value))
        slopes.append(tape.gradient(value, predicted).numpy())
    assert values[0] == values[1] == values[2]
    np.testing.assert_array_equal(slopes[0], slopes[2])
    assert not slopes[0][..., 2, 5].any()
    assert slopes[0].any()


def test_loss_does_not_grow_with_the_batch():
    """Terms are means: two copies of a batch cost what one costs."""
    predicted, measured = amplitudes(2, 2, 1, 8, 8)
    loss = Loss(LossWeights(nll=1, mae=1, realspace=0.1))
    patches = polar(predicted, measured)
    once, _ = loss(Prediction(patches, predicted), measured, SCALE)
    twice = [tf.concat([a, a], axis=0) for a in (patches, predicted, measured)]
    double, _ = loss(Prediction(*twice[:2]), twice[2], SCALE)
    assert float(once) == pytest.approx(float(double), rel=1e-12)


def test_each_term_counts_with_its_weight():
    """The total is the weighted sum of the terms, realspace being the factor of all in the object plane."""
    predicted, measured = amplitudes(3, 2, 1, 8, 8)
    patches, labels = polar(predicted, measured), polar(measured, predicted)
    weights = LossWeights(nll=0.5, mae=2.0, realspace=0.1, realspace_mae=3.0)
    total, terms = Loss(weights)(Prediction(patches, predicted), measured, SCALE, labels=labels)
    expected = 0.5 * terms["nll"] + 2 * terms["mae"] + 0.1 * terms["tv"] + 0.3 * terms["labels"]
    assert float(total) == pytest.approx(float(expected), rel=1e-12)


def test_total_variation_of_a_constant_is_zero():
    """A flat patch is free; a step costs its height by the share of pixels where it stands."""
    flat = np.full((1, 1, 8, 8), 0.5 + 0.5j)
    assert total_variation(tf.constant(flat)) == 0
    flat[..., 4:] = 1.0
    assert float(total_variation(tf.constant(flat))) == pytest.approx(2 * 0.5 / 7)


def test_label_error_wraps_phases():
    """Phases of -pi and +pi are the same phase."""
    ours, theirs = (polar(tf.ones(4), tf.fill([4], phase)) for phase in (3.14, -3.14))
    assert float(label_mae(ours, theirs)) == pytest.approx(2 * (np.pi - 3.14), abs=1e-5)


def test_dark_labels_have_finite_slopes(rng):
    """Where patch or label is zero, as around a padded object, the phase pulls nowhere."""
    patches = rng.standard_normal((1, 1, 4, 4)) + 1j * rng.standard_normal((1, 1, 4, 4))
    labels = patches[..., ::-1].copy()
    patches[..., 0, 0] = labels[..., 1, 1] = 0
    tensor = tf.constant(patches)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        error = label_mae(tensor, tf.constant(labels))
    slope = tape.gradient(error, tensor).numpy()
    assert np.isfinite(slope).all()
    assert slope[0, 0, 0, 0] == 0


def test_supervised_learns_from_labels_alone():
    """The diffraction has no say in supervised mode."""
    predicted, measured = amplitudes(4, 1, 1, 8, 8)
    labels = polar(measured, predicted)
    loss = Loss(LossWeights(supervised=True))
    total, terms = loss(Prediction(labels, predicted), measured, SCALE, labels=labels)
    assert set(terms) == {"labels"}
    assert float(total) == pytest.approx(0, abs=1e-7)
    other, parts = loss(Prediction(labels, predicted), measured, SCALE, labels=0.5 * labels)
    assert other == parts["labels"]
    assert float(other) == pytest.approx(0.5 * float(tf.reduce_mean(measured)), rel=1e-5)


def test_missing_labels_are_an_error():
    """The error names the rule, the keys and the way out."""
    predicted, measured = amplitudes(5, 1, 1, 8, 8)
    with pytest.raises(ValueError, match="DATA-SUP-001") as error:
        Loss(LossWeights(supervised=True))(Prediction(measured, predicted), measured, SCALE)
    assert str(error.value) == LABELS_MISSING


def test_realspace_weight_brings_the_total_variation():
    """The term is that of the predicted patches, and counts with its weight."""
    predicted, measured = amplitudes(6, 1, 1, 8, 8)
    patches = polar(predicted, measured)
    total, terms = Loss(LossWeights(nll=0.0, realspace=0.5))(Prediction(patches, predicted), measured, SCALE)
    assert set(terms) == {"tv"}
    assert terms["tv"] == total_variation(patches)
    assert float(total) == pytest.approx(0.5 * float(terms["tv"]))


def test_scale_takes_the_precision_of_the_prediction():
    """A scale kept in single precision serves a half-made double one, and no other way round."""
    predicted, measured = amplitudes(7, 1, 1, 8, 8)
    total, _ = Loss(LossWeights())(
        Prediction(polar(predicted, measured), predicted), measured, tf.constant(30.0)
    )
    assert total.dtype == tf.float64
