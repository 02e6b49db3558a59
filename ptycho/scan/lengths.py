"""Lengths of the experiment that files for other programs state, and how they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.errors import ScanError
from ptycho.scan.geometry import ELECTRON_CHARGE_C, LIGHT_M_PER_S, PLANCK_J_S
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["photon_energy_ev", "photon_energy_j", "require_lengths"]

SETTINGS = {
    "wavelength_m": "data.energy_kev",
    "distance_m": "data.distance_m",
    "detector_pixel_m": "data.detector_pixel_m",
}
"""The setting that gives each length; together they give the pixel of the object."""

UNITS = {"data.energy_kev": "KEV", "data.distance_m": "M", "data.detector_pixel_m": "M"}
"""What stands for a value of each on a command line."""


def require_lengths(what: str, lengths: Mapping[str, float], *needed: str) -> None:
    """Accept lengths among which those are that a file states.

    Args:
        what: What cannot be written without them: "scan.npz cannot be written as CXI".
        lengths: Those that are known, in metres.
        needed: Their names.

    Raises:
        ScanError: One is not known; says which settings give it.
    """
    if all(name in lengths for name in needed):
        return
    # The pixel of the object follows from the three others.
    asked = [setting for name, setting in SETTINGS.items() if name not in lengths]
    flags = " ".join(f"--{setting} {UNITS[setting]}" for setting in asked)
    raise ScanError(
        error_text(
            f"{what}: positions are lengths there",
            expected="energy, distance and detector pixel",
            hint=f"{' and '.join(asked)}; on the command line {flags}",
        )
    )


def photon_energy_j(wavelength_m: float) -> float:
    """Give the energy of photons of a wavelength, in joules; of electrons, that of photons as long."""
    return PLANCK_J_S * LIGHT_M_PER_S / wavelength_m


def photon_energy_ev(wavelength_m: float) -> float:
    """Give the same in electronvolts."""
    return photon_energy_j(wavelength_m) / ELECTRON_CHARGE_C
