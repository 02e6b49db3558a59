"""Of the causes that are tried, the one that is at fault helps."""

import re
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ptycho.physics.scale import measure
from ptycho.reconstruction.causes import Suspects, try_causes, try_shape
from ptycho.reconstruction.position_shape import stretched, turned
from ptycho.reconstruction.short_sweeps import NumpySweeps
from ptycho.reconstruction.trials import Cause
from ptycho.reconstruction.unseen_frames import neighbourhood
from ptycho.simulate.scan import Simulation, simulate


def _suspects(move=lambda xy: xy, sample=None, missed=None, background=0.0, **facts) -> Suspects:
    """Take frames of a scan whose positions were moved, and where wanted half of them of another sample.

    A frame may be missing, and the last one repeated; every pixel may show some counts without light.
    """
    simulation = Simulation(N=32, n_frames=100, step_px=2.5, jitter_px=0.8, nphotons=1e6)
    scan = simulate(simulation)
    scales = measure(scan.mean_square(), scan.N, scan.quantity, None, scan.probe_modes)
    amplitudes, positions, numbers = scan.amplitudes(), scan.positions, np.arange(100)
    if sample is not None:
        other = simulate(replace(simulation, object_seed=sample))
        amplitudes, positions = (
            np.concatenate(pair) for pair in ((amplitudes, other.amplitudes()), (positions,) * 2)
        )
        numbers = np.arange(200)
    if missed is not None:
        amplitudes = np.concatenate([np.delete(amplitudes, missed, axis=0), amplitudes[-1:]])
    amplitudes = np.sqrt(np.square(amplitudes) + np.float32(background))
    chosen = neighbourhood(positions)
    return Suspects(
        frames=amplitudes[chosen] * np.float32(scales.amplitude_factor),
        positions=move(positions[chosen]),
        probe=scales.probe(scan.probe_modes).astype(np.complex64),
        noise=2e-4,
        counts_of_unit=scales.intensity_scale**2,
        good=None,
        ceiling=None,
        errors=np.ones((32, 32)),
        library=NumpySweeps(),
        numbers=numbers[chosen],
        listed=move(positions),
        **facts,
    )


def _inexact(xy):
    return xy + np.random.default_rng(0).normal(size=xy.shape) * 0.8


@pytest.mark.parametrize(
    ("cause", "change"),
    [
        ("axes", lambda xy: xy[:, ::-1]),
        ("units", lambda xy: xy / 2),
        ("positions", _inexact),
        ("rotation", lambda xy: turned(xy, -11.0)),
        ("samples", None),
    ],
    ids=["axes", "units", "positions", "rotation", "samples"],
)
def test_the_cause_at_fault_helps(cause, change) -> None:
    """Swapped axes, wrong units, inexact or turned positions and two samples are told apart."""
    suspects = _suspects(sample=5) if change is None else _suspects(change)
    trials = try_causes(suspects, search_probe=False)
    # Where the darkest pixels show nothing there is no background to take off.
    tried = {trial.cause for trial in trials} | {"background"}
    assert tried == {*get_args(Cause)} - {"probe"}
    best = min(trials, key=lambda trial: trial.misfit)
    assert (best.cause, best.helps) == (cause, True)
    assert best.advice


@settings(max_examples=1, deadline=None)
@given(missed=st.integers(20, 80))
def test_a_missed_trigger_is_told_by_its_number(missed: int) -> None:
    """From which frame on all lie one position early is found to a few, with the setting that says it."""
    trials = try_causes(_suspects(missed=missed), search_probe=False)
    best = min(trials, key=lambda trial: trial.misfit)
    assert (best.cause, best.helps) == ("order", True)
    found = re.search(r'data\.positions_without_frame = "(\d+)"', best.advice)
    assert found is not None
    assert abs(int(found.group(1)) - missed) <= 3


@settings(max_examples=1, deadline=None)
@given(background=st.floats(40.0, 200.0))
def test_a_background_is_told_by_its_counts(background: float) -> None:
    """What every pixel shows without light is found to a few per cent, with the setting that takes it off."""
    trials = try_causes(_suspects(background=background), search_probe=False)
    trial = next(trial for trial in trials if trial.cause == "background")
    assert trial.helps
    assert float(trial.advice.removeprefix("data.dark = ")) == pytest.approx(background, rel=0.1)


@settings(max_examples=2, deadline=None)
@given(stretch=st.sampled_from([0.85, 0.9, 1.1, 1.2]), angle=st.sampled_from([-14.0, -7.0, 7.0, 14.0]))
def test_a_shape_is_undone_by_its_advice(stretch: float, angle: float) -> None:
    """However positions are stretched or turned as a whole, the setting that is advised undoes it."""
    too_near = try_shape(_suspects(lambda xy: stretched(xy, stretch), distance_m=2.0))
    units = next(trial for trial in too_near if trial.cause == "units")
    assert units.helps
    assert float(re.findall(r"distance_m = ([\d.]+)", units.advice)[0]) == pytest.approx(
        2.0 * stretch, rel=0.04
    )
    askew = try_shape(_suspects(lambda xy: turned(xy, angle), rotation_deg=3.0))
    rotation = next(trial for trial in askew if trial.cause == "rotation")
    assert rotation.helps
    assert float(rotation.advice.partition("=")[2]) == pytest.approx(3.0 - angle, abs=2.0)


def test_a_right_scan_has_no_other_shape() -> None:
    """Positions that are right are neither stretched nor turned."""
    assert not any(trial.helps for trial in try_shape(_suspects()))
