"""A scan that passed every check, and the ways to look at it; its frames are read a few at a time."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.errors import ScanError
from ptycho.scan.fingerprint import fingerprint
from ptycho.scan.frames import FrameStack
from ptycho.scan.geometry import Geometry
from ptycho.scan.joined_scan import join_scans
from ptycho.scan.scan_number import ScanNumbers
from ptycho.scan.scan_part import ScanPart
from ptycho.scan.source import ScanSource, source_name
from ptycho.scan.statistics import chunks
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
        number: Its number in a file of several scans, or None.
    """

    def __init__(self, valid: ValidScan, options: ScanOptions, source: ScanSource) -> None:
        self.options = options
        self.number: int | None = None
        self._valid = self._as_read = valid
        self._source = source
        self._mean_square: float | None = None
        self._parts: tuple[ScanPart[Self], ...] = ()

    def _take_apart(self: Self, numbers: ScanNumbers) -> None:
        """Keep the frames that belong to a scan, and know which to which where there are several."""
        taken = np.sort(np.concatenate(numbers.rows))
        parts: list[ScanPart[Self]] = []
        if len(numbers.rows) > 1:
            for rows, number in zip(numbers.rows, numbers.numbers, strict=True):
                own = copy.copy(self)
                own._valid = own._as_read = self._valid.subset(rows)  # noqa: SLF001  A copy of this very object.
                own.number = number
                parts.append(ScanPart(np.searchsorted(taken, rows), own))
        if len(taken) < len(self):
            self._valid = self._as_read = self._valid.subset(taken)
        self._parts = tuple(parts)

    @property
    def scan_index(self) -> NDArray[np.int64]:
        """Which scan a frame belongs to, shape (n,)."""
        return self._valid.scan_index

    @scan_index.setter
    def scan_index(self, numbers: NDArray[np.int64]) -> None:
        """Number the frames otherwise; which scans there are was told before."""
        self._valid = replace(self._valid, scan_index=np.asarray(numbers, np.int64))

    @property
    def parts(self) -> tuple[Self, ...]:
        """The scans that these frames belong to, each with its probe and scale: itself where it is one."""
        return tuple(part.scan for part in self._parts) or (self,)

    @property
    def part_rows(self) -> tuple[Indices, ...]:
        """Which frames of this one each of `parts` consists of, in their order."""
        return tuple(part.rows for part in self._parts) or (np.arange(len(self)),)

    @classmethod
    def concatenate(cls, scans: Sequence[Self]) -> Self:
        """Put scans behind each other, each of which keeps its probe, its scale and its place in `parts`.

        Args:
            scans: Scans whose frames are of one side and one quantity; none is copied.

        Raises:
            ScanError: Their frames differ in side or quantity.
            ValueError: There are none.
        """
        parts = [part for scan in scans for part in scan.parts]
        if not parts:
            raise ValueError(error_text("no scans to put together", expected="one scan or more"))
        if len(parts) == 1:
            return parts[0]
        joined = copy.copy(parts[0])
        joined._valid = join_scans([part._valid for part in parts], [part.name for part in parts])  # noqa: SLF001
        joined._as_read = joined._valid  # noqa: SLF001
        ends = np.cumsum([0, *map(len, parts)])
        joined._parts = tuple(  # noqa: SLF001  A new object of this very class.
            ScanPart(np.arange(start, stop), part)
            for start, stop, part in zip(ends[:-1], ends[1:], parts, strict=True)
        )
        joined._mean_square = joined.number = None  # noqa: SLF001
        return joined

    @property
    def name(self) -> str:
        """The name of its file, with its number where that holds several scans."""
        file = "arrays in memory" if self.source is None else self.source.name
        return file if self.number is None else f"{file}, scan {self.number}"

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
    def quantity_is_guess(self) -> bool:
        """Whether that is only what such data usually is: neither setting nor file nor numbers tell."""
        return self._valid.frames.quantity_is_guess

    @property
    def decisions(self) -> list[str]:
        """What was decided about the scan and why, one sentence each."""
        return self._valid.decisions

    @property
    def diff3d(self) -> Array:
        """The frames as given, shape (n, H, W): no crop, no root, no scale."""
        return self._valid.frames.as_given()

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
    def position_unit(self) -> str:
        """What the positions were measured in: "px", or a length that the geometry made pixels of."""
        return self._valid.position_unit

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
    def unclipped(self) -> NDArray[np.bool_] | None:
        """Good pixels that show all of their light in most frames, shape (N, N); None when all do."""
        return self._valid.frames.unclipped

    @property
    def ceiling(self) -> float | None:
        """Measured amplitude at which the detector's pixels are saturated, or None where none is."""
        return self._valid.frames.ceiling

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

    def lengths_m(self) -> dict[str, float]:
        """Give what is known of wavelength_m, distance_m, detector_pixel_m and object_pixel_m, in metres.

        A binned frame has wider detector pixels.
        """
        facts = self.geometry.facts()
        lengths: dict[str, float] = {name: facts[name] for name in facts if name != "pixel_size_m"}
        if "pixel_size_m" in facts:
            lengths["detector_pixel_m"] = facts["pixel_size_m"] * self.options.bin
        if self.object_pixel_m is not None:
            lengths["object_pixel_m"] = self.object_pixel_m
        return lengths

    def amplitudes(self, indices: ArrayLike | None = None) -> NDArray[np.float32]:
        """Read measured amplitudes: the root of counts, or as given; cropped, binned, centred, not scaled.

        Args:
            indices: Which frames; None for all of them.

        Returns:
            Shape (frames, N, N), float32; masked pixels are zero.
        """
        return self._valid.frames.amplitudes(_indices(indices))

    def in_parts(self) -> Iterator[Indices]:
        """Give the numbers of all frames, as many at a time as may be held in the size of the file's."""
        frames = self._valid.frames
        for span in chunks(len(self), frames.largest_px):
            yield np.arange(span.start, span.stop)
            frames.release()

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

    def fingerprint(self) -> str:
        """Give what this scan is known by, with all the frames that were read, also where some were chosen.

        Raises:
            TypeError: These are several scans: each of `parts` has its own.
        """
        read = self._as_read
        if not isinstance(read.frames, FrameStack):
            raise TypeError("several scans have no fingerprint in common")
        return fingerprint(read.frames, read.coordinates.x, read.coordinates.y)

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
        mask, modes = self.unclipped, self.probe_modes
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
        moved._parts = tuple(  # noqa: SLF001
            ScanPart(part.rows, part.scan.at_positions(positions[part.rows])) for part in self._parts
        )
        return moved

    def with_probe(self, modes: Complex, why: str) -> Self:
        """Give the same frames with another probe; they are not copied.

        Args:
            modes: Complex amplitude in the unit of the frames' amplitudes, shape (P, N, N).
            why: Where it comes from, one sentence for `decisions`.
        """
        lit = copy.copy(self)
        lit._valid = replace(  # noqa: SLF001  A copy of this object.
            self._valid, probe_modes=modes, decisions=[*self._valid.decisions, why]
        )
        lit._mean_square = None  # noqa: SLF001
        lit._parts = tuple(ScanPart(part.rows, part.scan.with_probe(modes, why)) for part in self._parts)  # noqa: SLF001
        return lit

    def with_decisions(self, *sentences: str) -> Self:
        """Give the same frames with more that was decided on the way to them; they are not copied."""
        told = copy.copy(self)
        told._valid = replace(self._valid, decisions=[*self._valid.decisions, *sentences])  # noqa: SLF001  A copy of this object.
        told._parts = tuple(ScanPart(part.rows, part.scan.with_decisions(*sentences)) for part in self._parts)  # noqa: SLF001
        return told

    def subset(self, indices: ArrayLike) -> Self:
        """Give some of the frames with all that belongs to them; the frames are not copied.

        Args:
            indices: Whole numbers, or one boolean per frame.
        """
        given = np.asarray(indices)
        chosen = np.flatnonzero(given) if given.dtype == np.bool_ else given.astype(np.int64)
        part = copy.copy(self)
        part._valid = self._valid.subset(chosen)  # noqa: SLF001  A copy of this very object.
        part._mean_square = None  # noqa: SLF001
        part._parts = tuple(part_of for one in self._parts if len((part_of := one.among(chosen)).rows))  # noqa: SLF001
        return part


def _indices(indices: ArrayLike | None) -> Indices | None:
    return None if indices is None else np.asarray(indices, dtype=np.int64)
