"""The network under Lightning."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch

from ptycho.network.settings import NetworkSettings
from ptycho.physics.scale import Normalisation
from ptycho.training.groups import Batch
from ptycho.training.loss import LossWeights
from ptycho.training.loss_watch import NonFiniteLossError
from ptycho.training.optimisation import Optimisation
from ptycho_torch.lit.module import PtychoModule

SCALES = Normalisation(1.0, 900.0, 1.0, 1e9, 1.0, 2.0)


def probe(modes: int = 1) -> np.ndarray:
    """Draw a probe."""
    rng = np.random.default_rng(0)
    return (rng.normal(size=(modes, 64, 64)) + 1j * rng.normal(size=(modes, 64, 64))).astype(np.complex64)


def module(
    settings: NetworkSettings | None = None, mask: np.ndarray | None = None, **optimisation: Any
) -> PtychoModule:
    """Make a small module."""
    chosen = settings or NetworkSettings(architecture="unet", n_filters_scale=1)
    return PtychoModule(
        chosen.as_dict(),
        asdict(LossWeights(nll=0, mae=1)),
        asdict(Optimisation(**optimisation)),
        SCALES.as_dict(),
        probe(chosen.probe_modes),
        mask,
    )


def batch(count: int = 2) -> Batch[torch.Tensor]:
    """Draw a batch of single frames."""
    X = torch.rand(count, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    return Batch(X, torch.zeros(count, 1, 2), None)


def test_hyperparameters_are_json_types() -> None:
    """What a checkpoint keeps of the settings survives JSON unchanged."""
    kept = dict(module().hparams)
    assert sorted(kept) == ["loss", "network", "normalisation", "optimisation"]
    assert json.loads(json.dumps(kept)) == kept


def test_masked_pixels_drop_out_of_the_loss() -> None:
    """What a bad pixel measured changes nothing."""
    mask = np.ones((64, 64), bool)
    mask[10:20, 30] = False
    made = module(mask=mask)
    made.on_fit_start()
    clean, spoiled = batch(), batch()
    spoiled.X[..., ~torch.from_numpy(mask)] = 0
    prediction = made.network(clean.X, clean.relative)
    whole, _ = made.loss(prediction, clean.X, made.network.measured_scale, None, None)
    masked, _ = made.loss(prediction, clean.X, made.network.measured_scale, made.network.mask, None)
    again, _ = made.loss(prediction, spoiled.X, made.network.measured_scale, made.network.mask, None)
    assert torch.equal(masked, again)
    assert not torch.equal(whole, masked)
    assert torch.equal(made.evaluate(clean)[0], masked)


def test_mask_comes_back_with_the_weights() -> None:
    """A module made without arguments takes probe and mask from the state of another."""
    mask = np.ones((64, 64), bool)
    mask[0, 0] = False
    made = module(mask=mask)
    empty = PtychoModule(**dict(made.hparams))
    empty.load_state_dict(made.state_dict(), strict=True)
    assert torch.equal(empty.network.mask, made.network.mask)
    assert torch.equal(empty.network.probe, made.network.probe)


@pytest.mark.parametrize(("rate", "expected"), [(None, 1e-2), (1e-4, 1e-4)])
def test_probe_learns_at_its_own_rate(rate: float | None, expected: float) -> None:
    """A trainable probe is a parameter group of its own."""
    settings = NetworkSettings(architecture="unet", n_filters_scale=1, probe_trainable=True, probe_modes=2)
    made = module(settings, learning_rate=1e-2, probe_learning_rate=rate)
    groups = made.configure_optimizers().param_groups
    assert [group["lr"] for group in groups] == [1e-2, expected]
    assert [tuple(p.shape) for p in groups[1]["params"]] == [(2, 64, 64, 2)]


def test_scale_is_learned_only_when_asked() -> None:
    """A fixed intensity scale is no parameter of the optimiser; a trainable one is."""

    def count(trainable: bool) -> int:
        settings = NetworkSettings(
            architecture="unet", n_filters_scale=1, intensity_scale_trainable=trainable
        )
        return sum(len(group["params"]) for group in module(settings).configure_optimizers().param_groups)

    assert count(True) == count(False) + 1


def test_nan_loss_names_its_place(
    payload: Callable[..., Any], tiny_scan: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """The error names epoch and batch, shows the terms and says what to try."""
    from ptycho_torch.lit.train import train

    real = PtychoModule.evaluate

    def spoil(self: PtychoModule, given: Batch[torch.Tensor]) -> Any:
        total, terms = real(self, given)
        if self.training and self.trainer.global_step == 5:
            total = total * float("nan")
            terms = {"nll": total}
        return total, terms

    monkeypatch.setattr(PtychoModule, "evaluate", spoil)
    with pytest.raises(NonFiniteLossError) as caught:
        train(payload(nepochs=3), tiny_scan, tmp_path)
    assert str(caught.value) == (
        "the training loss is nan in epoch 2, batch 2\n"
        "  terms     nll = nan\n"
        "  expected  a finite loss\n"
        "  try       execution.gradient_clip_val = 1.0, or a smaller execution.learning_rate (now 0.001)"
    )
    assert (tmp_path / "last.ckpt").is_file()
