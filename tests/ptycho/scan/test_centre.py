"""Where zero frequency lies."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from ptycho.scan.centre import is_corner_centred
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
