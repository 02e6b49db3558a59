"""``ptycho train``: from settings to a run folder."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING
from uuid import uuid4

from ptycho.backends.base import library_of
from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.write import write_bundle
from ptycho.commands import options
from ptycho.commands.command import Command
from ptycho.commands.failure import EXIT_INTERRUPTED, EXIT_WHOLE
from ptycho.commands.trained import Trained, train_halves
from ptycho.commands.training_folder import TrainingFolder
from ptycho.run.attempts import (
    Attempt,
    is_unfinished,
    newest_attempt,
    require_nobody_at_work,
    require_same_training,
    taken_up,
)
from ptycho.run.folder import building, place_of, reopened
from ptycho.run.identity import Identity, epochs_left_in
from ptycho.run.leftovers import remove_fruitless, remove_obsolete
from ptycho.run.record import LAST_CHECKPOINT, write_settings
from ptycho.run.settings import TrainingSettings, prepare_training
from ptycho.run.stages import stage, telling
from ptycho.scan.scan_file import opened_once
from ptyconf import Origin
from ptyconf.sources import flags, mapping

if TYPE_CHECKING:
    import argparse

    from ptycho.backends.base import Training
    from ptycho.bundle.archive import Bundle
    from ptycho.report.serve import LiveView
    from ptycho.scan.raw_data import RawData
    from ptyconf import Layer, Resolution

_log = logging.getLogger(__name__)

_THIS_RUN = Path()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare settings files and flags."""
    parser.add_argument(
        "--resume",
        nargs="?",
        type=Path,
        const=_THIS_RUN,
        metavar="RUN_FOLDER",
        help="go on from the newest checkpoint of a run, or of this very run, if it left one",
    )
    options.add_strict(parser)
    parser.add_argument(
        "--live",
        nargs="?",
        type=int,
        const=0,
        metavar="PORT",
        help="let a browser on this machine see the picture grow",
    )
    options.add_sources(parser, metavar="SCAN|FILE.toml")


@opened_once()
def run(arguments: argparse.Namespace) -> int:
    """Resolve the settings and train, watched by a browser where that is asked for."""
    with _live_view(arguments.live) as view, ExitStack() as opened:
        resolution = _resolve(arguments, opened)
        if resolution is None:
            return EXIT_WHOLE
        leads = library_of(str(resolution["training.backend"])).leads(resolution)
        with telling(on=leads and bool(resolution["execution.enable_progress_bar"])):
            return train(_with_start(resolution), view, strict=arguments.strict)


def _live_view(port: int | None) -> AbstractContextManager[LiveView | None]:
    if port is None:
        return nullcontext()
    from ptycho.report.serve import LiveView

    return LiveView(port)


def _resolve(arguments: argparse.Namespace, opened: ExitStack) -> Resolution | None:
    """Resolve the settings, with the run that is resumed; None where that is a whole run already.

    Args:
        arguments: Those of the command.
        opened: Holds a run that lacks results as an attempt.
    """
    from ptycho.report.markdown import missing_from

    if arguments.resume not in (None, _THIS_RUN):
        return options.resolve(arguments, "train", extra_layers=[_resuming(arguments.resume)])
    resolution = options.resolve(arguments, "train")
    if arguments.resume is None:
        return resolution
    target = Path(str(resolution["training.output_dir"]))
    if library_of(str(resolution["training.backend"])).leads(resolution):
        require_nobody_at_work(target)
    attempt = newest_attempt(target)
    if attempt is None:
        _log.info("there is nothing to resume from: the training starts with its first epoch")
        return resolution
    if _is_whole(attempt, int(str(resolution["training.nepochs"]))):
        remove_obsolete(taken_up(attempt.folder, attempt.folder))
        remove_fruitless(attempt.folder)
        lacking = missing_from(attempt.folder)
        if lacking:
            _log.info("%s is whole but for its results: %s", attempt.folder, ", ".join(lacking))
            return resolution.with_layer(_resuming(opened.enter_context(reopened(attempt.folder))))
        _log.info("%s is a whole run: there is nothing to resume", attempt.folder)
        return None
    return resolution.with_layer(_resuming(attempt.folder))


def _with_start(resolution: Resolution) -> Resolution:
    """Take the settings of the network whose weights a training starts from, below what users write."""
    source = resolution["training.init"]
    if source is None:
        return resolution
    from ptycho.training.start_weights import read_start

    return resolution.with_layer(read_start(Path(str(source))).layer())


def _is_whole(attempt: Attempt, epochs: int) -> bool:
    """Tell whether an attempt is a run that has its name and had all epochs, as its folder says."""
    asked = attempt.settings.get("training.nepochs")
    ended = not is_unfinished(attempt.folder) and not epochs_left_in(attempt.folder)
    return ended and isinstance(asked, int) and asked >= epochs


def _resuming(folder: Path) -> Layer:
    return flags.given({"training.resume": folder}, spelling={"training.resume": "--resume"}, typed=True)


