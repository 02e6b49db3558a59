"""Losses: equal to the reference, blind to bad pixels, and refused where they cannot be computed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.network.prediction import Prediction
from ptycho.physics.noise import poisson_nll as reference_nll
from ptycho.training.loss import Loss, LossInputs, LossWeights
from ptycho.training.loss_terms.labels import label_mae
from ptycho.training.loss_terms.tv import total_variation

SCALE = 30.0


def amplitudes(seed, *shape):
    """Draw predicted and measured amplitudes."""
    rng = np.random.default_rng(seed)
    return rng.random(shape), rng.random(shape)


def score(side, weights, predicted, measured, *, mask=None, labels=None, patches=None):
    """Score amplitudes, whose patches hold them as moduli and the measurement as phases."""
    patches = predicted * np.exp(1j * measured) if patches is None else patches
    tensors = [None if a is None else side.tensor(a) for a in (measured, np.array(SCALE), mask, labels)]
    prediction = Prediction(side.tensor(patches), side.tensor(predicted))
    total, terms = Loss(side.ops, weights)(prediction, *tensors)
    return float(side.array(total)), {name: float(side.array(term)) for name, term in terms.items()}


def in_object_plane(side, term, patches, labels=None):
    """Compute a term that looks at patches alone."""
    inputs = LossInputs(side.ops, side.tensor(patches), None, None, None, None, labels)
    return float(side.array(term(inputs)))


@given(seed=st.integers(0, 999), masked=st.booleans())
@settings(max_examples=25)
def test_likelihood_equals_the_reference(side, seed, masked):
    """Poisson misfit, masked or not, is numpy's."""
    predicted, measured = amplitudes(seed, 2, 4, 8, 8)
    mask = np.random.default_rng(seed).random((8, 8)) > 0.3 if masked else None
    ours, _ = score(side, LossWeights(), predicted, measured, mask=mask)
    rate, counts = ((SCALE * a) ** 2 for a in (predicted, measured))
    assert ours == pytest.approx(reference_nll(rate, counts, mask=mask), rel=1e-10)


def test_likelihood_is_least_at_the_truth(side):
    """The measured amplitude explains itself best: its slope vanishes there, and nowhere near."""
    _, measured = amplitudes(0, 16, 16)
    measured = measured[None, None] + 0.1

    def misfit(predicted):
        prediction = Prediction(None, predicted)
        scale = side.tensor(np.array(SCALE))
        return Loss(side.ops, LossWeights())(prediction, side.tensor(measured), scale)[0]

    least, (slope,) = side.slopes(misfit, side.tensor(measured))
    assert np.abs(slope).max() < 1e-6  # The epsilon in the logarithm moves the minimum by that.
    for factor in (0.99, 1.01):
        assert side.slopes(misfit, side.tensor(factor * measured))[0] > least


@pytest.mark.parametrize("weights", [LossWeights(), LossWeights(nll=0, mae=1)])
def test_bad_pixels_have_no_say(side, weights):
    """What a masked pixel measures, be it NaN, changes neither value nor slope."""
    predicted, measured = amplitudes(1, 2, 1, 8, 8)
    mask = np.ones((8, 8), bool)
    mask[2, 5] = False
    values, slopes = [], []
    for wild in (0.0, 1e6, float("nan")):
        spoilt = measured.copy()
        spoilt[..., 2, 5] = wild

        def loss(amplitude, spoilt=spoilt):
            prediction = Prediction(None, amplitude)
            given = (side.tensor(a) for a in (spoilt, np.array(SCALE), mask))
            return Loss(side.ops, weights)(prediction, *given)[0]

        value, (slope,) = side.slopes(loss, side.tensor(predicted))
        values.append(value)
        slopes.append(slope)
    assert values[0] == values[1] == values[2]
    np.testing.assert_array_equal(slopes[0], slopes[2])
    assert not slopes[0][..., 2, 5].any()
    assert slopes[0].any()


