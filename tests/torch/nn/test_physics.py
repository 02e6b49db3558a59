"""The differentiable forward model equals the numpy reference, and its slopes are the true ones."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ptycho_torch.nn.losses import poisson_nll as torch_poisson_nll

from ptycho.physics import fourier, illumination, stitch
from ptycho.physics.gradient import likelihood_slope
from ptycho.physics.noise import poisson_nll
from ptycho.physics.translate import translate as reference_translate
from ptycho_torch.nn import physics

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
    ours = physics.propagate(torch.from_numpy(waves))
    assert distance(ours, fourier.propagate(waves)) <= TOLERANCE[dtype]


@given(seed=st.integers(0, 2**16), half=st.integers(4, 20))
def test_propagation_conserves_energy_and_has_an_inverse(seed, half):
    """Parseval holds, and back-propagation undoes propagation."""
    waves = torch.from_numpy(noise(np.random.default_rng(seed), 2, 2 * half, 2 * half))
    fields = physics.propagate(waves)
    torch.testing.assert_close(fields.abs().square().sum(), waves.abs().square().sum())
    torch.testing.assert_close(physics.back_propagate(fields), waves)


@PRECISIONS
@pytest.mark.parametrize("modes", [1, 3])
@pytest.mark.parametrize("sigma", [0.0, 0.7])
@pytest.mark.parametrize("masked", [False, True])
def test_far_field_amplitude_equals_the_reference(rng, dtype, modes, sigma, masked):
    """Illumination, disk, smoothing, propagation and incoherent sum agree with numpy's."""
    patches, probe = noise(rng, 4, 32, 32, dtype=dtype), noise(rng, modes, 32, 32, dtype=dtype)
    disk = illumination.disk_mask(32) if masked else None
    reference = fourier.far_field_amplitude(patches, probe, disk=disk, sigma_px=sigma)
    ours = physics.amplitude(
        physics.exit_waves(
            torch.from_numpy(patches),
            torch.from_numpy(probe),
            disk=physics.disk_mask(32) if masked else None,
            sigma=sigma,
        )
    )
    assert distance(ours, reference) <= TOLERANCE[dtype]


@pytest.mark.parametrize("n", [64, 128])
def test_disk_equals_the_reference(n):
    """Both backends pass the same pixels."""
    np.testing.assert_array_equal(physics.disk_mask(n).bool().numpy(), illumination.disk_mask(n))


@PRECISIONS
def test_back_projection_equals_the_reference(rng, dtype):
    """The back-projected picture agrees with numpy's."""
    probe = noise(rng, 2, 32, 32, dtype=dtype)
    measured = np.abs(noise(rng, 3, 32, 32, dtype=dtype))
    ours = physics.back_project(torch.from_numpy(measured), torch.from_numpy(probe))
    assert distance(ours, fourier.back_projection(measured, probe)) <= TOLERANCE[dtype]


@given(dx=offsets, dy=offsets, seed=st.integers(0, 99))
def test_translation_equals_the_reference(dx, dy, seed):
    """Content moves by +d = [dx, dy], bilinear, with zeros flowing in."""
    images = noise(np.random.default_rng(seed), 2, 12, 12)
    shift = np.array([[dx, dy], [-dy, dx]])
    ours = physics.translate(torch.from_numpy(images), torch.from_numpy(shift))
    np.testing.assert_allclose(ours.numpy(), reference_translate(images, shift), atol=1e-12)


def test_positive_offset_moves_right_and_down():
    """A bright pixel follows [x, y] = (column, row)."""
    image = torch.zeros(8, 8)
    image[2, 3] = 1
    moved = physics.translate(image, torch.tensor([2.0, 1.0]))
    assert moved[3, 5] == 1
    assert moved.sum() == 1


@given(dx=offsets, dy=offsets)
def test_cutting_is_the_adjoint_of_placing(dx, dy):
    """<place u, v> = <u, cut v>: what a patch writes is what it reads."""
    rng = np.random.default_rng(3)
    patch, canvas = torch.from_numpy(noise(rng, 10, 10)), torch.from_numpy(noise(rng, 24, 24))
    offset = torch.tensor([dx, dy], dtype=torch.float64)
    left = torch.vdot(physics.place(patch, offset, 24).ravel(), canvas.ravel())
    right = torch.vdot(patch.ravel(), physics.place(canvas, -offset, 10).ravel())
    torch.testing.assert_close(left, right)


