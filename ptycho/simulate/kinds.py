"""What a simulated object is to those who choose one by name."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Image", "ObjectKind", "Shape"]

Image = NDArray[np.float64]
Shape = tuple[int, int]


@dataclass(frozen=True)
class ObjectKind:
    """A kind of object.

    Attributes:
        what: What is seen on it, in a few words.
        draw: Draws one picture of real numbers of a shape (H, W), in any scale; called twice for an object,
            once for its amplitude and once for its phase.
    """

    what: str
    draw: Callable[[Shape, np.random.Generator], Image]
