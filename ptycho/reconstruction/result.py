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

    def save(self, path: Path) -> None:
        """Write every array to one NPZ file; the file appears whole or not at all.

        Raises:
            OSError: The folder cannot be written.
        """
        from ptycho.files import npz

        arrays: dict[str, NDArray[Any]] = {name: np.asarray(getattr(self, name)) for name in _required()}
        pictures = {name: getattr(self, name) for name in _OTHER_PICTURES}
        arrays |= {name: picture for name, picture in pictures.items() if picture is not None}
        arrays["notes"] = np.array("\n".join(self.notes))
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
            return cls(**{name: archive.read(name) for name in there}, notes=notes)


def _required() -> list[str]:
    return [item.name for item in fields(Reconstruction) if item.name not in {"notes", *_OTHER_PICTURES}]
