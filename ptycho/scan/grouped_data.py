"""The grouped dict: neighbouring frames and their coordinates, side by side in memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.scale import measure
from ptycho.scan.grouping import group_centres, relative_coordinates
from ptycho.scan.scan import Scan

__all__ = ["grouped_data"]

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
