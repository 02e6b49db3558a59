"""The differentiable forward model equals the numpy reference, and its slopes are the true ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.physics import fourier, illumination, stitch
from ptycho.physics.gradient import likelihood_slope
from ptycho.physics.noise import poisson_nll
from ptycho.physics.translate import translate as reference_translate
from ptycho.training.loss import LossInputs
from ptycho.training.loss_terms.nll import poisson_nll as poisson_term

TOLERANCE = {np.complex64: 1e-4, np.complex128: 1e-10}
PRECISIONS = pytest.mark.parametrize("dtype", list(TOLERANCE))

offsets = st.floats(-6, 6, allow_nan=False, width=32)


def noise(rng, *shape, dtype=np.complex128):
    """Draw complex numbers of unit variance."""
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)).astype(dtype)


def distance(ours, reference):
    """Relative l2 distance of two arrays."""
    return np.linalg.norm(ours - reference) / np.linalg.norm(reference)


def misfit(side, predicted, counts, scale):
    """Score amplitudes by the likelihood of counts."""
    measured = side.tensor(np.sqrt(counts) / scale)
    scale = side.tensor(np.array(float(scale)))
    return poisson_term(LossInputs(side.ops, None, predicted, measured, scale, None, None))


@PRECISIONS
def test_propagation_equals_the_reference(side, rng, dtype):
    """The far field agrees with numpy's, zero frequency in the middle."""
    waves = noise(rng, 3, 64, 64, dtype=dtype)
    ours = side.array(side.PHYSICS.propagate(side.tensor(waves)))
    assert distance(ours, fourier.propagate(waves)) <= TOLERANCE[dtype]


@given(seed=st.integers(0, 2**16), half=st.integers(4, 20))
@settings(max_examples=25)
def test_propagation_conserves_energy_and_has_an_inverse(side, seed, half):
    """Parseval holds, and back-propagation undoes propagation."""
    waves = noise(np.random.default_rng(seed), 2, 2 * half, 2 * half)
    fields = side.PHYSICS.propagate(side.tensor(waves))
    energy = np.sum(np.abs(side.array(fields)) ** 2)
    assert energy == pytest.approx(np.sum(np.abs(waves) ** 2), rel=1e-12)
    np.testing.assert_allclose(side.array(side.PHYSICS.back_propagate(fields)), waves, atol=1e-12)


def test_the_corner_holds_what_the_middle_holds(side, rng):
    """The far field with zero frequency at [0, 0] is the other one, shifted, and has an inverse too."""
    waves = side.tensor(noise(rng, 2, 16, 16))
    fields = side.PHYSICS.far_field(waves)
    shifted = np.fft.fftshift(side.array(fields), axes=(-2, -1))
    np.testing.assert_array_equal(shifted, side.array(side.PHYSICS.propagate(waves)))
    np.testing.assert_allclose(side.array(side.PHYSICS.near_field(fields)), side.array(waves), atol=1e-12)


@PRECISIONS
@pytest.mark.parametrize("modes", [1, 3])
@pytest.mark.parametrize("sigma", [0.0, 0.7])
@pytest.mark.parametrize("masked", [False, True])
def test_far_field_amplitude_equals_the_reference(side, rng, dtype, modes, sigma, masked):
    """Illumination, disk, smoothing, propagation and incoherent sum agree with numpy's."""
    patches, probe = noise(rng, 4, 32, 32, dtype=dtype), noise(rng, modes, 32, 32, dtype=dtype)
    disk = illumination.disk_mask(32) if masked else None
    reference = fourier.far_field_amplitude(patches, probe, disk=disk, sigma_px=sigma)
    P, objects = side.tensor(probe), side.tensor(patches)
    ours = side.array(
        side.PHYSICS.amplitude(
            side.PHYSICS.exit_waves(
                objects, P, disk=side.PHYSICS.disk_mask(32, side.ops.real(P)) if masked else None, sigma=sigma
            )
        )
    )
    assert ours.dtype == patches.real.dtype
    assert distance(ours, reference) <= TOLERANCE[dtype]


@pytest.mark.parametrize("n", [64, 128])
def test_disk_equals_the_reference(side, n):
    """Both pass the same pixels."""
    disk = side.array(side.PHYSICS.disk_mask(n, side.tensor(np.zeros(1, np.float32))))
    np.testing.assert_array_equal(disk > 0, illumination.disk_mask(n))


