"""``ptycho finish``: complete a run that ended before its results were written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.commands.command import Command
from ptycho.commands.train import train
from ptycho.run.attempts import is_unfinished, newest_attempt, run_of
from ptycho.run.record import SETTINGS
from ptycho.run.resolve import resolve_run
from ptycho.scan.scan_file import opened_once
from ptyconf.errors import error_text
from ptyconf.sources import flags

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the run."""
    parser.add_argument(
        "run_folder", type=Path, metavar="RUN_FOLDER", help="the run, or the folder NAME.partial it left"
    )


@opened_once()
def run(arguments: argparse.Namespace) -> int:
    """Go on from the newest attempt at a run, with its own settings, to the end.

    Raises:
        FileNotFoundError: No attempt at the run left a checkpoint.
        ValueError: Attempts at the run disagree about what is trained.
    """
    attempt = newest_attempt(arguments.run_folder)
    if attempt is None or not is_unfinished(attempt.folder) or not attempt.settings:
        raise FileNotFoundError(
            error_text(
                f"there is nothing to finish at {arguments.run_folder}",
                expected=f"{run_of(arguments.run_folder).name}.partial with a checkpoint and {SETTINGS}",
                hint="ptycho train FILE.toml --resume",
            )
        )
    given = {"training.resume": attempt.folder, "training.output_dir": run_of(attempt.folder)}
    words = dict.fromkeys(given, "RUN_FOLDER")
    return train(
        resolve_run(
            "train",
            files=[attempt.folder / SETTINGS],
            flags=flags.given(given, spelling=words, typed=True),
            environment=os.environ,
        )
    )


COMMAND = Command(
    help="complete a training whose results are missing, from the newest checkpoint that it left",
    order=15,
    add_arguments=add_arguments,
    run=run,
)
