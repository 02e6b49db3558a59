"""What happens beside the optimisation: best weights, checkpoints, and an orderly end on Ctrl-C."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping, ModelCheckpoint
from torch import Tensor

from ptycho.run.signals import Interruption
from ptycho.training.resume import LAST_CHECKPOINT


class BestWeights(Callback):
    """Keep the weights of the best epoch in memory and in every checkpoint.

    Args:
        monitor: Metric that ranks epochs.
        mode: "min" or "max".
    """

    def __init__(self, monitor: str, mode: str) -> None:
        self.monitor = monitor
        self.sign = 1.0 if mode == "min" else -1.0
        self.score: float | None = None
        self.epoch: int | None = None
        self.weights: dict[str, Tensor] = {}

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Take the weights if no epoch before was better."""
        score = trainer.callback_metrics.get(self.monitor)
        if score is None or not bool(torch.isfinite(score)):
            return
        value = float(score)
        if self.score is None or self.sign * value < self.sign * self.score:
            self.score, self.epoch = value, trainer.current_epoch
            self.weights = {k: v.detach().clone() for k, v in pl_module.state_dict().items()}

    def restore(self, module: pl.LightningModule) -> bool:
        """Put the best weights back; False when no epoch was finished."""
        if not self.weights:
            return False
        module.load_state_dict(self.weights, strict=True)
        return True

    def state_dict(self) -> dict[str, Any]:
        """Give what a resumed training needs to know of the best epoch."""
        return {"score": self.score, "epoch": self.epoch, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up the best epoch of the training that is resumed."""
        self.score, self.epoch = state_dict["score"], state_dict["epoch"]
        self.weights = state_dict["weights"]


class OrderlyEnd(Callback):
    """End the training after the current batch on Ctrl-C; a second Ctrl-C aborts at once.

    An epoch that was cut short leaves no checkpoint: what `last.ckpt` holds is the end of a whole epoch, from
    which a resumed training takes the same way as one that was never interrupted.
    """

    def __init__(self) -> None:
        self.interruption = Interruption()
        self.cut_short = False

    @property
    def requested(self) -> bool:
        """Whether Ctrl-C came."""
        return self.interruption.requested

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002
        """Take over SIGINT."""

        def stop() -> None:
            trainer.should_stop = True

        self.interruption.take_over(stop)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Note whether the epoch ends before its last batch."""
        self.cut_short = self.requested and not trainer.is_last_batch

    def on_train_end(self, *_: Any) -> None:
        """Give SIGINT back."""
        self.release()

    def on_exception(self, *_: Any) -> None:
        """Give SIGINT back before an error is handled."""
        self.release()

    def release(self) -> None:
        """Put the handler back that was there before the training."""
        self.interruption.release()


class BestCheckpoint(ModelCheckpoint):
    """Keep the k best epochs as files.

    Args:
        folder: Where they go.
        monitor: Metric that ranks epochs.
        mode: "min" or "max".
        top_k: How many to keep.
        end: Tells of an epoch that was cut short.
    """

    def __init__(self, folder: Path, *, monitor: str, mode: str, top_k: int, end: OrderlyEnd) -> None:
        super().__init__(
            dirpath=folder,
            filename="best-epoch{epoch:03d}",
            auto_insert_metric_name=False,
            monitor=monitor,
            mode=mode,
            save_top_k=top_k,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        )
        self._end = end

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
        moved = {str(folder / Path(path).name): score for path, score in state_dict["best_k_models"].items()}
        kept = {path: score for path, score in moved.items() if Path(path).is_file()}
        if not kept:
            return
        pick = max if self.mode == "min" else min
        worst = pick(kept, key=lambda path: float(kept[path]))
        best = (min if self.mode == "min" else max)(kept, key=lambda path: float(kept[path]))
        super().load_state_dict(
            {
                **state_dict,
                "dirpath": self.dirpath,
                "best_k_models": kept,
                "kth_best_model_path": worst,
                "kth_value": kept[worst],
                "best_model_path": best,
                "best_model_score": kept[best],
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


def early_stopping(monitor: str, mode: str, patience: int) -> EarlyStopping:
    """Stop once `patience` epochs in a row brought nothing better."""
    return EarlyStopping(
        monitor=monitor, mode=mode, patience=patience, check_finite=False, check_on_train_epoch_end=True
    )
