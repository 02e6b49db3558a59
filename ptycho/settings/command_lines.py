"""The contract's own command lines, ``python -m ptycho_torch.train`` and ``.inference``, as data.

A flag that was given goes into the layer ``flags``; the defaults of the others are the layer
``cli-defaults``.
"""

import argparse
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ptycho.settings.choices import CHECKPOINT_MODES, LOSS_MODES
from ptycho.settings.layers import Command
from ptycho.settings.registries import LOGGERS
from ptyconf import Layer
from ptyconf.sources import flags

PROGRAMS: Mapping[Command, str] = {
    "train": "python -m ptycho_torch.train",
    "infer": "python -m ptycho_torch.inference",
}
_NOTHING = object()


@dataclass(frozen=True)
class Flag:
    """One flag of the contract.

    Attributes:
        name: Its spelling.
        path: The setting that it gives.
        help: One line.
        default: What the command line takes when it is not given; left out, lower layers decide.
        stands_for: The value of a flag that takes none, as text.
        choices: Legal texts, () for any; a registry stays open.
        also: Other spellings.
        deprecated: Spellings that still work and warn.
    """

    name: str
    path: str
    help: str
    default: Any = _NOTHING
    stands_for: str | None = None
    choices: Collection[str] = ()
    also: tuple[str, ...] = ()
    deprecated: tuple[str, ...] = ()


_ACCELERATOR = Flag(
    "--accelerator", "execution.accelerator", "auto, cpu, gpu, cuda or mps", "auto", deprecated=("--device",)
)
_WORKERS = Flag(
    "--num-workers", "execution.num_workers", "processes that load data", 0, also=("--num_workers",)
)
_QUIET = Flag("--quiet", "execution.enable_progress_bar", "no progress bar", True, stands_for="false")
_CHECKPOINTING = "execution.enable_checkpointing"
_DETERMINISTIC = "execution.deterministic"

FLAGS: Mapping[Command, tuple[Flag, ...]] = {
    "train": (
        Flag("--train_data_file", "training.train_data_file", "scan to train on"),
        Flag("--test_data_file", "training.test_data_file", "scan to reconstruct afterwards"),
        Flag("--output_dir", "training.output_dir", "run folder"),
        Flag("--max_epochs", "training.nepochs", "epochs", 100),
        Flag("--n_images", "training.n_groups", "groups to draw", 512, also=("--n_groups",)),
        Flag("--gridsize", "model.gridsize", "side of a group", 2),
        Flag("--batch_size", "training.batch_size", "groups in a step", 16),
        _ACCELERATOR,
        Flag("--deterministic", _DETERMINISTIC, "repeatable bit for bit", True, stands_for="true"),
        Flag("--no-deterministic", _DETERMINISTIC, "faster, not repeatable", stands_for="false"),
        _WORKERS,
        Flag(
            "--learning-rate",
            "execution.learning_rate",
            "of the optimiser",
            1e-3,
            also=("--learning_rate",),
        ),
        Flag("--scheduler", "execution.scheduler", "course of the learning rate", "Default"),
        Flag("--accumulate-grad-batches", "execution.accum_steps", "steps before an update", 1),
        Flag(
            "--logger",
            "execution.logger_backend",
            "where metrics go",
            "csv",
            choices=LOGGERS,
        ),
        Flag("--enable-checkpointing", _CHECKPOINTING, "keep checkpoints", True, stands_for="true"),
        Flag("--disable-checkpointing", _CHECKPOINTING, "keep no checkpoint", stands_for="false"),
        Flag("--checkpoint-save-top-k", "execution.checkpoint_save_top_k", "best ones to keep", 1),
        Flag(
            "--checkpoint-monitor",
            "execution.checkpoint_monitor_metric",
            "metric that ranks them",
            "val_loss",
        ),
        Flag(
            "--checkpoint-mode",
            "execution.checkpoint_mode",
            "what is better",
            "min",
            choices=CHECKPOINT_MODES,
        ),
        Flag("--early-stop-patience", "execution.early_stop_patience", "epochs without gain", 100),
        Flag("--torch-loss-mode", "training.torch_loss_mode", "loss", "poisson", choices=LOSS_MODES),
        _QUIET,
    ),
    "infer": (
        Flag("--model_path", "inference.model_path", "run folder of a training"),
        Flag("--test_data", "inference.test_data_file", "scan to reconstruct"),
        Flag("--output_dir", "inference.output_dir", "folder of the reconstruction"),
        Flag("--n_images", "inference.n_groups", "positions to reconstruct", 32, also=("--n_groups",)),
        _ACCELERATOR,
        _WORKERS,
        Flag("--inference-batch-size", "execution.inference_batch_size", "groups in a step", None),
        _QUIET,
    ),
}


class _FlagText(argparse.Action):
    """Keep the text of a flag under its setting, together with its spelling."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  The signature is argparse's.
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        given: dict[str, tuple[str, str]] = dict(getattr(namespace, "given", {}))
        spelled = option_string or self.dest
        given[self.dest] = (self.const if self.nargs == 0 else values, spelled)
        namespace.given = given


def _has_own_default(flag: Flag) -> bool:
    """Tell whether a flag's default can be told beside it: --quiet is off, though what it gives is on."""
    return flag.default is not _NOTHING and (flag.stands_for in {None, str(flag.default).lower()})


def add_flags(parser: argparse.ArgumentParser, command: Command) -> None:
    """Declare the flags of one command line."""
    for flag in FLAGS[command]:
        takes_none = flag.stands_for is not None
        default = f" (default {flag.default})" if _has_own_default(flag) else ""
        parser.add_argument(
            flag.name,
            *flag.also,
            *flag.deprecated,
            dest=flag.path,
            metavar=None if takes_none or flag.choices != () else flag.name.lstrip("-").upper(),
            action=_FlagText,
            nargs=0 if takes_none else None,
            const=flag.stands_for,
            choices=flag.choices if flag.choices != () else None,
            default=argparse.SUPPRESS,
            help=flag.help + default,
        )


def given_flags(namespace: argparse.Namespace, command: Command) -> Layer:
    """Make the layer of the flags that were given."""
    given: dict[str, tuple[str, str]] = getattr(namespace, "given", {})
    instead = {old: flag.name for flag in FLAGS[command] for old in flag.deprecated}
    for _, spelled in given.values():
        if spelled in instead:
            warnings.warn(
                f"{spelled} is deprecated; use {instead[spelled]}", DeprecationWarning, stacklevel=2
            )
    texts = {path: text for path, (text, _) in given.items()}
    return flags.given(texts, spelling={path: spelled for path, (_, spelled) in given.items()})


def cli_defaults(command: Command) -> Layer:
    """Make the layer of what the command line takes where no flag is given."""
    known = [flag for flag in FLAGS[command] if flag.default is not _NOTHING]
    return flags.parser_defaults(
        {flag.path: flag.default for flag in known},
        label=PROGRAMS[command],
        spelling={flag.path: f"{flag.name} default" for flag in known},
    )
