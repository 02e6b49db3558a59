"""Where zero frequency lies in a frame."""

import warnings

import numpy as np
from numpy.typing import NDArray

from ptycho.scan.frames import Orientation
from ptycho.settings.call_site import outside_stack_level
from ptycho.settings.data import Centre

__all__ = ["beam_pixel", "is_corner_centred"]

CORNER_RATIO = 2.0
"""How many times brighter the corners must be than the middle before they are believed to hold the centre."""


def is_corner_centred(setting: Centre, mean_frame: NDArray[np.float64], key: str) -> tuple[bool, str]:
    """Decide whether zero frequency is at [0, 0]; found without a setting, that gives one warning.

    Args:
        setting: What the user says.
        mean_frame: Mean of all frames, shape (H, W).
        key: The array's key, for the message.

    Returns:
        True for the corner, and one sentence on the reason.
    """
    if setting != "auto":
        return setting == "corner", f"zero frequency of '{key}' is in the {setting}: data.centre says so"
    middle = _central_energy(mean_frame)
    corner = _central_energy(np.fft.fftshift(mean_frame))
    if corner > CORNER_RATIO * middle:
        note = (
            f"zero frequency of '{key}' is at the corner, where the energy is; frames are shifted when read"
        )
        warnings.warn(
            f'{note}. Set data.centre = "corner" or "middle" to settle it.',
            UserWarning,
            stacklevel=outside_stack_level(),
        )
        return True, note
    return False, f"zero frequency of '{key}' is in the middle, where the energy is"


def beam_pixel(
    setting: tuple[float, float] | None,
    of_file: tuple[float, float] | None,
    orientation: Orientation,
    shape: tuple[int, int],
) -> tuple[tuple[int, int] | None, list[str]]:
    """Give the pixel of the turned frames that the beam hits, where settings or file say it.

    Args:
        setting: (row, column) in the file's frames, as the settings say.
        of_file: The same as the file says.
        orientation: How the frames are turned.
        shape: Rows and columns of a frame in the file.

    Returns:
        The nearest pixel, or None for the middle, and what was decided, one sentence each.
    """
    centre, who = (of_file, "the file says so") if setting is None else (setting, "data.centre_px says so")
    if centre is None:
        return None, []
    # A picture of the pixel's own place is turned as the frames are.
    marked = np.zeros(shape, bool)
    row, column = (min(max(round(at), 0), length - 1) for at, length in zip(centre, shape, strict=True))
    marked[row, column] = True
    turned = orientation.turn(marked)
    place = np.argwhere(turned)[0]
    return (int(place[0]), int(place[1])), [f"the beam is at row {centre[0]:g}, column {centre[1]:g}: {who}"]


def _central_energy(frame: NDArray[np.float64]) -> float:
    rows, columns = frame.shape
    middle = frame[
        rows // 2 - rows // 4 : rows // 2 + rows // 4,
        columns // 2 - columns // 4 : columns // 2 + columns // 4,
    ]
    return float(middle.sum())
