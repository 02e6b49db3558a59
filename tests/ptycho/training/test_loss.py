"""The weights of the loss: read off a training configuration, zero everywhere refused."""

import pytest

from ptycho.config.config import ModelConfig, TrainingConfig
from ptycho.training.loss import LossWeights


def test_a_loss_without_terms_is_refused():
    """The error says which weights there are."""
    with pytest.raises(ValueError) as error:  # noqa: PT011  The whole text is compared below.
        LossWeights(nll=0)
    assert str(error.value) == (
        "the training loss is zero everywhere: no term has a weight\n"
        "  expected  training.nll_weight, mae_weight or realspace_weight above 0\n"
        "  try       training.nll_weight = 1"
    )


def test_terms_are_those_with_a_weight():
    """What has no weight is not computed; labels alone judge a supervised training."""
    assert LossWeights(nll=1, mae=0.5, realspace=0.1, realspace_mae=2).factors() == {
        "nll": 1,
        "mae": 0.5,
        "tv": 0.1,
        "labels": 0.2,
    }
    assert LossWeights(nll=0, mae=1).terms() == ["mae"]
    assert LossWeights(supervised=True).terms() == ["labels"]


def test_mae_mode_trades_the_likelihood_for_the_error():
    """`torch_loss_mode = "mae"` acts whatever nll_weight says."""
    training = TrainingConfig(model=ModelConfig(), n_groups=1, torch_loss_mode="mae")
    assert LossWeights.of(training) == LossWeights(nll=0, mae=1)
