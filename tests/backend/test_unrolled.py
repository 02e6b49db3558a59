"""The learned passes see the right things: one canvas a group, the first position uninterpolated."""

import math

import numpy as np
import pytest

from ptycho.network.canvases import GroupCanvas
from ptycho.network.unrolled import FOLD, Illumination

CORNERS = np.array([(4, 3), (7, 3), (4, 8), (9, 6)], float)
EMPTY = np.ones((1, 1, 64, 64), np.complex64)


def windows(picture, n=16):
    """Cut the windows of all corners [x, y], and give their relative offsets."""
    patches = np.stack([picture[y : y + n, x : x + n] for x, y in CORNERS.astype(int)])
    return patches[None], (CORNERS.mean(0) - CORNERS)[None]


def light_on(side, network, X, good=None):
    """Illuminate with the probe of a network, whose detector measured X."""
    good = np.ones((64, 64), bool) if good is None else good
    measured = side.tensor(X) if isinstance(X, np.ndarray) else X
    probe = side.ops.detach(network.probe)
    return Illumination(side.PHYSICS, measured, side.tensor(good), probe, None, 0.0).cornered()


def test_positions_meet_where_they_overlap(side, rng):
    """Windows of one object add up to that object times its coverage, and come back as they were."""
    patches, relative = windows(rng.standard_normal((32, 32)))
    canvas = GroupCanvas(side.PHYSICS, side.tensor(relative), 16, 8)
    coverage = canvas.add(side.tensor(np.ones_like(patches)))
    mean = canvas.add(side.tensor(patches)) / side.ops.maximum(coverage, 1.0)
    np.testing.assert_allclose(side.array(canvas.cut(mean)), patches, atol=1e-12)
    assert side.array(coverage).max() == len(CORNERS)


def test_the_first_position_is_not_interpolated(side, rng):
    """Whatever fractions the others have, the leader's window is cut without blur."""
    relative = np.array([[[0.3, -0.7], [-2.45, 1.2], [2.15, -0.5]]], np.float32)
    canvas = GroupCanvas(side.PHYSICS, side.tensor(relative), 16, 8)
    length = int(canvas.side)
    content = rng.standard_normal((1, length, length)).astype(np.float32)
    middle = slice((length - 16) // 2, (length + 16) // 2)
    leader = side.array(canvas.cut(side.tensor(content)))[:, 0]
    np.testing.assert_allclose(leader, content[:, middle, middle], rtol=0, atol=1e-6)


@pytest.mark.parametrize("reach", [0.0, 0.5, 3.0, 9.7])
def test_the_canvas_can_be_halved_and_holds_all(side, reach):
    """Its margin is a multiple that suits the U-Net, and no position is cut off."""
    relative = np.array([[[reach / 2, 0.0], [-reach / 2, 0.0]]], np.float32)
    canvas = GroupCanvas(side.PHYSICS, side.tensor(relative), 64, 8)
    assert int(canvas.side) == 64 + 8 * math.ceil(2 * math.ceil(reach) / 8)
    total = side.array(canvas.add(side.tensor(np.ones((1, 2, 64, 64), np.float32)))).sum()
    assert total == pytest.approx(2 * 64**2, rel=1e-5)


def test_bad_pixels_correct_nothing(side, make_network, rng):
    """What a masked pixel is said to measure has no part in the correction."""
    network = make_network(architecture="unet")
    X, good = rng.random((1, 1, 64, 64)).astype(np.float32), np.ones((64, 64), bool)
    good[32, 33] = False
    corrections = []
    for wild in (0.0, 50.0):
        X[..., 32, 33] = wild
        light = light_on(side, network, X, good)
        corrections.append(side.array(light.correction(side.tensor(EMPTY))))
    np.testing.assert_array_equal(*corrections)


def test_empty_sample_needs_no_correction(side, make_network):
    """Where the detector saw the bare probe, the first correction of the unet is zero."""
    network = make_network(architecture="unet", probe_modes=2)
    light = light_on(side, network, side.array(network.diffract(side.tensor(EMPTY))))
    correction = np.abs(side.array(light.correction(side.tensor(EMPTY))))
    assert correction.max() < 1e-5 * np.abs(side.array(network.probe)).max() ** 2


def test_first_correction_is_the_back_projection(side, make_network, rng):
    """From an empty sample, correction plus empty beam is the numerator of the back-projection."""
    network = make_network("float64", architecture="unet")
    empty = side.tensor(EMPTY.astype(complex))
    bare = side.array(network.diffract(empty))
    # Where the bare beam is dark its phase is rounding noise: nothing shall be measured there.
    X = np.where(bare > 1e-3, bare * (0.5 + rng.random(bare.shape)), 0)
    probe = side.ops.detach(network.probe)
    power = side.array(side.PHYSICS.illumination(probe))
    correction = side.array(light_on(side, network, X).correction(empty)) + power
    level = power + 0.02 * power.max()
    expected = side.array(side.PHYSICS.back_project(side.tensor(X), probe, 0.02)) * level
    assert np.linalg.norm(correction - expected) < 1e-2 * np.linalg.norm(expected)


class Constant:
    """A pass that answers with one phase everywhere and keeps what it saw."""

    def __init__(self, side, phase):
        self.side = side
        self.logit = math.atanh(phase / math.pi)
        self.planes = []

    def __call__(self, features):
        """Remember the features, unfolded, and give amplitude 1/2 and the phase."""
        planes = self.side.layers.unfold(features, FOLD)
        self.planes = [self.side.array(plane) for plane in planes]
        answers = [np.full_like(self.planes[0], logit) for logit in (0.0, self.logit)]
        return self.side.layers.fold([self.side.tensor(answer) for answer in answers], FOLD)


@pytest.mark.parametrize("gridsize", [1, 2])
def test_corrections_do_not_depend_on_the_global_phase(side, make_network, rng, gridsize):
    """The free phase of the first picture turns it, and not what the second pass is told to mend."""
    from ptycho.network.settings import NetworkSettings
    from ptycho.network.unrolled import UnrolledUNet

    network = make_network("float64", architecture="unet", gridsize=gridsize)
    core = UnrolledUNet(side.layers, NetworkSettings(architecture="unet", n_filters_scale=1))
    light = light_on(side, network, rng.random((2, gridsize**2, 64, 64)))
    relative = side.tensor(np.zeros((2, gridsize**2, 2)))
    seen = []
    for phase in (0.0, 0.8):
        core.passes = [Constant(side, phase), Constant(side, 0.0)]
        core(light, relative)
        seen.append(core.passes[1].planes)
    np.testing.assert_allclose(seen[0][2:], seen[1][2:], rtol=0, atol=1e-6)
    np.testing.assert_allclose(np.angle(seen[1][0] + 1j * seen[1][1]), 0.8)
