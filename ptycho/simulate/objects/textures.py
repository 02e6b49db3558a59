"""Smooth noise of several grain sizes with pieces on it."""

import numpy as np
from scipy import ndimage

from ptycho.simulate.kinds import Image, ObjectKind, Shape
from ptycho.simulate.shapes import count_per_area, ellipse, rectangle, soften


def draw(shape: Shape, rng: np.random.Generator) -> Image:
    """Draw smooth noise of several grain sizes, with rectangles and ellipses on it."""
    image = np.zeros(shape)
    for grain_px, weight in ((2.5, 0.35), (6.0, 0.6), (16.0, 1.0)):
        noise = ndimage.gaussian_filter(rng.standard_normal(shape), grain_px, mode="wrap")
        image += weight * noise / noise.std()
    for _ in range(count_per_area(shape, 200.0)):
        inside = rectangle(shape, rng) if rng.random() < 0.5 else ellipse(shape, rng)
        image[inside] += rng.uniform(-1.6, 1.6)
    return soften(image)


OBJECT = ObjectKind(what="smooth noise of several grain sizes, with rectangles and ellipses", draw=draw)
