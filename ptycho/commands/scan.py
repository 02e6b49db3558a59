"""``ptycho scan``: what is in a scan file, what will be taken of it, and the settings that say so."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from ptycho.commands import options
from ptycho.commands.command import Command
from ptycho.files.atomic import DiskFullError
from ptycho.run.streams import tell
from ptyconf.errors import error_text
from ptyconf.sources import flags

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution

_log = logging.getLogger(__name__)

WRITTEN = (".npz", ".cxi", ".h5")
"""Suffixes that a scan can be converted to."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the scan, settings on how to read it, and what to convert it to."""
    parser.add_argument("scan", type=Path, metavar="FILE", help="the scan file")
    parser.add_argument("--to", type=Path, metavar="OUT", help=f"convert it: {', '.join(WRITTEN)}")
    parser.add_argument(
        "--probe",
        action="store_true",
        help="draw the probe: the file's, that of data.probe or data.probe_model, or the one that is found",
    )
    options.add_sources(parser, files="*")


def run(arguments: argparse.Namespace) -> int:
    """Show the scan, or convert it."""
    from ptycho.scan.scan_file import open_scan, opened_once
    from ptycho.scan.scan_format import find_format
    from ptycho.scan.summary import contents_lines, doubt_lines, settings_toml, taken_lines

    if arguments.to is not None:
        _require_new_file(arguments.to)
    with opened_once():
        named = flags.given({"training.train_data_file": arguments.scan}, typed=True)
        resolution = options.resolve(arguments, "train", extra_layers=[named])
        file = open_scan(arguments.scan)
        scan_format = find_format(file)
        if arguments.to is None:
            # Before anything can go wrong with it: what is in the file tells what the settings have to name.
            tell(f"{arguments.scan}: {scan_format.name}, {scan_format.layout}")
            _print_part("it holds", contents_lines(file))
        with warnings.catch_warnings(record=True) as doubts, _decisions_unheard():
            warnings.simplefilter("always")
            scan = _read(resolution, arguments.scan)
        if arguments.to is not None:
            print(_convert(scan, arguments.to))
            return 0
        _print_part("taken", [*taken_lines(scan), *_cut_for_network(resolution)])
        _print_part("doubtful", [*(str(doubt.message) for doubt in doubts), *doubt_lines(scan)])
        drawn = _draw(arguments.scan, "png", partial(_save_scan, scan, arguments.scan))
        if arguments.probe:
            drawn += _draw_probe(scan, resolution, arguments.scan)
        tell(f"\nwritten: {drawn}\n\n{settings_toml(scan)}")
    return 0


def _cut_for_network(resolution: Resolution) -> list[str]:
    """Say where frames are cut or filled up for a network alone: sweeps take every side."""
    crop = resolution.trace("data.crop_px").winner
    if crop.layer != "data-file":
        return []
    return [f"{crop.origin.key}: so it is for a training; `ptycho reconstruct` takes the frames whole"]


def _read(resolution: Resolution, path: Path) -> RawData:
    from ptycho.scan.raw_data import RawData
    from ptycho.settings.data import ScanOptions

    return RawData.from_file(path, options=resolution.build(ScanOptions))


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
        tell(f"\n{title}")
        for line in lines:
            tell(f"  {line}")


def _save_scan(scan: RawData, path: Path, picture: Path) -> None:
    from ptycho.report.figures.scan import save_scan
    from ptycho.scan.summary import mean_intensity

    save_scan(picture, mean_intensity(scan), scan.mask, scan.positions, title=path.name)


def _draw_probe(scan: RawData, resolution: Resolution, path: Path) -> str:
    """Draw the probe of each scan of a file, found from the frames where need be; give what was written."""
    from ptycho.clients.search import settle
    from ptycho.report.figures.probe import save_probe

    with _decisions_unheard():
        settled = settle(scan, resolution, None, lambda settings: _read(settings, path)).scan
    drawn = ""
    for number, part in enumerate(settled.parts, start=1):
        probe = part.probe_modes
        if probe is None:
            _log.warning("%s: no probe was found: too few frames, or frames that hardly differ", part.name)
            continue
        suffix = "probe.png" if len(settled.parts) == 1 else f"probe-{number}.png"
        save = partial(save_probe, probe=probe, pixel_size_m=part.object_pixel_m)
        drawn += f"\nprobe: {_draw(path, suffix, save)}"
    return drawn


def _draw(path: Path, suffix: str, save: Callable[[Path], None]) -> str:
    """Draw a picture beside a scan's file; in the current folder, or a temporary one, where it may not be.

    Args:
        path: The scan's file.
        suffix: What the name of the picture has behind the scan's.
        save: Draws it into a file.

    Returns:
        The path of the picture, or why there is none.
    """
    # Raw data often lies on a disk that only the beamline writes.
    beside = [path.parent] if _is_own(path.parent) else []
    error: OSError | None = None
    for folder in (*beside, Path(), Path(gettempdir())):
        picture = folder / f"{path.name}.{suffix}"
        try:
            save(picture)
        except OSError as failure:
            error = failure
            continue
        return f"{picture}"
    return f"no picture ({error})"


def _is_own(folder: Path) -> bool:
    """Tell whether a folder is the user's: a picture in somebody else's surprises both."""
    if not hasattr(os, "getuid"):
        return True
    try:
        return folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK)
    except OSError:
        return False


def _require_new_file(path: Path) -> None:
    """Refuse a file that is there: a scan cannot be measured again, and no format keeps all of another.

    Raises:
        ValueError: No such kind of file is written.
        FileExistsError: There is one, or a link to one.
    """
    if path.suffix not in WRITTEN:
        known = ", ".join(WRITTEN)
        raise ValueError(error_text(f"--to {path}: no such kind of file is written", expected=known))
    if not os.path.lexists(path):
        return
    # What is written is told by the suffix, which stays the last.
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(1))
    free = next(name for name in numbered if not os.path.lexists(name))
    raise FileExistsError(
        error_text(f"--to {path}: this file is there already", expected="a new file", hint=f"--to {free}")
    )


def _convert(scan: RawData, path: Path) -> Path:
    """Write a scan; what the system refuses is told of the file that was asked for."""
    try:
        return _write(scan, path)
    except OSError as error:
        if error.errno is None or isinstance(error, DiskFullError):
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error


def _write(scan: RawData, path: Path) -> Path:
    from ptycho.scan.cxi_writer import write_cxi
    from ptycho.scan.npz_writer import write_npz
    from ptycho.scan.product_writer import write_product
    from ptycho.scan.raw_data import require_one_scan

    write = dict(zip(WRITTEN, (write_npz, write_cxi, write_product), strict=True))[path.suffix]
    if write is not write_npz:
        require_one_scan(scan)
    return write(scan, path)


COMMAND = Command(
    help="show what is in a scan file and what will be taken of it, or convert it",
    order=42,
    add_arguments=add_arguments,
    run=run,
)
