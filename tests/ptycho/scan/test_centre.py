"""Where zero frequency lies."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.optics.model import draw_beam
from ptycho.scan.centre import beam_pixel, find_beam, is_corner_centred
from ptycho.scan.frames import Orientation
from ptycho.settings.data import Centre


@pytest.fixture
def bright_middle() -> np.ndarray:
    """Give a mean frame whose energy is in the middle."""
    return np.exp(-0.02 * np.add.outer((np.arange(32) - 16) ** 2, (np.arange(32) - 16) ** 2))


def test_energy_in_the_middle_is_no_news(bright_middle: np.ndarray) -> None:
    """The usual place is taken without a warning, also for frames that are flat."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert is_corner_centred("auto", bright_middle, "diff3d") == (
            False,
            "zero frequency of 'diff3d' is in the middle, where the energy is",
        )
        assert not is_corner_centred("auto", np.ones((32, 32)), "diff3d")[0]
        dim = np.ones((32, 32))
        dim[8:24, 8:24] = 0.7
        assert not is_corner_centred("auto", dim, "diff3d")[0]


def test_energy_in_the_corner_is_recognised(bright_middle: np.ndarray) -> None:
    """Frames with bright corners are recognised, with one warning."""
    with pytest.warns(UserWarning, match="at the corner") as warned:
        corner, note = is_corner_centred("auto", np.fft.ifftshift(bright_middle), "diff3d")
    assert corner
    assert (
        note
        == "zero frequency of 'diff3d' is at the corner, where the energy is; frames are shifted when read"
    )
    assert [str(warning.message) for warning in warned] == [
        f'{note}. Set data.centre = "corner" or "middle" to settle it.'
    ]


@pytest.mark.parametrize(("setting", "corner"), [("corner", True), ("middle", False)])
def test_setting_places_the_centre(bright_middle: np.ndarray, setting: Centre, corner: bool) -> None:
    """A setting holds whatever the frames look like, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for frame in (bright_middle, np.fft.ifftshift(bright_middle)):
            assert is_corner_centred(setting, frame, "diff3d") == (
                corner,
                f"zero frequency of 'diff3d' is in the {setting}: data.centre says so",
            )


SEEDS = st.integers(0, 99)


@given(row=st.integers(-10, 10), column=st.integers(-10, 10), seed=st.integers(0, 99))
def test_a_beam_off_the_middle_is_found(row: int, column: int, seed: int) -> None:
    """Frames rolled by some pixels have their beam there, to the pixel; near the middle nothing is moved."""
    probe = draw_beam("zone_plate", 64)
    light = np.fft.fftshift(np.abs(np.fft.fft2(probe)) ** 2)
    mean = np.random.default_rng(seed).poisson(1e6 * light / light.sum()).astype(float)
    beam, notes = find_beam(np.roll(mean, (row, column), (0, 1)), None, probe, "counts", corner=False)
    if max(abs(row), abs(column)) < 2:
        assert (beam, notes) == (None, [])
    else:
        assert beam == (32 + row, 32 + column)
        assert notes[0].startswith(f"the beam is {row:+d} rows and {column:+d} columns off the middle")


@given(
    row=st.integers(-8, 8), first=st.integers(0, 61), wide=st.integers(0, 3), across=st.booleans(), seed=SEEDS
)
def test_a_gap_in_the_detector_moves_no_beam(
    row: int, first: int, wide: int, across: bool, seed: int
) -> None:
    """Wherever rows and columns are masked, through the beam too, it is where it is without them."""
    probe = draw_beam("pinhole", 64)
    light = np.fft.fftshift(np.abs(np.fft.fft2(probe)) ** 2)
    mean = np.roll(np.random.default_rng(seed).poisson(1e8 * light / light.sum()), row, 0).astype(float)
    bad = np.zeros((64, 64), bool)
    bad[first : first + wide] = True
    if across:
        bad[:, 40] = True
    found, _ = find_beam(np.where(bad, 0.0, mean), bad, probe, "counts", corner=False)
    assert found == (None if abs(row) < 2 else (32 + row, 32))


def test_another_probe_tells_nothing_of_the_beam() -> None:
    """A probe that the frames do not show, one of another side, or none, leaves the beam in the middle."""
    light = np.fft.fftshift(np.abs(np.fft.fft2(draw_beam("zone_plate", 64))) ** 2)
    mean = np.roll(light, 9, 0)
    spread = np.random.default_rng(0).normal(size=(64, 64)).astype(complex)
    for probe in (None, np.ones((64, 64)), spread, draw_beam("zone_plate", 32)):
        assert find_beam(mean, None, probe, "counts", corner=False) == (None, [])


@given(place=st.tuples(st.integers(0, 11), st.integers(0, 15)), turn=st.tuples(*[st.booleans()] * 3))
def test_the_beam_turns_with_the_frames(place: tuple[int, int], turn: tuple[bool, bool, bool]) -> None:
    """A beam named in the file's frames is the same pixel of the turned ones."""
    frame = np.arange(12 * 16).reshape(12, 16)
    orientation = Orientation(*turn)
    beam, _ = beam_pixel((float(place[0]), float(place[1])), None, orientation, (12, 16))
    assert beam is not None
    assert orientation.turn(frame)[beam] == frame[place]
