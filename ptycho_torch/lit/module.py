"""The network under Lightning: losses, optimiser, learning rate, and what is written of each epoch."""

import time
from typing import Any, Self

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ptycho.network.settings import NetworkSettings
from ptycho.physics.scale import Normalisation
from ptycho.settings.registries import SCHEDULERS
from ptycho.training.epoch_pictures import EpochPictures
from ptycho.training.journal import Journals
from ptycho.training.loss import Loss, LossWeights
from ptycho.training.loss_watch import LOOK_EVERY, NonFiniteLossError, non_finite_loss
from ptycho.training.optimisation import ADAM_BETAS, ADAM_EPSILON, Optimisation
from ptycho.training.plan import Plan
from ptycho.training.schedule import Course
from ptycho.training.start_weights import fill
from ptycho_torch.nn import operations
from ptycho_torch.nn.model import PtychoNetwork
from ptycho_torch.nn.weights import export, load

from .clipping import clip_adaptively
from .data import Tensors

SETTINGS_KEY = "settings_toml"
"""Where a checkpoint keeps the settings of its training."""

SCANS_KEY = "scans"
"""Where a checkpoint keeps the fingerprints of the scans that it learned from."""

PLATEAU_KEY = "plateau"
"""Where a checkpoint keeps what a schedule that follows the loss has seen."""


