"""A scan's frames meet on one canvas, in whole pixels, whatever their number, side and order."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.network.canvases import ScanCanvas
from ptycho.network.settings import NetworkSettings
from ptycho.network.unrolled import SCAN_DEPTH, CanvasUNet, FramesAtOnce, FramesInPortions, Illumination
from ptycho.physics import numpy_operations, sweeps
from ptycho.physics.forward_model import ForwardModel

POSITIONS = np.array([(20.0, 18.5), (24.3, 18.0), (19.8, 25.7), (31.0, 30.2)], np.float32)
MULTIPLE = SCAN_DEPTH.multiple


def canvas_on(side, positions, n=32):
    """Lay positions [x, y] out on the canvas of a scan."""
    return ScanCanvas(side.PHYSICS, side.tensor(-positions[None]), n, MULTIPLE)


def noise(rng, *shape):
    """Draw complex numbers without any smoothness."""
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def light_on(side, rng, count, n=32, modes=2):
    """Draw a probe and the frames of a scan."""
    return Illumination(
        physics=side.PHYSICS,
        measured=side.tensor(rng.random((1, count, n, n)).astype(np.float32)),
        good=side.tensor(np.ones((n, n), bool)),
        probe=side.tensor(noise(rng, modes, n, n)),
        disk=None,
        sigma=0.0,
    )


def test_patches_are_the_windows_of_the_picture(side, rng):
    """At positions rounded to whole pixels, seen from the outermost patch."""
    canvas = canvas_on(side, POSITIONS)
    picture = noise(rng, 1, int(canvas.height), int(canvas.width))
    corners = np.floor(POSITIONS + 0.5).astype(int)
    corners -= corners.min(0)
    cut = side.array(canvas.cut(side.tensor(picture)))[0]
    for patch, (x, y) in zip(cut, corners, strict=True):
        np.testing.assert_array_equal(patch, picture[0, y : y + 32, x : x + 32])


def test_adding_is_the_adjoint_of_cutting(side, rng):
    """What patches say about a picture returns to the pixels that it came from."""
    canvas = canvas_on(side, POSITIONS)
    picture, patches = noise(rng, 1, int(canvas.height), int(canvas.width)), noise(rng, 1, 4, 32, 32)
    added, cut = side.array(canvas.add(side.tensor(patches))), side.array(canvas.cut(side.tensor(picture)))
    assert np.vdot(added, picture) == pytest.approx(np.vdot(patches, cut), rel=1e-4)


def test_scans_of_a_batch_do_not_mix(side, rng):
    """Two scans beside each other are what each is alone."""
    both = np.stack([POSITIONS, POSITIONS[::-1] * 0.9])
    patches = noise(rng, 2, 4, 32, 32)
    together = ScanCanvas(side.PHYSICS, side.tensor(-both), 32, MULTIPLE)
    added = side.array(together.add(side.tensor(patches)))
    for number, positions in enumerate(both):
        alone = canvas_on(side, positions)
        height, width = int(alone.height), int(alone.width)
        own = side.array(alone.add(side.tensor(patches[number : number + 1])))[0]
        np.testing.assert_allclose(added[number, :height, :width], own, atol=1e-6)


@pytest.mark.parametrize("reach", [0.0, 0.6, 31.0, 33.2])
def test_the_canvas_holds_all_and_can_be_halved(side, reach):
    """Its sides are multiples that suit the U-Net, and no patch is cut off."""
    positions = np.array([(0, 0), (reach, 0)], np.float32)
    canvas = canvas_on(side, positions)
    sides = int(canvas.height), int(canvas.width)
    assert sides[0] == 32
    assert sides[1] % MULTIPLE == 0
    assert 32 + round(reach) <= sides[1] < 32 + round(reach) + MULTIPLE
    total = side.array(canvas.add(side.tensor(np.ones((1, 2, 32, 32), np.float32)))).sum()
    assert total == 2 * 32**2


def test_fractions_of_a_pixel_move_the_probe(side, rng):
    """By Fourier interpolation, as the sweeps do; whole positions leave it as it is."""
    probe = noise(rng, 2, 32, 32)
    lit = side.array(canvas_on(side, POSITIONS).lit_by(side.tensor(probe)))[0]
    rest = POSITIONS - np.floor(POSITIONS + 0.5)
    expected = sweeps.shift(numpy_operations, probe[None], rest)
    np.testing.assert_allclose(lit, expected, atol=1e-4)
    whole = side.array(canvas_on(side, np.rint(POSITIONS)).lit_by(side.tensor(probe)))[0, 0]
    np.testing.assert_allclose(whole, probe, atol=1e-4)


def test_corrections_equal_those_of_numpy(side, rng):
    """Light, cut, correction and sum, from the same arrays, without a framework."""
    light, picture = light_on(side, rng, 4), None
    canvas = canvas_on(side, POSITIONS)
    picture = noise(rng, 1, int(canvas.height), int(canvas.width))
    ours = FramesAtOnce(lit(light, canvas), canvas)
    reference = ForwardModel(numpy_operations)
    judge = ScanCanvas(reference, -POSITIONS[None], 32, MULTIPLE)
    plain = Illumination(
        reference, *(side.array(part) for part in (light.measured, light.good, light.probe)), None, 0.0
    )
    theirs = FramesAtOnce(lit(plain, judge), judge)
    for mine, right in (
        (ours.intensity(), theirs.intensity()),
        (ours.first_look()[1], theirs.first_look()[1]),
        (ours.correction(side.tensor(picture)), theirs.correction(picture)),
    ):
        gap = np.linalg.norm(side.array(mine) - right) / np.linalg.norm(right)
        assert gap < 1e-5


def lit(light, canvas):
    """Give light as the passes want it: moved to the positions, zero frequency in the corner."""
    from dataclasses import replace

    return replace(light.cornered(), probe=canvas.lit_by(light.probe))


@pytest.mark.parametrize(("count", "n"), [(1, 32), (7, 40), (50, 32)])
def test_portions_give_what_all_frames_give(side, rng, count, n):
    """Any number of frames of any side, at once or some at a time, in any order, makes one picture."""
    positions = rng.uniform(0, 40, (count, 2)).astype(np.float32)
    light = light_on(side, rng, count, n)
    core = side.start(
        CanvasUNet(side.layers, NetworkSettings(N=n, n_filters_scale=1, architecture="canvas_unet"))
    )
    canvas = canvas_on(side, positions, n)
    *_, whole = core.pictures(FramesAtOnce(lit(light, canvas), canvas))
    order = rng.permutation(count)
    turned = canvas_on(side, positions[order], n)
    frames = side.array(light.measured)[:, order]

    def some(span):
        from dataclasses import replace

        return replace(light, measured=side.tensor(frames[:, span])).cornered()

    spans = [slice(start, start + 16) for start in range(0, count, 16)]
    for remembered in (0, 1, len(spans)):
        *_, portioned = core.pictures(FramesInPortions(turned, some, spans, remembered))
        np.testing.assert_allclose(side.array(portioned), side.array(whole), atol=2e-4)
