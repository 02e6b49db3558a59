"""``ptycho check``: settings are checked and scans are opened, nothing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptyconf import ConfigError, Problem, commands

if TYPE_CHECKING:
    import argparse

    from ptyconf import Resolution


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the settings files."""
    options.add_answer(parser)
    options.add_sources(parser, metavar="SCAN|FILE.toml")
    options.add_purpose(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check; 1 where something is wrong."""

    def load() -> Resolution:
        resolution = options.resolve(arguments, arguments.purpose)
        if arguments.purpose == "train":
            options.require_scans_of_training(resolution)
            _open_scans(resolution)
        return resolution

    return options.answer(arguments, commands.check(load))


def _open_scans(resolution: Resolution) -> None:
    """Read the scans that hold settings name, as a run would.

    Raises:
        ConfigError: A scan cannot be read.
    """
    from ptycho.errors import ScanError
    from ptycho.scan.raw_data import RawData
    from ptycho.scan.reading import read_scans
    from ptycho.settings.data import ScanOptions

    problems = []
    for path in ("training.train_data_file", "training.test_data_file"):
        if resolution[path] is None:
            continue
        try:
            reading = resolution.build(ScanOptions)
            if path == "training.train_data_file":
                read_scans(str(resolution[path]), reading)
            else:
                RawData.from_file(str(resolution[path]), options=reading)
        except ScanError as error:
            what, _, rest = str(error).partition("\n")
            origin = resolution.trace(path).winner.origin
            problems.append(Problem(what, path=path, origin=origin, snippet=rest))
    if problems:
        raise ConfigError(problems)


COMMAND = Command(
    help="check settings and open the scans, without running anything",
    order=60,
    add_arguments=add_arguments,
    run=run,
)
