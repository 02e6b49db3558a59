"""Wavelength, distance and detector pixel: units, what stands above what, and the pixel of the object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.scan.geometry import Fact, Geometry, energy_ev, photon_wavelength_m
from ptycho.settings.data import ScanOptions

UNITS = {"eV": 1.0, "keV": 1e-3, "J": 1.602176634e-19}
UNIT = st.sampled_from(sorted(UNITS))


def test_the_wavelength_of_copper_radiation() -> None:
    """8.0478 keV is copper's K alpha line, 1.5406 angstrom."""
    assert photon_wavelength_m(8047.8) == pytest.approx(1.5406e-10, rel=1e-4)


@given(
    energy=st.floats(300.0, 2e5), unit=st.sampled_from(sorted(UNITS)), usual=st.sampled_from(sorted(UNITS))
)
def test_a_stated_unit_is_obeyed(energy: float, unit: str, usual: str) -> None:
    """An energy with its unit is that energy, whatever files of its kind use."""
    value = energy * UNITS[unit]
    assert energy_ev(value, unit, "'e'", usual) == pytest.approx(energy)


@given(
    energy=st.floats(300.0, 1e5), unit=st.sampled_from(sorted(UNITS)), usual=st.sampled_from(sorted(UNITS))
)
def test_a_missing_unit_is_never_guessed(energy: float, unit: str, usual: str) -> None:
    """Without a unit an energy is taken in the usual one, or refused where it looks like another."""
    value = energy * UNITS[unit]
    if unit == usual:
        assert energy_ev(value, "", "'e'", usual) == pytest.approx(energy)
    else:
        with pytest.raises(ScanError, match=f"without a unit; such files use {usual}, the number looks like"):
            energy_ev(value, "", "'e'", usual)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(8.0, "lb", "the energy 'e' is in 'lb'"), (8e-4, "eV", "the energy 'e' is 0.0008 eV, 0.0008 eV")],
)
def test_an_impossible_energy_is_refused(value: float, unit: str, text: str) -> None:
    """Unknown units and energies of no beam are refused."""
    with pytest.raises(ScanError) as caught:
        energy_ev(value, unit, "'e'", "eV")
    assert str(caught.value).startswith(text)


def test_settings_stand_above_the_file() -> None:
    """What the settings say replaces what the file says, and names itself."""
    of_file = Geometry(Fact(1e-10, "a.cxi:/w"), Fact(2.0, "a.cxi:/d"), None)
    geometry = of_file.under(ScanOptions(energy_kev=12.398, pixel_size_m=75e-6))
    assert geometry.wavelength_m == Fact(pytest.approx(1e-10, rel=1e-4), "data.energy_kev")
    assert geometry.distance_m == Fact(2.0, "a.cxi:/d")
    assert geometry.pixel_size_m == Fact(75e-6, "data.pixel_size_m")
    assert of_file.missing() == ["data.pixel_size_m"]


@given(side=st.integers(16, 4096))
def test_a_wider_frame_has_finer_pixels(side: int) -> None:
    """The pixel of the object times the width of the detector is wavelength times distance."""
    geometry = Geometry(Fact(1e-10, ""), Fact(2.0, ""), Fact(75e-6, ""))
    pixel = geometry.object_pixel_m(side)
    assert pixel is not None
    assert pixel * side * 75e-6 == pytest.approx(2e-10)
    assert Geometry().object_pixel_m(side) is None
