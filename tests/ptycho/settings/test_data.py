"""The reading options: sides of frames, pixels in metres, and what is written beside each field."""

from __future__ import annotations

from dataclasses import fields

import pytest

from ptycho.errors import ScanError
from ptycho.settings.data import ScanOptions


def test_every_option_says_what_it_does() -> None:
    """Every field carries a help text, and lengths carry a unit."""
    for item in fields(ScanOptions):
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


@pytest.mark.parametrize("crop_px", [0, -2, 130, 63])
def test_crop_that_does_not_fit_is_refused(crop_px: int) -> None:
    """A crop wider than the frame, or off its middle, is refused with one that fits."""
    with pytest.raises(ScanError) as caught:
        ScanOptions(crop_px=crop_px).frame_side(128)
    assert str(caught.value) == (
        f"data.crop_px = {crop_px} does not fit frames of 128 x 128 pixels\n"
        "  expected  at most 128, and even as the frame is\n"
        "  try       data.crop_px = 64"
    )


def test_suggested_crop_fits_an_odd_frame() -> None:
    """The crop suggested for an odd frame is odd."""
    with pytest.raises(ScanError, match=r"try       data\.crop_px = 33"):
        ScanOptions(crop_px=64).frame_side(65)
    assert ScanOptions(crop_px=33).frame_side(65) == 33


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


def test_object_pixel_needs_the_whole_geometry() -> None:
    """An object pixel is known in metres only when wavelength, distance and pixel size are."""
    options = ScanOptions(pixel_size_m=75e-6, wavelength_m=1.4e-10, distance_m=2.0)
    assert options.object_pixel_m(128) == pytest.approx(1.4e-10 * 2.0 / (128 * 75e-6))
    options.crop_px = 64
    assert options.object_pixel_m(128) == pytest.approx(1.4e-10 * 2.0 / (64 * 75e-6))
    options.distance_m = None
    assert options.object_pixel_m(128) is None


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
