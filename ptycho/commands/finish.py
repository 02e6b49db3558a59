"""``ptycho finish``: complete a run that ended before its results were written."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.backends.base import load_backend
from ptycho.backends.light import archives_of_others, networks_of_scans, unlearned_scans
from ptycho.backends.trained_network import open_network
from ptycho.bundle.archive import FILE_NAME
from ptycho.commands.command import Command
from ptycho.commands.failure import EXIT_WHOLE
from ptycho.commands.train import read_scans, train
from ptycho.files.atomic import copy_file
from ptycho.run.attempts import (
    Attempt,
    bundle_of_attempt,
    folders_of,
    is_unfinished,
    newest_attempt,
    require_nobody_at_work,
    run_of,
)
from ptycho.run.folder import building, reopened
from ptycho.run.identity import NAME, epochs_left_in, kind_of, remove_run
from ptycho.run.record import LAST_CHECKPOINT, SETTINGS, write_settings
from ptycho.run.resolve import resolve_run
from ptycho.run.stages import stage
from ptycho.scan.scan_file import opened_once
from ptycho.training.resume import OTHER_SCANS
from ptyconf.errors import error_text
from ptyconf.sources import flags

if TYPE_CHECKING:
    import argparse

    from ptyconf import Resolution

_log = logging.getLogger(__name__)

_WITHOUT_TRAINING = {
    "reconstruction": ("without a network", "ptycho reconstruct SCAN"),
    "inference": ("with a network that was trained before", "ptycho infer RUN_FOLDER --scan FILE"),
}
"""How runs of a kind are made, and the command that makes one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the run."""
    parser.add_argument(
        "run_folder", type=Path, metavar="RUN_FOLDER", help="the run, or the folder NAME.partial it left"
    )


@opened_once()
def run(arguments: argparse.Namespace) -> int:
    """Go on from the newest attempt at a run, with its own settings, to the end.

    Raises:
        FileExistsError: Another process is still making the run.
        FileNotFoundError: No attempt at the run left a checkpoint or a trained network.
        ValueError: Attempts at the run disagree about what is trained.
    """
    from ptycho.report.markdown import NAME as REPORT
    from ptycho.report.markdown import missing_from

    named = arguments.run_folder
    _require_training(named)
    require_nobody_at_work(run_of(named))
    attempt, folder = newest_attempt(named), bundle_of_attempt(named)
    if attempt is not None and is_unfinished(attempt.folder) and attempt.folder != folder:
        return _go_on(_with_settings(attempt))
    if folder is not None and (folder / SETTINGS).is_file():
        return _complete(folder)
    if all((named / name).is_file() for name in (FILE_NAME, SETTINGS, REPORT)):
        return _complete_results(named.resolve(), missing_from(named))
    for folder in folders_of(run_of(named)):
        _require_training(folder)
    raise FileNotFoundError(
        error_text(
            f"there is nothing to finish at {named}",
            expected=f"{run_of(named).name}.partial with {SETTINGS}, and with a checkpoint or a bundle",
            hint="ptycho train FILE.toml --resume",
        )
    )


def _require_training(folder: Path) -> None:
    """Refuse what is no training: nothing but a new beginning makes that whole.

    Raises:
        FileNotFoundError: It is a reconstruction, or the use of a network.
    """
    what, again = _WITHOUT_TRAINING.get(kind_of(folder), ("", ""))
    if what:
        raise FileNotFoundError(
            error_text(
                f"{folder} was made {what}: there is no training to finish",
                expected="a run of `ptycho train`",
                hint=f"{again}, which begins anew",
            )
        )


def _complete_results(run_folder: Path, lacking: list[str]) -> int:
    """Make the results of a whole run anew where its report says that some are missing."""
    epochs = epochs_left_in(run_folder)
    if epochs:
        again = f"ptycho train {run_folder / SETTINGS} --output_dir {run_folder} --resume"
        _log.info("Ctrl-C kept the training from %d epochs; to go on: %s", epochs, again)
    if not lacking:
        _log.info("%s is a whole run: nothing is missing", run_folder)
        return EXIT_WHOLE
    _log.info("%s is whole but for its results: %s", run_folder, ", ".join(lacking))
    with reopened(run_folder) as folder:
        return _go_on(folder) if (folder / LAST_CHECKPOINT).is_file() else _complete(folder)


def _with_settings(attempt: Attempt) -> Path:
    """Give the folder of an attempt that says what was trained; what is wrong there is told with its place.

    Raises:
        FileNotFoundError: It does not say so.
    """
    if not (attempt.folder / SETTINGS).is_file():
        raise FileNotFoundError(
            error_text(
                f"{attempt.folder} holds {attempt.checkpoint.name} and no {SETTINGS}: with which settings to "
                "go on is not known",
                expected=f"the {SETTINGS} that `ptycho train` wrote there",
                hint=f"ptycho train FILE.toml --resume {attempt.folder}",
            )
        )
    return attempt.folder


def _go_on(attempt: Path) -> int:
    """Train what is left of the epochs, if any, and write the results."""
    return train(_settings_of(attempt, {"training.resume": attempt}))


def _settings_of(folder: Path, more: dict[str, object]) -> Resolution:
    """Read the settings of an attempt, whose scan must still be where it was.

    Raises:
        FileNotFoundError: It is not.
    """
    given = {"training.output_dir": run_of(folder), **more}
    spelling = dict.fromkeys(given, "RUN_FOLDER")
    resolution = resolve_run(
        "train",
        files=[folder / SETTINGS],
        flags=flags.given(given, spelling=spelling, typed=True),
        environment=os.environ,
    )
    scan = resolution["training.train_data_file"]
    if scan is not None and not Path(str(scan)).exists():
        raise FileNotFoundError(
            error_text(
                f"the scan that {folder} learned from is not there: {scan}",
                expected="the scan where it was",
                hint=f"ptycho train {folder / SETTINGS} --train_data_file FILE --output_dir {run_of(folder)} "
                "--resume, with its new place",
            )
        )
    return resolution


def _require_unchanged(replaced: list[str], left: Path) -> None:
    """Refuse to complete a run with other frames than those that its network learned from.

    Raises:
        ValueError: The files of some scans were replaced.
    """
    if replaced:
        raise ValueError(
            error_text(
                f"the run in {left} cannot be completed: its network {OTHER_SCANS} {' and '.join(replaced)}",
                expected="the frames and positions that its network learned from",
                hint=f"ptycho infer {left} --scan FILE, to see a scan with its network",
            )
        )


def _complete(left: Path) -> int:
    """Reconstruct with the network that a training without checkpoints left, and write what is missing."""
    from ptycho.clients.verdict import verdict_of
    from ptycho.report.markdown import write_results
    from ptycho.report.results import Results, name_of

    resolution, target = _settings_of(left, {}), run_of(left)
    trained = open_network(left)
    name = str(resolution["training.backend"])
    backend = load_backend(name)
    backend.begin(resolution)
    scan, reconstructed_scan = read_scans(resolution)
    _require_unchanged(unlearned_scans(trained, scan.parts), left)
    networks = networks_of_scans(trained, reconstructed_scan, resolution)
    with building(target) as folder:
        pictures = []
        for ready, part in zip(networks, reconstructed_scan.parts, strict=True):
            with stage(f"reconstructing {part.name}"):
                pictures.append(backend.reconstruct(ready.network.load(name), resolution, part))
        for path in (*left.iterdir(), *archives_of_others(left)):
            if path.is_file() and path != left / FILE_NAME and path.name != NAME:
                copy_file(path, folder / path.relative_to(left))
        # Whole or not at all: a folder with a bundle can be completed, and the newest one is.
        copy_file(left / FILE_NAME, folder / FILE_NAME)
        write_settings(folder, resolution, home=target)
        results = [
            Results(
                title=f"{target.name}: trained on {name_of(scan)}",
                resolution=resolution,
                reconstruction=picture,
                scan=part,
                trained_on_it=reconstructed_scan is scan,
                verdict=verdict_of(picture, part, resolution, name),
            )
            for picture, part in zip(pictures, reconstructed_scan.parts, strict=True)
        ]
        results[0].warn(
            "the training ended before its results were written: they come from its network alone"
        )
        for result, ready in zip(results, networks, strict=True):
            if ready.note:
                result.warn(ready.note)
        write_results(folder, results)
    remove_run(left)
    _log.info("%s: report.md, object.png, completed from the network that %s held", target, left.name)
    return EXIT_WHOLE


COMMAND = Command(
    help="complete a training whose results are missing, from the newest checkpoint that it left",
    order=15,
    add_arguments=add_arguments,
    run=run,
)