@PRECISIONS
def test_back_projection_equals_the_reference(side, rng, dtype):
    """The back-projected picture agrees with numpy's."""
    probe = noise(rng, 2, 32, 32, dtype=dtype)
    measured = np.abs(noise(rng, 3, 32, 32, dtype=dtype))
    ours = side.array(side.PHYSICS.back_project(side.tensor(measured), side.tensor(probe)))
    assert distance(ours, fourier.back_projection(measured, probe)) <= TOLERANCE[dtype]


@given(dx=offsets, dy=offsets, seed=st.integers(0, 99))
@settings(max_examples=25)
def test_translation_equals_the_reference(side, dx, dy, seed):
    """Content moves by +d = [dx, dy], bilinear, with zeros flowing in."""
    images = noise(np.random.default_rng(seed), 2, 12, 12)
    shift = np.array([[dx, dy], [-dy, dx]])
    ours = side.array(side.PHYSICS.translate(side.tensor(images), side.tensor(shift)))
    np.testing.assert_allclose(ours, reference_translate(images, shift), atol=1e-12)


def test_positive_offset_moves_right_and_down(side):
    """A bright pixel of a real image follows [x, y] = (column, row)."""
    image = np.zeros((8, 8), np.float32)
    image[2, 3] = 1
    shift = side.tensor(np.array([2, 1], np.float32))
    moved = side.array(side.PHYSICS.translate(side.tensor(image), shift))
    assert moved[3, 5] == 1
    assert moved.sum() == 1


@given(dx=offsets, dy=offsets)
@settings(max_examples=25)
def test_cutting_is_the_adjoint_of_placing(side, dx, dy):
    """<place u, v> = <u, cut v>: what a patch writes is what it reads."""
    rng = np.random.default_rng(3)
    patch, canvas, offset = noise(rng, 10, 10), noise(rng, 24, 24), side.tensor(np.array([dx, dy]))
    left = np.vdot(side.array(side.PHYSICS.place(side.tensor(patch), offset, 24)), canvas)
    right = np.vdot(patch, side.array(side.PHYSICS.place(side.tensor(canvas), -offset, 10)))
    assert left == pytest.approx(right, abs=1e-12)


@PRECISIONS
@pytest.mark.parametrize("count", [1, 4, 9])
def test_group_merge_equals_the_reference(side, rng, dtype, count):
    """Each group of a batch merges on its own canvas as numpy merges it alone."""
    real = np.empty(0, dtype).real.dtype
    patches = noise(rng, 3, count, 16, 16, dtype=dtype)
    relative = rng.uniform(-4, 4, (3, count, 2)).astype(real)
    relative[:, 0] = 4.0  # The batch shares its widest canvas; every group reaches it here.
    weights = rng.random((16, 16)).astype(real)
    tensors = [side.tensor(a) for a in (patches, relative, weights)]
    merged = side.PHYSICS.merge_group(*tensors)
    back = side.array(side.PHYSICS.extract_group(merged, tensors[1], 16))
    for b in range(3):
        canvas = stitch.merge_group(patches[b], relative[b], weights)
        assert distance(side.array(merged)[b], canvas) <= TOLERANCE[dtype]
        cut = stitch.extract_group(canvas, relative[b], 16)
        assert distance(back[b], cut) <= TOLERANCE[dtype]


