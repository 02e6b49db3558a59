"""Refinement makes a picture agree with what was measured, and stays on its canvas."""

from dataclasses import replace

import numpy as np
import pytest

from ptycho.physics.fourier import far_field_amplitude
from ptycho.physics.noise import poisson_nll
from ptycho.physics.stitch import Stitched
from ptycho.reconstruction.refinement import flat_like, refine


def blurred(scan):
    """The truth, its contrast halved, as a network might give it."""
    return Stitched(
        object=(0.5 * scan.truth + 0.5 * scan.truth.mean()).astype(np.complex64),
        coverage=np.ones(scan.truth.shape, np.float32),
        origin_px=scan.canvas.origin_px,
    )


def misfit(scan, picture, origin):
    """Poisson misfit of whole-pixel positions, in numpy, at 1e6 photons a frame."""
    n = scan.probe.shape[-1]
    corners = np.rint(scan.positions - n // 2 - origin).astype(int)
    patches = np.stack([picture[y : y + n, x : x + n] for x, y in corners])
    scale = 1e6 / float((scan.X**2).sum((1, 2)).mean())
    return poisson_nll(scale * far_field_amplitude(patches, scan.probe) ** 2, scale * scan.X**2)


def test_refinement_lowers_the_poisson_misfit(scanned, library):
    """The likelihood of all frames rises, by the numpy reference."""
    scan = scanned()
    start = blurred(scan)
    refined = refine(library, scan.measurement(), start, scan.probe, sweeps=5)
    assert misfit(scan, refined.object, scan.canvas.origin_px) < misfit(
        scan, start.object, scan.canvas.origin_px
    )
    assert refined.misfits[-1] < 0.05 * refined.misfits[0]


def test_refinement_comes_nearer_to_the_truth(scanned, library):
    """In the scanned area the error, up to one complex factor, falls."""
    scan = scanned()
    truth, start = scan.truth[16:-16, 16:-16], blurred(scan)

    def error(picture):
        inner = picture[16:-16, 16:-16]
        fitted = inner * (np.vdot(inner, truth) / np.vdot(inner, inner))
        return np.linalg.norm(fitted - truth) / np.linalg.norm(truth)

    refined = refine(library, scan.measurement(), start, scan.probe, sweeps=10)
    assert error(refined.object) < 0.3 * error(start.object)


def test_no_sweeps_change_nothing(scanned, library):
    """Zero sweeps hand back the picture itself."""
    scan = scanned()
    start = blurred(scan)
    refined = refine(library, scan.measurement(), start, scan.probe, sweeps=0)
    np.testing.assert_array_equal(refined.object, start.object)
    assert refined.misfits == []


def test_a_cut_picture_keeps_its_place(scanned, library):
    """A picture whose rim was cut off is refined where it lies, and comes back in its own size."""
    scan = scanned()
    whole = blurred(scan)
    cut = Stitched(
        whole.object[5:-3, 2:-4],
        whole.coverage[5:-3, 2:-4],
        (scan.canvas.origin_px[0] + 2, scan.canvas.origin_px[1] + 5),
    )
    refined = refine(library, scan.measurement(), cut, scan.probe, sweeps=10)
    full = refine(library, scan.measurement(), whole, scan.probe, sweeps=10).object[5:-3, 2:-4]
    assert refined.object.shape == cut.object.shape
    inner = (slice(14, -14), slice(14, -14))
    assert np.linalg.norm(refined.object[inner] - full[inner]) < 0.02 * np.linalg.norm(full[inner])


def test_uncovered_pixels_start_from_the_mean(scanned, library):
    """Where the stitching knew nothing, the start is the mean of what it knew, not zero."""
    scan = scanned()
    start = blurred(scan)
    hole = (slice(20, 24), slice(20, 24))
    start.object[hole] = 0
    start.coverage[hole] = 0
    refined = refine(library, scan.measurement(), start, scan.probe, sweeps=0)
    known = start.coverage > 0
    np.testing.assert_allclose(refined.object[hole], start.object[known].mean(), rtol=1e-5)


def test_a_picture_beyond_its_patches_is_an_error(scanned, library):
    """The error names the sizes and where the origin comes from."""
    scan = scanned()
    whole = blurred(scan)
    (x, y), (height, width) = scan.canvas.origin_px, whole.object.shape
    wrong = Stitched(whole.object, whole.coverage, (x - 1, y))
    with pytest.raises(ValueError, match="reaches beyond") as error:
        refine(library, scan.measurement(), wrong, scan.probe, sweeps=1)
    assert str(error.value) == (
        f"the picture of {height} x {width} pixels reaches beyond what its patches cover\n"
        f"  expected  at most {height} x {width} pixels from [x, y] = {[x, y]}\n"
        "  try       the origin that stitching gave with the picture"
    )


def test_a_probe_is_learned_where_it_is_asked_for(scanned, library):
    """It comes nearer to the true one with its energy kept; otherwise it stays as it was given."""
    scan = scanned()
    n = scan.probe.shape[-1]
    axis = np.arange(n) - n // 2
    bent = (scan.probe * np.exp(2e-2j * (axis[:, None] ** 2 + axis**2))).astype(np.complex64)

    def likeness(probe):
        return (
            abs(np.vdot(probe[0], scan.probe[0])) / np.linalg.norm(probe[0]) / np.linalg.norm(scan.probe[0])
        )

    fixed, moved = (
        refine(library, scan.measurement(), blurred(scan), bent, sweeps=8, learn_probe=learn)
        for learn in (False, True)
    )
    np.testing.assert_allclose(fixed.probe, bent, rtol=1e-5)
    assert np.linalg.norm(moved.probe) == pytest.approx(np.linalg.norm(bent), rel=1e-4)
    assert likeness(moved.probe) > likeness(bent)
    assert moved.misfits[-1] < fixed.misfits[-1]


def test_a_flat_picture_lies_where_the_other_does(scanned):
    """Sweeps that start without a network see the same canvas."""
    flat = flat_like(blurred(scanned()))
    assert len(np.unique(flat.object)) == 1
    assert flat.object.shape == flat.coverage.shape


def test_wrong_positions_are_corrected_on_the_way(scanned, library):
    """Frames that lie beside their places move towards them, and more is explained."""
    scan = scanned()
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, len(scan.positions))
    low, high = scan.positions.min(axis=0), scan.positions.max(axis=0)
    wrong = np.clip(scan.positions + np.column_stack([np.cos(angle), np.sin(angle)]), low, high)
    measured = replace(scan.measurement(), positions=wrong)
    as_they_are, corrected = (
        refine(library, measured, blurred(scan), scan.probe, sweeps=30, correct_positions=moves)
        for moves in (False, True)
    )
    np.testing.assert_array_equal(as_they_are.positions, wrong)

    def beside(positions):
        return np.std(positions - scan.positions, axis=0).max()

    assert beside(corrected.positions) < 0.5 * beside(wrong)
    assert corrected.misfits[-1] < 0.5 * as_they_are.misfits[-1]
    assert corrected.object.shape == scan.truth.shape
