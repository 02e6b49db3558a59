"""Disks that fall on each other."""

import numpy as np

from ptycho.simulate.kinds import Image, ObjectKind, Shape
from ptycho.simulate.shapes import count_per_area, ellipse, soften


def draw(shape: Shape, rng: np.random.Generator) -> Image:
    """Draw disks that fall on each other, their radii spread by a power law: edges at every scale.

    Source:
        Lee, Mumford and Huang, Int. J. Computer Vision 41, 35 (2001): occlusion models for natural images.
    """
    image = np.full(shape, 0.5)
    for _ in range(count_per_area(shape, 60.0)):
        inside = ellipse(shape, rng)
        image[inside] = rng.random()
    return soften(image)


OBJECT = ObjectKind(what="disks that fall on each other, of every size", draw=draw)
