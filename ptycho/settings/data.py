# ruff: noqa: RUF009  `_read` is dataclasses.field with its metadata spelled out.
"""Section `data`: how a scan file is to be read, one line a setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from ptycho.errors import ScanError
from ptycho.files.number_ranges import are_numbers
from ptycho.settings.checks import Check, above_zero, length_m, of_each
from ptycho.settings.conditions import Condition, without_companions
from ptycho.settings.field import Across, described
from ptycho.settings.probe_model import ProbeModel
from ptyconf import Complaint
from ptyconf.errors import error_text

__all__ = [
    "Axes",
    "BadPixels",
    "Centre",
    "Exposures",
    "PositionOrigin",
    "PositionUnit",
    "ProbeModel",
    "Quantity",
    "ScanIndex",
    "ScanOptions",
]

Quantity = Literal["auto", "amplitude", "counts"]
Centre = Literal["auto", "middle", "corner"]
PositionOrigin = Literal["auto", "centre", "corner"]
PositionUnit = Literal["auto", "px", "m", "mm", "um", "nm", "A"]
BadPixels = Literal["auto", "mask"]
Axes = Literal["auto", "trust"]
Exposures = Literal["auto", "together", "runs"]
ScanIndex = int | Literal["auto", "split", "ignore"]

LARGEST_PADDING = 4
"""How many times as wide as the detector a frame may be made: beyond that most of it would be masked."""

_GEOMETRY = ("data.pixel_size_m", "data.wavelength_m", "data.distance_m")


def _read(default: Any, *, help: str, unit: str = "", example: Any = None) -> Any:  # noqa: A002
    """Declare a field of how a scan is read, which the legacy dict never sees."""
    return described(default, help=help, unit=unit, example=example, legacy=False)


def _numbers(*, help: str, example: str) -> Any:  # noqa: A002
    """Declare numbers of frames or positions: "17", "0:4,60", "140:"."""
    return described(
        None,
        help=f"{help}: numbers from 0 and ranges, as Python slices them",
        example=example,
        check=Check(
            are_numbers,
            "{name} = {v!r} names no numbers",
            "whole numbers from 0, and ranges, with commas in between",
            f'"{example}"',
        ),
        legacy=False,
    )


def _length(
    name: str,
    limits: tuple[float, float],
    example: str,
    *,
    help: str,  # noqa: A002
    aliases: tuple[str, ...] = (),
) -> Any:
    """Declare a length of the experiment's geometry, which gives metres with the other two only."""
    return described(
        None,
        help=help,
        unit="m",
        check=(of_each(above_zero(example, optional=True)), of_each(length_m(*limits, example))),
        without_effect=_alone(name),
        aliases=aliases,
        legacy=False,
    )


def _alone(name: str) -> Condition:
    return without_companions(
        f"data.{name}", _GEOMETRY, "metres", instead={"data.wavelength_m": "data.energy_kev"}
    )


def _agrees_with_energy(path: str, settings: Mapping[str, Any]) -> Complaint | None:
    """Refuse a wavelength beside an energy: one of them says it all."""
    if settings[path] is None or settings["data.energy_kev"] is None:
        return None
    return Complaint(
        f"{path} and data.energy_kev both say what the beam is",
        expected="one of them",
        hint=f"{path} = none",
    )