@given(size=st.integers(2, 40), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_a_group_does_not_see_its_batch(side, size, seed):
    """A group's patches are the same alone and in a batch of any size."""
    rng = np.random.default_rng(seed)
    patches, relative = noise(rng, size, 4, 8, 8), rng.uniform(-3, 3, (size, 4, 2))
    weights = side.tensor(np.ones((8, 8)))
    overlap = side.PHYSICS.overlap
    together = side.array(overlap(side.tensor(patches), side.tensor(relative), weights))
    alone = side.array(overlap(side.tensor(patches[-1:]), side.tensor(relative[-1:]), weights))
    np.testing.assert_allclose(together[-1:], alone, atol=1e-12)


def test_merging_patches_of_one_object_gives_it_back(side, rng):
    """Windows of one object, at whole pixels, merge to that object: the signs of the offsets are right."""
    picture = noise(rng, 24, 24)
    corners = np.array([(2, 3), (6, 3), (2, 7), (6, 7)], float)
    patches = np.stack([picture[y : y + 16, x : x + 16] for x, y in corners.astype(int)])[None]
    relative = side.tensor((corners.mean(0) - corners)[None])
    merged = side.PHYSICS.merge_group(side.tensor(patches), relative, side.tensor(np.ones((16, 16))))
    np.testing.assert_allclose(side.array(merged)[0], picture[3:23, 2:22], atol=1e-12)
    back = side.array(side.PHYSICS.extract_group(merged, relative, 16))
    np.testing.assert_allclose(back, patches, atol=1e-12)


def test_unreached_canvas_stays_zero_and_finite(side, rng):
    """Where weights vanish nothing is amplified, and gradients stay finite."""
    patches = side.tensor(noise(rng, 1, 2, 8, 8))
    weights = np.zeros((8, 8))
    weights[3:5, 3:5] = 1
    relative = side.tensor(np.array([[[1.5, 0.0], [-1.5, 0.0]]]))

    def merge(objects):
        return side.PHYSICS.merge_group(objects, relative, side.tensor(weights))

    _, (slope,) = side.slopes(lambda o: side.ops.reduce_sum(side.ops.absolute(merge(o))), patches)
    assert side.array(merge(patches))[0, 0, 0] == 0
    assert np.isfinite(slope).all()


def test_likelihood_slopes_equal_the_hand_made_ones(side, rng):
    """The gradient in object and probe is numpy's, written by hand."""
    patches, probe = noise(rng, 3, 16, 16), noise(rng, 2, 16, 16)
    counts = rng.poisson(40.0, (3, 16, 16)).astype(np.float64)
    slope = likelihood_slope(patches, probe, counts, intensity_scale=5.0)

    def score(o, p):
        return misfit(side, side.PHYSICS.amplitude(side.PHYSICS.exit_waves(o, p)), counts, 5.0)

    value, ours = side.slopes(score, side.tensor(patches), side.tensor(probe))
    assert value == pytest.approx(slope.misfit, rel=1e-12)
    assert distance(ours[0], slope.patches) <= 1e-10
    assert distance(ours[1], slope.probe) <= 1e-10


@pytest.mark.parametrize("sigma", [0.0, 0.6])
@pytest.mark.parametrize("what", ["patches", "offsets", "probe"])
def test_slopes_equal_finite_differences_of_numpy(side, rng, sigma, what):
    """The whole way from patches through merging to the misfit has the slope that numpy's values have."""
    values = {
        "patches": noise(rng, 4, 12, 12),
        "offsets": rng.uniform(-1.9, 1.9, (4, 2)),
        "probe": noise(rng, 1, 12, 12),
    }
    values["offsets"][0] = [1.95, -1.95]
    counts = rng.poisson(30.0, (4, 12, 12)).astype(np.float64)
    weights = rng.random((12, 12)) + 0.1
    step = noise(rng, *values[what].shape)
    step = step if what != "offsets" else step.real * np.array([[0.0]] + [[1.0]] * 3)

    def reference(t):
        v = values | {what: values[what] + t * step}
        canvas = stitch.merge_group(v["patches"], v["offsets"], weights)
        merged = stitch.extract_group(canvas, v["offsets"], 12)
        amplitude = fourier.far_field_amplitude(merged, v["probe"], sigma_px=sigma)
        return poisson_nll(amplitude**2, counts)

    def score(moved):
        t = {name: side.tensor(value) for name, value in values.items()} | {what: moved}
        merged = side.PHYSICS.overlap(t["patches"][None], t["offsets"][None], side.tensor(weights))
        amplitude = side.PHYSICS.amplitude(side.PHYSICS.exit_waves(merged, t["probe"], sigma=sigma))
        return misfit(side, amplitude, counts[None], 1.0)

    _, (slope,) = side.slopes(score, side.tensor(values[what]))
    h = 1e-6
    expected = (reference(h) - reference(-h)) / (2 * h)
    assert np.vdot(slope, step).real == pytest.approx(expected, rel=1e-5)


def test_dark_pixels_have_finite_slopes(side):
    """Zero intensity gives neither infinity nor NaN."""
    probe = side.tensor(np.ones((1, 8, 8), np.complex64))

    def total(patches):
        return side.ops.reduce_sum(side.PHYSICS.amplitude(side.PHYSICS.exit_waves(patches, probe)))

    _, (slope,) = side.slopes(total, side.tensor(np.zeros((1, 8, 8), np.complex64)))
    assert np.isfinite(slope).all()
