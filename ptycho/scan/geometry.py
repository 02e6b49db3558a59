"""Wavelength, distance and detector pixel: what is known of them, in metres, and where it was said."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from ptycho.errors import ScanError
from ptycho.scan.pixel_shape import PixelShape
from ptyconf.errors import error_text

if TYPE_CHECKING:
    import numpy as np

    from ptycho.settings.data import ScanOptions

__all__ = [
    "FACTS",
    "LENGTHS_M",
    "Fact",
    "Geometry",
    "electron_wavelength_m",
    "energy_ev",
    "is_unit",
    "photon_wavelength_m",
    "positive_fact",
    "unit_of_length",
]

PLANCK_J_S = 6.62607015e-34
LIGHT_M_PER_S = 299792458.0
ELECTRON_CHARGE_C = 1.602176634e-19
"""Exact by the definition of the SI (2019)."""

ELECTRON_MASS_KG = 9.1093837139e-31
"""CODATA 2022."""

LENGTHS_M = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "nm": 1e-9, "A": 1e-10, "pm": 1e-12}
"""Units of length in metres."""

_LENGTH_WORDS = {
    "m": "m meter metre",
    "cm": "cm centimeter centimetre",
    "mm": "mm millimeter millimetre",
    "um": "um µm μm micron micrometer micrometre",
    "nm": "nm nanometer nanometre",
    "A": "a å ang angstrom angstroem ångström",
    "pm": "pm picometer picometre",
    "px": "px pixel",
}
_LENGTH_SPELLINGS = {word: unit for unit, words in _LENGTH_WORDS.items() for word in words.split()}

ENERGIES_EV = {
    "ev": 1.0,
    "kev": 1e3,
    "mev": 1e6,
    "j": 1.0 / ELECTRON_CHARGE_C,
    "joule": 1.0 / ELECTRON_CHARGE_C,
}
"""Units of energy as files spell them, in electronvolts."""

FACTS = ("wavelength_m", "distance_m", "pixel_size_m")


class Fact(NamedTuple):
    """A number that a file states.

    Attributes:
        value: The number, in the unit of its place here.
        origin: The dataset: "scan.cxi:/entry_1/instrument_1/detector_1/distance".
    """

    value: float
    origin: str


def positive_fact(value: np.ndarray[Any, Any], origin: str) -> Fact | None:
    """Take an array of one real number above zero as a fact; None for any other."""
    if value.size != 1 or value.dtype.kind not in "iuf":
        return None
    number = float(value.reshape(-1)[0])
    return Fact(number, origin) if math.isfinite(number) and number > 0 else None


class Geometry(NamedTuple):
    """What is known of the experiment; None where nothing was said.

    Attributes:
        wavelength_m: Wavelength of the beam.
        distance_m: Distance from sample to detector.
        pixel_size_m: Side of a square detector pixel, before binning; of several that are joined to one.
        doubts: What a file states and is not believed, one sentence each.
        reciprocal_pixel_per_m: Side of a detector pixel in reciprocal space, as electron microscopes say it:
            it stands for the three lengths.
        electrons: Whether the beam is of electrons: an energy then means their wavelength.
        shape: Height and width of a detector pixel, where they are said.
    """

    wavelength_m: Fact | None = None
    distance_m: Fact | None = None
    pixel_size_m: Fact | None = None
    doubts: tuple[str, ...] = ()
    reciprocal_pixel_per_m: Fact | None = None
    electrons: bool = False
    shape: PixelShape | None = None

    @property
    def joined(self) -> tuple[int, int]:
        """How many pixels of the file, along a column and along a row, are joined to a square one."""
        return (1, 1) if self.shape is None else self.shape.joined or (1, 1)

    def square_px(self, rows: int, columns: int) -> int:
        """Give the side of the largest square that a frame holds, in square pixels."""
        return min(length // joined for length, joined in zip((rows, columns), self.joined, strict=True))

    def with_pixel(self, height_m: float, width_m: float, origin: str) -> Geometry:
        """Say height and width of a detector pixel; few of them make a square, or its side stays unknown."""
        shape = PixelShape(height_m, width_m)
        side = None if shape.joined is None else Fact(height_m * shape.joined[0], origin)
        return self._replace(pixel_size_m=side, shape=shape)

    def under(self, options: ScanOptions) -> Geometry:
        """Let what the settings say stand above what the file says."""
        given: dict[str, Any] = {
            name: Fact(value, f"data.{name}")
            for name in FACTS
            if name != "pixel_size_m" and (value := getattr(options, name)) is not None
        }
        if options.energy_kev is not None:
            of_beam = electron_wavelength_m if self.electrons else photon_wavelength_m
            given["wavelength_m"] = Fact(of_beam(1e3 * options.energy_kev), "data.energy_kev")
        known, pixel = self._replace(**given), options.pixel_size_m
        if pixel is None:
            return known
        height, width = pixel if isinstance(pixel, tuple) else (pixel, pixel)
        return known.with_pixel(height, width, "data.pixel_size_m")

    def completed_by(self, other: Geometry) -> Geometry:
        """Take from another place what is not known here."""
        missing = {name: getattr(other, name) for name in FACTS if getattr(self, name) is None}
        return self._replace(shape=self.shape or other.shape, **missing)

    def facts(self) -> dict[str, float]:
        """Give the lengths that are known, by the name of the setting."""
        return {name: fact.value for name in FACTS if (fact := getattr(self, name)) is not None}

    def stated(self) -> dict[str, tuple[Any, str]]:
        """Give the value of each setting that says what is known, and where it was said."""
        known = {name: fact for name in FACTS if (fact := getattr(self, name)) is not None}
        values: dict[str, tuple[Any, str]] = {name: (fact.value, fact.origin) for name, fact in known.items()}
        if self.shape is not None and "pixel_size_m" in values:
            values["pixel_size_m"] = (self.shape.setting, known["pixel_size_m"].origin)
        return values

    def missing(self) -> list[str]:
        """Name the settings that would complete it."""
        if self.reciprocal_pixel_per_m is not None:
            return []
        return [f"data.{name}" for name in FACTS if getattr(self, name) is None]

    def object_pixel_m(self, side_px: int) -> float | None:
        """Give the side of an object pixel in metres; None when the geometry is not fully known.

        Args:
            side_px: Side of the frame in use, before binning.

        Source:
            Far-field sampling, see `far_field_pixel_m`, which is one over the width in reciprocal space.
        """
        if self.reciprocal_pixel_per_m is not None:
            return 1.0 / (side_px * self.reciprocal_pixel_per_m.value)
        if self.wavelength_m is None or self.distance_m is None or self.pixel_size_m is None:
            return None
        width_m = side_px * self.pixel_size_m.value
        return far_field_pixel_m(self.wavelength_m.value, self.distance_m.value, width_m)


def far_field_pixel_m(wavelength_m: float, distance_m: float, width_m: float) -> float:
    """Give the side of an object pixel in metres: wavelength * distance / (width of the detector in use)."""
    return wavelength_m * distance_m / width_m


def unit_of_length(text: str) -> str:
    """Give a unit as `LENGTHS_M` names it, or "px", for any spelling that files use; unknown ones stay."""
    # The Greek letter and the sign for micro look alike, and so do a letter with a ring and its sign.
    plain = unicodedata.normalize("NFC", text.strip()).replace("\N{ANGSTROM SIGN}", "å").casefold()
    plain = plain.replace("\N{MICRO SIGN}", "μ")
    known = _LENGTH_SPELLINGS.get(plain) or _LENGTH_SPELLINGS.get(plain.removesuffix("s"))
    return known or text


def is_unit(text: str) -> bool:
    """Tell whether a text names a unit of length, or pixels, in any spelling that files use."""
    return unit_of_length(text) in {*LENGTHS_M, "px"}


def photon_wavelength_m(energy_ev: float) -> float:
    """Give the wavelength of photons of an energy, in metres."""
    return PLANCK_J_S * LIGHT_M_PER_S / (energy_ev * ELECTRON_CHARGE_C)


def electron_wavelength_m(energy_ev: float) -> float:
    """Give the wavelength of electrons accelerated to an energy, in metres.

    Source:
        De Broglie's relation with the relativistic momentum: h / sqrt(2 m E (1 + E / 2 m c²)).
    """
    energy_j = energy_ev * ELECTRON_CHARGE_C
    rest_j = ELECTRON_MASS_KG * LIGHT_M_PER_S**2
    momentum = math.sqrt(2.0 * ELECTRON_MASS_KG * energy_j * (1.0 + energy_j / (2.0 * rest_j)))
    return PLANCK_J_S / momentum


def energy_ev(value: float, unit: str, where: str, usual: str) -> float:
    """Give an energy in electronvolts.

    Args:
        value: The number that the file states.
        unit: Its unit as the file spells it, "" where it does not.
        where: The dataset, for the message.
        usual: The unit that files of this layout use.

    Raises:
        ScanError: The unit is unknown, or no photons or electrons of a microscope have such an energy.
    """
    factor = ENERGIES_EV.get((unit or usual).strip().lower())
    if factor is None:
        raise ScanError(
            error_text(f"the energy {where} is in '{unit}'", expected=", ".join(sorted(ENERGIES_EV)))
        )
    likely = "J" if value < 1e-10 else "keV" if value <= 200.0 else "eV"
    if not unit and likely != usual:
        raise ScanError(
            error_text(
                f"the energy {where} is {value:g} without a unit; such files use {usual}, "
                f"the number looks like {likely}",
                expected="an attribute 'units', or a setting",
                hint="data.energy_kev",
            )
        )
    energy = value * factor
    # Ultraviolet to the electrons of a microscope; a wrong unit is off by a thousand or by 1e16.
    if not 1.0 < energy < 2e6:
        raise ScanError(
            error_text(
                f"the energy {where} is {value:g} {unit or usual}, {energy:.4g} eV",
                expected="1 eV to 2 MeV",
                hint=f"data.energy_kev; the number looks like {likely}",
            )
        )
    return energy
