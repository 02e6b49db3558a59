"""Losses: equal to the reference, blind to bad pixels, and refused where they cannot be computed."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ptycho_torch.nn.losses import Loss, amplitude_mae, label_mae, poisson_nll, total_variation
from ptycho_torch.nn.prediction import Prediction

from ptycho.physics.noise import poisson_nll as reference_nll
from ptycho.training.loss import LossWeights

SCALE = torch.tensor(30.0, dtype=torch.float64)


def amplitudes(seed, *shape):
    """Draw predicted and measured amplitudes."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.random(shape)), torch.from_numpy(rng.random(shape))


@given(seed=st.integers(0, 999), masked=st.booleans())
def test_likelihood_equals_the_reference(seed, masked):
    """Poisson misfit, masked or not, is numpy's."""
    predicted, measured = amplitudes(seed, 2, 4, 8, 8)
    mask = torch.rand(8, 8, generator=torch.Generator().manual_seed(seed)) > 0.3 if masked else None
    ours = poisson_nll(predicted, measured, SCALE, mask)
    rate, counts = ((SCALE * a).square().numpy() for a in (predicted, measured))
    reference = reference_nll(rate, counts, mask=None if mask is None else mask.numpy())
    assert float(ours) == pytest.approx(reference, rel=1e-10)


def test_likelihood_is_least_at_the_truth():
    """The measured amplitude explains itself best."""
    _, measured = amplitudes(0, 16, 16)
    guess = (measured + 0.01).requires_grad_()
    optimiser = torch.optim.Adam([guess], lr=1e-3)
    for _ in range(200):
        optimiser.zero_grad()
        poisson_nll(guess, measured, SCALE, None).backward()
        optimiser.step()
    assert float((guess - measured).abs().max().detach()) < 2e-3


@pytest.mark.parametrize("loss", [amplitude_mae, lambda p, m, mask: poisson_nll(p, m, SCALE, mask)])
def test_bad_pixels_have_no_say(loss):
    """What a masked pixel measures, be it NaN, changes neither value nor slope."""
    predicted, measured = amplitudes(1, 2, 1, 8, 8)
    predicted.requires_grad_()
    mask = torch.ones(8, 8, dtype=torch.bool)
    mask[2, 5] = False
    values, slopes = [], []
    for wild in (0.0, 1e6, float("nan")):
        spoilt = measured.clone()
        spoilt[..., 2, 5] = wild
        value = loss(predicted, spoilt, mask)
        values.append(float(value.detach()))
        slopes.append(torch.autograd.grad(value, predicted)[0])
    assert values[0] == values[1] == values[2]
    torch.testing.assert_close(slopes[0], slopes[2])
    assert slopes[0][..., 2, 5].abs().max() == 0


def test_loss_does_not_grow_with_the_batch():
    """Terms are means: two copies of a batch cost what one costs."""
    predicted, measured = amplitudes(2, 2, 1, 8, 8)
    loss = Loss(LossWeights(nll=1, mae=1, realspace=0.1))
    patches = torch.polar(predicted, measured)
    once, _ = loss(Prediction(patches, predicted), measured, SCALE)
    twice = [torch.cat([a, a]) for a in (patches, predicted, measured)]
    double, _ = loss(Prediction(*twice[:2]), twice[2], SCALE)
    torch.testing.assert_close(once, double)


def test_each_term_counts_with_its_weight():
    """The total is the weighted sum of the terms, realspace being the factor of all in the object plane."""
    predicted, measured = amplitudes(3, 2, 1, 8, 8)
    patches, labels = torch.polar(predicted, measured), torch.polar(measured, predicted)
    weights = LossWeights(nll=0.5, mae=2.0, realspace=0.1, realspace_mae=3.0)
    total, terms = Loss(weights)(Prediction(patches, predicted), measured, SCALE, labels=labels)
    expected = 0.5 * terms["nll"] + 2 * terms["mae"] + 0.1 * terms["tv"] + 0.3 * terms["labels"]
    torch.testing.assert_close(total, expected)


def test_total_variation_of_a_constant_is_zero():
    """A flat patch is free, a step is not."""
    flat = torch.full((1, 1, 8, 8), 0.5 + 0.5j)
    assert total_variation(flat) == 0
    flat[..., 4:] = 1.0
    assert total_variation(flat) > 0


def test_label_error_wraps_phases():
    """Phases of -pi and +pi are the same phase."""
    ours = torch.polar(torch.ones(4), torch.full((4,), 3.14))
    theirs = torch.polar(torch.ones(4), torch.full((4,), -3.14))
    assert label_mae(ours, theirs) == pytest.approx(2 * (np.pi - 3.14), abs=1e-5)


def test_supervised_learns_from_labels_alone():
    """The diffraction has no say in supervised mode."""
    predicted, measured = amplitudes(4, 1, 1, 8, 8)
    labels = torch.polar(measured, predicted)
    loss = Loss(LossWeights(supervised=True))
    total, terms = loss(Prediction(labels, predicted), measured, SCALE, labels=labels)
    assert set(terms) == {"labels"}
    assert total == pytest.approx(0, abs=1e-7)
    other, parts = loss(Prediction(labels, predicted), measured, SCALE, labels=0.5 * labels)
    assert other == parts["labels"]
    assert float(other) == pytest.approx(0.5 * float(measured.mean()), rel=1e-5)


def test_missing_labels_are_an_error():
    """The error names the rule, the keys and the way out."""
    predicted, measured = amplitudes(5, 1, 1, 8, 8)
    with pytest.raises(ValueError, match="DATA-SUP-001") as error:
        Loss(LossWeights(supervised=True))(Prediction(measured, predicted), measured, SCALE)
    assert str(error.value) == (
        "DATA-SUP-001: this loss compares with labelled patches, and the scan has none\n"
        "  expected  complex patches (n, N, N) under the key 'Y' or 'label' of the scan file\n"
        '  try       model.model_type = "pinn" with training.realspace_mae_weight = 0'
    )


def test_realspace_weight_brings_the_total_variation():
    """The term is that of the predicted patches, and counts with its weight."""
    predicted, measured = amplitudes(6, 1, 1, 8, 8)
    patches = torch.polar(predicted, measured)
    total, terms = Loss(LossWeights(nll=0.0, realspace=0.5))(Prediction(patches, predicted), measured, SCALE)
    assert set(terms) == {"tv"}
    assert terms["tv"] == total_variation(patches)
    assert float(total) == pytest.approx(0.5 * float(terms["tv"]))
