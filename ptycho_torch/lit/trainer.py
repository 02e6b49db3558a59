"""Lightning's trainer, made from the execution settings, and quiet."""

import io
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.plugins.io import TorchCheckpointIO

from ptycho.files.atomic import replacing
from ptycho.network.precision import settle_precision
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.devices import require_in_process, unusable_device
from ptycho.training.launch import read_launch

from .devices import determinism_of
from .launch import StartedTogether

_UNWANTED = (
    # The number of loading processes is a setting; frames that lie in memory need none.
    r"The '\w+' does not have many workers",
    # The run folder holds more than checkpoints, and each file in it has one writer.
    r"Checkpoint directory .* exists and is not empty",
    # The accelerator is a setting; where 'auto' fell back to the CPU, POLICY-001 has said so.
    r"GPU available but not used",
    # validation_fraction = 0, or a scan too small to hold frames out; the decisions of the training say so.
    r"You defined a `validation_step` but have no `val_dataloader`",
    # How Lightning walks its own batches through torch.utils._pytree.
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",
)
_LOUD = ("lightning.pytorch", "lightning.fabric")


def make_trainer(
    execution: PyTorchExecutionConfig,
    folder: Path,
    *,
    epochs: int,
    callbacks: Sequence[Callback],
    show_progress: bool,
    written: bool = True,
) -> pl.Trainer:
    """Make the trainer that the execution settings describe.

    Args:
        execution: A PyTorchExecutionConfig; its accelerator is resolved.
        folder: Where Lightning writes.
        epochs: Epochs of the whole training.
        callbacks: Everything beside the optimisation, the progress bar included.
        show_progress: Whether a progress bar is among the callbacks.
        written: Whether this process writes checkpoints.

    Raises:
        ValueError: Lightning cannot run as the settings say: no such device, strategy or precision here.
    """
    require_in_process(
        execution.strategy, "auto, ddp, fsdp or another strategy of Lightning that stays in this process"
    )
    launch = read_launch()
    together = launch.size > 1
    plugins = [AtomicCheckpoints(written=written), *([StartedTogether(launch)] if together else _plugins())]
    try:
        return pl.Trainer(
            accelerator=execution.accelerator,
            # Whoever started the processes has said how many there are: each works on one device.
            devices=launch.local_size if together else execution.devices,
            num_nodes=launch.machines,
            strategy=execution.strategy,
            precision=settle_precision(execution)[0],
            deterministic=determinism_of(execution),
            # Lightning would shuffle once more: our sampler shares one order out, and all judge alike.
            use_distributed_sampler=False,
            accumulate_grad_batches=execution.accum_steps,
            max_epochs=epochs,
            callbacks=list(callbacks),
            logger=False,
            default_root_dir=folder,
            enable_progress_bar=show_progress,
            enable_checkpointing=execution.enable_checkpointing,
            enable_model_summary=False,
            log_every_n_steps=1,
            num_sanity_val_steps=0,
            plugins=plugins,
        )
    except (MisconfigurationException, ValueError, ImportError) as error:
        raise unusable_device(execution, " ".join(str(error).split())) from error


class AtomicCheckpoints(TorchCheckpointIO):
    """Write checkpoints beside their final names: Lightning writes to TMPDIR, which may be another disk.

    Args:
        written: Whether anything is written: Lightning asks for checkpoints in every process of a training,
            and where nobody wants files.
    """

    def __init__(self, *, written: bool) -> None:
        self._written = written

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write a checkpoint whole or not at all.

        Args:
            checkpoint: What is to be kept.
            path: The file.
            storage_options: Lightning's, which files on a disk do not have.
        """
        del storage_options
        if not self._written:
            return
        # Through memory: where a disk is full, torch's own writer says "unexpected pos" and not why.
        content = io.BytesIO()
        torch.save(checkpoint, content)
        with replacing(Path(path)) as temporary:
            temporary.write_bytes(content.getbuffer())

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a file of an epoch that is no longer among the best."""
        if self._written:
            super().remove_checkpoint(path)


def _plugins() -> list[Any]:
    """Let a process that stands alone in a job of Slurm do so.

    Lightning would take it for one of the tasks of the job, and queue the job again, which is for the batch
    script to do: it knows the limits.
    """
    return [LightningEnvironment()] if "SLURM_NTASKS" in os.environ else []


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's notices off the console; its warnings pass, but for the listed ones."""
    before = {name: logging.getLogger(name).level for name in _LOUD}
    for name in before:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            for text in _UNWANTED:
                warnings.filterwarnings("ignore", message=text)
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
