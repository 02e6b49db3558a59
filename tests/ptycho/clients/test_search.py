"""Axes and probe are found where those given do not explain the frames, and what users wrote holds."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from ptycho.clients.search import settle
from ptycho.reconstruction.axes_trial import ORIENTATIONS
from ptycho.report.sections.verdict import found_by_trial
from ptycho.run.resolve import resolve_run
from ptycho.scan.raw_data import RawData
from ptycho.settings.data import ScanOptions
from ptycho.simulate.scan import Simulation, simulate


@pytest.fixture(scope="module")
def frames():
    """Give x, y, counts and probe of a small scan."""
    scan = simulate(Simulation(N=32, n_frames=100, step_px=2.5, jitter_px=0.8, nphotons=1e6))
    return scan.xcoords, scan.ycoords, scan.diff3d, scan.probeGuess


def _scan(x, y, counts, probe, options=None) -> RawData:
    if options is not None and options.swap_xy:
        x, y = y, x
    if options is not None and options.flip_x:
        x = -x
    known = replace(
        options or ScanOptions(), centre="middle", position_origin="centre", swap_xy=False, flip_x=False
    )
    return RawData(x, y, None, None, counts, probe, None, options=known)


def _settled(frames, **flags):
    x, y, counts, probe = frames
    resolution = resolve_run("train", flags={"training.n_groups": 10, **flags})
    wrong = _scan(y, x, counts, probe, resolution.build(ScanOptions))
    return wrong, settle(
        wrong, resolution, None, lambda settings: _scan(y, x, counts, probe, settings.build(ScanOptions))
    )


def test_swapped_axes_are_found(frames) -> None:
    """The layer `found` turns the positions, and its origin holds the table of what was tried."""
    _, settled = _settled(frames)
    np.testing.assert_allclose(
        settled.scan.positions - settled.scan.positions[0],
        np.stack(frames[:2], 1) - np.stack(frames[:2], 1)[0],
    )
    trace = settled.resolution.trace("data.swap_xy")
    assert (trace.value, trace.winner.layer) == (True, "found")
    assert "x and y exchanged: 0.0" in str(trace.winner.origin)


def test_swapped_axes_of_dim_frames_are_found() -> None:
    """At 2,000 photons a frame noise hides most of what frames show, and the axes are found all the same."""
    scan = simulate(Simulation(N=32, n_frames=144, step_px=2.5, jitter_px=0.8, nphotons=2e3))
    _, settled = _settled((scan.xcoords, scan.ycoords, scan.diff3d, scan.probeGuess))
    assert settled.resolution["data.swap_xy"] is True
    np.testing.assert_array_equal(settled.scan.probe_modes[0], scan.probeGuess)


def test_what_users_wrote_holds(frames, caplog: pytest.LogCaptureFixture) -> None:
    """Axes that somebody wrote stay, and it is said that the frames contradict them."""
    with caplog.at_level(logging.WARNING, logger="ptycho.clients.search"):
        wrong, settled = _settled(frames, **{"data.flip_y": "false"})
    assert settled.scan is wrong
    assert settled.resolution["data.swap_xy"] is False
    assert caplog.messages == [
        "the frames contradict data.flip_y: data.swap_xy = true explains them far better; the setting holds"
    ]


def test_a_probe_that_users_wrote_holds(frames, caplog: pytest.LogCaptureFixture) -> None:
    """A probe that somebody named stays where another one explains the frames better, which is said."""
    x, y, counts, _ = frames
    flat = _scan(x, y, counts, np.ones((32, 32), np.complex64))
    resolution = resolve_run("train", flags={"training.n_groups": 10, "data.probe": "probe.npz"})
    with caplog.at_level(logging.WARNING, logger="ptycho.clients.search"):
        settled = settle(flat, resolution, None, lambda _: flat)
    assert settled.scan is flat
    assert caplog.messages[0].startswith(
        "the frames contradict data.probe, which holds; without it: the probe was found from the frames"
    )


def test_trust_switches_the_trial_off(frames) -> None:
    """With data.axes = "trust" nothing is tried."""
    wrong, settled = _settled(frames, **{"data.axes": "trust"})
    assert settled.scan is wrong


def test_a_missing_probe_is_found(frames) -> None:
    """A scan without a probe gets one, and its decisions say where it comes from."""
    x, y, counts, _ = frames
    bare = _scan(x, y, counts, None)
    settled = settle(bare, resolve_run("train", flags={"training.n_groups": 10}), None, lambda _: bare)
    assert settled.scan.probe_modes.shape == (1, 32, 32)
    assert settled.scan.decisions[-1].startswith(
        "the probe was found from the frames: mean frame with a defocus"
    )
    energy = np.sum(np.abs(settled.scan.probe_modes) ** 2)
    assert 1 < energy / settled.scan.mean_square() < 4


def test_axes_of_turned_frames_name_their_equals(frames) -> None:
    """Without a probe, positions turned or frames turned are equals: both are named, all with figures."""
    x, y, counts, _ = frames
    counts = np.ascontiguousarray(counts.swapaxes(1, 2))
    settled = settle(
        _scan(x, y, counts, None),
        resolve_run("train", flags={"training.n_groups": 10}),
        None,
        lambda settings: _scan(x, y, counts, None, settings.build(ScanOptions)),
    )
    found, mirrored, *_ = (text for text in settled.scan.decisions if "axes" in text or "in place of" in text)
    assert found.startswith("axes found by trial: data.swap_xy = true; misfit of frames not seen: ")
    assert found.count(": 0.") == len(ORIENTATIONS)
    assert mirrored.startswith("data.transpose = true in place of data.swap_xy = true")
    assert "mirror image" in mirrored
    (words,) = found_by_trial(settled.resolution)
    assert words.startswith("data.swap_xy = true; ")
    assert mirrored in words
    assert words.count(": 0.") == len(ORIENTATIONS)
