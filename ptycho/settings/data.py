# ruff: noqa: RUF009  `_read` is dataclasses.field with its metadata spelled out.
"""Section `data`: how a scan file is to be read, one line a setting."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from ptycho.errors import ScanError
from ptycho.settings.checks import above_zero
from ptycho.settings.conditions import without_companions
from ptycho.settings.field import described
from ptyconf.errors import error_text

__all__ = ["Centre", "PositionOrigin", "Quantity", "ScanOptions"]

Quantity = Literal["auto", "amplitude", "counts"]
Centre = Literal["auto", "middle", "corner"]
PositionOrigin = Literal["auto", "centre", "corner"]

_GEOMETRY = ("data.pixel_size_m", "data.wavelength_m", "data.distance_m")


def _read(default: Any, *, help: str, unit: str = "") -> Any:  # noqa: A002
    """Declare a field of how a scan is read, which the legacy dict never sees."""
    return described(default, help=help, unit=unit, legacy=False)


def _length(name: str, example: str, *, help: str) -> Any:  # noqa: A002
    """Declare a length of the experiment's geometry, which gives metres with the other two only."""
    return described(
        None,
        help=help,
        unit="m",
        check=above_zero(example, optional=True),
        without_effect=without_companions(f"data.{name}", _GEOMETRY, "metres"),
        legacy=False,
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
    pixel_size_m: float | None = _length(
        "pixel_size_m", "75e-6", help="side of a detector pixel, before binning"
    )
    wavelength_m: float | None = _length("wavelength_m", "1.5e-10", help="wavelength of the beam")
    distance_m: float | None = _length("distance_m", "2.0", help="distance from sample to detector")

    def require_known_words(self) -> None:
        """Refuse a word that is no choice; what Python code writes is judged nowhere else.

        Raises:
            ScanError: A choice is none of its kind.
        """
        for name, kind in (("quantity", Quantity), ("centre", Centre), ("position_origin", PositionOrigin)):
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

        Raises:
            ScanError: The crop does not fit the frame, or the bin does not divide the crop.
        """
        side = side_px if self.crop_px is None else self.crop_px
        if not 0 < side <= side_px or (side_px - side) % 2:
            raise ScanError(
                error_text(
                    f"data.crop_px = {side} does not fit frames of {side_px} x {side_px} pixels",
                    expected=f"at most {side_px}, and {'odd' if side_px % 2 else 'even'} as the frame is",
                    hint=f"data.crop_px = {side_px // 2 + (side_px // 2 - side_px) % 2}",
                )
            )
        if self.bin < 1 or side % self.bin:
            divisors = [d for d in range(1, 17) if side % d == 0]
            raise ScanError(
                error_text(
                    f"data.bin = {self.bin} does not divide a frame of {side} x {side} pixels",
                    expected=f"one of {', '.join(map(str, divisors))}",
                    hint="data.bin = 1, or another data.crop_px",
                )
            )
        return side // self.bin

    def object_pixel_m(self, side_px: int) -> float | None:
        """Give the side of an object pixel in metres; None when the geometry is not fully known.

        Args:
            side_px: Side of a frame as it stands in the file, before crop and binning.

        Source:
            Far-field sampling: wavelength * distance / (width of the detector in use).
        """
        if self.pixel_size_m is None or self.wavelength_m is None or self.distance_m is None:
            return None
        side = side_px if self.crop_px is None else self.crop_px
        return self.wavelength_m * self.distance_m / (side * self.pixel_size_m)