@dataclass
class ScanOptions:
    """What a scan file does not say about itself."""

    quantity: Quantity = _read(
        "auto",
        help="what the diffraction values are: detector counts, or their square root; "
        "'auto' decides by integer values and refuses when it is unsure",
    )
    centre: Centre = _read(
        "auto",
        help="where zero frequency lies in a frame: in the middle, at [N/2, N/2], or in the corner, "
        "at [0, 0]; 'auto' looks where the energy is",
    )
    position_origin: PositionOrigin = _read(
        "auto",
        help="which point of a patch its position names: the centre (index N/2) or the upper left "
        "corner; 'auto' tests which windows fit objectGuess",
    )
    crop_px: int | None = _read(
        None,
        help="side of the central square of the detector that is kept; None keeps the whole frame",
        unit="px",
    )
    bin: int = _read(1, help="detector pixels summed along each axis, after the crop", unit="px")
    mask: str | None = _read(
        None,
        help="bad detector pixels: a key of the scan file, or an .npy or .npz file; "
        "non-zero marks a bad pixel, which drops out of every check and every loss",
    )
    bad_pixels: BadPixels = _read(
        "auto",
        help="whether bad pixels are looked for: 'auto' finds markers, dead, hot and saturated ones; "
        "'mask' takes only the masks of file and settings",
    )
    pixel_size_m: float | tuple[float, float] | None = _length(
        "pixel_size_m",
        (1e-7, 1e-2),
        "75e-6",
        help="side of a detector pixel, before binning; height and width where it is no square",
        aliases=("data.detector_pixel_m",),
    )
    wavelength_m: float | None = described(
        None,
        help="wavelength of the beam",
        unit="m",
        check=(above_zero("1.5e-10", optional=True), length_m(1e-13, 1e-5, "1.5e-10")),
        without_effect=_alone("wavelength_m"),
        across=Across(("data.energy_kev",), _agrees_with_energy, "one of wavelength and energy"),
        legacy=False,
    )
    energy_kev: float | None = described(
        None,
        help="energy of the photons, in place of their wavelength",
        unit="keV",
        check=Check(
            lambda v: v is None or 1e-3 <= v <= 500.0,
            "{name} = {v} is no energy of photons in keV",
            "0.001 to 500 keV",
            "8.0",
        ),
        without_effect=_alone("energy_kev"),
        legacy=False,
    )
    distance_m: float | None = _length(
        "distance_m", (1e-4, 1e3), "2.0", help="distance from sample to detector"
    )
    frames: str | None = _read(
        None,
        help="dataset of the frames in a file of no known layout",
        example="exchange/data",
    )
    positions: str | None = _read(
        None,
        help="positions in a file of their own: a table of two columns (x, y), a product file, or 'file:key' "
        "of an array (frames, 2)",
        example="positions.csv",
    )
    frames_without_position: str | None = _numbers(
        help="frames that have no position, such as exposures before the scan", example="0:4"
    )
    positions_without_frame: str | None = _numbers(
        help="positions that have no frame, for the detector missed their trigger", example="60"
    )
    leave_out: str | None = _numbers(
        help="frames to leave out together with their positions", example="17,120:124"
    )
    exposures: Exposures = _read(
        "auto",
        help="how several frames of each position follow each other: 'together', or in 'runs' of the whole "
        "scan; 'auto' asks the frames which are alike",
    )
    probe: str | None = _read(
        None, help="probe in a file of its own: 'file:key', or a product file", example="probe.npz:probe"
    )
    probe_model: ProbeModel = field(default_factory=ProbeModel)
    dark: float | str | None = _read(
        None,
        help="what the detector shows without light, taken off every frame: a number, an .npy file, or "
        "'file:key'",
        example="dark.npy",
    )
    flat: str | None = _read(
        None,
        help="what the detector shows in even light, divided out of every frame: an .npy file, or 'file:key'",
        example="flat.npy",
    )
    position_unit: PositionUnit = _read(
        "auto",
        help="unit of the positions; 'auto' takes what the file says, and pixels where it says nothing",
    )
    entry: int | None = _read(
        None, help="which of several scans in one file is read; none takes the first", example=2
    )
    scan_index: ScanIndex | None = _read(
        "auto",
        help="the scans that 'scan_index' of the file numbers: 'split' takes each for itself, 'ignore' all "
        "as one, a number that scan alone; 'auto', or none, splits unless they show one sample",
    )
    more_scans: tuple[Path, ...] = _read(
        (),
        help="further scan files, read alike; each scan has its probe, its scale and its picture",
        example=("second.npz",),
    )
    centre_px: tuple[float, float] | None = _read(
        None,
        help="row and column of the beam in the file's frames; none takes the file's, or looks",
        unit="px",
        example=(128.5, 130.0),
    )
    transpose: bool = _read(False, help="exchange rows and columns of every frame, before any flip")
    flip_rows: bool = _read(False, help="turn every frame upside down")
    flip_columns: bool = _read(False, help="mirror every frame left to right")
    axes: Axes = _read(
        "auto",
        help="whether axes and probe are tried on some frames first: 'auto' turns the positions, and "
        "searches a probe, where those given do not explain the frames; 'trust' leaves both",
    )
    swap_xy: bool = _read(False, help="exchange x and y of the positions, before any flip")
    flip_x: bool = _read(False, help="change the sign of x of the positions")
    flip_y: bool = _read(False, help="change the sign of y of the positions")
    rotation_deg: float = _read(
        0.0, help="angle by which positions are turned, from x to y, after swap and flips", unit="degrees"
    )

    @property
    def dark_level(self) -> float | None:
        """The number that is taken off every pixel, 0 for none; None where it is a picture."""
        return None if isinstance(self.dark, str) else self.dark or 0.0

    @property
    def names_numbers(self) -> bool:
        """Whether frames or positions are named by their numbers, which are those of the file."""
        return bool(self.frames_without_position or self.positions_without_frame or self.leave_out)

    def require_known_words(self) -> None:
        """Refuse a word that is no choice; what Python code writes is judged nowhere else.

        Raises:
            ScanError: A choice is none of its kind.
        """
        for name, kind in _CHOICES:
            value, known = getattr(self, name), get_args(kind)
            if value not in known:
                raise ScanError(
                    error_text(
                        f"data.{name} = {value!r}",
                        expected=", ".join(f'"{word}"' for word in known),
                        hint=f'data.{name} = "auto"',
                    )
                )

    def frame_side(self, side_px: int) -> int:
        """Give the side of a frame after crop and binning.

        Args:
            side_px: Side of the square that the frames hold; a larger crop is filled up with masked pixels.

        Raises:
            ScanError: The crop does not go with the frame, or the bin does not divide the crop.
        """
        crop = side_px if self.crop_px is None else self.crop_px
        if not 0 < crop <= LARGEST_PADDING * side_px:
            raise ScanError(
                error_text(
                    f"data.crop_px = {crop} does not fit frames of {side_px} x {side_px} pixels",
                    expected=f"1 to {LARGEST_PADDING * side_px}; beyond {side_px} the frames are filled up "
                    "with masked pixels",
                    hint=f"data.crop_px = {side_px - side_px % 2}",
                )
            )
        if self.bin < 1 or crop % self.bin:
            divisors = [d for d in range(1, 17) if crop % d == 0]
            raise ScanError(
                error_text(
                    f"data.bin = {self.bin} does not divide a frame of {crop} x {crop} pixels",
                    expected=f"one of {', '.join(map(str, divisors))}",
                    hint="data.bin = 1, or another data.crop_px",
                )
            )
        return crop // self.bin


_CHOICES: tuple[tuple[str, Any], ...] = (
    ("quantity", Quantity),
    ("centre", Centre),
    ("position_origin", PositionOrigin),
    ("position_unit", PositionUnit),
    ("bad_pixels", BadPixels),
    ("axes", Axes),
    ("exposures", Exposures),
)
