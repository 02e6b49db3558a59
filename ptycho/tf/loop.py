"""Epoch after epoch: learn, judge, remember the best, write down what happened."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

import tensorflow as tf

from ptycho.files.foreign import BY_CONTENT
from ptycho.run.record import LAST_CHECKPOINT
from ptycho.run.signals import Interruption
from ptycho.settings.registries import SCHEDULERS
from ptycho.training.epoch_pictures import EpochPictures
from ptycho.training.epochs import BestFiles, BestWeights, EarlyStop, Ranking
from ptycho.training.journal import Journals
from ptycho.training.loss_watch import LOOK_EVERY, non_finite_loss
from ptycho.training.plan import Plan
from ptycho.training.progress import Progress, open_progress
from ptycho.training.result import LoopEnd
from ptycho.training.resume import not_a_checkpoint

from .checkpoints import Arrays, Checkpoint, write_checkpoint
from .data import Source
from .devices import DevicePlacement
from .infer import reconstruct
from .model import PtychoNetwork
from .module import PtychoModule, Score, network_of
from .weights import export, load


@dataclass
class Loop:
    """A training that stands ready; Keras's own `fit` knows neither of its ways to stop and to go on.

    Attributes:
        plan: What is to be done.
        place: Where.
        module: What learns.
        train: What it learns from.
        validation: What judges it, or None.
        history: One row for each finished epoch.
    """

    plan: Plan
    place: DevicePlacement
    module: PtychoModule
    train: Source
    validation: Source | None
    history: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        execution, folder = self.plan.execution, self.plan.folder.path
        ranking = Ranking(self.plan.monitor, execution.checkpoint_mode)
        self.best: BestWeights[Arrays] = BestWeights(ranking)
        self.early_stop = EarlyStop.of(execution, ranking)
        self.files = BestFiles(folder, ranking, execution.checkpoint_save_top_k)
        self.course = SCHEDULERS[self.plan.optimisation.scheduler].begin(self.plan.optimisation)
        self.interruption = Interruption()
        self._pictures = EpochPictures(self.plan, reconstruct, self.place.devices[0])
        self._stopping = False
        self._steps = 0
        self._cut_short = False
        if self.plan.earlier is not None:
            try:
                self._take_up(self.plan.earlier.content)
            except BY_CONTENT as error:
                raise not_a_checkpoint(self.plan.earlier.path, error) from error

    def _take_up(self, checkpoint: Checkpoint) -> None:
        """Go on where an earlier training stood.

        Raises:
            KeyError: It learned fewer variables.
        """
        beside = checkpoint.beside
        load(self.module.network, checkpoint.network)
        self.module.restore_optimiser(checkpoint.optimiser)
        self.history = list(checkpoint.history)
        self._steps = int(beside["steps"])
        self.course.restore(beside["course"])
        self.best.restore(beside["best"], checkpoint.best)
        self.early_stop.restore(beside["end"])
        self.files.restore(beside["files"])

    def run(self, *, show: bool) -> LoopEnd:
        """Train until the last epoch, an early end or Ctrl-C.

        Args:
            show: Draw one bar for the whole training.

        Raises:
            NonFiniteLossError: The loss stopped being a number.
            KeyboardInterrupt: Ctrl-C came twice.
            EndedBySignalError: A signal asked the process to end.
        """
        began = time.perf_counter()
        epochs_before = 0 if self.plan.earlier is None else self.plan.earlier.epochs
        epochs = self.plan.optimisation.epochs
        journal = self.plan.open_journals(self.history)
        bar = open_progress(epochs, len(self.train), epochs_before) if show else None
        self.interruption.take_over(self._stop)
        try:
            for epoch in range(epochs_before, epochs):
                if self._stopping or self.early_stop.reached:
                    break
                self._epoch(epoch, bar, journal)
        finally:
            self.interruption.release()
            if bar is not None:
                bar.close()
            journal.close()
        self.interruption.raise_if_ending()
        return LoopEnd(
            history=self.history,
            best=self.best,
            best_checkpoint=self.files.best if self._leaves_files else None,
            seconds=time.perf_counter() - began,
            device=self.place.name,
            interrupted=self.interruption.requested,
            cut_short=self._cut_short,
            early_stop=self.early_stop,
        )

    @property
    def _leaves_files(self) -> bool:
        return self.plan.execution.enable_checkpointing and self.plan.folder.written

    def _stop(self) -> None:
        self._stopping = True

    def _epoch(self, epoch: int, bar: Progress | None, journal: Journals) -> None:
        began = time.perf_counter()
        rates = self.course.rates(epoch)
        self.module.adam.set_rates(*rates)
        if bar is not None:
            bar.begin_epoch(epoch)
        row = {"epoch": float(epoch)}
        row |= self._learn(epoch, bar).metrics("train")
        if self.validation is not None:
            row |= self._validate(self.validation, epoch).metrics("val")
        row["lr"] = rates.network
        row["intensity_scale"] = float(self.module.network.intensity_scale)
        row["seconds"] = time.perf_counter() - began
        self.history.append(row)
        journal.log(row, self._steps, self._pictures.after_epoch(self._shown_network))
        self._look_back(row)
        # What is told to be done lies on the disk: a kill from here on takes nothing of it back.
        if bar is not None:
            bar.end_epoch(row)

    def _shown_network(self) -> PtychoNetwork:
        """Give the network of this epoch on one device, for a picture."""
        network = self.module.network
        return network if self.place.replicas == 1 else network_of(network.settings, export(network))

    def _learn(self, epoch: int, bar: Progress | None) -> Score:
        accum, count = self.plan.execution.accum_steps, len(self.train)
        batches = self.train.start(epoch)
        sums: list[tf.Tensor] = []
        for batch in range(count):
            last = batch == count - 1
            sums.append(self.module.learn(batches, moves=last or (batch + 1) % accum == 0))
            self._steps += 1
            self._watch(sums, (epoch, batch), last=last)
            if bar is not None:
                bar.advance()
            self._cut_short = self._stopping and not last
            if self._cut_short:
                break
        return self.module.score(sums)

    def _validate(self, source: Source, epoch: int) -> Score:
        batches = source.start(epoch)
        return self.module.score([self.module.validate(batches) for _ in range(len(source))])

    def _watch(self, sums: list[tf.Tensor], where: tuple[int, int], *, last: bool) -> None:
        """Look at the losses of the latest batches, as often as that costs nothing."""
        epoch, batch = where
        every = 1 if self.place.name == "cpu" else LOOK_EVERY
        if not (last or (batch + 1) % every == 0):
            return
        first = batch - batch % every
        for number in range(first, batch + 1):
            score = self.module.score(sums[number : number + 1])
            if not math.isfinite(score.loss):
                precision = self.module.arithmetic.precision
                raise non_finite_loss(
                    score.loss, score.terms, (epoch, number), self.plan.optimisation, precision
                )

    def _look_back(self, row: dict[str, float]) -> None:
        """Rank a finished epoch, and write its checkpoints.

        An epoch that was cut short leaves none: what `last.ckpt` holds is the end of a whole epoch, from
        which a resumed training takes the same way as one that was never interrupted.
        """
        # The schedule and the best weights see the epoch before it is written: a resumed training knows what
        # this one knew.
        self.course.observe(row[self.plan.optimisation.watched])
        weights = export(self.module.network)
        epoch, score = int(row["epoch"]), row[self.plan.monitor]
        self.best.observe(epoch, score, lambda: weights)
        self.early_stop.observe(score)
        if not self.plan.execution.enable_checkpointing or self._cut_short:
            return
        best = self.files.admit(epoch, score)
        # Read in every process of a training, written in one: what lies on several devices is read together.
        checkpoint = self._checkpoint(weights)
        if not self.plan.folder.written:
            return
        for path in filter(None, (best, self.plan.folder.path / LAST_CHECKPOINT)):
            write_checkpoint(path, checkpoint)
        self.files.remove_others()

    def _checkpoint(self, weights: dict[str, Any]) -> Checkpoint:
        return Checkpoint(
            hyperparameters=self.plan.hyperparameters,
            history=self.history,
            network=weights,
            optimiser=self.module.optimiser_state(),
            best=self.best.weights or {},
            beside={
                "steps": self._steps,
                "course": self.course.state(),
                "best": self.best.state(),
                "end": self.early_stop.state(),
                "files": self.files.state(),
            },
            settings_toml=self.plan.settings_toml,
            scans=self.plan.scans,
        )
