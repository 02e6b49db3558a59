"""The picture that the sweeps before a training leave beside the probe, kept for the scan that it shows.

Shape legend: n positions of the scan, m frames that took part, P probe modes, N patch side, H and W canvas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.physics.canvas import Canvas, place
from ptycho.physics.illumination import probe_intensity
from ptycho.physics.stitch import Stitched
from ptycho.run.record import FOLDER_OF_SCAN, retrieved_in, retrieved_name
from ptyconf.errors import error_text

from .refinement import COVERED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho.scan.raw_data import RawData

_FORMAT_VERSION = 1
SAME_PLACE_PX = 1e-3
"""Positions that are computed, from metres for one, may differ in their last bits from machine to machine."""


@dataclass(frozen=True)
class RetrievedPicture:
    """Object and probe that sweeps found in some frames of a scan.

    Attributes:
        object: Complex transmission, shape (H, W), complex64.
        origin_px: [x, y] of its pixel [0, 0] in the coordinates of the positions, shape (2,).
        probe: Modes with which it explains the frames, on the network's scale, shape (P, N, N), complex64.
        frames: Indices of the frames that took part, shape (m,).
        positions: Patch centres [x, y] in pixels of all frames of the scan, shape (n, 2).
        scan: Fingerprint of the scan.
    """

    object: NDArray[np.complex64]
    origin_px: NDArray[np.int64]
    probe: NDArray[np.complex64]
    frames: NDArray[np.int64]
    positions: NDArray[np.float64]
    scan: str

    def shows(self, scan: RawData) -> bool:
        """Tell whether it was made of this very scan, with all of its frames where they lie now.

        A part of them has no claim to it: halves that began with the same picture would agree about it.
        """
        positions = np.asarray(scan.positions, np.float64)
        return (
            positions.shape == self.positions.shape
            and bool(np.allclose(positions, self.positions, rtol=0, atol=SAME_PLACE_PX))
            and scan.fingerprint() == self.scan
        )

    def on(self, canvas: Canvas) -> Stitched:
        """Lay it on the canvas of all frames; where no frame that took part shone, it is its mean."""
        height, width = self.object.shape
        left, top = self.origin_px.tolist()
        light = probe_intensity(self.probe)
        own = Canvas((left, top), (height, width))
        coverage = place(light / light.max(), self.positions[self.frames], own)
        known = coverage > COVERED * coverage.max()
        rows = np.arange(canvas.shape[0]) + canvas.origin_px[1] - top
        columns = np.arange(canvas.shape[1]) + canvas.origin_px[0] - left
        there = np.ix_(rows.clip(0, height - 1), columns.clip(0, width - 1))
        inside = np.logical_and.outer((rows >= 0) & (rows < height), (columns >= 0) & (columns < width))
        lit = np.where(inside, coverage[there], 0)
        mean = self.object[known].mean()
        laid = np.where(inside & known[there], self.object[there], mean)
        return Stitched(laid.astype(np.complex64), lit.astype(np.float32), canvas.origin_px)

    def save(self, path: Path) -> None:
        """Write it to an NPZ file, which appears whole or not at all.

        Raises:
            OSError: The folder cannot be written.
        """
        arrays = {name: np.asarray(value) for name, value in vars(self).items()}
        # Noisy numbers hardly shrink.
        npz.write(path, arrays | {"format_version": np.array(_FORMAT_VERSION)}, compressed=False)

    @classmethod
    def load(cls, path: Path) -> RetrievedPicture:
        """Read what `save` wrote.

        Raises:
            ValueError: It cannot be used.
        """
        try:
            with npz.NpzFile(path) as file:
                version = file.read("format_version").tolist()
                arrays: dict[str, Any] = {name: file.read(name) for name in _KINDS}
                picture = cls(**arrays, scan=file.text("scan") or "")
        except (ScanError, OSError) as error:
            raise _unusable(path, str(error).partition("\n")[0]) from error
        problem = f"its format is {version!r}" if version != _FORMAT_VERSION else _problem_of(picture)
        if problem:
            raise _unusable(path, problem)
        return picture


_KINDS = {
    "object": ("c", 2),
    "origin_px": ("i", 1),
    "probe": ("c", 3),
    "frames": ("i", 1),
    "positions": ("f", 2),
}
"""Kind of number and axes of each array of a file."""


def write_pictures(folder: Path, pictures: Iterable[RetrievedPicture]) -> None:
    """Leave the pictures of all scans of a training in its folder, each whole or not at all.

    Raises:
        OSError: The folder cannot be written.
    """
    for number, picture in enumerate(pictures, start=1):
        picture.save(folder / retrieved_name(number))


def read_pictures(folder: Path) -> tuple[RetrievedPicture, ...]:
    """Read the pictures that a training left in its folder; none where it retrieved no probe.

    Args:
        folder: That of the run, or that of one of its scans below it.

    Raises:
        ValueError: One of them is damaged.
    """
    paths = retrieved_in(folder)
    if not paths and FOLDER_OF_SCAN.fullmatch(folder.name):
        paths = retrieved_in(folder.parent)
    return tuple(map(RetrievedPicture.load, paths))


def _problem_of(picture: RetrievedPicture) -> str:
    """Say what is wrong with the arrays of a file, or nothing."""
    for name, (kind, axes) in _KINDS.items():
        array = getattr(picture, name)
        if array.dtype.kind != kind or array.ndim != axes or not array.size or not np.isfinite(array).all():
            return f"its {name} is {array.dtype} of shape {array.shape}, or not finite"
    count, (height, width) = len(picture.positions), picture.object.shape
    N = picture.probe.shape[-1]
    if picture.positions.shape[1:] != (2,) or picture.origin_px.shape != (2,):
        return "its positions are no pairs"
    if picture.frames.min() < 0 or picture.frames.max() >= count:
        return f"it names frames beyond the {count} of its scan"
    canvas = Canvas.around(picture.positions[picture.frames], N)
    if (canvas.shape, list(canvas.origin_px)) != ((height, width), picture.origin_px.tolist()):
        return "its object is not what its frames light"
    return ""


def _unusable(path: Path, why: str) -> ValueError:
    return ValueError(
        error_text(
            f"{path} is no picture that a training can go on with: {why}",
            expected="what the sweeps before the training wrote",
            hint=f"copying it again from its run, or removing {path.name}: sweeps then start from the "
            "network's picture",
        )
    )
