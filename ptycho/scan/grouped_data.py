"""The grouped dict: neighbouring frames and their coordinates, side by side in memory."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.scale import measure
from ptycho.scan.grouping import group_centres, relative_coordinates
from ptycho.scan.scan import Scan

__all__ = ["grouped_data", "join_groups"]

Array = np.ndarray[Any, Any]
Indices = NDArray[np.int64]


def grouped_data(scan: Scan, groups: Indices) -> dict[str, Any]:
    """Lay the frames of every group side by side.

    Args:
        scan: The scan.
        groups: Indices of frames, shape (B, C).

    Returns:
        Frames, labels and coordinates as ``RawData.generate_grouped_data`` describes them, all numpy.
    """
    shape = (*groups.shape, scan.N, scan.N)
    diffraction = _channels_last(scan.amplitudes(groups.ravel()).reshape(shape))
    has_labels = scan.Y is not None
    return {
        "diffraction": diffraction,
        "X_full": diffraction * np.float32(_amplitude_factor(scan)),
        "Y": _channels_last(scan.labels(groups.ravel()).reshape(shape)) if has_labels else None,
        **_coordinates("coords", scan.positions, groups),
        **_coordinates("coords_start", scan.nominal_positions, groups),
        "nn_indices": groups,
    }


def join_groups(
    grouped: Sequence[dict[str, Any]], rows: Sequence[Indices], shares: Sequence[int]
) -> dict[str, Any]:
    """Put the groups of several scans behind each other; no group mixes them.

    Args:
        grouped: What `grouped_data` gave for each scan that has groups.
        rows: Which frames of the whole each scan consists of.
        shares: Groups of each scan, 0 where it has none.
    """
    if len(rows) == 1:
        return dict(grouped[0])
    taken = [own for own, share in zip(rows, shares, strict=True) if share]
    joined: dict[str, Any] = {}
    for key in grouped[0]:
        arrays = [one[key] for one in grouped]
        if key == "nn_indices":
            arrays = [own[groups] for own, groups in zip(taken, arrays, strict=True)]
        known = [array for array in arrays if array is not None]
        joined[key] = np.concatenate(known) if len(known) == len(arrays) else None
    return joined


def _amplitude_factor(scan: Scan) -> float:
    mean_square, N = scan.mean_square(), scan.N
    probe = np.ones((1, N, N), np.complex64) if scan.probe_modes is None else scan.probe_modes
    # The factor of X does not depend on the photons, which amplitudes do not know.
    return measure(mean_square, N, scan.quantity, mean_square, probe).amplitude_factor


def _channels_last(stack: Array) -> Array:
    """Copy (B, C, N, N) to a contiguous (B, N, N, C)."""
    return np.ascontiguousarray(np.moveaxis(stack, 1, -1))


def _coordinates(
    name: str, positions: NDArray[np.float64], groups: Indices
) -> dict[str, NDArray[np.float64]]:
    return {
        f"{name}_offsets": _pairs_second(group_centres(positions, groups)[:, np.newaxis]),
        f"{name}_relative": _pairs_second(relative_coordinates(positions, groups)),
        f"{name}_nn": _pairs_second(positions[groups]),
    }


def _pairs_second(pairs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Copy (B, C, 2) to a contiguous (B, 1, 2, C)."""
    return np.ascontiguousarray(np.moveaxis(pairs, -1, 1)[:, np.newaxis])
