"""The learned passes see the right things: one canvas a group, the first position uninterpolated."""

import math

import numpy as np
import pytest
import tensorflow as tf
from ptycho.tf.unrolled import GroupCanvas, Illumination, UnrolledUNet, fold, unfold

from ptycho.network.architecture import UNET_FOLD

CORNERS = np.array([(4, 3), (7, 3), (4, 8), (9, 6)], float)


def windows(picture, n=16):
    """Cut the windows of all corners [x, y], and give their relative offsets."""
    patches = np.stack([picture[y : y + n, x : x + n] for x, y in CORNERS.astype(int)])
    return tf.constant(patches[None]), tf.constant((CORNERS.mean(0) - CORNERS)[None])


def test_positions_meet_where_they_overlap(rng):
    """Windows of one object add up to that object times its coverage, and come back as they were."""
    patches, relative = windows(rng.standard_normal((32, 32)))
    canvas = GroupCanvas(relative, 16, 8)
    coverage = canvas.gather(tf.ones_like(patches))
    mean = canvas.gather(patches) / tf.maximum(coverage, 1)
    np.testing.assert_allclose(canvas.cut(mean), patches, atol=1e-12)
    assert tf.reduce_max(coverage) == len(CORNERS)


def test_the_first_position_is_not_interpolated(rng):
    """Whatever fractions the others have, the leader's window is cut without blur."""
    canvas = GroupCanvas(tf.constant([[[0.3, -0.7], [-2.45, 1.2], [2.15, -0.5]]]), 16, 8)
    side = int(canvas.side)
    content = rng.standard_normal((1, side, side)).astype(np.float32)
    middle = slice((side - 16) // 2, (side + 16) // 2)
    np.testing.assert_allclose(canvas.cut(tf.constant(content))[:, 0], content[:, middle, middle], atol=1e-6)


@pytest.mark.parametrize("reach", [0.0, 0.5, 3.0, 9.7])
def test_the_canvas_can_be_halved_and_holds_all(reach):
    """Its margin is a multiple that suits the U-Net, and no position is cut off."""
    canvas = GroupCanvas(tf.constant([[[reach / 2, 0.0], [-reach / 2, 0.0]]]), 64, 8)
    assert int(canvas.side) == 64 + 8 * math.ceil(2 * math.ceil(reach) / 8)
    assert float(tf.reduce_sum(canvas.gather(tf.ones((1, 2, 64, 64))))) == pytest.approx(2 * 64**2, rel=1e-5)


def test_folding_keeps_the_pixels_of_a_plane_together(rng):
    """Channels are ordered by plane, then row, then column of the square, as torch orders them."""
    planes = [rng.standard_normal((2, 8, 8)) for _ in range(3)]
    folded = fold([tf.constant(plane) for plane in planes])
    assert folded.shape == (2, 4, 4, 12)
    for channel in range(12):
        plane, row, column = np.unravel_index(channel, (3, 2, 2))
        np.testing.assert_array_equal(folded[..., channel], planes[plane][:, row::2, column::2])
    for back, plane in zip(unfold(folded), planes, strict=True):
        np.testing.assert_array_equal(back, plane)


def test_bad_pixels_correct_nothing(make_network, rng):
    """What a masked pixel is said to measure has no part in the correction."""
    network = make_network(architecture="unet")
    X, good = rng.random((1, 1, 64, 64)).astype(np.float32), np.ones((64, 64), bool)
    good[32, 33] = False
    empty = tf.ones((1, 1, 64, 64), tf.complex64)
    corrections = []
    for wild in (0.0, 50.0):
        X[..., 32, 33] = wild
        light = Illumination(tf.constant(X), tf.constant(good), network.probe, None, 0.0)
        corrections.append(light.correction(empty).numpy())
    np.testing.assert_array_equal(*corrections)


class Constant:
    """A pass that answers with one phase everywhere and keeps what it saw."""

    def __init__(self, phase):
        self.logit = math.atanh(phase / math.pi)
        self.seen = []

    def __call__(self, features):
        """Remember the features, unfolded, and give amplitude 1/2 and the phase."""
        self.seen = [plane.numpy() for plane in unfold(features)]
        shape, square = tf.shape(features)[:-1], UNET_FOLD**2
        answers = [tf.fill([*shape, square], tf.cast(x, features.dtype)) for x in (0.0, self.logit)]
        return tf.concat(answers, axis=-1)


@pytest.mark.parametrize("gridsize", [1, 2])
def test_corrections_do_not_depend_on_the_global_phase(make_network, rng, gridsize):
    """The free phase of the first picture turns it, and not what the second pass is told to mend."""
    network = make_network("float64", architecture="unet", gridsize=gridsize)
    core = network.core
    assert isinstance(core, UnrolledUNet)
    X = tf.constant(rng.random((2, gridsize**2, 64, 64)))
    relative = tf.zeros((2, gridsize**2, 2), tf.float64)
    seen = []
    for phase in (0.0, 0.8):
        second = Constant(0.0)
        core.passes = [Constant(phase), second]
        network.patches(X, relative)
        seen.append(second.seen)
    np.testing.assert_allclose(seen[0][2:], seen[1][2:], rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.angle(seen[1][0] + 1j * seen[1][1]), 0.8)
