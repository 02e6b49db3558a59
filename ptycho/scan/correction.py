"""Frames with the detector's dark frame taken off and its flat field divided out, a few at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.npy import read_npy
from ptycho.scan.named_arrays import find_place
from ptycho.scan.scan_file import open_scan
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.scan.scan_file import ScanFile
    from ptycho.scan.scan_format import ScanContents
    from ptycho.settings.data import ScanOptions

__all__ = ["CorrectedFrames", "correct"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class CorrectedFrames:
    """(raw - dark) / flat, as an array of them would answer.

    Negatives are left: they are the noise around zero, and a mean without them would be too high.

    Attributes:
        raw: The frames as they stand in the file, shape (n, H, W).
        dark: What the detector shows without light, shape (H, W).
        flat: What it shows in even light, about 1, shape (H, W).
    """

    raw: Any
    dark: NDArray[np.float32]
    flat: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number, rows and columns."""
        shape: tuple[int, ...] = self.raw.shape
        return shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    @property
    def dtype(self) -> np.dtype[Any]:
        """Single precision."""
        return np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.raw)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return self[:].astype(self.dtype if dtype is None else dtype, copy=bool(copy))

    def __getitem__(self, which: Any) -> Array:
        corrected: Array = (np.asarray(self.raw[which], np.float32) - self.dark) / self.flat
        return corrected


def correct(contents: ScanContents, file: ScanFile, options: ScanOptions) -> ScanContents:
    """Correct the frames by the dark frame and the flat field that the settings name.

    Pixels whose flat field is zero or no number measure nothing, and are masked.

    Raises:
        ScanError: There is no such array, or it does not fit the frames.
    """
    if not options.dark and not options.flat:
        return contents
    frames = contents.arrays["diff3d"]
    shape = tuple(frames.shape[-2:])
    notes = list(contents.notes)
    dark, flat = np.zeros(shape, np.float32), np.ones(shape, np.float32)
    if isinstance(options.dark, str):
        dark = _read("dark", options.dark, file, shape)
        notes.append(f"the dark frame {options.dark}, {dark.mean():.4g} on average, was taken off")
    elif options.dark:
        dark = np.full(shape, options.dark, np.float32)
        notes.append(f"{options.dark:g} was taken off every pixel: data.dark says so")
    bad = contents.bad_pixels
    if options.flat:
        flat = _read("flat", options.flat, file, shape)
        blind = ~(np.isfinite(flat) & (flat > 0))
        flat = np.where(blind, 1.0, flat / flat[~blind].mean()).astype(np.float32)
        notes.append(
            f"the flat field {options.flat} was divided out; {int(blind.sum())} pixels are blind in it"
        )
        if blind.any():
            bad = blind if bad is None else bad | blind
    return replace(
        contents,
        arrays=contents.arrays | {"diff3d": CorrectedFrames(frames, dark, flat)},
        quantity="counts",
        bad_pixels=bad,
        notes=tuple(notes),
    )


def _read(name: str, text: str, scan: ScanFile, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Read one picture, or average a stack of them."""
    path, key = find_place(text, scan.path)
    file = scan if path is None else open_scan(path)
    if file.container == "npy":
        array = read_npy(file.path)
    elif key in file.keys or (not key and len(file.keys) == 1):
        array = file.read(key or file.keys[0])
    else:
        raise ScanError(
            error_text(
                f"data.{name} = \"{text}\" names no array: there is no '{key or text}' in {file.path}",
                expected="a picture of the detector, or a stack of them: an .npy file, or 'file:key'",
                known=file.shown_keys,
            )
        )
    picture: Array = array.mean(axis=0) if array.ndim == 3 else array
    if picture.shape != shape:
        raise ScanError(
            error_text(
                f'data.{name} = "{text}" has shape {array.shape}',
                expected=f"one value per detector pixel: {shape}",
            )
        )
    return picture.astype(np.float32)
