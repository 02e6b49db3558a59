"""A wrong probe becomes the right one, from the frames alone."""

import numpy as np
import pytest

from ptycho.physics.sweeps import Frames, Steps
from ptycho.tf.iteration import Estimate
from ptycho.tf.probe_retrieval import retrieve_probe


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


def test_a_defocused_probe_is_corrected(scanned):
    """Retrieval brings a probe of wrong defocus back to the true one."""
    scan = scanned()
    wrong = defocus(scan.probe, 250.0)
    found = retrieve_probe(scan.frames, scan.positions, wrong, sweeps=60)
    assert likeness(wrong[0], scan.probe[0]) < 0.93
    assert likeness(found.probe[0], scan.probe[0]) > 0.99
    assert found.misfits[-1] < 0.05 * found.misfits[0]


def test_a_second_mode_is_found(scanned):
    """Frames of two incoherent modes are explained better by two modes than by one."""
    scan = scanned(modes=2)
    main, steps = scan.probe[:1], Steps(batch_size=8)
    one = retrieve_probe(scan.frames, scan.positions, main, sweeps=80, steps=steps)
    start = np.concatenate([main, 0.2 * main * np.linspace(-1, 1, 32, dtype=np.float32)[:, None]])
    two = retrieve_probe(scan.frames, scan.positions, start, sweeps=80, steps=steps)
    assert two.misfits[-1] < 0.75 * one.misfits[-1]


@pytest.mark.parametrize("modes", [1, 3])
def test_the_energy_of_the_probe_stays(scanned, modes):
    """Object amplitudes keep their bounds, because the probe keeps its scale."""
    scan = scanned(modes=modes)
    found = retrieve_probe(scan.frames, scan.positions, scan.probe * 1.1, sweeps=3, device="CPU:0")
    before = np.sum(np.abs(scan.probe * 1.1) ** 2)
    assert np.sum(np.abs(found.probe) ** 2) == pytest.approx(before, rel=1e-4)
    assert found.probe.dtype == np.complex64


def test_probe_and_object_still_explain_the_frames(scanned):
    """What is handed back, rescaled, has the misfit of the last sweep."""
    scan = scanned()
    found = retrieve_probe(scan.frames, scan.positions, defocus(scan.probe, 20.0), sweeps=10)
    frames = Frames(scan.frames, scan.positions)
    again = Estimate(frames, found.object, found.origin_px, found.probe).sweep()
    assert again <= 1.05 * found.misfits[-1]
