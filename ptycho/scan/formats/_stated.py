"""What an HDF5 file of no known layout states of the experiment, by names and units that leave no doubt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.geometry import (
    ENERGIES_EV,
    LENGTHS_M,
    Fact,
    Geometry,
    energy_ev,
    photon_wavelength_m,
    unit_of_length,
)

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile

__all__ = ["stated_beam_px", "stated_geometry", "stated_numbers"]

NAMES = {
    "energy": re.compile(r"((photon|beam|x_?ray|mono|incident)_?)?energy"),
    "wavelength": re.compile(r"((photon|beam|x_?ray|incident)_?)?(wavelength|lambda)"),
    "distance": re.compile(r"((sample|detector|det|camera)_?)*(dist|distance|length)(?<!^length)"),
    "pixel": re.compile(r"((detector|det|ccd|camera)_?)?pixel_?(size|pitch)"),
    "y pixel": re.compile(
        r"((detector|det|ccd|camera)_?)?(y_?pixel_?(size|pitch)|pixel_?((size|pitch)_?y|height))"
    ),
    "x pixel": re.compile(
        r"((detector|det|ccd|camera)_?)?(x_?pixel_?(size|pitch)|pixel_?((size|pitch)_?x|width))"
    ),
}
"""What beamlines call these numbers, without the unit at the end."""

UNIT_AT_THE_END = re.compile(r"[_ ]*[\[(]?([a-zA-ZµμÅ]+)[\])]?$")
ALIKE = 1e-3


class StatedNumber(NamedTuple):
    """A number of a file under its own name.

    Attributes:
        name: Its last name, in small letters.
        value: The number.
        unit: What says beside it in which unit it is, "" for nothing.
        place: Where it stands: "run.h5:/scan/energy", or "run.h5:/scan@energy_ev" for an attribute.
    """

    name: str
    value: float
    unit: str
    place: str


def stated_numbers(file: ScanFile, frames_key: str) -> list[StatedNumber]:
    """List the numbers of a file: datasets of one, and attributes of the frames and of groups above them.

    Args:
        file: An HDF5 file.
        frames_key: The dataset of the frames.
    """
    hdf5, numbers = file.hdf5, list[StatedNumber]()
    for key in file.keys:
        name = key.rpartition("/")[2]
        if _might_be_asked(name) and hdf5.size(key) == 1:
            try:
                value = hdf5.number(key)
            except ScanError:  # A text, or a link that leads nowhere.
                continue
            if value is not None:
                numbers.append(
                    StatedNumber(name.lower(), value, unit_of_length(hdf5.units(key)), f"{file.path}:/{key}")
                )
    groups = frames_key.split("/")
    for depth in range(len(groups) + 1):
        place = "/".join(groups[:depth])
        numbers += [
            StatedNumber(name.lower(), value, "", f"{file.path}:/{place}@{name}")
            for name, value in hdf5.number_attributes(place).items()
            if _might_be_asked(name)
        ]
    return numbers


def stated_geometry(numbers: list[StatedNumber]) -> Geometry:
    """Tell energy or wavelength, distance and detector pixel by their names.

    A number without a unit is not taken: it is a doubt, which the settings settle.
    """
    facts: dict[str, Fact | None] = {}
    doubts: list[str] = []
    for what in NAMES:
        facts[what], more = _one_fact(what, numbers)
        doubts += more
    known = Geometry(facts["wavelength"] or facts["energy"], facts["distance"], doubts=tuple(doubts))
    height, width = (facts[f"{axis} pixel"] or facts["pixel"] for axis in "yx")
    if height is None or width is None:
        return known
    return known.with_pixel(height.value, width.value, height.origin)


def stated_beam_px(numbers: list[StatedNumber]) -> tuple[float, float] | None:
    """Tell row and column of the beam where 'beam_center_y' and 'beam_center_x' say them in pixels."""
    found: dict[str, float] = {}
    for number in numbers:
        match = re.fullmatch(r"beam_?cent(?:er|re)_?([xy])", number.name)
        if match and number.unit in {"", "px"}:
            found.setdefault(match.group(1), number.value)
    return (found["y"], found["x"]) if len(found) == 2 else None


def _might_be_asked(name: str) -> bool:
    return any(
        word in name.lower() for word in ("energy", "lambda", "wave", "dist", "length", "pixel", "beam")
    )


def _one_fact(what: str, numbers: list[StatedNumber]) -> tuple[Fact | None, list[str]]:
    """Take what all places say alike; else say why nothing is taken."""
    facts, doubts = [], list[str]()
    for number in numbers:
        name, unit = number.name, number.unit
        if not NAMES[what].fullmatch(name):
            # The unit may stand at the end of the name.
            end = UNIT_AT_THE_END.search(name)
            name, unit = (name, "") if end is None else (name[: end.start()], unit or end.group(1))
            if end is None or not NAMES[what].fullmatch(name):
                continue
        fact, doubt = _fact(what, number, unit)
        facts += [] if fact is None else [fact]
        doubts += [doubt] if doubt else []
    if not facts or max(fact.value for fact in facts) > (1 + ALIKE) * min(fact.value for fact in facts):
        if facts:
            said = ", ".join(f"{fact.value:.4g} m ({fact.origin})" for fact in facts)
            doubts.append(f"the {what} is said differently: {said}")
        return None, doubts
    return facts[0], doubts


def _fact(what: str, number: StatedNumber, unit: str) -> tuple[Fact | None, str]:
    if not np.isfinite(number.value) or number.value == 0:
        return None, ""
    setting = {"energy": "data.energy_kev", "wavelength": "data.wavelength_m", "distance": "data.distance_m"}
    advice = setting.get(what, "data.detector_pixel_m")
    if not unit:
        return None, f"{number.place} is {number.value:g} in no unit and is not taken; {advice} says it"
    if what == "energy":
        if unit.lower() not in ENERGIES_EV:
            return None, ""
        try:
            energy = energy_ev(number.value, unit, number.place, "eV")
        except ScanError as error:
            return None, str(error).partition("\n")[0]
        return Fact(photon_wavelength_m(energy), number.place), ""
    factor = LENGTHS_M.get(unit_of_length(unit))
    return (None, "") if factor is None else (Fact(abs(number.value) * factor, number.place), "")
