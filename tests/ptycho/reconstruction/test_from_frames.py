"""Whatever the frames are like, a reconstruction is finite numbers, or an error that says what is wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.reconstruction.from_frames import reconstruct_frames
from ptycho.reconstruction.iteration import Measurement
from ptycho.reconstruction.short_sweeps import NumpySweeps

N = 32


def lit(rng, count):
    """Give frames of a few photons and the beam that lights them, on one scale."""
    y, x = np.indices((N, N)) - N // 2
    beam = np.exp(-(x**2 + y**2) / 50.0)
    beam *= N / np.sqrt(2 * np.sum(beam**2))
    far = np.abs(np.fft.fftshift(np.fft.fft2(beam, norm="ortho"))) ** 2
    return np.sqrt(rng.poisson(np.repeat(far[None], count, 0)) / 1.0).astype(np.float32), beam


@given(
    count=st.integers(2, 7),
    step=st.sampled_from([0.0, 0.3, 7.0, 40.0, 300.0]),
    modes=st.integers(1, 3),
    spoilt=st.sampled_from(["nothing", "a masked NaN", "a dark frame", "a hot pixel", "all masked but one"]),
    correct=st.booleans(),
    seed=st.integers(0, 9),
)
@settings(max_examples=40, deadline=None)
def test_a_picture_is_finite_numbers(count, step, modes, spoilt, correct, seed):
    """Few frames, without overlap or all at one place, dark and spoilt ones: never a picture of NaN."""
    rng = np.random.default_rng(seed)
    frames, beam = lit(rng, count)
    good = None
    if spoilt == "a masked NaN":
        good = np.ones((N, N), bool)
        good[3, 4], frames[:, 3, 4] = False, np.nan
    elif spoilt == "a dark frame":
        frames[0] = 0
    elif spoilt == "a hot pixel":
        frames[:, 2, 2] = 1e4
    elif spoilt == "all masked but one":
        good = np.zeros((N, N), bool)
        good[N // 2, N // 2] = True
    probe = np.stack([beam * 0.2**mode for mode in range(modes)]).astype(np.complex64)
    positions = 100.0 + step * np.arange(count)[:, None] * [1.0, 0.5]
    scan = Measurement(frames.__getitem__, positions, good)
    made = reconstruct_frames(
        NumpySweeps(), scan, probe, counts_of_unit=1.0, sweeps=6, correct_positions=correct
    )
    assert np.isfinite(made.object).all()
    assert np.isfinite(made.probe).all()
    assert np.isfinite(made.misfits).all()


def test_a_canvas_beyond_all_memory_is_an_error(rng):
    """Positions in the wrong unit ask for a picture that no machine holds; the error says how large it is."""
    frames, beam = lit(rng, 2)
    scan = Measurement(frames.__getitem__, np.array([[0.0, 0.0], [5e6, 5e6]]))
    with pytest.raises(ValueError, match=r"a picture of \d+ x \d+ pixels") as error:
        reconstruct_frames(NumpySweeps(), scan, beam[None], counts_of_unit=1.0)
    assert "data.position_unit" in str(error.value)


@pytest.mark.parametrize("photons", [1e3, 1e8])
def test_more_sweeps_never_leave_more_error(photons):
    """20, 40 and 80 sweeps: the picture comes no farther from the truth, whatever the dose."""
    rng = np.random.default_rng(1)
    y, x = np.indices((N, N)) - N // 2
    beam = np.exp(-(x**2 + y**2) / 60.0) * np.exp(1j * (x**2 + y**2) / 40.0)
    beam *= N / np.sqrt(2 * np.sum(np.abs(beam) ** 2))
    rows, columns = np.indices((72, 72))
    sample = np.exp(0.5j * (np.hypot(rows - 36, columns - 30) < 12) - 0.2 * (columns % 16 < 5))
    places = np.stack(np.meshgrid(np.arange(16, 57, 5), np.arange(16, 57, 5)), -1).reshape(-1, 2)
    patches = np.stack([sample[b - 16 : b + 16, a - 16 : a + 16] for a, b in places])
    far = np.abs(np.fft.fftshift(np.fft.fft2(patches * beam, norm="ortho"), axes=(-2, -1))) ** 2
    unit = photons / far.sum(axis=(1, 2)).mean()
    frames = np.sqrt(rng.poisson(far * unit) / unit).astype(np.float32)
    errors = []
    for sweeps in (20, 40, 80):
        made = reconstruct_frames(
            NumpySweeps(),
            Measurement(frames.__getitem__, places.astype(float)),
            beam[None],
            counts_of_unit=unit,
            sweeps=sweeps,
        )
        left, top = made.origin_px
        height, width = made.object.shape
        truth = sample[top : top + height, left : left + width]
        lit = made.coverage > 0.3 * made.coverage.max()
        factor = np.vdot(made.object[lit], truth[lit]) / np.vdot(made.object[lit], made.object[lit])
        errors.append(np.sqrt(np.mean(np.abs(factor * made.object - truth)[lit] ** 2)))
    assert errors[1] < 1.03 * errors[0]
    assert errors[2] < 1.03 * errors[1]
