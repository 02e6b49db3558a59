"""Write a scan as an NPZ file of the contract's layout, as it was taken: reading it needs no settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.files import npz
from ptycho.scan.frames import Detector, FrameStack
from ptycho.scan.statistics import chunks

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
        # Said, so that nothing is looked for again: frames may be centred where the settings wanted them.
        "centre_px": np.full(2, scan.N // 2, np.float64),
        **{key: value for key, value in optional.items() if value is not None},
    }
    arrays["xcoords"], arrays["ycoords"] = scan.positions.T
    arrays["xcoords_start"], arrays["ycoords_start"] = scan.nominal_positions.T
    for name, length in scan.lengths_m().items():
        if name != "object_pixel_m":
            arrays[name] = np.float64(length)
    return npz.write(path, arrays, compressed=False)


def _frames(scan: RawData) -> Array:
    """Give the frames in use, shape (n, N, N): in the file's own numbers where those are whole."""
    stack = scan._valid.frames  # noqa: SLF001  The writer and the scan are of one room.
    if isinstance(stack, FrameStack) and _as_stored(stack):
        return stack.as_given()
    counts = scan.quantity == "counts"
    whole = counts and np.dtype(scan.diff3d.dtype).kind in "iub"
    taken = np.empty((scan.n_frames, scan.N, scan.N), np.float32)
    for span in chunks(scan.n_frames, scan.N**2):
        block = scan.amplitudes(np.arange(span.start, span.stop))
        if counts:
            block = np.square(block, dtype=np.float64)
        # The root of a whole number in single precision, squared, is whole to six digits only.
        taken[span] = np.rint(block) if whole else block
    return taken


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


def _labels(scan: RawData) -> Array | None:
    return None if scan._valid.labels is None else scan.labels()  # noqa: SLF001  As above.


def _metadata(scan: RawData) -> str | None:
    if scan.metadata is None:
        return None
    metadata = dict(scan.metadata)
    physics = metadata.get("physics_parameters")
    if isinstance(physics, dict) and "N" in physics:
        metadata["physics_parameters"] = physics | {"N": scan.N}
    return json.dumps(metadata)
