"""The network under its compiled steps."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from ptycho.network.settings import NetworkSettings
from ptycho.raw_data import RawData
from ptycho.run.settings import TrainingSettings
from ptycho.tf.checkpoints import read_checkpoint
from ptycho.tf.data import Batches
from ptycho.tf.devices import DevicePlacement
from ptycho.tf.loop import Loop
from ptycho.tf.model import PtychoNetwork
from ptycho.tf.module import Arithmetic, PtychoModule
from ptycho.tf.train import open_loop, train
from ptycho.tf.weights import export
from ptycho.training.loss import LossWeights
from ptycho.training.loss_watch import NonFiniteLossError
from ptycho.training.optimisation import Optimisation

Make = Callable[..., TrainingSettings]


def probe(modes: int = 1) -> np.ndarray:
    """Draw a probe."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(modes, 64, 64)) + 1j * rng.normal(size=(modes, 64, 64))).astype(np.complex64)


def module(mask: np.ndarray | None = None, accum_steps: int = 1, **settings: Any) -> PtychoModule:
    """Make a small module that learns by the amplitude error."""
    given: dict[str, Any] = {"architecture": "unet", "n_filters_scale": 1, "unet_stages": 1} | settings
    chosen = NetworkSettings(**given)
    return PtychoModule(
        PtychoNetwork(chosen, probe(chosen.probe_modes), 30.0, mask),
        LossWeights(nll=0, mae=1),
        Optimisation(),
        DevicePlacement(tf.distribute.get_strategy(), ("/CPU:0",)),
        Arithmetic(accum_steps=accum_steps),
    )


def frames(count: int) -> np.ndarray:
    """Draw single frames."""
    return np.random.default_rng(1).random((count, 1, 64, 64), np.float32)


def batches(X: np.ndarray, size: int) -> Iterator[Any]:
    """Serve frames in batches, as a training does."""
    relative, scan = np.zeros((len(X), 1, 2), np.float32), np.zeros(len(X), np.int64)
    return iter(tf.data.Dataset.from_tensor_slices((X, relative, scan)).batch(size))


def optimiser(made: PtychoModule, kind: str) -> dict[str, np.ndarray]:
    """Give what the optimiser remembers of each variable."""
    held = made.optimiser_state()
    return {name: array for name, array in held.items() if name.startswith(f"{kind}/")}


def test_hyperparameters_are_json_types(open_small: Callable[..., Loop]) -> None:
    """What a checkpoint keeps of the settings survives JSON unchanged."""
    kept = open_small().plan.hyperparameters
    assert sorted(kept) == ["loss", "network", "normalisation", "optimisation"]
    assert json.loads(json.dumps(kept)) == kept


def test_masked_pixels_drop_out_of_the_loss() -> None:
    """What a bad pixel measured changes neither loss nor gradients, not even where it is no number."""
    mask = np.ones((64, 64), bool)
    mask[10:20, 30] = False
    clean, spoiled = frames(2), frames(2)
    spoiled[..., ~mask] = np.nan
    made, again, whole = module(mask), module(mask), module()
    losses = [
        one.score([one.learn(batches(X, 2))]).loss
        for one, X in ((made, clean), (again, spoiled), (whole, clean))
    ]
    assert losses[0] == losses[1] != losses[2]
    momenta = optimiser(made, "momentum"), optimiser(again, "momentum")
    assert all(np.array_equal(array, momenta[1][name]) for name, array in momenta[0].items())
    assert np.isfinite(made.score([again.validate(batches(spoiled, 2))]).loss)


def test_accumulated_batches_are_one_large_batch() -> None:
    """Gradients of k batches average to that of one batch of k times the size, step after step."""
    parts, whole = module(accum_steps=2), module()
    for made in (parts, whole):
        made.adam.set_rates(0.0, 0.0)
    small, large = batches(frames(8), 2), batches(frames(8), 4)
    sums = [parts.learn(small, moves=batch % 2 == 1) for batch in range(4)]
    expected = [whole.learn(large) for _ in range(2)]
    assert parts.optimiser_state()["steps"] == whole.optimiser_state()["steps"] == 2
    assert parts.score(sums).loss == pytest.approx(whole.score(expected).loss, rel=1e-6)
    for kind in ("momentum", "velocity"):
        ours, theirs = optimiser(parts, kind), optimiser(whole, kind)
        for name, array in theirs.items():
            assert ours[name] == pytest.approx(array, rel=1e-3, abs=1e-4 * float(np.abs(array).max())), name


