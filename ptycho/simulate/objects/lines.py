"""Lines across the picture."""

import numpy as np

from ptycho.simulate.kinds import Image, ObjectKind, Shape
from ptycho.simulate.shapes import soften


def draw(shape: Shape, rng: np.random.Generator) -> Image:
    """Draw straight lines of random direction, width and height, crossing the whole picture."""
    rows, columns = np.indices(shape, sparse=True)
    image = np.zeros(shape)
    for _ in range(max(12, int(0.35 * max(shape)))):
        angle = rng.uniform(0.0, np.pi)
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        distance = np.abs((columns - x) * np.sin(angle) - (rows - y) * np.cos(angle))
        image += rng.uniform(0.3, 1.0) * (distance < rng.uniform(0.7, 2.5))
    return soften(image)


OBJECT = ObjectKind(what="straight lines of random direction, width and height", draw=draw)
