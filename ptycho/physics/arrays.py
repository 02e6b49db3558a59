"""Array types of this folder, and the check of shapes that every public function starts with."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Real: TypeAlias = NDArray[np.floating[Any]]
Complex: TypeAlias = NDArray[np.complexfloating[Any, Any]]
Inexact: TypeAlias = NDArray[np.inexact[Any]]
Mask: TypeAlias = NDArray[np.bool_]


class ShapeError(ValueError):
    """Arrays that do not belong together, said in the shape of every error of this program."""


def require_shape(name: str, array: NDArray[Any], expected: tuple[int | str, ...], remedy: str) -> None:
    """Accept an array whose axes match; a name in place of a number matches any length, ... any axes.

    Args:
        name: What the array is to the caller.
        array: The array.
        expected: One entry per axis: a length, or a letter for any length. A leading "..." stands for
            any number of axes.
        remedy: What to try instead, one line.

    Raises:
        ShapeError: An axis differs, or the number of axes.
    """
    free = expected[:1] == ("...",)
    axes = expected[1:] if free else expected
    fits = array.ndim >= len(axes) if free else array.ndim == len(axes)
    tail = array.shape[array.ndim - len(axes) :] if fits else ()
    if fits and all(
        isinstance(length, str) or length == present for length, present in zip(axes, tail, strict=True)
    ):
        return
    wanted = ", ".join(str(axis) for axis in expected)
    comma = "," if len(expected) == 1 else ""
    raise ShapeError(
        f"{name} has shape {array.shape}\n"
        f"  expected  ({wanted}{comma})\n"  # One axis is written (n,), as numpy does.
        f"  try       {remedy}"
    )


def require_finite(patches: Complex, remedy: str) -> None:
    """Accept a stack of patches without NaN or infinity; one bad pixel would spread silently.

    Raises:
        ValueError: A value is not finite; the first such patch is named.
    """
    for index, patch in enumerate(patches):
        bad = patch.size - int(np.count_nonzero(np.isfinite(patch)))
        if bad:
            raise ValueError(
                f"patch {index} holds {bad} values that are NaN or infinite\n"
                "  expected  finite numbers\n"
                f"  try       {remedy}"
            )


def require_probe(probe: Complex, N: int) -> None:
    """Accept a stack of probe modes of the side of the patches.

    Raises:
        ShapeError: The probe is a single image, or its side is not N.
    """
    require_shape("probe", probe, ("P", N, N), "probe[None] for a single mode; cropping or padding to N")


def require_weights(weights: Real, count: int, N: int) -> None:
    """Accept weights of a patch, or of each patch, that can be divided by.

    Raises:
        ShapeError: The shape is another.
        ValueError: A weight is negative or NaN, or all are zero.
    """
    expected = (N, N) if weights.ndim == 2 else (count, N, N)
    require_shape("weights", weights, expected, "one weight for each patch pixel")
    smallest, largest = float(weights.min()), float(weights.max())
    if not (smallest >= 0 and 0 < largest < math.inf):
        raise ValueError(
            f"the weights lie between {smallest} and {largest}\n"
            "  expected  finite weights, none negative, at least one above zero\n"
            "  try       |P|² of the probe, or a window"
        )
