"""Refinement makes a picture agree with what was measured, and stays on its canvas."""

import numpy as np

from ptycho.physics.fourier import far_field_amplitude
from ptycho.physics.noise import poisson_nll
from ptycho.physics.sweeps import Picture
from ptycho.tf.refinement import refine


def blurred(scan):
    """The truth, its contrast halved, as a network might give it."""
    return Picture(
        object=(0.5 * scan.truth + 0.5 * scan.truth.mean()).astype(np.complex64),
        coverage=np.ones(scan.truth.shape, np.float32),
        origin_px=scan.origin,
    )


def misfit(scan, picture, origin):
    """Poisson misfit of whole-pixel positions, in numpy, at 1e6 photons a frame."""
    n = scan.probe.shape[-1]
    corners = np.rint(scan.positions - n // 2 - origin).astype(int)
    patches = np.stack([picture[y : y + n, x : x + n] for x, y in corners])
    scale = 1e6 / float((scan.X**2).sum((1, 2)).mean())
    return poisson_nll(scale * far_field_amplitude(patches, scan.probe) ** 2, scale * scan.X**2)


def test_refinement_lowers_the_poisson_misfit(scanned):
    """The likelihood of all frames rises, by the numpy reference."""
    scan = scanned()
    start = blurred(scan)
    found = refine(scan.frames, scan.positions, start, scan.probe, sweeps=5)
    assert misfit(scan, found.object, scan.origin) < misfit(scan, start.object, scan.origin)
    assert found.misfits[-1] < 0.05 * found.misfits[0]


def test_refinement_comes_nearer_to_the_truth(scanned):
    """In the scanned area the error, up to one complex factor, falls."""
    scan = scanned()
    truth, start = scan.truth[16:-16, 16:-16], blurred(scan)

    def error(picture):
        inner = picture[16:-16, 16:-16]
        fitted = inner * (np.vdot(inner, truth) / np.vdot(inner, inner))
        return np.linalg.norm(fitted - truth) / np.linalg.norm(truth)

    found = refine(scan.frames, scan.positions, start, scan.probe, sweeps=10)
    assert error(found.object) < 0.3 * error(start.object)


def test_no_sweeps_change_nothing(scanned):
    """Zero sweeps hand back the picture itself."""
    scan = scanned()
    start = blurred(scan)
    found = refine(scan.frames, scan.positions, start, scan.probe, sweeps=0)
    np.testing.assert_array_equal(found.object, start.object)
    assert found.misfits == []


def test_a_cut_picture_keeps_its_place(scanned):
    """A picture whose rim was cut off is refined where it lies, and comes back in its own size."""
    scan = scanned()
    whole = blurred(scan)
    cut = Picture(
        whole.object[5:-3, 2:-4], whole.coverage[5:-3, 2:-4], (scan.origin[0] + 2, scan.origin[1] + 5)
    )
    found = refine(scan.frames, scan.positions, cut, scan.probe, sweeps=10)
    full = refine(scan.frames, scan.positions, whole, scan.probe, sweeps=10).object[5:-3, 2:-4]
    assert found.object.shape == cut.object.shape
    inner = (slice(14, -14), slice(14, -14))
    assert np.linalg.norm(found.object[inner] - full[inner]) < 0.02 * np.linalg.norm(full[inner])
