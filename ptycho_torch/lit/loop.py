"""Lightning's trainer with a module, its loaders, and our callbacks beside it."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.callbacks import Callback
from torch.utils.data import DataLoader

from ptycho.training.epoch_pictures import EpochPictures
from ptycho.training.epochs import EarlyStop, Ranking
from ptycho.training.plan import Plan
from ptycho.training.result import LoopEnd
from ptycho.training.resume import not_a_checkpoint

from .callbacks import (
    BestCheckpoint,
    KeepBestWeights,
    LastCheckpoint,
    OrderlyEnd,
    StopEarly,
    TrainingBar,
)
from .checkpoints import UNREADABLE
from .data import Tensors
from .infer import reconstruct
from .launch import StartedTogether, partner_lost
from .module import PtychoModule
from .trainer import make_trainer, quiet


@dataclass
class Callbacks:
    """What happens beside the optimisation; some of it is asked for something after the training.

    Attributes:
        end: Ends it in good order on Ctrl-C.
        best: Keeps the best weights.
        stop: Ends it where nothing gets better.
        best_file: Keeps the best epochs as files, or None.
        others: What nobody asks afterwards.
    """

    end: OrderlyEnd
    best: KeepBestWeights
    stop: StopEarly
    best_file: BestCheckpoint | None
    others: list[Callback]

    @classmethod
    def of(cls, plan: Plan, *, show: bool) -> "Callbacks":
        """Make what the execution settings ask for."""
        execution, folder = plan.execution, plan.folder.path
        ranking = Ranking(plan.monitor, execution.checkpoint_mode)
        end = OrderlyEnd()
        others: list[Callback] = []
        best_file = None
        if execution.enable_checkpointing:
            best_file = BestCheckpoint(folder, ranking, top_k=execution.checkpoint_save_top_k, end=end)
            others.append(LastCheckpoint(folder, end))
        if show:
            others.append(TrainingBar())
        stop = StopEarly(EarlyStop.of(execution, ranking))
        return cls(end, KeepBestWeights(ranking), stop, best_file, others)

    def as_list(self) -> list[Callback]:
        """List all of them; the best file comes before the last one, which keeps its ranking."""
        files = [self.best_file] if self.best_file else []
        return [self.end, self.best, self.stop, *files, *self.others]


@dataclass
class Loop:
    """A training that stands ready.

    Attributes:
        plan: What is to be done.
        module: What learns.
        train: What it learns from.
        validation: What judges it, or None.
        trainer: Lightning's; callers may append their callbacks before it runs.
        callbacks: Ours.
        threads: CPU threads of an operation.
    """

    plan: Plan
    module: PtychoModule
    train: DataLoader[Tensors]
    validation: DataLoader[Tensors] | None
    trainer: pl.Trainer
    callbacks: Callbacks
    threads: int

    @classmethod
    def of(
        cls,
        plan: Plan,
        module: PtychoModule,
        loaders: tuple[DataLoader[Tensors], DataLoader[Tensors] | None],
        *,
        threads: int,
        show: bool,
    ) -> "Loop":
        """Make the trainer of a plan."""
        callbacks = Callbacks.of(plan, show=show)
        with quiet():
            trainer = make_trainer(
                plan.execution,
                plan.folder.path,
                epochs=plan.training.nepochs,
                callbacks=callbacks.as_list(),
                show_progress=show,
                written=plan.folder.written,
            )
        return cls(plan, module, *loaders, trainer, callbacks, threads)

    def run(self) -> LoopEnd:
        """Train, and put the best weights into the module.

        Raises:
            NonFiniteLossError: The loss stopped being a number.
            KeyboardInterrupt: Ctrl-C came twice.
            EndedBySignalError: A signal asked the process to end.
            ValueError: The checkpoint that it goes on from does not hold what it should.
            ConnectionError: Another process of this training has ended.
        """
        began = time.perf_counter()
        with self._journal():
            self._fit(self.trainer)
        seconds = time.perf_counter() - began
        device = str(self.trainer.strategy.root_device)
        self.module.to("cpu")
        best, best_file = self.callbacks.best, self.callbacks.best_file
        best.load_best(self.module)
        return LoopEnd(
            history=self.module.history,
            best=best.best,
            best_checkpoint=best_file.best if best_file and self.plan.folder.written else None,
            seconds=seconds,
            device=device,
            interrupted=self.callbacks.end.requested,
            cut_short=self.callbacks.end.cut_short,
            early_stop=self.callbacks.stop.rule,
        )

    @contextmanager
    def _journal(self) -> Iterator[None]:
        """Let the first process of the training write its epochs down."""
        if not self.trainer.is_global_zero:
            yield
            return
        earlier = self.plan.earlier
        rows = [] if earlier is None else earlier.history
        self.module.journal = self.plan.open_journals(rows)
        self.module.pictures = EpochPictures(self.plan, reconstruct, self.trainer.strategy.root_device)
        try:
            yield
        finally:
            self.module.journal.close()
            self.module.journal = self.module.pictures = None

    def _fit(self, trainer: Any) -> None:
        """Let Lightning train; turn its exit on a second Ctrl-C back into KeyboardInterrupt."""
        handler = signal.getsignal(signal.SIGINT)
        earlier = self.plan.earlier
        environment = trainer.strategy.cluster_environment if trainer.world_size > 1 else None
        if isinstance(environment, StartedTogether):
            environment.meet(trainer.strategy.root_device)
        try:
            trainer.fit(
                self.module,
                self.train,
                self.validation,
                ckpt_path=None if earlier is None else earlier.path,
                weights_only=True,
            )
        except SystemExit as exit_request:
            if not isinstance(exit_request.__context__, KeyboardInterrupt):
                raise
            signal.signal(signal.SIGINT, handler)
            raise KeyboardInterrupt from None
        except UNREADABLE as error:
            if trainer.world_size > 1 and (lost := partner_lost(error, trainer.world_size)) is not None:
                raise lost from error
            # Lightning looks into the parts of a checkpoint one after the other, while it takes them up.
            if earlier is None or self.callbacks.end.begun:
                raise
            raise not_a_checkpoint(earlier.path, error) from error
        finally:
            self.callbacks.end.release()
        self.callbacks.end.interruption.raise_if_ending()