@PRECISIONS
@pytest.mark.parametrize("count", [1, 4, 9])
def test_group_merge_equals_the_reference(rng, dtype, count):
    """Each group of a batch merges on its own canvas as numpy merges it alone."""
    real = np.empty(0, dtype).real.dtype
    patches = noise(rng, 3, count, 16, 16, dtype=dtype)
    relative = rng.uniform(-4, 4, (3, count, 2)).astype(real)
    relative[:, 0] = 4.0  # The batch shares its widest canvas; every group reaches it here.
    weights = rng.random((16, 16)).astype(real)
    tensors = [torch.from_numpy(a) for a in (patches, relative, weights)]
    merged = physics.merge_group(*tensors)
    back = physics.extract_group(merged, tensors[1], 16)
    for b in range(3):
        canvas = stitch.merge_group(patches[b], relative[b], weights)
        assert distance(merged[b], canvas) <= TOLERANCE[dtype]
        cut = stitch.extract_group(canvas, relative[b], 16)
        assert distance(back[b], cut) <= TOLERANCE[dtype]


@given(size=st.integers(2, 40), seed=st.integers(0, 99))
def test_a_group_does_not_see_its_batch(size, seed):
    """A group's patches are the same alone and in a batch of any size."""
    rng = np.random.default_rng(seed)
    patches = torch.from_numpy(noise(rng, size, 4, 8, 8))
    relative = torch.from_numpy(rng.uniform(-3, 3, (size, 4, 2)))
    weights = torch.ones(8, 8, dtype=torch.float64)
    together = physics.overlap(patches, relative, weights)
    alone = physics.overlap(patches[-1:], relative[-1:], weights)
    torch.testing.assert_close(together[-1:], alone)


def test_merging_patches_of_one_object_gives_it_back(rng):
    """Windows of one object, at whole pixels, merge to that object: the signs of the offsets are right."""
    picture = torch.from_numpy(noise(rng, 24, 24))
    corners = [(2, 3), (6, 3), (2, 7), (6, 7)]
    patches = torch.stack([picture[y : y + 16, x : x + 16] for x, y in corners])[None]
    centres = torch.tensor(corners, dtype=torch.float64)
    relative = (centres.mean(0) - centres)[None]
    assert relative.abs().max() == 2
    merged = physics.merge_group(patches, relative, torch.ones(16, 16, dtype=torch.float64))
    torch.testing.assert_close(merged[0], picture[3:23, 2:22])
    torch.testing.assert_close(physics.extract_group(merged, relative, 16), patches)


def test_unreached_canvas_stays_zero_and_finite(rng):
    """Where weights vanish nothing is amplified, and gradients stay finite."""
    patches = torch.from_numpy(noise(rng, 1, 2, 8, 8)).requires_grad_()
    weights = torch.zeros(8, 8, dtype=torch.float64)
    weights[3:5, 3:5] = 1
    relative = torch.tensor([[[1.5, 0.0], [-1.5, 0.0]]], dtype=torch.float64)
    merged = physics.merge_group(patches, relative, weights)
    assert merged[0, 0, 0] == 0
    merged.abs().sum().backward()
    assert torch.isfinite(patches.grad).all()


def test_likelihood_slopes_equal_the_hand_made_ones(rng):
    """Autograd's gradient in object and probe is numpy's, written by hand."""
    patches, probe = noise(rng, 3, 16, 16), noise(rng, 2, 16, 16)
    counts = rng.poisson(40.0, (3, 16, 16)).astype(np.float64)
    scale = 5.0
    slope = likelihood_slope(patches, probe, counts, intensity_scale=scale)
    o, p = (torch.from_numpy(a).requires_grad_() for a in (patches, probe))
    misfit = torch_poisson_nll(
        physics.amplitude(physics.exit_waves(o, p)),
        torch.from_numpy(np.sqrt(counts) / scale),
        torch.tensor(scale, dtype=torch.float64),
        None,
    )
    misfit.backward()
    assert float(misfit.detach()) == pytest.approx(slope.misfit, rel=1e-12)
    assert distance(o.grad, slope.patches) <= 1e-10
    assert distance(p.grad, slope.probe) <= 1e-10


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

    tensors = {name: torch.from_numpy(value) for name, value in values.items()}
    tensors[what].requires_grad_()
    merged = physics.overlap(tensors["patches"][None], tensors["offsets"][None], torch.from_numpy(weights))
    amplitude = physics.amplitude(physics.exit_waves(merged, tensors["probe"], sigma=sigma))
    one = torch.ones((), dtype=torch.float64)
    torch_poisson_nll(amplitude, torch.from_numpy(np.sqrt(counts))[None], one, None).backward()
    slope = np.vdot(tensors[what].grad.numpy(), step).real
    h = 1e-6
    assert slope == pytest.approx((reference(h) - reference(-h)) / (2 * h), rel=1e-5)


def test_dark_pixels_have_finite_slopes():
    """Zero intensity gives neither infinity nor NaN."""
    patches = torch.zeros(1, 8, 8, dtype=torch.complex64, requires_grad=True)
    probe = torch.ones(1, 8, 8, dtype=torch.complex64)
    physics.amplitude(physics.exit_waves(patches, probe)).sum().backward()
    assert torch.isfinite(torch.view_as_real(patches.grad)).all()
