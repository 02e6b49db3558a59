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
    "wavelength_m": ("data.energy_kev", "KEV"),
    "distance_m": ("data.distance_m", "M"),
    "detector_pixel_m": ("data.detector_pixel_m", "M"),
}
"""The setting that gives each length, with what stands for its value on a command line.

Together they give the pixel of the object.
"""


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
    settings = " and ".join(setting for setting, _ in asked)
    flags = " ".join(f"--{setting} {value}" for setting, value in asked)
    raise ScanError(
        error_text(
            f"{what}: positions are lengths there",
            expected="energy, distance and detector pixel",
            hint=f"{settings}; on the command line {flags}",
        )
    )


def photon_energy_j(wavelength_m: float) -> float:
    """Give the energy of photons of a wavelength, in joules; of electrons, that of photons as long."""
    return PLANCK_J_S * LIGHT_M_PER_S / wavelength_m


def photon_energy_ev(wavelength_m: float) -> float:
    """Give the same in electronvolts."""
    return photon_energy_j(wavelength_m) / ELECTRON_CHARGE_C
