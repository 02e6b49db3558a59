"""What a simulated probe and a simulated object are to those who choose one by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Field", "Image", "ObjectKind", "ProbeKind", "Shape"]

Field = NDArray[np.complexfloating[Any, Any]]
Image = NDArray[np.float64]
Shape = tuple[int, int]


@dataclass(frozen=True)
class ProbeKind:
    """A kind of beam.

    Attributes:
        what: What makes it, in a few words.
        draw: Makes it on N x N pixels, centred on pixel [N/2, N/2], in any scale.
    """

    what: str
    draw: Callable[[int], Field]


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
