"""The differentiable forward model equals the numpy reference, and its slopes are the true ones."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from ptycho.tf.losses import poisson_nll as tf_poisson_nll

from ptycho.physics import fourier, illumination, stitch
from ptycho.physics.gradient import likelihood_slope
from ptycho.physics.noise import poisson_nll
from ptycho.physics.translate import translate as reference_translate
from ptycho.tf import physics

TOLERANCE = {np.complex64: 1e-4, np.complex128: 1e-10}
PRECISIONS = pytest.mark.parametrize("dtype", list(TOLERANCE))

offsets = st.floats(-6, 6, allow_nan=False, width=32)


def noise(rng, *shape, dtype=np.complex128):
    """Draw complex numbers of unit variance."""
    return ((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)).astype(dtype)


def distance(ours, reference):
    """Relative l2 distance of a tensor from an array."""
    return np.linalg.norm(ours.numpy() - reference) / np.linalg.norm(reference)


@PRECISIONS
def test_propagation_equals_the_reference(rng, dtype):
    """The far field agrees with numpy's, zero frequency in the middle."""
    waves = noise(rng, 3, 64, 64, dtype=dtype)
    assert distance(physics.propagate(tf.constant(waves)), fourier.propagate(waves)) <= TOLERANCE[dtype]


@given(seed=st.integers(0, 2**16), half=st.integers(4, 20))
@settings(max_examples=25)
def test_propagation_conserves_energy_and_has_an_inverse(seed, half):
    """Parseval holds, and back-propagation undoes propagation."""
    waves = noise(np.random.default_rng(seed), 2, 2 * half, 2 * half)
    fields = physics.propagate(tf.constant(waves))
    assert np.sum(np.abs(fields) ** 2) == pytest.approx(np.sum(np.abs(waves) ** 2), rel=1e-12)
    np.testing.assert_allclose(physics.back_propagate(fields), waves, atol=1e-12)


def test_the_corner_holds_what_the_middle_holds(rng):
    """The far field with zero frequency at [0, 0] is the other one, shifted, and has an inverse too."""
    waves = tf.constant(noise(rng, 2, 16, 16))
    fields = physics.far_field(waves)
    np.testing.assert_array_equal(np.fft.fftshift(fields, axes=(-2, -1)), physics.propagate(waves))
    np.testing.assert_allclose(physics.near_field(fields), waves, atol=1e-12)


@PRECISIONS
@pytest.mark.parametrize("modes", [1, 3])
@pytest.mark.parametrize("sigma", [0.0, 0.7])
@pytest.mark.parametrize("masked", [False, True])
def test_far_field_amplitude_equals_the_reference(rng, dtype, modes, sigma, masked):
    """Illumination, disk, smoothing, propagation and incoherent sum agree with numpy's."""
    patches, probe = noise(rng, 4, 32, 32, dtype=dtype), noise(rng, modes, 32, 32, dtype=dtype)
    disk = illumination.disk_mask(32) if masked else None
    reference = fourier.far_field_amplitude(patches, probe, disk=disk, sigma_px=sigma)
    real = tf.as_dtype(dtype).real_dtype
    ours = physics.amplitude(
        physics.exit_waves(
            tf.constant(patches),
            tf.constant(probe),
            disk=physics.disk_mask(32, dtype=real) if masked else None,
            sigma=sigma,
        )
    )
    assert ours.dtype == real
    assert distance(ours, reference) <= TOLERANCE[dtype]


@pytest.mark.parametrize("n", [64, 128])
def test_disk_equals_the_reference(n):
    """Both pass the same pixels."""
    np.testing.assert_array_equal(physics.disk_mask(n).numpy() > 0, illumination.disk_mask(n))


@PRECISIONS
def test_back_projection_equals_the_reference(rng, dtype):
    """The back-projected picture agrees with numpy's."""
    probe = noise(rng, 2, 32, 32, dtype=dtype)
    measured = np.abs(noise(rng, 3, 32, 32, dtype=dtype))
    ours = physics.back_project(tf.constant(measured), tf.constant(probe))
    assert distance(ours, fourier.back_projection(measured, probe)) <= TOLERANCE[dtype]


