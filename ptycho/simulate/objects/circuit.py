"""Wires and pads of a circuit."""

import numpy as np

from ptycho.simulate.kinds import Image, ObjectKind, Shape
from ptycho.simulate.shapes import count_per_area, soften

HEIGHTS = (0.5, 0.75, 1.0)


def draw(shape: Shape, rng: np.random.Generator) -> Image:
    """Draw wires along both axes, each over those before it, then square pads and holes."""
    image = np.zeros(shape)
    for _ in range(count_per_area(shape, 350)):
        width, length = rng.integers(2, 6), rng.integers(10, 60)
        row, column = (int(rng.integers(0, side)) for side in shape)
        down, across = (width, length) if rng.random() < 0.5 else (length, width)
        image[row : row + down, column : column + across] = rng.choice(HEIGHTS)
    for _ in range(count_per_area(shape, 2500)):
        side = rng.integers(5, 12)
        row, column = (int(rng.integers(0, length)) for length in shape)
        image[row : row + side, column : column + side] = rng.choice((0.0, 1.0))
    return soften(image)


OBJECT = ObjectKind(what="wires at right angles, pads and holes", draw=draw)
