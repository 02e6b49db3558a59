"""What happens beside the optimisation: best weights, checkpoints, and an orderly end on Ctrl-C."""

import math
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint, ModelCheckpoint, ProgressBar
from torch import Tensor

from ptycho.run.record import LAST_CHECKPOINT
from ptycho.run.signals import Interruption
from ptycho.training import epochs
from ptycho.training.epochs import Ranking, files_here
from ptycho.training.progress import Progress, open_progress


class KeepBestWeights(Callback):
    """Keep the weights of the best epoch in memory and in every checkpoint.

    Args:
        ranking: What is best.
    """

    def __init__(self, ranking: Ranking) -> None:
        self.best: epochs.BestWeights[dict[str, Tensor]] = epochs.BestWeights(ranking)

    @property
    def state_key(self) -> str:
        """Name its entry in a checkpoint."""
        # Lightning's default is the class's name. Checkpoints hold this one; under another a resumed training
        # would start without its best epoch.
        return "BestWeights"

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the weights if no epoch before was better."""
        score = trainer.callback_metrics.get(self.best.ranking.monitor)
        if score is not None:
            self.best.observe(trainer.current_epoch, float(score), lambda: _copy(pl_module))

    def load_best(self, module: pl.LightningModule) -> None:
        """Put the best weights back; nothing where no epoch was finished."""
        if self.best.weights:
            module.load_state_dict(self.best.weights, strict=True)

    def state_dict(self) -> dict[str, Any]:
        """Give what a resumed training needs to know of the best epoch."""
        return {**self.best.state(), "weights": self.best.weights or {}}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the best epoch of the training that is resumed."""
        self.best.restore(state_dict, state_dict["weights"])


def _copy(module: pl.LightningModule) -> dict[str, Tensor]:
    # A copy: state_dict() gives the weights that go on learning.
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


class OrderlyEnd(Callback):
    """End the training after the current batch on Ctrl-C; a second Ctrl-C aborts at once.

    An epoch that was cut short leaves no checkpoint: what `last.ckpt` holds is the end of a whole epoch, from
    which a resumed training takes the same way as one that was never interrupted.

    Attributes:
        interruption: Answers the signals.
        begun: Whether the training stands at its first step: weights and progress are taken up by then.
        cut_short: Whether the epoch that ended lacks batches.
    """

    def __init__(self) -> None:
        self.interruption = Interruption()
        self.begun = False
        self.cut_short = False

    @property
    def requested(self) -> bool:
        """Whether Ctrl-C came."""
        return self.interruption.requested

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Answer signals from now on; Lightning's own handlers are in place by now."""

        def stop() -> None:
            trainer.should_stop = True

        self.begun = True
        self.interruption.take_over(stop)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Note whether the epoch ended before its last batch; the other callbacks come after this one."""
        # A signal may come at any moment, also between the end of a batch and the place where Lightning looks
        # whether to stop: only what was trained tells whether the epoch is whole.
        self.cut_short = not trainer.is_last_batch

    def on_train_end(self, *_: Any) -> None:
        """Give the signals back."""
        self.release()

    def on_exception(self, *_: Any) -> None:
        """Give the signals back before an error is handled."""
        self.release()

    def release(self) -> None:
        """Put the handler back that was there before the training."""
        self.interruption.release()


class BestCheckpoint(ModelCheckpoint):
    """Keep the k best epochs as files.

    Args:
        folder: Where they go.
        ranking: What is best.
        top_k: How many to keep.
        end: Tells of an epoch that was cut short.
    """

    def __init__(self, folder: Path, ranking: Ranking, *, top_k: int, end: OrderlyEnd) -> None:
        super().__init__(
            dirpath=folder,
            filename="best-epoch{epoch:03d}",  # As `best_checkpoint_name`, in Lightning's own language.
            auto_insert_metric_name=False,
            monitor=ranking.monitor,
            mode=ranking.mode,
            save_top_k=top_k,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
        self._ranking = ranking
        self._end = end

    @property
    def best(self) -> Path | None:
        """The file of the best epoch."""
        return Path(self.best_model_path) if self.best_model_path else None

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save the epoch if it is among the best and whole."""
        if not self._end.cut_short:
            super().on_train_epoch_end(trainer, pl_module)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the ranking of the resumed training, with its files where they now lie.

        A run folder may have been renamed since; the best files stand beside the checkpoint that is resumed
        or were copied into this run's folder.
        """
        folder = Path(str(self.dirpath))
        scores = {Path(path).name: score for path, score in state_dict["best_k_models"].items()}
        tensors = {name: scores[name] for name in files_here(folder, scores)}
        if not tensors:
            return
        order = self._ranking.order({name: float(score) for name, score in tensors.items()})
        best, worst = order[0], order[-1]
        super().load_state_dict(
            {
                **state_dict,
                "dirpath": self.dirpath,
                "best_k_models": {str(folder / name): score for name, score in tensors.items()},
                "kth_best_model_path": str(folder / worst),
                "kth_value": tensors[worst],
                "best_model_path": str(folder / best),
                "best_model_score": tensors[best],
                "last_model_path": "",
            }
        )


class LastCheckpoint(Checkpoint):
    """Write `last.ckpt` at the end of every whole epoch.

    Args:
        folder: Where it goes.
        end: Tells of an epoch that was cut short.
    """

    def __init__(self, folder: Path, end: OrderlyEnd) -> None:
        super().__init__()
        self.path = folder / LAST_CHECKPOINT
        self._end = end

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Save everything that a resumed training needs."""
        if not self._end.cut_short:
            trainer.save_checkpoint(self.path)