@given(dx=offsets, dy=offsets, seed=st.integers(0, 99))
@settings(max_examples=25)
def test_translation_equals_the_reference(dx, dy, seed):
    """Content moves by +d = [dx, dy], bilinear, with zeros flowing in."""
    images = noise(np.random.default_rng(seed), 2, 12, 12)
    shift = np.array([[dx, dy], [-dy, dx]])
    ours = physics.translate(tf.constant(images), tf.constant(shift))
    np.testing.assert_allclose(ours, reference_translate(images, shift), atol=1e-12)


def test_positive_offset_moves_right_and_down():
    """A bright pixel of a real image follows [x, y] = (column, row)."""
    image = np.zeros((8, 8), np.float32)
    image[2, 3] = 1
    moved = physics.translate(tf.constant(image), tf.constant([2.0, 1.0])).numpy()
    assert moved[3, 5] == 1
    assert moved.sum() == 1


@given(dx=offsets, dy=offsets)
@settings(max_examples=25)
def test_cutting_is_the_adjoint_of_placing(dx, dy):
    """<place u, v> = <u, cut v>: what a patch writes is what it reads."""
    rng = np.random.default_rng(3)
    patch, canvas, offset = noise(rng, 10, 10), noise(rng, 24, 24), tf.constant([dx, dy], tf.float64)
    left = np.vdot(physics.place(tf.constant(patch), offset, 24), canvas)
    right = np.vdot(patch, physics.place(tf.constant(canvas), -offset, 10))
    assert left == pytest.approx(right, abs=1e-12)


@PRECISIONS
@pytest.mark.parametrize("count", [1, 4, 9])
def test_group_merge_equals_the_reference(rng, dtype, count):
    """Each group of a batch merges on its own canvas as numpy merges it alone."""
    real = np.empty(0, dtype).real.dtype
    patches = noise(rng, 3, count, 16, 16, dtype=dtype)
    relative = rng.uniform(-4, 4, (3, count, 2)).astype(real)
    relative[:, 0] = 4.0  # The batch shares its widest canvas; every group reaches it here.
    weights = rng.random((16, 16)).astype(real)
    tensors = [tf.constant(a) for a in (patches, relative, weights)]
    merged = physics.merge_group(*tensors)
    back = physics.extract_group(merged, tensors[1], 16)
    for b in range(3):
        canvas = stitch.merge_group(patches[b], relative[b], weights)
        assert distance(merged[b], canvas) <= TOLERANCE[dtype]
        cut = stitch.extract_group(canvas, relative[b], 16)
        assert distance(back[b], cut) <= TOLERANCE[dtype]


@given(size=st.integers(2, 40), seed=st.integers(0, 99))
@settings(max_examples=15)
def test_a_group_does_not_see_its_batch(size, seed):
    """A group's patches are the same alone and in a batch of any size."""
    rng = np.random.default_rng(seed)
    patches, relative = noise(rng, size, 4, 8, 8), rng.uniform(-3, 3, (size, 4, 2))
    weights = tf.ones((8, 8), tf.float64)
    together = physics.overlap(tf.constant(patches), tf.constant(relative), weights)
    alone = physics.overlap(tf.constant(patches[-1:]), tf.constant(relative[-1:]), weights)
    np.testing.assert_allclose(together[-1:], alone, atol=1e-12)


def test_merging_patches_of_one_object_gives_it_back(rng):
    """Windows of one object, at whole pixels, merge to that object: the signs of the offsets are right."""
    picture = noise(rng, 24, 24)
    corners = np.array([(2, 3), (6, 3), (2, 7), (6, 7)], float)
    patches = np.stack([picture[y : y + 16, x : x + 16] for x, y in corners.astype(int)])[None]
    relative = tf.constant((corners.mean(0) - corners)[None])
    merged = physics.merge_group(tf.constant(patches), relative, tf.ones((16, 16), tf.float64))
    np.testing.assert_allclose(merged[0], picture[3:23, 2:22], atol=1e-12)
    np.testing.assert_allclose(physics.extract_group(merged, relative, 16), patches, atol=1e-12)


