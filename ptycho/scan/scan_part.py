"""One of several scans, and which frames of the whole are its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Indices = NDArray[np.int64]

__all__ = ["ScanPart"]


class _Divisible(Protocol):
    """What gives some of its frames."""

    def subset(self, indices: ArrayLike) -> Self:
        """Give some of the frames."""
        ...


Divisible = TypeVar("Divisible", bound=_Divisible)


@dataclass(frozen=True)
class ScanPart(Generic[Divisible]):
    """One of several scans.

    Attributes:
        rows: Which frames of the whole it consists of, in its own order.
        scan: The scan.
    """

    rows: Indices
    scan: Divisible

    def among(self, chosen: Indices) -> ScanPart[Divisible]:
        """Give what is left of it where only some frames of the whole are chosen."""
        order = np.argsort(self.rows, kind="stable")
        place = np.searchsorted(self.rows, chosen, sorter=order)
        own = order[np.minimum(place, len(order) - 1)]
        here = np.flatnonzero(self.rows[own] == chosen)
        return ScanPart(here, self.scan.subset(own[here]))
