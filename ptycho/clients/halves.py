"""Two halves of a scan reconstructed apart: how fine the detail is that both show."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ptycho.metrics.halves import Halves, compare_halves, pictures_of
from ptycho.reconstruction.unseen_frames import neighbourhood
from ptycho.run.stages import stage
from ptycho.scan.truth import is_simulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from ptycho.metrics.halves import Networks
    from ptycho.metrics.verdict import Verdict
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData

_log = logging.getLogger(__name__)

MOST_FRAMES = 256
"""Frames of both halves together: more cost as much again as the picture itself."""

FEWEST_FRAMES = 24

AUTO, ALWAYS, NEVER = "auto", "always", "never"


def frames_of_halves(scan: RawData) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide all frames of a scan into two halves by turns, those that are compared apart from the others."""
    compared = _compared(scan)
    others = np.setdiff1d(np.arange(len(scan)), compared)
    first, second = (np.sort(np.concatenate([compared[part::2], others[part::2]])) for part in (0, 1))
    return first, second


def _compared(scan: RawData) -> NDArray[np.int64]:
    """Choose the frames whose halves are compared, in the order of the scan."""
    return np.sort(neighbourhood(scan.positions, MOST_FRAMES))


def are_wanted(scan: RawData, asked: str) -> bool:
    """Tell whether halves are compared: asked is "auto", "always" or "never", as `inference.halves`."""
    told_by_truth = asked == AUTO and is_simulated(scan)
    return asked != NEVER and not told_by_truth and len(scan) >= FEWEST_FRAMES


@stage("comparing two halves of the frames")
def halves_of(
    scan: RawData,
    pictures_by: tuple[Callable[[RawData], Reconstruction], Callable[[RawData], Reconstruction]],
    verdict: Verdict,
    *,
    networks: Networks,
    only: str,
    asked: str = ALWAYS,
) -> Halves | None:
    """Reconstruct odd and even frames apart, and correlate the pictures.

    Args:
        scan: The scan.
        verdict: On the picture of all frames: what explains nothing gets no number that looks like quality.
        pictures_by: What reconstructs some of its frames: of the first half, and of the second.
        networks: How many networks take part.
        only: Name of the picture where there is one alone.
        asked: "auto", "always" or "never", as `inference.halves`.

    Returns:
        The agreement; None where there is nothing to compare.
    """
    if not are_wanted(scan, asked) or verdict.word == "not explained":
        return None
    compared = _compared(scan)
    try:
        with _unheard():
            halves = [
                pictures_of(picture_of(scan.subset(compared[part::2])), only)
                for part, picture_of in enumerate(pictures_by)
            ]
        curves = {
            name: compare_halves(picture, halves[1][name], scan.object_pixel_m)
            for name, picture in halves[0].items()
        }
    except ValueError as error:
        _log.warning("the halves were not compared: %s", str(error).partition("\n")[0])
        return None
    return Halves(curves, len(compared), len(scan), networks)


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep the notes of the halves from the terminal: they say the same as those of the whole."""
    logger = logging.getLogger("ptycho")
    before = logger.level
    logger.setLevel(max(before, logging.WARNING))
    try:
        yield
    finally:
        logger.setLevel(before)
