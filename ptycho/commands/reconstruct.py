"""``ptycho reconstruct``: the best picture of a scan from its frames alone, without training."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptycho.run.folder import building
from ptycho.run.identity import Identity
from ptycho.run.record import write_settings
from ptycho.run.stages import stage, telling
from ptycho.scan.scan_file import opened_once
from ptyconf.sources import flags, mapping

if TYPE_CHECKING:
    import argparse

    from ptycho.scan.raw_data import RawData
    from ptyconf import Layer, Resolution

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the scan, settings files and flags."""
    parser.add_argument("scan", type=Path, metavar="SCAN", help="the scan to reconstruct")
    options.add_strict(parser)
    options.add_sources(parser, "infer", files="*")


@opened_once()
def run(arguments: argparse.Namespace) -> int:
    """Resolve the settings and reconstruct into a folder that appears whole or not at all."""
    from ptycho.clients.reconstruction import SWEEPS_ALONE

    given = {"inference.test_data_file": arguments.scan}
    named = flags.given(given, spelling=dict.fromkeys(given, "SCAN"), typed=True)
    resolution = options.resolve(
        arguments,
        "infer",
        extra_layers=[named, SWEEPS_ALONE, _folder(arguments.scan)],
        scan=arguments.scan,
        network=False,
    )
    options.require_scan(resolution, "inference.test_data_file", "Scan not found")
    with telling(on=bool(resolution["execution.enable_progress_bar"])):
        return _reconstruct(resolution, strict=arguments.strict)


def _folder(scan: Path) -> Layer:
    """Name the run after the scan, where nothing else names it."""
    return mapping.layer("cli-defaults", {"inference.output_dir": Path(f"{scan.stem}-reconstructed")})


def _reconstruct(resolution: Resolution, *, strict: bool) -> int:
    from ptycho.clients.halves import halves_of
    from ptycho.clients.reconstruction import reconstruct_scan
    from ptycho.clients.search import settle
    from ptycho.clients.verdict import verdict_of
    from ptycho.report.markdown import write_results
    from ptycho.report.results import FRAMES, Results, name_of
    from ptycho.scan.reading import read_scans
    from ptycho.settings.data import ScanOptions

    path = Path(str(resolution["inference.test_data_file"]))

    @stage("reading the scan")
    def read(settings: Resolution) -> RawData:
        return read_scans(path, settings.build(ScanOptions))

    library = str(resolution["inference.backend"])
    settled = settle(read(resolution), resolution, library, read)
    scans, resolution = settled.scan.parts, settled.resolution
    target = Path(str(resolution["inference.output_dir"]))
    with building(target, Identity("reconstruction")) as folder:
        results = []
        for scan in scans:
            with stage(f"reconstructing {name_of(scan)}"):
                reconstruction = reconstruct_scan(scan, resolution)
            verdict = verdict_of(reconstruction, scan, resolution, library)
            # Halves are compared with each other, not with what they would be without a network.
            simple = resolution.with_layer(mapping.layer("measured", {"inference.compare_flat": False}))
            alone = partial(reconstruct_scan, resolution=simple)
            results.append(
                Results(
                    title=f"{target.name}: {name_of(scan)} reconstructed from its frames",
                    resolution=resolution,
                    reconstruction=reconstruction,
                    scan=scan,
                    trained_on_it=None if reconstruction.network_object is None else False,
                    verdict=verdict,
                    halves=halves_of(
                        scan,
                        (alone, alone),
                        verdict,
                        networks=0,
                        only=FRAMES,
                        asked=str(resolution["inference.halves"]),
                    ),
                )
            )
        write_settings(folder, resolution, home=target)
        write_results(folder, results)
    _log.info("%s: report.md, object.png, reconstruction.npz", target)
    return options.exit_code_of(results, strict=strict)


COMMAND = Command(
    help="reconstruct a scan from its frames alone: no network, no training",
    order=5,
    add_arguments=add_arguments,
    run=run,
)