class PtychoModule(pl.LightningModule):
    """Train a `PtychoNetwork`.

    The arguments that checkpoints keep are dictionaries of JSON types, so that a checkpoint loads with
    `weights_only=True` and without arguments; probe and mask come back with the weights.

    Args:
        network: Values of a NetworkSettings.
        loss: Values of a LossWeights.
        optimisation: Values of an Optimisation.
        normalisation: Values of a Normalisation.
        probe: Complex modes on the network's scale, shape (P, N, N).
        mask: True where a detector pixel is good, shape (N, N).
        seed: Seed of the weights to start from.

    Attributes:
        loss_name: Metric of the training loss.
        val_loss_name: Metric of the loss on what is held out.
        history: One row for each epoch.
        settings_toml: Settings of the training, as the text of a settings file.
        scans: Fingerprints of the scans that it learns from.
        journal: Where epochs are written down; None on all processes of a training but the first.
        pictures: Draws them for the journal.
    """

    loss_name = "train_loss"
    val_loss_name = "val_loss"

    def __init__(
        self,
        network: dict[str, Any],
        loss: dict[str, Any],
        optimisation: dict[str, Any],
        normalisation: dict[str, Any],
        probe: NDArray[np.complexfloating[Any, Any]] | None = None,
        mask: NDArray[np.bool_] | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["probe", "mask", "seed"], logger=False)
        settings = NetworkSettings(**network)
        self.optimisation = Optimisation(**optimisation)
        self.normalisation = Normalisation.from_dict(dict(normalisation))
        N = settings.N
        modes = np.zeros((settings.probe_modes, N, N), np.complex64) if probe is None else probe
        self.network = PtychoNetwork(settings, modes, self.normalisation.intensity_scale, mask, seed)
        self.loss = Loss(operations, LossWeights(**loss))
        self.history: list[dict[str, float]] = []
        self.settings_toml = ""
        self.scans: tuple[str, ...] = ()
        self.journal: Journals | None = None
        self.pictures: EpochPictures | None = None
        self._all_good = False
        self._began = 0.0
        self._course: Course | None = None
        self._course_state: dict[str, float] | None = None
        self._first_bad: Tensor | None = None

    @classmethod
    def fresh(cls, plan: Plan) -> Self:
        """Make a module with the weights that the seed stands for."""
        mask = plan.lights[0].mask
        module = cls(**plan.hyperparameters, probe=plan.probe, mask=mask, seed=plan.training.seed)
        module.settings_toml, module.scans = plan.settings_toml, plan.scans
        started = fill(plan.training.init, plan.settings, module.network, export, load)
        plan.notes += filter(None, [started])
        plan.give_lights(module.loss)
        return module

    def forward(self, X: Tensor, relative: Tensor) -> Any:
        """Predict patches and amplitudes of groups."""
        return self.network(X, relative)

    def on_fit_start(self) -> None:
        """Begin the course of the rates, and look once for masked pixels: a loss without a mask is faster."""
        self._course = SCHEDULERS[self.optimisation.scheduler].begin(self.optimisation)
        self._course.restore(self._course_state)
        self._all_good = bool(self.network.mask.all())
        self._first_bad = torch.full((), -1, device=self.device)

    def evaluate(self, batch: Tensors) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss of a batch and its terms by name."""
        network, X, relative = self.network, batch.X, batch.relative
        return self.loss.score_batch(
            lambda light: network(X, relative, light), batch, network, all_good=self._all_good
        )

    def training_step(self, batch: Tensors, batch_idx: int) -> Tensor:
        """Give Lightning the loss to descend.

        Raises:
            NonFiniteLossError: The loss is NaN or infinite.
        """
        total, terms = self.evaluate(batch)
        self._watch(total.detach(), terms, batch_idx)
        self._record("train", total, terms, len(batch.X))
        return total

    def validation_step(self, batch: Tensors, batch_idx: int) -> None:  # noqa: ARG002
        """Judge a held-out batch."""
        total, terms = self.evaluate(batch)
        self._record("val", total, terms, len(batch.X))

    def _record(self, stage: str, total: Tensor, terms: dict[str, Tensor], size: int) -> None:
        values = {f"{stage}_loss": total.detach()}
        values |= {f"{stage}_{name}": term.detach() for name, term in terms.items()}
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=size, sync_dist=True)

    def _watch(self, total: Tensor, terms: dict[str, Tensor], batch_idx: int) -> None:
        if self._first_bad is None:
            return
        fresh = (self._first_bad < 0) & ~torch.isfinite(total)
        # Kept on the device: on a GPU every number that is read waits for all steps that are queued.
        self._first_bad = torch.where(fresh, batch_idx, self._first_bad)
        looks = self.device.type == "cpu" or batch_idx % LOOK_EVERY == LOOK_EVERY - 1
        if (looks or self.trainer.is_last_batch) and int(self._first_bad) >= 0:
            raise self._non_finite_loss(total, terms, int(self._first_bad))

    def _non_finite_loss(self, total: Tensor, terms: dict[str, Tensor], batch_idx: int) -> NonFiniteLossError:
        return non_finite_loss(
            float(total),
            {name: float(term.detach()) for name, term in terms.items()},
            (self.current_epoch, batch_idx),
            self.optimisation,
            str(self.trainer.precision),
        )

    def on_train_epoch_start(self) -> None:
        """Start the clock of the epoch, and set its learning rates."""
        self._began = time.perf_counter()
        # The probe's group comes second, and only where the probe is learned.
        for group, rate in zip(self._parameter_groups, self.course.rates(self.current_epoch), strict=False):
            group["lr"] = rate

    @property
    def course(self) -> Course:
        """The learning rates of the training that runs.

        Raises:
            RuntimeError: None runs: a network that only reconstructs needs no scheduler.
        """
        if self._course is None:
            raise RuntimeError("no training has begun")
        return self._course

    @property
    def _parameter_groups(self) -> list[dict[str, Any]]:
        return self.trainer.optimizers[0].param_groups

    def on_train_epoch_end(self) -> None:
        """Log rate, scale and time, and add the epoch to the history.

        The schedule takes notice of the loss here, before any checkpoint is written, which would otherwise
        forget it.
        """
        extra = {
            "lr": torch.tensor(float(self._parameter_groups[0]["lr"]), device=self.device),
            "intensity_scale": self.network.intensity_scale.detach(),
            "seconds": torch.tensor(time.perf_counter() - self._began, device=self.device),
        }
        self.log_dict(extra, on_step=False, on_epoch=True, sync_dist=True)
        metrics = {name: float(value) for name, value in self.trainer.callback_metrics.items()}
        self.history.append({"epoch": float(self.current_epoch), **metrics})
        # After the rates of this epoch were logged, for they may change here.
        self.course.observe(metrics[self.optimisation.watched])
        if self.journal is not None and self.pictures is not None:
            draw = self.pictures.after_epoch(lambda: self.network)
            self.journal.log(self.history[-1], self.trainer.global_step, draw)

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip by norm or by value as Lightning does, or adaptively, unit by unit."""
        del gradient_clip_val, gradient_clip_algorithm  # Lightning's own settings do not know "agc".
        limit, algorithm = self.optimisation.gradient_clip_val, self.optimisation.gradient_clip_algorithm
        if limit is None:
            return
        if algorithm == "agc":
            clip_adaptively(self.network.core.parameters(), limit)
        else:
            self.clip_gradients(optimizer, limit, algorithm)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Give Adam, with a rate of its own for the probe; epochs set both."""
        o = self.optimisation
        # The probe is measured in other units than weights are: it takes a rate of its own.
        probe = [p for name, p in self.network.named_parameters() if name == "probe_parts"]
        other = [p for name, p in self.network.named_parameters() if name != "probe_parts"]
        groups = [{"params": other, "lr": o.learning_rate}]
        if probe:
            groups.append({"params": probe, "lr": o.probe_learning_rate or o.learning_rate})
        return torch.optim.Adam(groups, lr=o.learning_rate, betas=ADAM_BETAS, eps=ADAM_EPSILON)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history and the settings of the training with the weights."""
        checkpoint["history"] = self.history
        checkpoint[SETTINGS_KEY] = self.settings_toml
        checkpoint[SCANS_KEY] = list(self.scans)
        if (state := self.course.state()) is not None:
            checkpoint[PLATEAU_KEY] = state

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the history and the schedule of the training that is resumed."""
        self.history = list(checkpoint["history"])
        self.settings_toml = self.settings_toml or str(checkpoint.get(SETTINGS_KEY, ""))
        if (state := checkpoint.get(PLATEAU_KEY)) is not None:
            self._course_state = state if "stale" in state else _from_torch(state)


def _from_torch(state: dict[str, Any]) -> dict[str, float]:
    """Read what torch's own ReduceLROnPlateau kept, which checkpoints of version 0.1.0 hold."""
    network, *probe = state["_last_lr"]
    return {
        "network": network,
        "probe": probe[0] if probe else network,
        "best": state["best"],
        "stale": state["num_bad_epochs"],
    }
