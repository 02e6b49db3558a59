"""Where zero frequency lies in a frame."""

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.scan.frames import Orientation
from ptycho.settings.call_site import outside_stack_level
from ptycho.settings.data import Centre

__all__ = ["beam_pixel", "find_beam", "is_corner_centred"]

CORNER_RATIO = 2.0
"""How many times brighter the corners must be than the middle before they are believed to hold the centre."""

OFFSET_PX = 2
"""A beam nearer to the middle than this is taken as there: the object itself moves the light by a pixel."""

BEAM_AREA_PX = 16.0
"""Pixels that the probe's light has to cover: no decision hangs on a few of them."""

LIKE = 0.6
"""Likeness of mean frame and probe below which the probe is another one, and says nothing of the beam."""

CLEARLY_LIKER = 0.03
"""How much liker than in the middle the two must be: the object's own structure shifts the best by less."""


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


def find_beam(
    mean: NDArray[np.float64],
    bad: NDArray[np.bool_] | None,
    probe: ArrayLike | None,
    quantity: str,
    *,
    corner: bool,
) -> tuple[tuple[int, int] | None, list[str]]:
    """Look for the beam where nobody says where it is: the probe's own light is laid over the mean frame.

    Args:
        mean: Mean of all turned frames, shape (H, W).
        bad: Bad pixels of it, or None.
        probe: The probe; without one of the frames' own side nothing is looked for.
        quantity: What the frames hold.
        corner: Whether zero frequency is at the corner; it is then nowhere else.

    Returns:
        The pixel, or None for the middle, and what was decided, one sentence each.
    """
    modes = None if probe is None else np.asarray(probe)
    rows, columns = mean.shape
    if corner or modes is None or modes.shape[-2:] != mean.shape or rows != columns or modes.ndim > 3:
        return None, []
    light = np.abs(np.fft.fft2(modes.reshape(-1, rows, columns))) ** 2
    # Roots on both sides: the few brightest pixels would decide alone.
    beam = np.sqrt(np.fft.fftshift(light.sum(axis=0)))
    if beam.sum() ** 2 < BEAM_AREA_PX * np.square(beam).sum():
        return None, []
    shown = np.sqrt(np.maximum(mean, 0.0)) if quantity == "counts" else np.maximum(mean, 0.0)
    good = np.ones(mean.shape, bool) if bad is None else ~bad
    likeness = _likeness(shown, beam, good)
    row, column = np.unravel_index(int(likeness.argmax()), likeness.shape)
    offset = tuple((int(at) + rows // 2) % rows - rows // 2 for at in (row, column))
    best, middle = float(likeness.max()), float(likeness[0, 0])
    if max(map(abs, offset)) < OFFSET_PX or best < LIKE or best - middle < CLEARLY_LIKER:
        return None, []
    note = (
        f"the beam is {offset[0]:+d} rows and {offset[1]:+d} columns off the middle: there the mean frame is "
        f"like the probe's light to {best:.2f}, in the middle to {middle:.2f}"
    )
    return (rows // 2 + offset[0], columns // 2 + offset[1]), [note]


def _likeness(
    one: NDArray[np.float64], other: NDArray[np.float64], good: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Correlate two pictures at every offset of the first, -1 to 1, over the good pixels of the first alone.

    Source:
        Padfield, IEEE Trans. Image Process. 21, 2706 (2012): correlation under a mask.
    """
    shown, count = np.where(good, one, 0.0), max(int(good.sum()), 1)
    spectra = np.fft.fft2(np.stack([shown, good.astype(np.float64)]))
    light, square = np.fft.fft2(np.stack([other, other**2])).conj()
    cross, below, below_square = np.fft.ifft2(
        np.stack([spectra[0] * light, spectra[1] * light, spectra[1] * square])
    ).real
    both = cross - shown.sum() * below / count
    own = float(np.square(shown).sum() - shown.sum() ** 2 / count)
    # Where a mask hides all that varies, rounding is all that is left.
    others = np.maximum(below_square - below**2 / count, 1e-9 * below_square.max())
    return np.asarray(both / np.sqrt(np.maximum(own * others, 1e-300)))


def _central_energy(frame: NDArray[np.float64]) -> float:
    rows, columns = frame.shape
    middle = frame[
        rows // 2 - rows // 4 : rows // 2 + rows // 4,
        columns // 2 - columns // 4 : columns // 2 + columns // 4,
    ]
    return float(middle.sum())
