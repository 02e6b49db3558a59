"""The forward model in TensorFlow's graphs: traced once for all sizes."""

import numpy as np
import tensorflow as tf

from ptycho.physics import stitch
from ptycho.tf.physics import PHYSICS


def test_one_graph_serves_every_canvas(rng):
    """The side of the canvas is found inside the graph: new offsets trace nothing new."""
    traces = []

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, 4, 8, 8), tf.complex128),
            tf.TensorSpec((None, 4, 2), tf.float64),
        ]
    )
    def merge(patches, relative):
        traces.append(1)
        return PHYSICS.merge_group(patches, relative, tf.ones((8, 8), tf.float64))

    for reach in (0.0, 2.5, 6.0):
        relative = reach * np.array([[[1, 1], [-1, 1], [1, -1], [-1, -1.0]]])
        patches = rng.standard_normal((1, 4, 8, 8)) + 1j * rng.standard_normal((1, 4, 8, 8))
        canvas = stitch.merge_group(patches[0], relative[0], np.ones((8, 8)))
        np.testing.assert_allclose(merge(patches, relative)[0], canvas, atol=1e-12)
    assert len(traces) == 1
