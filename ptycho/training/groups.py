"""Groups of frames in batches, each group of one scan, and the order in which an epoch visits them.

Shape legend: B groups of a batch, C positions of a group, N frame side.
"""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ptycho.scan.frame_store import FrameStore, Indices
from ptycho.scan.grouping import relative_coordinates
from ptycho.scan.raw_data import RawData

Array = TypeVar("Array")


class Batch(NamedTuple, Generic[Array]):
    """What one step sees, as arrays or as the tensors of a backend.

    Attributes:
        X: Normalised amplitude, float32, shape (B, C, N, N).
        relative: Group mean minus position [x, y] in pixels, float32, shape (B, C, 2).
        scan: Number of each group's scan, int64, shape (B,).
        labels: Complex patches to learn from, complex64, shape (B, C, N, N), or None.
    """

    X: Array
    relative: Array
    scan: Array
    labels: Array | None = None


class Groups:
    """Groups of frames, each of one scan.

    Args:
        scan: The scan.
        groups: Indices of its frames, shape (groups, C).
        store: Gives normalised frames.
        labelled: Whether batches carry the scan's labelled patches.
        phase_subtraction: Remove the mean phase of each group's labels: the diffraction does not tell it.

    Raises:
        ScanError: Labels are asked for, and the scan has none (DATA-SUP-001).
    """

    def __init__(
        self,
        scan: RawData,
        groups: Indices,
        store: FrameStore,
        *,
        labelled: bool = False,
        phase_subtraction: bool = True,
    ) -> None:
        self.indices = groups
        self.labelled = labelled
        self.side = scan.N
        self.relative = relative_coordinates(scan.positions, groups).astype(np.float32)
        self.scans = numbers_of(scan)[groups[:, 0]]
        self._scan = scan
        self._store = store
        self._phase_subtraction = phase_subtraction
        if labelled:
            scan.labels(groups[:1].ravel())

    def __len__(self) -> int:
        return len(self.indices)

    def batch(self, rows: Sequence[int] | Indices) -> Batch[np.ndarray]:
        """Read a whole batch at once: one look-up of all its frames costs less than one for each group."""
        rows = np.asarray(rows, np.int64)
        members = self.indices[rows]
        frames = self._store.frames(members.ravel())
        X = frames.reshape(*members.shape, *frames.shape[1:])
        return Batch(X, self.relative[rows], self.scans[rows], self.labels(rows))

    def labels(self, rows: Indices) -> NDArray[np.complex64] | None:
        """Give the labelled patches of groups, where batches carry them."""
        if not self.labelled:
            return None
        members = self.indices[rows]
        flat = self._scan.labels(members.ravel())
        labels = flat.reshape(*members.shape, *flat.shape[1:]).astype(np.complex64, copy=False)
        if self._phase_subtraction:
            mean = labels.sum(axis=(1, 2, 3), keepdims=True)
            labels = labels * np.exp(-1j * np.angle(mean)).astype(np.complex64)
        return labels


def numbers_of(scan: RawData) -> Indices:
    """Number each frame by the place of its scan among the parts, shape (n,)."""
    numbers = np.zeros(len(scan), np.int64)
    for number, rows in enumerate(scan.part_rows):
        numbers[rows] = number
    return numbers


def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """Draw an order that depends on seed and epoch alone, so that a resumed training repeats it."""
    return np.random.default_rng([seed, epoch]).permutation(count)
