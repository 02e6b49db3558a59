"""Bad pixels of the detector, from the scan file or from a file of their own."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.files.npy import read_npy
from ptycho.scan.scan_file import open_scan
from ptycho.scan.source import source_name
from ptyconf.errors import error_text

__all__ = ["check_mask", "load_bad_pixels", "marks_good_pixels", "masks_in"]


def load_bad_pixels(
    name: str | None, shape: tuple[int, int], source: Path | None
) -> NDArray[np.bool_] | None:
    """Load the mask that a setting names.

    Args:
        name: A key of the scan file, or a path to an .npy or .npz file; None for no mask.
        shape: Rows and columns of a frame in the file.
        source: The scan file.

    Returns:
        Of that shape, True = bad, in the order of the frames in the file.

    Raises:
        ScanError: There is no such key or file, the shape differs, or every pixel is bad.
    """
    if name is None:
        return None
    array, where = _read(name, source)
    if array.dtype.kind not in "biuf":
        raise ScanError(
            error_text(
                f"the mask in {where} is an array of {array.dtype}",
                expected="numbers: 0 for a good pixel, anything else for a bad one",
                hint="np.save(path, bad.astype(bool))",
            )
        )
    bad = array.astype(bool)
    check_mask(bad, shape, f"the mask in {where}")
    return bad


def marks_good_pixels(marked: NDArray[np.bool_], frames: Any) -> bool:
    """Tell whether a mask's marks are those of good pixels: most have one, and nearly all of the light.

    Args:
        marked: Pixels with a mark, shape (H, W).
        frames: Shape (n, H, W).
    """
    if 2 * np.count_nonzero(marked) <= marked.size:
        return False
    some = np.linspace(0, len(frames) - 1, min(LOOKED_AT, len(frames))).astype(np.int64)
    shown = np.clip(np.nan_to_num(np.asarray(frames[some], np.float64)), 0.0, None)
    # A marker of a dead pixel outshines all light, and stays the same.
    light = np.where(np.ptp(shown, axis=0) > 0, shown.mean(axis=0), 0.0)
    return bool(light[marked].sum() > MOST_LIGHT * light.sum())


LOOKED_AT = 16
MOST_LIGHT = 0.9
"""Share of the light under marks beyond which nobody would want it masked."""


def masks_in(source: Path | None) -> list[str]:
    """List the keys of a scan file that are called masks; none of arrays in memory."""
    if source is None or not source.is_file():
        return []
    return [key for key in open_scan(source).keys if "mask" in key.rpartition("/")[2].lower()]


def check_mask(bad: NDArray[np.bool_], shape: tuple[int, int], what: str) -> None:
    """Refuse a mask that does not fit the frames, or that leaves nothing of them.

    Raises:
        ScanError: It has another shape, or marks every pixel.
    """
    if bad.shape != shape:
        raise ScanError(
            error_text(
                f"{what} has shape {bad.shape}",
                expected=f"one value per detector pixel: {shape}",
                hint="a mask of the frames as the file holds them, before data.crop_px and data.bin",
            )
        )
    if bad.all():
        raise ScanError(
            error_text(
                f"{what} marks every pixel as bad",
                expected="0 for a good pixel, anything else for a bad one",
                hint="np.save(path, ~good)",
            )
        )


def _read(name: str, source: Path | None) -> tuple[np.ndarray[Any, Any], str]:
    file = None if source is None or not source.is_file() else open_scan(source)
    if file is not None and name in file.keys:
        return file.read(name), f"'{name}' of {source}"
    path = Path(name)
    if path.suffix == ".npz" and path.is_file():
        with npz.NpzFile(path) as own:
            key = next((name for name in ("mask", *own.keys) if name in own.keys), "mask")
            return own.read(key), f"'{key}' of {path}"
    if path.suffix == ".npy" and path.is_file():
        return read_npy(path), str(path)
    raise ScanError(
        error_text(
            f'data.mask = "{name}" is neither a key of {source_name(source)} nor an .npy or .npz file',
            expected="an array of one value per detector pixel, non-zero = bad",
            known=", ".join(file.keys) if file is not None else None,
            hint="np.save(path, bad) and data.mask = path",
        )
    )
