"""What an inference run hands back, the same from both backends."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from ptyconf.errors import error_text

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_FORMAT_VERSION = 1
_OTHER_PICTURES = ("network_object", "flat_object")
_LENGTHS = ("wavelength_m", "distance_m", "detector_pixel_m", "object_pixel_m")


@dataclass(frozen=True)
class Reconstruction:
    """A stitched object with all that is needed to judge it.

    Attributes:
        object: Complex transmission, shape (H, W), complex64; zero where nothing was scanned.
        coverage: Summed illumination weights, shape (H, W), float32; zero where nothing was scanned.
        origin_px: [x, y] of pixel [0, 0] of ``object`` in the scan's coordinates.
        positions: Patch centres [x, y] in pixels of the object grid, shape (n, 2).
        probe: Probe modes in the network's normalisation, shape (P, N, N), complex64.
        frame_indices: Which frames ``measured`` and ``predicted`` show, shape (m,).
        measured: Measured amplitudes in sqrt(counts), shape (m, N, N), float32.
        predicted: Predicted amplitudes in sqrt(counts), shape (m, N, N), float32.
        notes: What was decided on the way, one sentence each.
        network_object: The picture of the network alone, shape (H, W), where ``object`` was refined against
            the frames afterwards; None where ``object`` is the network's own.
        flat_object: What the same refinement makes without the network, shape (H, W), where it was asked for.
        refined_from: What made the picture that the refinement started from; "" where there was none.
        lengths_m: What is known of wavelength_m, distance_m, detector_pixel_m (of the frames in use) and
            object_pixel_m, in metres.
    """

    object: NDArray[np.complex64]
    coverage: NDArray[np.float32]
    origin_px: NDArray[np.float64]
    positions: NDArray[np.float64]
    probe: NDArray[np.complex64]
    frame_indices: NDArray[np.int64]
    measured: NDArray[np.float32]
    predicted: NDArray[np.float32]
    notes: tuple[str, ...] = field(default=())
    network_object: NDArray[np.complex64] | None = None
    flat_object: NDArray[np.complex64] | None = None
    refined_from: str = ""
    lengths_m: dict[str, float] = field(default_factory=dict)

    def probe_in_counts(self) -> NDArray[np.complex64]:
        """Scale the probe so that it and the object predict the frames shown in sqrt(counts).

        Returns:
            Its modes, shape (P, N, N); their energy is the light of a frame where the object is clear.
        """
        from ptycho.physics.canvas import cut
        from ptycho.physics.fourier import far_field_amplitude

        left, top = (round(float(value)) for value in self.origin_px)
        side = self.probe.shape[-1]
        patches = cut(self.object, self.positions[self.frame_indices], side, origin_px=(left, top))
        unscaled = far_field_amplitude(patches, self.probe)
        energy = float(np.sum(np.square(unscaled, dtype=np.float64)))
        shared = float(np.sum(unscaled * self.predicted, dtype=np.float64))
        return (self.probe * (shared / energy if energy > 0 else 1.0)).astype(np.complex64)

    def save(self, path: Path) -> None:
        """Write every array to one NPZ file; the file appears whole or not at all.

        Raises:
            OSError: The folder cannot be written.
        """
        from ptycho.files import npz

        arrays: dict[str, NDArray[Any]] = {name: np.asarray(getattr(self, name)) for name in _required()}
        pictures = {name: getattr(self, name) for name in _OTHER_PICTURES}
        arrays |= {name: picture for name, picture in pictures.items() if picture is not None}
        arrays |= {name: np.array(length) for name, length in self.lengths_m.items()}
        arrays["notes"] = np.array("\n".join(self.notes))
        if self.refined_from:
            arrays["refined_from"] = np.array(self.refined_from)
        arrays["format_version"] = np.array(_FORMAT_VERSION)
        npz.write(path, arrays)

    def _repr_html_(self) -> str:
        """Show amplitude and phase in a notebook, and what was decided."""
        from ptycho.files.notebook import figure, folded, table
        from ptycho.reconstruction.small_pictures import small_pictures

        height, width = self.object.shape
        rows = {
            "object": f"{width} x {height} px from {len(self.positions)} frames",
            "probe": f"modes, rows, columns: {' x '.join(map(str, self.probe.shape))}",
        }
        drawn = small_pictures(self.object, self.coverage)
        pictures = "".join(figure(drawing, name) for name, drawing in drawn.items())
        return f"<div>{table(rows)}{pictures}{folded('What was decided', self.notes)}</div>"

    @classmethod
    def load(cls, path: Path) -> Reconstruction:
        """Read what :meth:`save` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: The file is not a reconstruction of this version.
        """
        from ptycho.files import npz

        with npz.NpzFile(path) as archive:
            names = _required()
            missing = [name for name in names if name not in archive.keys]
            if missing or "format_version" not in archive.keys:
                raise ValueError(
                    error_text(
                        f"{path} is not a reconstruction: it lacks {', '.join(missing) or 'format_version'}",
                        expected=", ".join(names),
                        hint="the reconstruction.npz of a run folder",
                    )
                )
            version = archive.read("format_version").tolist()
            if version != _FORMAT_VERSION:
                raise ValueError(
                    error_text(
                        f"{path} has reconstruction format {version}",
                        expected=f"format {_FORMAT_VERSION}",
                        hint="reading it with the version of ptychopinn that wrote it",
                    )
                )
            notes = tuple(line for line in (archive.text("notes") or "").split("\n") if line)
            there = [*names, *(name for name in _OTHER_PICTURES if name in archive.keys)]
            lengths = {name: float(archive.read(name)) for name in _LENGTHS if name in archive.keys}
            start = archive.text("refined_from") or ""
            arrays = {name: archive.read(name) for name in there}
            return cls(**arrays, notes=notes, refined_from=start, lengths_m=lengths)


def _required() -> list[str]:
    optional = {"notes", "refined_from", "lengths_m", *_OTHER_PICTURES}
    return [item.name for item in fields(Reconstruction) if item.name not in optional]
