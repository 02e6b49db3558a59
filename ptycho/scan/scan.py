"""A scan that passed every check, and the ways to look at it; its frames are read a few at a time."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.errors import ScanError
from ptycho.scan.array_checks import check_scan_index
from ptycho.scan.geometry import Geometry
from ptycho.scan.source import ScanSource, source_name
from ptycho.scan.validate import ValidScan
from ptycho.settings.data import ScanOptions
from ptyconf.errors import error_text

__all__ = ["Scan"]

Array = np.ndarray[Any, Any]

LEAST_LIGHT = 0.05
"""Share of the light below which a scan is not scaled up any further: its probe is another one."""
Complex = NDArray[np.complexfloating[Any, Any]]
Indices = NDArray[np.int64]


class Scan:
    """Positions, frames and probe of one scan.

    Attributes:
        options: How the scan was to be read.
        scan_index: Which scan a frame belongs to, shape (n,).
    """

    def __init__(
        self, valid: ValidScan, options: ScanOptions, source: ScanSource, scan_index: ArrayLike | None
    ) -> None:
        self.options = options
        index = check_scan_index(scan_index, len(valid.frames.raw), source.path)
        self.scan_index = valid.frames.select(index)
        self._valid = valid
        self._source = source
        self._mean_square: float | None = None

    def __len__(self) -> int:
        return len(self._valid.frames)

    def __repr__(self) -> str:
        what = f"{self.n_frames} frames of {self.N} x {self.N} {self.quantity}"
        return f"{type(self).__name__}({what} from {source_name(self.source)})"

    def _repr_html_(self) -> str:
        """Show the scan in a notebook."""
        from ptycho.scan.notebook import to_html

        return to_html(self)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(self)

    @property
    def N(self) -> int:  # noqa: N802  The field's own symbol.
        """Side of a frame after crop and binning."""
        return self._valid.frames.detector.side

    @property
    def source(self) -> Path | None:
        """The file, or None for arrays in memory."""
        return self._source.path

    @property
    def quantity(self) -> Literal["counts", "amplitude"]:
        """What ``diff3d`` holds."""
        return self._valid.frames.quantity

    @property
    def decisions(self) -> list[str]:
        """What was decided about the scan and why, one sentence each."""
        return self._valid.decisions

    @property
    def diff3d(self) -> Array:
        """The frames as given, shape (n, H, W): no crop, no root, no scale."""
        frames = self._valid.frames
        return frames.select(frames.raw)

    @property
    def xcoords(self) -> NDArray[np.float64]:
        """Positions as given, columns, in pixels, shape (n,)."""
        return self._valid.coordinates.x

    @property
    def ycoords(self) -> NDArray[np.float64]:
        """Positions as given, rows, in pixels, shape (n,)."""
        return self._valid.coordinates.y

    @property
    def xcoords_start(self) -> NDArray[np.float64]:
        """Nominal positions as given, columns, in pixels, shape (n,)."""
        return self._valid.coordinates.x_start

    @property
    def ycoords_start(self) -> NDArray[np.float64]:
        """Nominal positions as given, rows, in pixels, shape (n,)."""
        return self._valid.coordinates.y_start

    @property
    def positions(self) -> NDArray[np.float64]:
        """Patch centres [x, y] in pixels of the object, shape (n, 2)."""
        return self._valid.positions

    @property
    def nominal_positions(self) -> NDArray[np.float64]:
        """Nominal patch centres [x, y] in pixels of the object, shape (n, 2)."""
        return self._valid.nominal

    @property
    def probe_modes(self) -> Complex | None:
        """Probe for the frames after crop and binning, shape (P, N, N), in the file's scale."""
        return self._valid.probe_modes

    @property
    def object_truth(self) -> Complex | None:
        """Object that ``positions`` lie on, shape (H, W), or None.

        The patch of (x, y) is ``object_truth[y - N//2 : y + N//2, x - N//2 : x + N//2]``.
        """
        return self._valid.truth

    @property
    def object_origin_px(self) -> NDArray[np.float64]:
        """The [x, y] that was added to the file's coordinates to make them patch centres on the object."""
        return self._valid.shift

    @property
    def mask(self) -> NDArray[np.bool_] | None:
        """Good detector pixels after crop and binning, shape (N, N), True = good; None when all are."""
        return self._valid.frames.mask

    @property
    def Y(self) -> Array | None:  # noqa: N802  The contract's name.
        """Object patches for supervised training, shape (n, N, N), or None."""
        labels = self._valid.labels
        return None if labels is None else self._valid.frames.select(labels)

    @property
    def geometry(self) -> Geometry:
        """What is known of wavelength, distance and detector pixel."""
        return self._valid.geometry

    @property
    def beam_px(self) -> tuple[int, int] | None:
        """Pixel of the file's turned frames that the beam hits; None for the middle."""
        return self._valid.frames.detector.beam_px

    @property
    def object_pixel_m(self) -> float | None:
        """Side of an object pixel in metres; None unless wavelength, distance and pixel size are known."""
        return self._valid.geometry.object_pixel_m(self._valid.frames.detector.crop_px)

    def amplitudes(self, indices: ArrayLike | None = None) -> NDArray[np.float32]:
        """Read measured amplitudes: the root of counts, or as given; cropped, binned, centred, not scaled.

        Args:
            indices: Which frames; None for all of them.

        Returns:
            Shape (frames, N, N), float32; masked pixels are zero.
        """
        return self._valid.frames.amplitudes(_indices(indices))

    def labels(self, indices: ArrayLike | None = None) -> NDArray[np.complex64]:
        """Read the object patches for supervised training.

        Args:
            indices: Which frames; None for all of them.

        Returns:
            Shape (frames, N, N).

        Raises:
            ScanError: The scan has none (DATA-SUP-001).
        """
        labels = self._valid.labels
        if labels is None:
            raise ScanError(
                error_text(
                    f"supervised training needs the object patch of every frame, and "
                    f"{source_name(self.source)} has none (DATA-SUP-001)",
                    expected="an array 'Y' or 'label' of shape "
                    f"({self.n_frames}, {self.N}, {self.N}), complex64",
                    hint='model.model_type = "pinn", which learns from the frames alone',
                )
            )
        return self._valid.frames.select(labels, _indices(indices)).astype(np.complex64)

    def mean_square(self) -> float:
        """Average the summed squared amplitude of a frame: photons per frame when ``diff3d`` holds counts.

        Light on masked pixels counts too, by the share of the probe's light that falls there: with the beam
        itself masked, the frames would otherwise seem to hold little of the probe's energy.
        """
        if self._mean_square is None:
            self._mean_square = self._valid.frames.mean_square() / self._share_of_light_seen()
        return self._mean_square

    def _share_of_light_seen(self) -> float:
        """Give the share of the probe's own light that falls on good pixels; 1 where it is not known."""
        mask, modes = self.mask, self.probe_modes
        if mask is None or modes is None:
            return 1.0
        light = np.fft.fftshift(np.sum(np.abs(np.fft.fft2(modes)) ** 2, axis=0))
        return max(float(light[mask].sum() / light.sum()), LEAST_LIGHT)

    def at_nominal_positions(self) -> Self:
        """Give the same frames at their nominal positions; the frames are not copied."""
        return self.at_positions(self._valid.nominal)

    def at_positions(self, positions: NDArray[np.float64]) -> Self:
        """Give the same frames at other positions; the frames are not copied.

        Args:
            positions: Patch centres [x, y] in pixels of the object, shape (n, 2).
        """
        moved = copy.copy(self)
        moved._valid = replace(self._valid, positions=positions)  # noqa: SLF001  A copy of this object.
        return moved

    def subset(self, indices: ArrayLike) -> Self:
        """Give some of the frames with all that belongs to them; the frames are not copied.

        Args:
            indices: Whole numbers, or one boolean per frame.
        """
        given = np.asarray(indices)
        chosen = np.flatnonzero(given) if given.dtype == np.bool_ else given.astype(np.int64)
        part = copy.copy(self)
        part._valid = self._valid.subset(chosen)  # noqa: SLF001  A copy of this very object.
        part.scan_index = self.scan_index[chosen]
        part._mean_square = None  # noqa: SLF001
        return part


def _indices(indices: ArrayLike | None) -> Indices | None:
    return None if indices is None else np.asarray(indices, dtype=np.int64)
