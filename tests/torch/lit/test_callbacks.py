"""The early end counts as the neutral rule does, in the words that Lightning's checkpoints always had."""

from __future__ import annotations

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lightning.pytorch.callbacks import EarlyStopping

from ptycho.training.epochs import EarlyStop, Ranking
from ptycho_torch.lit.callbacks import StopEarly

SCORES = st.lists(st.floats(-10, 10, width=32) | st.just(float("nan")), max_size=12)
MODES = st.sampled_from(["min", "max"])


def lightnings(mode: str, patience: int) -> EarlyStopping:
    """Give Lightning's own rule with the settings that trainings had."""
    return EarlyStopping(monitor="val_loss", mode=mode, patience=patience, check_finite=False)


def observe(rule: StopEarly | EarlyStopping, score: float) -> bool:
    """Show an epoch to a rule; tell whether it ends the training."""
    trainer: Any = SimpleNamespace(
        callback_metrics={"val_loss": torch.tensor(score)},
        strategy=SimpleNamespace(reduce_boolean_decision=lambda decision, **_: decision),
        should_stop=False,
        current_epoch=0,
        fast_dev_run=False,
        world_size=1,
        global_rank=0,
        state=SimpleNamespace(fn="fit"),
        sanity_checking=False,
    )
    if isinstance(rule, StopEarly):
        rule.on_train_epoch_end(trainer, None)  # type: ignore[arg-type]
    else:
        rule._run_early_stopping_check(trainer)
    return bool(trainer.should_stop)


@given(SCORES, MODES, st.integers(1, 4))
def test_the_rule_is_lightnings(scores: list[float], mode: str, patience: int) -> None:
    """Whatever the scores are, the training ends after the same epoch as it did under Lightning's rule."""
    ours, theirs = StopEarly(EarlyStop(Ranking("val_loss", mode), patience)), lightnings(mode, patience)
    for score in scores:
        ended = observe(ours, score)
        assert ended == observe(theirs, score)
        if ended:
            break


@given(SCORES, SCORES, MODES)
def test_either_resumes_the_other(first: list[float], second: list[float], mode: str) -> None:
    """A checkpoint of Lightning's rule is taken up, and Lightning's rule takes ours up."""
    ours, theirs = StopEarly(EarlyStop(Ranking("val_loss", mode), 99)), lightnings(mode, 99)
    for score in first:
        observe(ours, score)
        observe(theirs, score)
    resumed = StopEarly(EarlyStop(Ranking("val_loss", mode), 99))
    resumed.load_state_dict(deepcopy(theirs.state_dict()))
    theirs.load_state_dict(ours.state_dict())
    for score in second:
        observe(resumed, score)
        observe(theirs, score)
    assert resumed.rule.waited == theirs.wait_count


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_key_in_checkpoints_stays(mode: str) -> None:
    """Under another key a training that is resumed would forget how long it has waited."""
    assert StopEarly(EarlyStop(Ranking("val_loss", mode), 3)).state_key == lightnings(mode, 3).state_key
