"""Where the patches of a scan lie on a canvas whose rows are laid end to end, and modes that are no mixture.

Shape legend: n frames, P probe modes, N patch side, H and W canvas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ptycho.physics.arrays import Complex
from ptycho.physics.canvas import Canvas
from ptyconf.errors import error_text

Positions = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class PatchLayout:
    """Where the patches of a scan lie.

    Attributes:
        start: Index of the first pixel of each patch, shape (n,).
        rest: What whole pixels leave of each position [x, y], shape (n, 2), float32.
        window: Index of each pixel of a patch from its first, shape (N, N).
    """

    start: NDArray[np.int64]
    rest: NDArray[np.float32]
    window: NDArray[np.int64]

    @classmethod
    def on(cls, canvas: Canvas, positions: Positions, N: int) -> PatchLayout:
        """Round positions to whole pixels of a canvas.

        Raises:
            ValueError: A patch does not lie on the canvas.
        """
        corner = np.asarray(positions, np.float64) - N // 2 - np.asarray(canvas.origin_px)
        # Rounded, not floored: at most half a pixel is left, and a probe that is shifted cyclically wraps
        # around least.
        whole = np.rint(corner).astype(np.int64)
        height, width = canvas.shape
        if len(whole) and not (whole.min() >= 0 and (whole.max(0) + N <= (width, height)).all()):
            raise ValueError(
                error_text(
                    f"a patch lies beyond the picture of {height} x {width} pixels",
                    expected="every position at least N/2 pixels inside",
                    hint="Canvas.around(positions, N) for origin and shape",
                )
            )
        axis = np.arange(N)
        return cls(
            start=whole[:, 1] * width + whole[:, 0],
            rest=(corner - whole).astype(np.float32),
            window=axis[:, None] * width + axis[None, :],
        )

    @property
    def between_pixels(self) -> bool:
        """Whether some position is no whole pixel."""
        return bool(self.rest.any())

    def index(self, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the place of each patch pixel of some frames, shape (K, N, N)."""
        return self.start[chosen][:, None, None] + self.window


def orthogonalise(probe: Complex) -> Complex:
    """Mix incoherent modes into orthogonal ones, strongest first; all intensities stay as they are.

    Args:
        probe: Modes, shape (P, N, N).

    Returns:
        As many modes of the same dtype; the main one keeps its global phase, and with it the object.

    Source:
        Thibault and Menzel, Nature 494, 68 (2013): modes are defined up to a unitary mixing.
    """
    flat = probe.reshape(len(probe), -1)
    mixed = unmixing(probe) @ flat
    return np.asarray(mixed.reshape(probe.shape), dtype=probe.dtype)


def unmixing(probe: Complex) -> Complex:
    """Give the unitary matrix (P, P) whose product with the modes is orthogonal, strongest first."""
    flat = probe.reshape(len(probe), -1)
    # Not by a matrix product: threads of OpenBLAS, once woken, spin beside those of torch; a scan with two
    # modes took 3.7 s in place of 2.0 on two cores.
    _, vectors = np.linalg.eigh(np.einsum("pi,qi->pq", flat, flat.conj()))
    # eigh sorts from the weakest.
    matrix = vectors[:, ::-1].conj().T
    main = np.einsum("p,pi->i", matrix[0], flat)
    matrix[0] *= np.exp(1j * np.angle(np.sum(main.conj() * flat[0])))
    return np.asarray(matrix)
