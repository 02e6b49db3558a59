"""Epoch after epoch: learn, judge, remember the best, write down what happened."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import tensorflow as tf

from ptycho.run.signals import Interruption
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.optimisation import NonFiniteLossError, describe_non_finite
from ptycho.training.progress import Bar
from ptycho.training.resume import LAST_CHECKPOINT

from .callbacks import BestFiles, BestWeights, EarlyEnd, Ranking
from .checkpoints import Checkpoint, write_checkpoint
from .loggers import Logger
from .module import Score
from .preparation import Job
from .schedulers import Course
from .weights import export, load

CHECK_EVERY = 32
"""Batches between two looks at the loss on a GPU, where each look would stop the queue."""


@dataclass
class Beside:
    """What happens beside the optimisation.

    Attributes:
        best: Keeps the best weights.
        end: Ends a training that stands still.
        files: Keeps the best epochs as files.
        writes: Whether checkpoints are written.
        loggers: Where epochs are written down.
    """

    best: BestWeights
    end: EarlyEnd
    files: BestFiles
    writes: bool
    loggers: Sequence[Logger] = ()

    @classmethod
    def of(
        cls, execution: PyTorchExecutionConfig, monitor: str, folder: Path, loggers: Sequence[Logger]
    ) -> "Beside":
        """Make what the execution settings ask for."""
        ranking = Ranking(monitor, execution.checkpoint_mode)
        return cls(
            best=BestWeights(ranking),
            end=EarlyEnd(ranking, execution.early_stop_patience),
            files=BestFiles(folder, ranking, execution.checkpoint_save_top_k),
            writes=execution.enable_checkpointing,
            loggers=loggers,
        )


@dataclass
class Loop:
    """A training that stands ready.

    Attributes:
        job: Module and batches.
        beside: What happens after each epoch.
        folder: The run folder.
        settings_toml: Settings that every checkpoint keeps.
        history: One row for each finished epoch.
    """

    job: Job
    beside: Beside
    folder: Path
    settings_toml: str = ""
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.course = Course(self.job.plan.optimisation)
        self.interruption = Interruption()
        self._stopping = False
        self._steps = 0
        self._cut_short = False

    def take_up(self, checkpoint: Checkpoint) -> None:
        """Go on where an earlier training stood.

        Raises:
            KeyError: It learned fewer variables.
        """
        beside = checkpoint.beside
        load(self.job.module.network, checkpoint.network)
        self.job.module.restore_optimiser(checkpoint.optimiser)
        self.history = list(checkpoint.history)
        self._steps = int(beside["steps"])
        self.course.restore(beside["course"])
        self.beside.best.restore(beside["best"], checkpoint.best)
        self.beside.end.restore(beside["end"])
        self.beside.files.restore(beside["files"])

    def run(self, epochs: int, *, show: bool) -> None:
        """Train until the last epoch, an early end or Ctrl-C.

        Raises:
            NonFiniteLossError: The loss stopped being a number.
            KeyboardInterrupt: Ctrl-C came twice.
        """
        done = len({int(row["epoch"]) for row in self.history})
        bar = Bar(epochs, len(self.job.train.batches), done) if show else None
        self.interruption.take_over(self._stop)
        try:
            for epoch in range(done, epochs):
                self._epoch(epoch, bar)
                if self._stopping or self.beside.end.reached:
                    break
        finally:
            self.interruption.release()
            if bar is not None:
                bar.close()
            for logger in self.beside.loggers:
                logger.close()

    def _stop(self) -> None:
        self._stopping = True

    def _epoch(self, epoch: int, bar: Bar | None) -> None:
        began = time.perf_counter()
        rates = self.course.rates(epoch)
        self.job.module.adam.set_rates(*rates)
        if bar is not None:
            bar.begin_epoch(epoch)
        row = {"epoch": float(epoch)}
        row |= self._learn(epoch, bar).metrics("train")
        if self.job.validation is not None:
            row |= self._judge(epoch).metrics("val")
        row["lr"] = rates.network
        row["intensity_scale"] = float(self.job.module.network.intensity_scale)
        row["seconds"] = time.perf_counter() - began
        self.history.append(row)
        if bar is not None:
            bar.end_epoch(row)
        self._look_back(row)

    def _learn(self, epoch: int, bar: Bar | None) -> Score:
        source, accum = self.job.train, self.job.arithmetic.accum_steps
        batches, count = source.start(epoch), len(source.batches)
        told: list[tf.Tensor] = []
        for batch in range(count):
            last = batch == count - 1
            told.append(self.job.module.learn(batches, moves=last or (batch + 1) % accum == 0))
            self._steps += 1
            self._watch(told, (epoch, batch), last=last)
            if bar is not None:
                bar.advance()
            self._cut_short = self._stopping and not last
            if self._cut_short:
                break
        return self.job.module.score(told)

    def _judge(self, epoch: int) -> Score:
        source = self.job.validation
        if source is None:
            raise AssertionError("nothing is held out")
        batches = source.start(epoch)
        return self.job.module.score([self.job.module.judge(batches) for _ in range(len(source.batches))])

    def _watch(self, told: list[tf.Tensor], where: tuple[int, int], *, last: bool) -> None:
        """Look at the losses of the latest batches, as often as that costs nothing."""
        epoch, batch = where
        every = 1 if self.job.place.name == "cpu" else CHECK_EVERY
        if not (last or (batch + 1) % every == 0):
            return
        first = batch - batch % every
        for number in range(first, batch + 1):
            score = self.job.module.score(told[number : number + 1])
            if not math.isfinite(score.loss):
                raise NonFiniteLossError(
                    describe_non_finite(
                        score.loss,
                        score.terms,
                        (epoch, number),
                        self.job.plan.optimisation,
                        self.job.arithmetic.precision,
                    )
                )

    def _look_back(self, row: dict[str, float]) -> None:
        """Let everything beside the optimisation have its look at a finished epoch.

        An epoch that was cut short leaves no checkpoint: what `last.ckpt` holds is the end of a whole epoch,
        from which a resumed training takes the same way as one that was never interrupted.
        """
        beside = self.beside
        self.course.look(row[self.job.plan.optimisation.watched])
        for logger in beside.loggers:
            logger.log(row, self._steps)
        weights = export(self.job.module.network)
        beside.best.look(row, weights)
        beside.end.look(row)
        if not beside.writes or self._cut_short:
            return
        best = beside.files.admit(row)
        checkpoint = self._checkpoint(weights)
        for path in filter(None, (best, self.folder / LAST_CHECKPOINT)):
            write_checkpoint(path, checkpoint)

    def _checkpoint(self, weights: dict[str, Any]) -> Checkpoint:
        beside = self.beside
        return Checkpoint(
            hyperparameters=self.job.hyperparameters,
            history=self.history,
            network=weights,
            optimiser=self.job.module.optimiser_state(),
            best=beside.best.weights,
            beside={
                "steps": self._steps,
                "course": self.course.state(),
                "best": beside.best.state(),
                "end": beside.end.state(),
                "files": beside.files.state(),
            },
            settings_toml=self.settings_toml,
        )
