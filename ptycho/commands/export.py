"""``ptycho export``: the picture of a finished run as a file for other programs."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.commands.command import Command
from ptycho.files.earlier import keeping_earlier, require_other_file
from ptycho.run.record import RECONSTRUCTION, read_settings
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.reconstruction.result import Reconstruction

_log = logging.getLogger(__name__)

_SCANS = ("inference.test_data_file", "training.test_data_file", "training.train_data_file")
_LENGTHS = {
    "wavelength_m": "wavelength in metres, in place of the energy",
    "distance_m": "from sample to detector, in metres",
    "detector_pixel_m": "side of a detector pixel, in metres",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the run, the file, and what the run may not know of the experiment."""
    parser.add_argument(
        "run",
        type=Path,
        metavar="RUN_FOLDER",
        help=f"a run folder, that of one of its scans (RUN_FOLDER/scan-2), or a {RECONSTRUCTION}",
    )
    parser.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="FILE",
        help="product.h5 for ptychodus, object.cxi, or object.tiff (amplitude and phase); an earlier file is "
        "kept as FILE.1",
    )
    for name, text in ("energy_kev", "energy of the photons"), *_LENGTHS.items():
        metavar = "KEV" if name == "energy_kev" else "M"
        # Both forms that the other commands take for a setting.
        parser.add_argument(
            f"--{name}", f"--data.{name}", dest=name, type=_above_zero, metavar=metavar, help=text
        )


def run(arguments: argparse.Namespace) -> int:
    """Read the picture of a run and write it.

    Raises:
        FileNotFoundError: There is no picture.
        ValueError: No such kind of file is written, or a length that it needs is not known.
    """
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.report.output import output_for

    output = output_for(arguments.to)
    path = _picture_in(arguments.run)
    settings = read_settings(path.parent) or read_settings(path.parent.parent)
    scan = next((str(settings[name]) for name in _SCANS if settings.get(name)), path.parent.name)
    picture = _with_lengths(Reconstruction.load(path), arguments, int(settings.get("data.bin") or 1))
    require_other_file(arguments.to, [path, Path(scan)], "--to another name")
    with keeping_earlier(arguments.to) as written:
        output.write(picture, Path(scan).name, written)
    _log.info("%s: %s", arguments.to, output.what)
    return 0


def _above_zero(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return value


def _picture_in(place: Path) -> Path:
    path = place / RECONSTRUCTION if place.is_dir() else place
    if not path.is_file():
        raise FileNotFoundError(
            error_text(
                f"there is no picture at {place}",
                expected=f"a run folder with {RECONSTRUCTION}",
                hint="ptycho finish RUN_FOLDER, where a training ended before its results were written",
            )
        )
    return path


def _with_lengths(picture: Reconstruction, arguments: argparse.Namespace, binning: int) -> Reconstruction:
    """Let what was given stand above what the run knew; the pixel of the object follows."""
    from ptycho.scan.geometry import far_field_pixel_m, photon_wavelength_m

    given = {name: value for name in _LENGTHS if (value := getattr(arguments, name)) is not None}
    if arguments.energy_kev is not None:
        given["wavelength_m"] = photon_wavelength_m(1e3 * arguments.energy_kev)
    if not given:
        return picture
    if "detector_pixel_m" in given:
        given["detector_pixel_m"] *= binning
    lengths = picture.lengths_m | given
    if all(name in lengths for name in _LENGTHS):
        width_m = picture.probe.shape[-1] * lengths["detector_pixel_m"]
        lengths["object_pixel_m"] = far_field_pixel_m(lengths["wavelength_m"], lengths["distance_m"], width_m)
    return replace(picture, lengths_m=lengths)


COMMAND = Command(
    help="write the picture of a run for other programs: ptychodus, CXI, TIFF",
    order=25,
    add_arguments=add_arguments,
    run=run,
)
