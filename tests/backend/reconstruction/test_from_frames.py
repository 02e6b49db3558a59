"""A scan is reconstructed from its frames alone."""

import numpy as np
import pytest

from ptycho.metrics.scores import score
from ptycho.reconstruction.frame_noise import noise_of
from ptycho.reconstruction.from_frames import reconstruct_frames
from ptycho.reconstruction.positions_fit import fit_stage

PHOTONS = 1e5


def counted(scan, photons, seed=0):
    """Give the frames as so many photons would draw them, and the photons of a unit of intensity."""
    unit = photons / float((scan.X**2).sum((1, 2)).mean())
    counts = np.random.default_rng(seed).poisson(unit * scan.X.astype(np.float64) ** 2)
    return np.sqrt(counts / unit).astype(np.float32), unit


def phase_error(scan, picture):
    """Phase RMSE where the probe's light fell, after the freedoms of diffraction are taken out."""
    return score(picture.object, scan.truth, picture.coverage > 0.3 * picture.coverage.max()).phase.rmse


def test_object_and_probe_are_found(scanned, library):
    """From a probe 30 % too weak in its second mode and an empty sample to the truth."""
    scan = scanned(modes=2)
    start = scan.probe * np.array([1.0, 0.7], np.float32)[:, None, None]
    picture = reconstruct_frames(library, scan.measurement(), start, counts_of_unit=1e12, sweeps=60)
    assert len(picture.misfits) == 60
    assert picture.misfits[-1] < 1e-4
    assert phase_error(scan, picture) < 0.03
    assert np.sum(np.abs(picture.probe) ** 2) == pytest.approx(np.sum(np.abs(start) ** 2), rel=1e-4)


def test_more_sweeps_are_never_worse(scanned, library):
    """In noise too the picture stays as good as it was."""
    scan = scanned()
    X, unit = counted(scan, PHOTONS)
    errors = [
        phase_error(
            scan,
            reconstruct_frames(
                library,
                scan.measurement(frames=X.__getitem__),
                scan.probe,
                counts_of_unit=unit,
                sweeps=sweeps,
            ),
        )
        for sweeps in (15, 60)
    ]
    assert errors[1] < 1.05 * errors[0]


def test_large_steps_take_out_noise(scanned, library):
    """The misfit ends at what noise makes, less what the picture could follow, and the picture is better."""
    scan = scanned()
    X, unit = counted(scan, PHOTONS)
    measurement = scan.measurement(frames=X.__getitem__)
    picture = reconstruct_frames(library, measurement, scan.probe, counts_of_unit=unit)
    assert picture.misfits[-1] < picture.noise == noise_of(measurement, unit)
    assert picture.misfits[-1] < 0.95 * min(picture.misfits[:-6])


def test_the_picture_is_covered_where_it_is_not_zero(scanned, library):
    """Coverage is in units of the brightest pixel of the probe, on the canvas of all patches."""
    scan = scanned()
    picture = reconstruct_frames(library, scan.measurement(), scan.probe, counts_of_unit=1e9, sweeps=3)
    assert picture.object.shape == picture.coverage.shape == scan.canvas.shape
    assert picture.origin_px == scan.canvas.origin_px
    assert picture.coverage.max() > 1
    assert (picture.object[picture.coverage == 0] == 0).all()


def test_numbers_that_are_none_are_an_error(scanned, library):
    """A pixel that holds no number and is not masked ends the work, never in a picture of NaN."""
    scan = scanned()
    X = scan.X.copy()
    X[3, 16, 16] = np.nan
    with pytest.raises(ValueError, match="is nan") as error:
        reconstruct_frames(
            library, scan.measurement(frames=X.__getitem__), scan.probe, counts_of_unit=1e9, sweeps=3
        )
    assert str(error.value) == (
        "the misfit of sweep 1 is nan\n"
        "  expected  frames and a probe of finite numbers\n"
        "  try       data.mask, where bad pixels hold NaN"
    )


def test_wrong_positions_are_corrected(scanned, library):
    """Frames that were laid 0.8 px beside their places move back, up to what the whole scan may do."""
    scan = scanned()
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, len(scan.positions))
    wrong = scan.positions + 0.8 * np.column_stack([np.cos(angle), np.sin(angle)])
    measurement = scan.measurement(positions=wrong)
    left, made = [], {}
    for correct in (False, True):
        made[correct] = reconstruct_frames(
            library, measurement, scan.probe, counts_of_unit=1e9, sweeps=45, correct_positions=correct
        )
        beside = made[correct].positions - scan.positions
        left.append(float(np.std(beside - fit_stage(scan.positions, beside))))
    assert left[1] < 0.25 * left[0]
    assert made[True].misfits[-1] < 0.1 * made[False].misfits[-1]