def test_weights_stay_until_the_batch_that_moves() -> None:
    """Before k batches are gathered nothing is learned; then everything is."""
    made = module(accum_steps=2)
    source, before = batches(frames(4), 2), export(made.network)
    made.learn(source, moves=False)
    waiting = export(made.network)
    assert all(np.array_equal(array, waiting[name]) for name, array in before.items())
    made.learn(source, moves=True)
    moved = export(made.network)
    kernels = [name for name in before if name.endswith("kernel")]
    assert not any(np.array_equal(before[name], moved[name]) for name in kernels)


def test_judging_learns_nothing() -> None:
    """A judged batch leaves weights and optimiser alone, and tells the loss that learning tells."""
    made = module()
    before = export(made.network)
    judged = made.score([made.validate(batches(frames(2), 2))])
    after = export(made.network)
    assert all(np.array_equal(array, after[name]) for name, array in before.items())
    assert made.optimiser_state()["steps"] == 0
    learned = made.score([made.learn(batches(frames(2), 2))])
    assert judged.loss == pytest.approx(learned.loss, rel=1e-6)
    assert learned.metrics("val") == {"val_loss": learned.loss, "val_mae": learned.terms["mae"]}


def test_score_weighs_batches_by_their_size() -> None:
    """A small last batch counts by its groups: the score of an epoch is the mean over all of them."""
    made = module()
    X = frames(3)
    source, alone = batches(X, 2), batches(X, 1)
    together = made.score([made.validate(source), made.validate(source)]).loss
    singles = [made.score([made.validate(alone)]).loss for _ in range(3)]
    assert together == pytest.approx(np.mean(singles), rel=1e-5)


@pytest.mark.parametrize("setting", ["intensity_scale_trainable", "probe_trainable"])
def test_scale_and_probe_are_learned_only_when_asked(setting: str) -> None:
    """A fixed scale or probe is no variable of the optimiser; a trainable one is, and it moves."""
    name = {"intensity_scale_trainable": "log_gain", "probe_trainable": "probe"}[setting]
    other = {"intensity_scale_trainable": False, "probe_trainable": False}
    fixed, free = module(**other), module(**other | {setting: True})
    assert set(free.adam.names) - set(fixed.adam.names) == {name}
    assert set(fixed.adam.names).isdisjoint({"log_gain", "probe"})
    before = export(free.network)[name]
    free.learn(batches(frames(2), 2))
    assert not np.array_equal(export(free.network)[name], before)


@pytest.fixture
def open_small(prepared: Make, tiny_scan: RawData, tmp_path: Path) -> Callable[..., Loop]:
    """Open trainings of the small scan."""

    def make(execution: dict[str, Any] | None = None, **settings: Any) -> Loop:
        return open_loop(prepared(execution, **settings), tiny_scan, tmp_path)

    return make


@pytest.mark.parametrize(("accum_steps", "traces"), [(1, 1), (3, 2)])
def test_steps_are_compiled_once(accum_steps: int, traces: int, open_small: Callable[..., Loop]) -> None:
    """Later batches, a smaller last one and later epochs run the same graph; waiting has one of its own."""
    loop = open_small({"accum_steps": accum_steps}, nepochs=3)
    loop.run(show=False)
    assert len(loop.history) == 3
    assert loop.module._train.experimental_get_tracing_count() == traces
    assert loop.module._validate.experimental_get_tracing_count() == 1


def test_nan_loss_names_its_place(
    prepared: Make, tiny_scan: RawData, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The error names epoch and batch, shows the terms and says what to try."""
    real, read = Batches.arrays, []

    def arrays(self: Batches, step: int, replica: int = 0) -> tuple[np.ndarray, ...]:
        X, *others = real(self, step, replica)
        read.append(step)
        if read.count(1) == 2:
            X = np.full_like(X, np.nan)
        return X, *others

    monkeypatch.setattr(Batches, "arrays", arrays)
    with pytest.raises(NonFiniteLossError) as caught:
        train(prepared({"precision": "bf16-mixed"}, nepochs=3, validation_fraction=0.0), tiny_scan, tmp_path)
    assert str(caught.value) == (
        "the training loss is nan in epoch 2, batch 2\n"
        "  terms     nll = nan\n"
        "  expected  a finite loss\n"
        "  try       execution.gradient_clip_val = 1.0, or a smaller execution.learning_rate (now 0.001), "
        'or execution.precision = "32-true" (now "bf16-mixed")'
    )
    kept = read_checkpoint(tmp_path).content
    assert len(kept.history) == 1
    assert all(np.isfinite(array).all() for array in kept.network.values())
