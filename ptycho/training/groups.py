"""Groups of frames of one scan, gathered batch by batch.

Shape legend: B groups of a batch, C positions of a group, N frame side.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptycho.scan.frame_store import FrameStore, Indices
from ptycho.scan.grouping import relative_coordinates
from ptycho.scan.raw_data import RawData


class Gathered(NamedTuple):
    """What one step sees.

    Attributes:
        X: Normalised amplitude, float32, shape (B, C, N, N).
        relative: Group mean minus position [x, y] in pixels, float32, shape (B, C, 2).
        labels: Complex patches to learn from, complex64, shape (B, C, N, N), or None.
    """

    X: NDArray[np.float32]
    relative: NDArray[np.float32]
    labels: NDArray[np.complex64] | None


class Groups:
    """Groups of frames of one scan.

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
        self.relative = relative_coordinates(scan.positions, groups).astype(np.float32)
        self._scan = scan
        self._store = store
        self._phase_subtraction = phase_subtraction
        if labelled:
            scan.labels(groups[:1].ravel())

    def __len__(self) -> int:
        return len(self.indices)

    def gather(self, rows: Sequence[int] | Indices) -> Gathered:
        """Gather a whole batch at once."""
        rows = np.asarray(rows, np.int64)
        chosen = self.indices[rows]
        frames = self._store.frames(chosen.ravel())
        return Gathered(
            frames.reshape(*chosen.shape, *frames.shape[1:]), self.relative[rows], self.labels(rows)
        )

    def labels(self, rows: Indices) -> NDArray[np.complex64] | None:
        """Give the labelled patches of groups, where batches carry them."""
        if not self.labelled:
            return None
        chosen = self.indices[rows]
        flat = self._scan.labels(chosen.ravel())
        labels = flat.reshape(*chosen.shape, *flat.shape[1:]).astype(np.complex64, copy=False)
        if self._phase_subtraction:
            mean = labels.sum(axis=(1, 2, 3), keepdims=True)
            labels = labels * np.exp(-1j * np.angle(mean)).astype(np.complex64)
        return labels
