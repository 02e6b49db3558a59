"""Siemens stars."""

import numpy as np

from ptycho.simulate.kinds import Image, ObjectKind, Shape
from ptycho.simulate.shapes import count_per_area, soften


def draw(shape: Shape, rng: np.random.Generator) -> Image:
    """Draw Siemens stars of random size and place: every resolution in one picture."""
    rows, columns = np.indices(shape, sparse=True)
    image = np.zeros(shape)
    for _ in range(count_per_area(shape, 4000.0)):
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        radius = np.hypot(columns - x, rows - y)
        angle = np.arctan2(rows - y, columns - x)
        spokes = np.cos(int(rng.integers(8, 25)) * angle + rng.uniform(0.0, 2 * np.pi)) > 0
        size = rng.uniform(20.0, 60.0)
        image = np.where(radius < size, rng.uniform(0.3, 1.0) * spokes, image)
    return soften(image)


OBJECT = ObjectKind(what="Siemens stars of random size and place", draw=draw)