def test_loss_does_not_grow_with_the_batch(side):
    """Terms are means: two copies of a batch cost what one costs."""
    predicted, measured = amplitudes(2, 2, 1, 8, 8)
    weights = LossWeights(nll=1, mae=1, realspace=0.1)
    once, _ = score(side, weights, predicted, measured)
    twice, _ = score(side, weights, *(np.concatenate([a, a]) for a in (predicted, measured)))
    assert once == pytest.approx(twice, rel=1e-12)


def test_each_term_counts_with_its_weight(side):
    """The total is the weighted sum of the terms, realspace being the factor of all in the object plane."""
    predicted, measured = amplitudes(3, 2, 1, 8, 8)
    weights = LossWeights(nll=0.5, mae=2.0, realspace=0.1, realspace_mae=3.0)
    total, terms = score(side, weights, predicted, measured, labels=measured * np.exp(1j * predicted))
    expected = 0.5 * terms["nll"] + 2 * terms["mae"] + 0.1 * terms["tv"] + 0.3 * terms["labels"]
    assert total == pytest.approx(expected, rel=1e-12)


def test_total_variation_of_a_constant_is_zero(side):
    """A flat patch is free; a step costs its height by the share of pixels where it stands."""
    flat = np.full((1, 1, 8, 8), 0.5 + 0.5j)
    assert in_object_plane(side, total_variation, flat) == 0
    flat[..., 4:] = 1.0
    assert in_object_plane(side, total_variation, flat) == pytest.approx(2 * 0.5 / 7)


def test_label_error_wraps_phases(side):
    """Phases of -pi and +pi are the same phase."""
    ours, theirs = (np.exp(1j * np.full(4, phase)) for phase in (3.14, -3.14))
    error = in_object_plane(side, label_mae, ours, side.tensor(theirs))
    assert error == pytest.approx(2 * (np.pi - 3.14), abs=1e-9)


def test_dark_labels_have_finite_slopes(side, rng):
    """Where patch or label is zero, as around a padded object, the phase pulls nowhere."""
    patches = rng.standard_normal((1, 1, 4, 4)) + 1j * rng.standard_normal((1, 1, 4, 4))
    labels = patches[..., ::-1].copy()
    patches[..., 0, 0] = labels[..., 1, 1] = 0

    def error(objects):
        return label_mae(LossInputs(side.ops, objects, None, None, None, None, side.tensor(labels)))

    _, (slope,) = side.slopes(error, side.tensor(patches))
    assert np.isfinite(slope).all()
    assert slope[0, 0, 0, 0] == 0


def test_supervised_learns_from_labels_alone(side):
    """The diffraction has no say in supervised mode."""
    predicted, measured = amplitudes(4, 1, 1, 8, 8)
    labels = measured * np.exp(1j * predicted)
    weights = LossWeights(supervised=True)
    total, terms = score(side, weights, predicted, measured, labels=labels, patches=labels)
    assert set(terms) == {"labels"}
    assert total == pytest.approx(0, abs=1e-7)
    other, parts = score(side, weights, predicted, measured, labels=0.5 * labels, patches=labels)
    assert other == parts["labels"]
    assert other == pytest.approx(0.5 * float(measured.mean()), rel=1e-5)


def test_missing_labels_are_an_error(side):
    """The error names the rule, the keys and the way out."""
    predicted, measured = amplitudes(5, 1, 1, 8, 8)
    with pytest.raises(ValueError, match="DATA-SUP-001") as error:
        score(side, LossWeights(supervised=True), predicted, measured)
    assert str(error.value) == (
        "DATA-SUP-001: this loss compares with labelled patches, and the scan has none\n"
        "  expected  complex patches (n, N, N) under the key 'Y' or 'label' of the scan file\n"
        '  try       model.model_type = "pinn" with training.realspace_mae_weight = 0'
    )


def test_realspace_weight_brings_the_total_variation(side):
    """The term is that of the predicted patches, and counts with its weight."""
    predicted, measured = amplitudes(6, 1, 1, 8, 8)
    total, terms = score(side, LossWeights(nll=0.0, realspace=0.5), predicted, measured)
    assert set(terms) == {"tv"}
    assert terms["tv"] == in_object_plane(side, total_variation, predicted * np.exp(1j * measured))
    assert total == pytest.approx(0.5 * terms["tv"])
