"""Small steps first, large ones last; noise and misfit say when."""

import pytest

from ptycho.reconstruction.sweeps_schedule import (
    BATCH_SIZE,
    DARK_PHOTONS,
    FIRST_AFTER_HALF,
    FIRST_SWEEPS,
    HALF_SWEEPS,
    LAST_NEAR_NOISE,
    LAST_SWEEPS,
    MOST_FIRST_SWEEPS,
    Schedule,
)


def run(schedule, misfit):
    """List the settings of all sweeps, where a function gives the misfit of each."""
    misfits, taken = [], []
    for settings in schedule.settings(misfits):
        taken.append(settings)
        misfits.append(misfit(len(misfits)))
    return taken


@pytest.mark.parametrize(
    ("misfit", "noise", "first", "last"),
    [
        pytest.param(lambda number: 0.5**number, 1e-12, MOST_FIRST_SWEEPS, LAST_SWEEPS, id="falling"),
        pytest.param(
            lambda number: max(0.5**number, 1e-3), 1e-3, FIRST_SWEEPS, LAST_NEAR_NOISE, id="to the noise"
        ),
        pytest.param(lambda _number: 0.2, 1e-3, FIRST_SWEEPS, LAST_SWEEPS, id="above it for another reason"),
    ],
)
def test_noise_and_misfit_end_the_small_steps(misfit, noise, first, last):
    """Small steps go on while the misfit falls and is above the noise; large ones follow, more near it."""
    taken = run(Schedule(frames=400, areas=9, noise=noise), misfit)
    assert [settings.batch_size for settings in taken] == [BATCH_SIZE] * first + [400] * last


@pytest.mark.parametrize("sweeps", [1, 2, 3, 10, 60])
def test_a_number_of_sweeps_is_kept(sweeps):
    """Who asks for a number gets it; what is left when small steps no longer pay goes to large ones."""
    for misfit, small in ((lambda number: 0.5**number, sweeps), (lambda _: 1e-40, FIRST_SWEEPS)):
        taken = run(Schedule(frames=400, areas=9, noise=1e-40, sweeps=sweeps), misfit)
        large = sum(settings.batch_size == 400 for settings in taken)
        least = min(LAST_SWEEPS, sweeps // 3)
        assert (len(taken), large) == (sweeps, max(least, sweeps - small))


def test_only_the_last_sweep_smooths():
    """Large steps know the noise of an amplitude, half a photon; the last one smooths as told."""
    taken = run(Schedule(400, 9, 1e-3, counts_of_unit=100.0, smoothing=0.7), lambda _: 1e-3)
    assert {(one.noise, one.smoothing) for one in taken[:FIRST_SWEEPS]} == {(0.0, 0.0)}
    assert {(one.noise, one.smoothing) for one in taken[FIRST_SWEEPS:-1]} == {(0.05, 0.0)}
    assert (taken[-1].noise, taken[-1].smoothing) == (0.05, 0.7)
    far = run(Schedule(400, 9, 1e-3, counts_of_unit=100.0, smoothing=0.7), lambda _: 1.0)
    assert {one.smoothing for one in far} == {0.0}
    unknown = run(Schedule(400, 9, 1e-3, smoothing=0.7), lambda _: 1e-3)
    assert {one.smoothing for one in unknown} == {0.0}


def test_divided_counts_have_no_noise_to_smooth_by():
    """Where the misfit falls far below what photons allow, the numbers are none: no sweep smooths by them."""
    taken = run(Schedule(400, 9, 1e-3, counts_of_unit=100.0, smoothing=0.7), lambda _: 3e-4)
    assert {(one.noise, one.smoothing, one.dark) for one in taken} == {(0.0, 0.0, 0.0)}


def test_the_probe_rests_first_and_momentum_grows():
    """The object alone moves in the first sweep; large steps begin from rest."""
    taken = run(Schedule(frames=400, areas=9, noise=1.0), lambda _: 1.0)
    assert [settings.learn_probe for settings in taken[:3]] == [False, True, True]
    assert [settings.momentum for settings in taken[:4]] == [0, 0, 0.4, 0.5]
    assert taken[FIRST_SWEEPS].momentum == 0
    assert taken[-1].momentum == pytest.approx(0.8)


def test_a_step_is_never_larger_than_the_scan():
    """Few frames make one step; on a large canvas a step has a frame for each patch side squared."""
    assert {settings.batch_size for settings in run(Schedule(5, 1, 1.0), lambda _: 0.0)} == {5}
    assert run(Schedule(10**5, 2000, 1.0, sweeps=1), lambda _: 0.0)[0].batch_size == 2000


@pytest.mark.parametrize("sweeps", [None, 1, 2, 5, 30, 100])
def test_sweeps_at_half_resolution_are_counted(sweeps):
    """A given number is kept with those at half resolution among them; the probe rests once."""
    schedule = Schedule(frames=400, areas=9, noise=1e-3, sweeps=sweeps, half=True)
    half, whole = list(schedule.half_settings(9)), run(schedule, lambda _: 0.2)
    assert len(half) + len(whole) == (
        HALF_SWEEPS + FIRST_AFTER_HALF + 1 + LAST_SWEEPS if sweeps is None else sweeps
    )
    assert [one.learn_probe for one in half + whole].count(False) == 1


@pytest.mark.parametrize(("misfit", "times"), [(1e-3, 1), (0.5e-3, 1), (4e-3, 4)])
def test_dark_is_what_noise_or_the_model_hides(misfit, times):
    """Large steps weigh dark pixels; where the model leaves more than noise, more pixels count as dark."""
    taken = run(Schedule(400, 9, 1e-3, counts_of_unit=100.0), lambda _: misfit)
    assert [settings.dark for settings in taken[:FIRST_SWEEPS]] == [0.0] * FIRST_SWEEPS
    assert taken[-1].dark == pytest.approx(times * DARK_PHOTONS / 100.0)
