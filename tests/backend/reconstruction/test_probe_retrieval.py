"""A wrong probe becomes the right one, from the frames alone."""

import numpy as np
import pytest

from ptycho.physics.canvas import Canvas
from ptycho.reconstruction.iteration import Iteration
from ptycho.reconstruction.probe_retrieval import START_AMPLITUDE, retrieve_probe


def likeness(a, b):
    """Overlap of two complex pictures, blind to scale and global phase, best over small shifts."""
    product = np.fft.ifft2(np.fft.fft2(a) * np.fft.fft2(b).conj())
    return float(np.abs(product).max() / (np.linalg.norm(a) * np.linalg.norm(b)))


def defocus(probe, amount):
    """Perturb a probe by a quadratic phase in its far field."""
    n = probe.shape[-1]
    f = np.fft.fftfreq(n)
    phase = np.exp(1j * amount * (f[:, None] ** 2 + f[None, :] ** 2))
    return np.fft.ifft2(np.fft.fft2(probe) * phase).astype(np.complex64)


def test_a_defocused_probe_is_corrected(scanned, library):
    """Retrieval brings a probe of wrong defocus back to the true one."""
    scan = scanned()
    wrong = defocus(scan.probe, 250.0)
    retrieval = retrieve_probe(library, scan.measurement(), wrong, sweeps=60)
    assert likeness(wrong[0], scan.probe[0]) < 0.93
    assert likeness(retrieval.probe[0], scan.probe[0]) > 0.99
    assert retrieval.misfits[-1] < 0.05 * retrieval.misfits[0]


def test_a_second_mode_is_found(scanned, library):
    """Frames of two incoherent modes are explained better by two modes than by one."""
    scan = scanned(modes=2)
    main = scan.probe[:1]
    one = retrieve_probe(library, scan.measurement(), main, sweeps=80)
    start = np.concatenate([main, 0.2 * main * np.linspace(-1, 1, 32, dtype=np.float32)[:, None]])
    two = retrieve_probe(library, scan.measurement(), start, sweeps=80)
    assert two.misfits[-1] < 0.75 * one.misfits[-1]


@pytest.mark.parametrize("modes", [1, 3])
def test_the_energy_of_the_probe_stays(scanned, library, modes):
    """Object amplitudes keep their bounds, because the probe keeps its scale."""
    scan = scanned(modes=modes)
    retrieval = retrieve_probe(library, scan.measurement(), scan.probe * 1.1, sweeps=3)
    before = np.sum(np.abs(scan.probe * 1.1) ** 2)
    assert np.sum(np.abs(retrieval.probe) ** 2) == pytest.approx(before, rel=1e-4)
    assert retrieval.probe.dtype == np.complex64


def test_probe_and_object_still_explain_the_frames(scanned, library):
    """What is handed back, rescaled, has the misfit of the last sweep."""
    scan = scanned()
    retrieval = retrieve_probe(library, scan.measurement(), defocus(scan.probe, 20.0), sweeps=10)
    canvas = Canvas(retrieval.origin_px, retrieval.object.shape)
    again = Iteration(library, scan.measurement(), canvas, retrieval.object, retrieval.probe)
    assert again.sweep() <= 1.05 * retrieval.misfits[-1]


def test_no_sweeps_retrieve_what_was_given(scanned, library):
    """Zero sweeps hand back the probe and an empty sample on the smallest canvas of all patches."""
    scan = scanned()
    retrieval = retrieve_probe(library, scan.measurement(), scan.probe, sweeps=0)
    np.testing.assert_allclose(retrieval.probe, scan.probe, rtol=1e-6)
    np.testing.assert_allclose(retrieval.object, START_AMPLITUDE, rtol=1e-6)
    assert (retrieval.origin_px, retrieval.object.shape) == (scan.canvas.origin_px, scan.canvas.shape)
    assert retrieval.misfits == []
    assert retrieval.probe.dtype == retrieval.object.dtype == np.complex64
