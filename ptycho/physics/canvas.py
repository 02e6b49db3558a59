"""Where patches lie on the object: bilinear placing at sub-pixel positions, and its adjoint, cutting.

Shape legend: n patches, N patch side, H and W canvas rows and columns. Positions are [x, y] = (column, row)
of patch pixel [N/2, N/2], in pixels of the object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Real, require_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

_T = TypeVar("_T", bound=np.inexact)

_CHUNK_PIXELS = 1 << 20
"""Patch pixels interpolated at once: bounds the memory, and keeps the work in the cache."""


@dataclass(frozen=True)
class Canvas:
    """A piece of the object plane.

    Attributes:
        origin_px: [x, y] of pixel [0, 0], whole pixels, in the coordinates of the positions.
        shape: Rows and columns.
    """

    origin_px: tuple[int, int]
    shape: tuple[int, int]

    @classmethod
    def around(cls, positions: Real, N: int) -> Canvas:
        """Span the smallest canvas on which no patch is cut off, fractions of pixels included.

        Args:
            positions: Patch centres [x, y] in pixels, shape (n, 2).
            N: Patch side.

        Raises:
            ShapeError: The positions are not pairs.
            ValueError: There are none, or one is not finite.
        """
        require_positions(positions)
        first = np.floor(positions.min(axis=0)).astype(int) - N // 2
        last = np.ceil(positions.max(axis=0)).astype(int) - N // 2 + N
        width, height = (last - first).tolist()
        return cls(origin_px=(int(first[0]), int(first[1])), shape=(height, width))


def require_positions(positions: Real, count: int | None = None) -> None:
    """Accept finite pairs, as many as there are patches.

    Raises:
        ShapeError: The positions are not pairs, or their number is another.
        ValueError: There are none, or one is not finite.
    """
    expected = ("n", 2) if count is None else (count, 2)
    require_shape("positions", positions, expected, "np.stack([x, y], axis=1), one row for each patch")
    if not len(positions):
        raise ValueError("there are no positions\n  expected  one or more\n  try       a scan with frames")
    bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
    if len(bad):
        raise ValueError(
            f"position {bad[0]} is {positions[bad[0]].tolist()}\n"
            "  expected  finite pixels [x, y]\n"
            "  try       leaving out the frames without a position"
        )


def place(patches: NDArray[_T], positions: Real, canvas: Canvas) -> NDArray[_T]:
    """Add patches to an empty canvas at sub-pixel positions, bilinear; what lies outside is lost.

    Args:
        patches: Real or complex patches, shape (n, N, N), or (N, N) for the same one at every position.
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        canvas: The piece of the object plane to fill.

    Returns:
        Sum of the patches, shape (H, W), dtype of the patches.

    Raises:
        ShapeError: The shapes do not belong together.
        ValueError: A position is not finite.
    """
    require_positions(positions, len(patches) if patches.ndim == 3 else None)
    N = patches.shape[-1]
    frame = _Frame.of(positions, N, canvas)
    total = np.zeros(frame.shape, dtype=patches.dtype)
    for span in frame.chunks():
        chosen = (
            patches[span] if patches.ndim == 3 else np.broadcast_to(patches, (len(frame.corner[span]), N, N))
        )
        spread = _widen(chosen, frame.rest[span])
        # One after the other: windows overlap, and an indexed sum would keep the last of them alone.
        for (column, row), part in zip(frame.corner[span].tolist(), spread, strict=True):
            total[row : row + N + 1, column : column + N + 1] += part
    return frame.crop(total)


def cut(image: NDArray[_T], positions: Real, N: int, *, origin_px: tuple[int, int] = (0, 0)) -> NDArray[_T]:
    """Cut patches out of an object at sub-pixel positions, bilinear; outside the object is zero.

    The adjoint of :func:`place`. At whole pixels, a patch is
    image[y - N/2 : y + N/2, x - N/2 : x + N/2], counted from the origin.

    Args:
        image: Real or complex object, shape (H, W).
        positions: Patch centres [x, y] in pixels, shape (n, 2).
        N: Patch side.
        origin_px: [x, y] of the image's pixel [0, 0] in the coordinates of the positions.

    Returns:
        Patches of the same dtype, shape (n, N, N).

    Raises:
        ShapeError: The positions are not pairs.
        ValueError: A position is not finite.
    """
    require_shape("image", image, ("H", "W"), "one picture at a time")
    require_positions(positions)
    frame = _Frame.of(positions, N, Canvas(origin_px, (image.shape[0], image.shape[1])))
    padded = np.zeros(frame.shape, dtype=image.dtype)
    frame.crop(padded)[...] = image
    patches = np.empty((len(positions), N, N), dtype=image.dtype)
    for span in frame.chunks():
        wide = np.stack([padded[r : r + N + 1, c : c + N + 1] for c, r in frame.corner[span].tolist()])
        patches[span] = _narrow(wide, frame.rest[span])
    return patches


@dataclass(frozen=True)
class _Frame:
    """A canvas with margins, so that every patch lies on it; corners and rests of all positions."""

    corner: NDArray[np.int64]
    rest: Real
    margin: tuple[int, int]
    inner: tuple[int, int]
    shape: tuple[int, int]
    N: int

    @classmethod
    def of(cls, positions: Real, N: int, canvas: Canvas) -> _Frame:
        exact = np.asarray(positions, dtype=np.float64) - N // 2 - np.asarray(canvas.origin_px)
        height, width = canvas.shape
        # A patch far outside leaves no trace: bring it to just beyond the edge, so that margins stay small.
        exact = np.clip(exact, -(N + 1), (width, height))
        whole = np.floor(exact)
        corner = whole.astype(np.int64)
        left, top = np.maximum(0, -corner.min(axis=0)).tolist()
        right, bottom = np.maximum(0, corner.max(axis=0) + N + 1 - (width, height)).tolist()
        return cls(
            corner=corner + np.array([left, top]),
            rest=exact - whole,
            margin=(top, left),
            inner=canvas.shape,
            shape=(top + height + bottom, left + width + right),
            N=N,
        )

    def chunks(self) -> Iterator[slice]:
        step = max(1, _CHUNK_PIXELS // (self.N + 1) ** 2)
        for start in range(0, len(self.corner), step):
            yield slice(start, start + step)

    def crop(self, image: NDArray[_T]) -> NDArray[_T]:
        (top, left), (height, width) = self.margin, self.inner
        return image[top : top + height, left : left + width]


def _fractions(rest: Real, dtype: np.dtype[Any]) -> tuple[Any, Any]:
    # In the precision of the patches: fractions in double would make doubles of them.
    real = np.empty(0, dtype=dtype).real.dtype
    fx, fy = rest.astype(real).T[:, :, None, None]
    return fx, fy


def _widen(patches: NDArray[_T], rest: Real) -> NDArray[_T]:
    """Spread patches over one more row and column: (m, N, N) -> (m, N + 1, N + 1)."""
    m, N, _ = patches.shape
    fx, fy = _fractions(rest, patches.dtype)
    rows: NDArray[_T] = np.zeros((m, N + 1, N), dtype=patches.dtype)
    rows[:, 1:] = fy * patches
    rows[:, :-1] += (1 - fy) * patches
    wide = np.zeros((m, N + 1, N + 1), dtype=patches.dtype)
    wide[:, :, 1:] = fx * rows
    wide[:, :, :-1] += (1 - fx) * rows
    return wide


def _narrow(wide: NDArray[_T], rest: Real) -> NDArray[_T]:
    """Interpolate patches out of windows with one more row and column; the adjoint of widening."""
    fx, fy = _fractions(rest, wide.dtype)
    rows = fy * wide[:, 1:] + (1 - fy) * wide[:, :-1]
    narrow: NDArray[_T] = fx * rows[:, :, 1:] + (1 - fx) * rows[:, :, :-1]
    return narrow