def train(resolution: Resolution, view: LiveView | None = None, *, strict: bool = False) -> int:
    """Train, reconstruct, and leave a run folder that appears whole or not at all.

    Args:
        resolution: The settings.
        strict: Whether a picture that does not explain its frames is a failure.
        view: Serves the page of the run wherever it lies by then.

    Raises:
        ConfigError: A scan is missing.
        ValueError: Settings and scan do not go together.
    """
    from ptycho.report.live import LivePage
    from ptycho.report.markdown import write_results
    from ptycho.training.plan import WatchedFolder

    options.require_scans_of_training(resolution)
    library = library_of(str(resolution["training.backend"]))
    backend = library.load()
    configurations, scan, reconstructed_scan = _settled(resolution, library.name)
    target = place_of(Path(str(resolution["training.output_dir"])))
    if not library.leads(resolution):
        backend.train(configurations, scan, WatchedFolder(target, written=False))
        return EXIT_WHOLE
    earlier = _attempts_of(configurations.resolution, target)
    title = f"{target.name}: trained on {' and '.join(part.name for part in scan.parts)}"
    identity = Identity()
    with building(target, identity) as folder:
        place = TrainingFolder(folder, identity, configurations.resolution, target)
        place.settle()
        if view is not None:
            view.folder = folder
        watched = WatchedFolder(folder, [place.watch, partial(LivePage, title)])
        training = backend.train(configurations, scan, watched)
        place.require()
        if training.epochs_left:
            identity.write(folder, epochs_left=training.epochs_left)
        settled = _without_removed(training.resolution, earlier)
        # From here on the network is safe: whatever fails now is completed by `ptycho finish`.
        bundle = replace(backend.pack(training.model, settled, target), scans=training.scans)
        _keep_network(folder, bundle, target)
        write_settings(folder, settled, home=target)
        halves = _apart(library.name, configurations, scan, target, training)
        trained = Trained(library.name, training, bundle, scan, settled, halves)
        if reconstructed_scan is scan:
            trained.keep_others(folder)
        results = trained.reconstruct(reconstructed_scan, title)
        write_results(folder, results)
    if view is not None:
        view.folder = target
    remove_obsolete(earlier)
    _log.info("%s: report.md, object.png, %s", target, FILE_NAME)
    code = options.exit_code_of(results, strict=strict)
    return EXIT_INTERRUPTED if training.interrupted else code


def _apart(
    library: str, configurations: TrainingSettings, scan: RawData, home: Path, training: Training
) -> tuple[Trained, Trained] | None:
    """Train a network on each half of the frames, where that is asked for and nobody wants to leave."""
    if not configurations.resolution["training.independent_halves"] or training.interrupted:
        return None
    _log.info("a network of its own learns from each half of the frames")
    return train_halves(library, configurations, scan, home)


def _settled(resolution: Resolution, library: str) -> tuple[TrainingSettings, RawData, RawData]:
    """Read the scan to train on and the one to reconstruct, with axes and probe that explain the frames."""
    from ptycho.clients.search import settle

    configurations = prepare_training(resolution, library)
    scan, reconstructed = read_scans(configurations.resolution)
    # Numpy tries: whichever library trains takes its threads and devices later, in its own way.
    found = settle(scan, configurations.resolution, None, lambda settings: read_scans(settings)[0])
    if found.scan is scan:
        return configurations, scan, reconstructed
    configurations = prepare_training(found.resolution, library)
    same = reconstructed is scan
    return configurations, found.scan, found.scan if same else read_scans(configurations.resolution)[1]


def _attempts_of(resolution: Resolution, target: Path) -> list[Attempt]:
    """List the attempts that this training makes part of the run.

    Raises:
        ValueError: The settings are not those with which they began.
    """
    written = resolution["training.resume"]
    resumed = None if written is None else Path(str(written))
    earlier = taken_up(resumed, target)
    if resumed is not None and not resumed.is_file():  # Who names a file means its weights, whatever follows.
        require_same_training(earlier[:1], resolution, target)
    return earlier


def _without_removed(resolution: Resolution, earlier: list[Attempt]) -> Resolution:
    """Let the settings of a run name no folder that becomes part of it."""
    if not earlier:
        return resolution
    why = f"{earlier[0].folder.name}, from which it went on, is part of this run"
    origin = Origin("measured", "this run", why)
    values = {"training.resume": None}
    return resolution.with_layer(mapping.layer("measured", values, kind="measured", origin=lambda _: origin))


def _keep_network(folder: Path, bundle: Bundle, target: Path) -> None:
    """Write the bundle into its folder, or, where nothing else keeps what was learned, where there is room.

    Raises:
        OSError: The folder cannot be written.
    """
    try:
        write_bundle(folder / FILE_NAME, bundle)
    except OSError:
        if not (folder / LAST_CHECKPOINT).is_file():
            _rescue(bundle, f"{target.name}-{uuid4().hex[:8]}-{FILE_NAME}")
        raise


def _rescue(bundle: Bundle, name: str) -> None:
    for place in (Path.cwd(), Path(gettempdir()), Path.home()):
        with suppress(OSError):
            write_bundle(place / name, bundle)
            _log.warning("the trained network is kept in %s", place / name)
            return


@stage("reading the scan")
def read_scans(resolution: Resolution) -> tuple[RawData, RawData]:
    """Read the scan to train on and the one to reconstruct, the same where no other is named."""
    from ptycho.scan import reading
    from ptycho.scan.raw_data import RawData
    from ptycho.settings.data import ScanOptions

    options = resolution.build(ScanOptions)
    scan = reading.read_scans(str(resolution["training.train_data_file"]), options)
    test_file = resolution["training.test_data_file"]
    if test_file is None:
        return scan, scan
    return scan, RawData.from_file(Path(str(test_file)), options=options)


COMMAND = Command(
    help="train a network on a scan, reconstruct with it, and leave a run folder",
    order=10,
    add_arguments=add_arguments,
    run=run,
)
