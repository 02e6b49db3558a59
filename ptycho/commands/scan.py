"""``ptycho scan``: what is in a scan file, what will be taken of it, and the settings that say so."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptyconf.errors import error_text
from ptyconf.sources import flags

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ptycho.scan.raw_data import RawData

WRITTEN = (".npz", ".cxi", ".h5")
"""Suffixes that a scan can be converted to."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the scan, settings on how to read it, and what to convert it to."""
    parser.add_argument("scan", type=Path, metavar="FILE", help="the scan file")
    parser.add_argument("--to", type=Path, metavar="OUT", help=f"convert it: {', '.join(WRITTEN)}")
    options.add_sources(parser, files="*")


def run(arguments: argparse.Namespace) -> int:
    """Show the scan, or convert it."""
    from ptycho.scan.raw_data import RawData
    from ptycho.scan.scan_file import open_scan, opened_once
    from ptycho.scan.scan_format import find_format
    from ptycho.scan.summary import contents_lines, settings_toml, taken_lines
    from ptycho.settings.data import ScanOptions

    with opened_once():
        named = flags.given({"training.train_data_file": arguments.scan}, typed=True)
        resolution = options.resolve(arguments, "train", extra_layers=[named])
        file = open_scan(arguments.scan)
        scan_format = find_format(file)
        if arguments.to is None:
            # Before anything can go wrong with it: what is in the file tells what the settings have to name.
            print(f"{arguments.scan}: {scan_format.name}, {scan_format.layout}")
            _print_part("it holds", contents_lines(file))
        with warnings.catch_warnings(record=True) as doubts, _decisions_unheard():
            warnings.simplefilter("always")
            scan = RawData.from_file(arguments.scan, options=resolution.build(ScanOptions))
        if arguments.to is not None:
            print(_convert(scan, arguments.to))
            return 0
        _print_part("taken", taken_lines(scan))
        _print_part("doubtful", [str(doubt.message) for doubt in doubts])
        print(f"\nwritten: {_draw(scan, arguments.scan)}\n\n{settings_toml(scan)}")
    return 0


@contextmanager
def _decisions_unheard() -> Iterator[None]:
    """Keep the log from saying what is listed below."""
    logger = logging.getLogger("ptycho.scan.validate")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _print_part(title: str, lines: list[str]) -> None:
    if lines:
        print(f"\n{title}")
        for line in lines:
            print(f"  {line}")


def _draw(scan: RawData, path: Path) -> str:
    """Draw the scan beside its file; in the current folder, or a temporary one, where that is not to be."""
    from ptycho.report.figures.scan import save_scan
    from ptycho.scan.summary import mean_intensity

    mean, name = mean_intensity(scan), f"{path.name}.png"
    # Raw data often lies on a disk that only the beamline writes.
    beside = [path.parent] if _is_own(path.parent) else []
    error: OSError | None = None
    for folder in (*beside, Path(), Path(gettempdir())):
        try:
            save_scan(folder / name, mean, scan.mask, scan.positions, title=path.name)
        except OSError as failure:
            error = failure
            continue
        return f"{folder / name}"
    return f"no picture ({error})"


def _is_own(folder: Path) -> bool:
    """Tell whether a folder is the user's: a picture in somebody else's surprises both."""
    if not hasattr(os, "getuid"):
        return True
    try:
        return folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK)
    except OSError:
        return False


def _convert(scan: RawData, path: Path) -> Path:
    from ptycho.scan.raw_data import require_one_scan

    if path.suffix == ".npz":
        return scan.to_file(path)
    if path.suffix == ".cxi":
        from ptycho.scan.cxi_writer import write_cxi

        require_one_scan(scan)
        return write_cxi(scan, path)
    if path.suffix == ".h5":
        from ptycho.scan.product_writer import write_product

        require_one_scan(scan)
        return write_product(scan, path)
    raise ValueError(error_text(f"--to {path}: no such kind of file is written", expected=", ".join(WRITTEN)))


COMMAND = Command(
    help="show what is in a scan file and what will be taken of it, or convert it",
    order=42,
    add_arguments=add_arguments,
    run=run,
)