def test_unreached_canvas_stays_zero_and_finite(rng):
    """Where weights vanish nothing is amplified, and gradients stay finite."""
    patches = tf.constant(noise(rng, 1, 2, 8, 8))
    weights = np.zeros((8, 8))
    weights[3:5, 3:5] = 1
    relative = tf.constant([[[1.5, 0.0], [-1.5, 0.0]]], tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(patches)
        merged = physics.merge_group(patches, relative, tf.constant(weights))
        total = tf.reduce_sum(tf.abs(merged))
    assert merged[0, 0, 0] == 0
    assert np.isfinite(tape.gradient(total, patches)).all()


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
        return physics.merge_group(patches, relative, tf.ones((8, 8), tf.float64))

    for reach in (0.0, 2.5, 6.0):
        relative = reach * np.array([[[1, 1], [-1, 1], [1, -1], [-1, -1.0]]])
        patches = noise(rng, 1, 4, 8, 8)
        canvas = stitch.merge_group(patches[0], relative[0], np.ones((8, 8)))
        np.testing.assert_allclose(merge(patches, relative)[0], canvas, atol=1e-12)
    assert len(traces) == 1


def test_likelihood_slopes_equal_the_hand_made_ones(rng):
    """The tape's gradient in object and probe is numpy's, written by hand."""
    patches, probe = noise(rng, 3, 16, 16), noise(rng, 2, 16, 16)
    counts = rng.poisson(40.0, (3, 16, 16)).astype(np.float64)
    scale = 5.0
    slope = likelihood_slope(patches, probe, counts, intensity_scale=scale)
    o, p = tf.constant(patches), tf.constant(probe)
    with tf.GradientTape() as tape:
        tape.watch([o, p])
        amplitude = physics.amplitude(physics.exit_waves(o, p))
        misfit = tf_poisson_nll(
            amplitude, tf.constant(np.sqrt(counts) / scale), tf.constant(scale, tf.float64), None
        )
    found = tape.gradient(misfit, [o, p])
    assert float(misfit) == pytest.approx(slope.misfit, rel=1e-12)
    assert distance(found[0], slope.patches) <= 1e-10
    assert distance(found[1], slope.probe) <= 1e-10


@pytest.mark.parametrize("sigma", [0.0, 0.6])
@pytest.mark.parametrize("what", ["patches", "offsets", "probe"])
def test_slopes_equal_finite_differences_of_numpy(rng, sigma, what):
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

    tensors = {name: tf.constant(value) for name, value in values.items()}
    with tf.GradientTape() as tape:
        tape.watch(tensors[what])
        merged = physics.overlap(tensors["patches"][None], tensors["offsets"][None], tf.constant(weights))
        amplitude = physics.amplitude(physics.exit_waves(merged, tensors["probe"], sigma=sigma))
        misfit = tf_poisson_nll(
            amplitude, tf.constant(np.sqrt(counts))[None], tf.constant(1.0, tf.float64), None
        )
    slope = np.vdot(tape.gradient(misfit, tensors[what]), step).real
    h = 1e-6
    assert slope == pytest.approx((reference(h) - reference(-h)) / (2 * h), rel=1e-5)


def test_dark_pixels_have_finite_slopes():
    """Zero intensity gives neither infinity nor NaN."""
    patches = tf.zeros((1, 8, 8), tf.complex64)
    with tf.GradientTape() as tape:
        tape.watch(patches)
        amplitude = physics.amplitude(physics.exit_waves(patches, tf.ones((1, 8, 8), tf.complex64)))
    assert np.isfinite(tape.gradient(amplitude, patches)).all()
