"""Passes over a scan that is seen in portions."""

from __future__ import annotations

import tracemalloc

import numpy as np

from ptycho.network.canvases import ScanCanvas
from ptycho.network.unrolled import FramesInPortions, Illumination
from ptycho.physics import numpy_operations
from ptycho.physics.forward_model import ForwardModel


def peak_of_first_look(portions: int) -> int:
    """Measure the most bytes at once while single frames of 16 x 16 make a canvas of 304 x 304."""
    physics = ForwardModel(numpy_operations)
    positions = np.linspace((0, 0), (288, 288), portions, dtype=np.float32)
    frame, probe = np.ones((1, 1, 16, 16), np.float32), np.ones((1, 16, 16), np.complex64)
    light = Illumination(physics, frame, np.ones((16, 16), bool), probe, None, 0.0)
    spans = [slice(number, number + 1) for number in range(portions)]
    sample = FramesInPortions(ScanCanvas(physics, -positions[None], 16, 8), lambda _: light, spans)
    tracemalloc.start()
    try:
        sample.first_look()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_first_looks_of_portions_are_not_kept() -> None:
    """A first look takes no more memory for many portions than for few."""
    assert peak_of_first_look(40) < 1.2 * peak_of_first_look(5)
