"""The reading options: sides of frames, and what is written beside each field."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.run.resolve import resolve_layers
from ptycho.settings.data import ScanOptions
from ptycho.settings.probe_model import ProbeModel
from ptyconf import ConfigError
from ptyconf.sources import mapping


def test_every_option_says_what_it_does() -> None:
    """Every field carries a help text, and lengths carry a unit."""
    described = [item for item in fields(ScanOptions) if item.name != "probe_model"]
    for item in (*described, *fields(ProbeModel)):
        assert item.metadata["help"]
    units = {item.name: item.metadata.get("unit") for item in fields(ScanOptions)}
    assert {units[name] for name in ("pixel_size_m", "wavelength_m", "distance_m")} == {"m"}
    assert units["crop_px"] == units["bin"] == "px"


@pytest.mark.parametrize(
    ("crop_px", "binned", "side"), [(None, 1, 128), (64, 1, 64), (None, 2, 64), (96, 3, 32), (128, 1, 128)]
)
def test_side_after_crop_and_bin(crop_px: int | None, binned: int, side: int) -> None:
    """The crop comes first, then the bin divides it."""
    assert ScanOptions(crop_px=crop_px, bin=binned).frame_side(128) == side


@pytest.mark.parametrize("crop_px", [0, -2, 513])
def test_crop_that_does_not_fit_is_refused(crop_px: int) -> None:
    """A crop of nothing, or mostly of nothing, is refused with one that fits."""
    with pytest.raises(ScanError) as caught:
        ScanOptions(crop_px=crop_px).frame_side(128)
    assert str(caught.value) == (
        f"data.crop_px = {crop_px} does not fit frames of 128 x 128 pixels\n"
        "  expected  1 to 512; beyond 128 the frames are filled up with masked pixels\n"
        "  try       data.crop_px = 128"
    )


@given(side=st.integers(16, 600), crop=st.integers(16, 600))
def test_any_side_becomes_any_other(side: int, crop: int) -> None:
    """Odd or even, narrower or wider: a frame is cut or filled up to the side that is asked for."""
    if crop <= 4 * side:
        assert ScanOptions(crop_px=crop).frame_side(side) == crop


@pytest.mark.parametrize("binned", [0, -1, 3])
def test_bin_that_does_not_divide_is_refused(binned: int) -> None:
    """A bin that leaves pixels over is refused with those that do not."""
    with pytest.raises(ScanError) as caught:
        ScanOptions(crop_px=20, bin=binned).frame_side(64)
    assert str(caught.value) == (
        f"data.bin = {binned} does not divide a frame of 20 x 20 pixels\n"
        "  expected  one of 1, 2, 4, 5, 10\n"
        "  try       data.bin = 1, or another data.crop_px"
    )


@pytest.mark.parametrize("name", ["quantity", "centre", "position_origin"])
def test_unknown_words_are_refused(name: str) -> None:
    """A choice that Python code misspells is refused with the known words."""
    known = {
        "quantity": '"auto", "amplitude", "counts"',
        "centre": '"auto", "middle", "corner"',
        "position_origin": '"auto", "centre", "corner"',
    }
    ScanOptions().require_known_words()
    with pytest.raises(ScanError) as caught:
        ScanOptions(**{name: "middel"}).require_known_words()
    assert str(caught.value) == (
        f"data.{name} = 'middel'\n  expected  {known[name]}\n  try       data.{name} = \"auto\""
    )


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("wavelength_m", 8000, "8e-06, if the number is in nanometres"),
        ("pixel_size_m", 75, "7.5e-05, if the number is in micrometres"),
        ("distance_m", 5000.0, "5, if the number is in mm"),
        ("energy_kev", 8000.0, "8.0"),
    ],
)
def test_an_absurd_quantity_names_its_likely_unit(name: str, value: float, hint: str) -> None:
    """A length or energy that no experiment has is refused, with the unit in which one would have it."""
    with pytest.raises(ConfigError) as caught:
        resolve_layers([mapping.layer("overrides", {f"data.{name}": value})])
    assert f"{name} = {value}" in str(caught.value)
    assert f"try         {name} = {hint}" in str(caught.value)


def test_energy_and_wavelength_are_one_setting() -> None:
    """Both together are refused, since they could disagree."""
    both = {"data.wavelength_m": 1e-10, "data.energy_kev": 8.0}
    with pytest.raises(ConfigError, match="both say what the beam is"):
        resolve_layers([mapping.layer("overrides", both)])
