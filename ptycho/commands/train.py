"""``ptycho train``: from settings to a run folder."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ptycho.backends.base import library_of
from ptycho.bundle.archive import FILE_NAME
from ptycho.bundle.write import write_bundle
from ptycho.commands import options
from ptycho.commands.command import Command
from ptycho.run.folder import building
from ptycho.run.record import RECONSTRUCTION, write_settings
from ptycho.scan.scan_file import opened_once

if TYPE_CHECKING:
    import argparse

    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare settings files and flags."""
    options.add_sources(parser)


@opened_once()
def run(arguments: argparse.Namespace) -> int:
    """Resolve the settings and train."""
    return train(options.resolve(arguments, "train"))


def train(resolution: Resolution) -> int:
    """Train, reconstruct, and leave a run folder that appears whole or not at all.

    Raises:
        ConfigError: A scan is missing.
        ValueError: Settings and scan do not go together.
    """
    from ptycho.report.markdown import write_report
    from ptycho.report.results import Results, name_of

    options.require_scans_of_training(resolution)
    library = library_of(str(resolution["training.backend"]))
    backend = library.load()
    configurations = backend.prepare_training(resolution)
    scan, reconstructed_scan = _read_scans(configurations.resolution)
    target = Path(str(resolution["training.output_dir"]))
    if not library.leads(resolution):
        with TemporaryDirectory() as folder:
            backend.train(configurations, scan, Path(folder))
        return 0
    with building(target) as folder:
        training = backend.train(configurations, scan, folder)
        write_bundle(folder / FILE_NAME, backend.pack(training.model, training.resolution, target))
        results = Results(
            title=f"{target.name}: trained on {name_of(scan)}",
            resolution=training.resolution,
            reconstruction=backend.reconstruct(training.model, training.resolution, reconstructed_scan),
            scan=reconstructed_scan,
            trained_on_it=reconstructed_scan is scan,
            training=training,
        )
        results.reconstruction.save(folder / RECONSTRUCTION)
        write_settings(folder, results.resolution, home=target)
        write_report(folder, results)
    _log.info("%s: report.md, object.png, %s", target, FILE_NAME)
    return 0


def _read_scans(resolution: Resolution) -> tuple[RawData, RawData]:
    """Read the scan to train on and the one to reconstruct, the same where no other is named."""
    from ptycho.scan.raw_data import RawData
    from ptycho.settings.data import ScanOptions

    options = resolution.build(ScanOptions)
    scan = RawData.from_file(Path(str(resolution["training.train_data_file"])), options=options)
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
