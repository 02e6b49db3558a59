"""Patches become one picture, for clients that hold them in their own hands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptycho.physics.canvas import Canvas
from ptycho.physics.limits import LARGEST_PICTURE
from ptycho.physics.stitch import stitch
from ptycho.physics.synchronise import synchronise_phases
from ptyconf.errors import error_text

__all__ = ["reassemble_position"]


def reassemble_position(patches: ArrayLike, offsets: ArrayLike, M: int = 20) -> NDArray[np.complex64]:
    """Lay patches on the object plane, each at its own position, and average them.

    The free phases of the patches are made to agree first. Pixel [H/2, W/2] of the picture is the middle of
    the positions, and both sides are even, so that the middle of the array is the middle of the scan for
    programs that count from there.

    Args:
        patches: Complex transmission, shape (B, N, N, 1).
        offsets: Patch centres [x, y] in pixels, shape (B, 1, 2, 1).
        M: Side of the central square of each patch that is used, in pixels.

    Returns:
        Picture, shape (H, W, 1), complex64; zero where no patch reaches.

    Raises:
        ValueError: The arrays do not belong together, offsets are no pixels, or M is no part of a patch.
    """
    stack, positions = _accept(np.asarray(patches), np.asarray(offsets), M)
    N = stack.shape[-1]
    centred = positions - (positions.min(axis=0) + positions.max(axis=0)) / 2
    window = np.zeros((N, N), np.float32)
    first = N // 2 - M // 2
    window[first : first + M, first : first + M] = 1
    reach_x, reach_y = (int(value) for value in np.ceil(np.abs(centred).max(axis=0) + M / 2))
    if 4 * reach_x * reach_y > LARGEST_PICTURE:
        raise ValueError(
            error_text(
                f"the offsets span a picture of {2 * reach_y} x {2 * reach_x} pixels",
                expected=f"at most {LARGEST_PICTURE} pixels",
                hint="offsets in pixels of the object, if these are in other units",
            )
        )
    canvas = Canvas(origin_px=(-reach_x, -reach_y), shape=(2 * reach_y, 2 * reach_x))
    agreed = synchronise_phases(stack, centred, window)
    return stitch(agreed, centred, window, canvas=canvas).object[..., np.newaxis].astype(np.complex64)


def _accept(
    patches: NDArray[Any], offsets: NDArray[Any], M: int
) -> tuple[NDArray[np.complex64], NDArray[np.float64]]:
    square = patches.ndim == 4 and patches.shape[1] == patches.shape[2] and patches.shape[3] == 1
    if not square or not len(patches):
        raise ValueError(
            error_text(
                f"the patches have shape {patches.shape}",
                expected="(groups, N, N, 1), at least one",
                hint="what model.predict gave",
            )
        )
    if offsets.shape != (len(patches), 1, 2, 1):
        raise ValueError(
            error_text(
                f"the offsets have shape {offsets.shape}",
                expected=f"({len(patches)}, 1, 2, 1), the position of each patch",
                hint="the global_offsets of the container that the patches came from",
            )
        )
    if not np.isfinite(offsets).all():
        raise ValueError(
            error_text(
                "the offsets hold values that are NaN or infinite",
                expected="positions in pixels",
                hint="the global_offsets of the container that the patches came from",
            )
        )
    N = patches.shape[1]
    if not hasattr(M, "__index__") or not 0 < M <= N:
        raise ValueError(
            error_text(
                f"M = {M} is no side of a central part of patches of {N} x {N} pixels",
                expected=f"1 to {N}",
                hint=f"M = {min(20, N)}",
            )
        )
    return patches[..., 0].astype(np.complex64), offsets[:, 0, :, 0].astype(np.float64)
