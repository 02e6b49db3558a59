"""Write a scan as an NPZ file of the contract's layout, as it was taken: reading it needs no settings."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.files import npz
from ptycho.scan.frames import Detector, FrameStack
from ptycho.scan.written_centre import CENTRE_KEY, middle_px

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from ptycho.scan.raw_data import RawData

__all__ = ["write_npz"]

Array = np.ndarray[Any, Any]


def write_npz(scan: RawData, path: Path) -> Path:
    """Write frames after crop, bin, mask and centre, positions in pixels, probe and geometry; whole or not.

    Args:
        scan: The scan; frames that nothing was done to are written as they stand in its file.
        path: The file to make or replace.

    Returns:
        The path written.
    """
    probe, truth, labels = scan.probe_modes, scan.object_truth, _labels(scan)
    optional = {
        "probeGuess": probe,
        "objectGuess": truth,
        "Y": labels,
        "mask": _marks(scan),
        "_metadata": _metadata(scan),
    }
    arrays: dict[str, Any] = {
        "diff3d": _frames(scan),
        "scan_index": scan.scan_index,
        "quantity": scan.quantity,
        "position_origin": "centre",
        CENTRE_KEY: middle_px(scan.N),
        **{key: value for key, value in optional.items() if value is not None},
    }
    arrays["xcoords"], arrays["ycoords"] = scan.positions.T
    arrays["xcoords_start"], arrays["ycoords_start"] = scan.nominal_positions.T
    for name, length in scan.lengths_m().items():
        if name != "object_pixel_m":
            arrays[name] = np.float64(length)
    return npz.write(path, arrays, compressed=False)


def _frames(scan: RawData) -> npz.ArrayInParts:
    """Give the frames in use, shape (n, N, N), in the file's own numbers where nothing is done to them."""
    stack = scan._valid.frames  # noqa: SLF001  The writer and the scan are of one room.
    if isinstance(stack, FrameStack) and _as_stored(stack):
        shape = (scan.n_frames, *stack.raw.shape[1:])
        read = partial(stack.select, stack.raw)
        return npz.ArrayInParts(shape, stack.raw.dtype, lambda: map(read, scan.in_parts()))
    first = stack if isinstance(stack, FrameStack) else stack.stacks[0]
    whole = scan.quantity == "counts" and first.raw.dtype.kind in "iub"
    shape = (scan.n_frames, scan.N, scan.N)
    return npz.ArrayInParts(
        shape, np.dtype(np.float32), lambda: (_taken(scan, rows, whole=whole) for rows in scan.in_parts())
    )


def _taken(scan: RawData, rows: NDArray[np.int64], *, whole: bool) -> Array:
    block = scan.amplitudes(rows)
    if scan.quantity != "counts":
        return block
    counts = np.square(block, dtype=np.float64)
    # The root of a whole number in single precision, squared, is whole to six digits only.
    return np.rint(counts) if whole else counts


def _as_stored(stack: FrameStack) -> bool:
    """Tell whether a frame is taken just as it stands in the file."""
    detector = stack.detector
    plain = Detector(detector.side_px, corner=False, crop_px=detector.side_px, bin=1)
    same = (detector.shape, detector.corner, detector.crop_px, detector.bin, detector.orientation)
    middle = detector.cut(np.arange(np.prod(detector.shape)).reshape(detector.shape))
    return (
        same == (plain.shape, plain.corner, plain.crop_px, plain.bin, plain.orientation)
        and middle.shape == plain.shape
        and middle[0, 0] == 0
        and not detector.overhang
        and not detector.sums_pixels
        and stack.repair is None
    )


def _marks(scan: RawData) -> NDArray[np.bool_] | None:
    """Mark bad pixels, or good ones where those are fewer: readers take the rarer marks for bad ones."""
    good = scan.mask
    if good is None:
        return None
    return good if np.count_nonzero(~good) > good.size / 2 else ~good


def _labels(scan: RawData) -> npz.ArrayInParts | None:
    if scan._valid.labels is None:  # noqa: SLF001  As above.
        return None
    shape = (scan.n_frames, scan.N, scan.N)
    return npz.ArrayInParts(shape, np.dtype(np.complex64), lambda: map(scan.labels, scan.in_parts()))


def _metadata(scan: RawData) -> str | None:
    if scan.metadata is None:
        return None
    metadata = dict(scan.metadata)
    physics = metadata.get("physics_parameters")
    if isinstance(physics, dict) and "N" in physics:
        metadata["physics_parameters"] = physics | {"N": scan.N}
    return json.dumps(metadata)