class StopEarly(Callback):
    """End the training where a rule says that nothing gets better.

    Args:
        rule: Counts the epochs.
    """

    def __init__(self, rule: epochs.EarlyStop) -> None:
        self.rule = rule

    @property
    def state_key(self) -> str:
        """Name its entry in a checkpoint."""
        # Lightning's own EarlyStopping stood here once: checkpoints hold its key and its words, and may be
        # resumed by either.
        ranking = self.rule.ranking
        return f"EarlyStopping{ {'monitor': ranking.monitor, 'mode': ranking.mode} }"

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """End before the first batch where the training that is taken up had ended."""
        if self.rule.reached:
            trainer.should_stop = True

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Count the epoch; all processes of a training end together."""
        score = trainer.callback_metrics.get(self.rule.ranking.monitor)
        if score is not None:
            self.rule.observe(float(score))
        if trainer.strategy.reduce_boolean_decision(self.rule.reached, all=False):
            trainer.should_stop = True

    def state_dict(self) -> dict[str, Any]:
        """Give what a resumed training needs to know, in Lightning's words."""
        worst = math.inf if self.rule.ranking.mode == "min" else -math.inf
        best = worst if self.rule.best is None else self.rule.best
        return {
            "wait_count": self.rule.waited,
            "stopped_epoch": 0,
            "best_score": torch.tensor(best, dtype=torch.float64),
            "patience": self.rule.patience,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on waiting where another training stood."""
        best = float(state_dict["best_score"])
        waited = int(state_dict["wait_count"])
        self.rule.restore({"best": best if math.isfinite(best) else None, "waited": waited})


class TrainingBar(ProgressBar):
    """Show a whole training in one line; validation does not get a bar of its own.

    An epoch is told once its checkpoint has its name. Lightning calls whatever writes checkpoints after all
    other callbacks, so that the first moment after it is the next epoch's begin, or the training's end.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar: Progress | None = None
        self._enabled = True
        self._reached: dict[str, Tensor] | None = None

    def enable(self) -> None:
        """Draw the bar (on the first process of a distributed training)."""
        self._enabled = True

    def disable(self) -> None:
        """Draw nothing (on the other processes of a distributed training)."""
        self._enabled = False

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Open the bar where the training stands: at zero, or at the epoch that it resumes from."""
        if self._enabled:
            count = int(trainer.max_epochs or 1)
            self._bar = open_progress(count, int(trainer.num_training_batches), trainer.current_epoch)

    def on_train_epoch_start(self, trainer: pl.Trainer, *_: Any) -> None:
        """Tell of the epoch before, and name this one."""
        self._tell_reached()
        if self._bar is not None:
            self._bar.begin_epoch(trainer.current_epoch)

    def on_train_batch_end(self, *_: Any) -> None:
        """Advance by one batch."""
        if self._bar is not None:
            self._bar.advance()

    def on_train_epoch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Note the losses that the epoch reached."""
        self._reached = dict(trainer.callback_metrics)

    def on_train_end(self, *_: Any) -> None:
        """Tell of the last epoch, and leave the finished line on the screen."""
        self._tell_reached()
        self._close()

    def on_exception(self, *_: Any) -> None:
        """Give the terminal back before an error is shown."""
        self._close()

    def teardown(self, *_: Any, **__: Any) -> None:
        """Give the terminal back in any case."""
        self._close()

    def _tell_reached(self) -> None:
        if self._bar is not None and self._reached is not None:
            self._bar.end_epoch(self._reached)
        self._reached = None

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
