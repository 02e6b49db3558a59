"""The verdict: right pictures are explained, wrong ones are not, and nothing that is no number is praised."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ptycho.metrics.verdict import Verdict, judge
from ptycho.metrics.verdict_residuals import Residuals, residuals_of
from ptycho.physics.scale import measure
from ptycho.reconstruction.from_frames import reconstruct_frames
from ptycho.reconstruction.iteration import Measurement
from ptycho.reconstruction.result import Reconstruction
from ptycho.reconstruction.short_sweeps import NumpySweeps
from ptycho.reconstruction.trials import Cause, Trial
from ptycho.reconstruction.unseen_frames import UnseenFrames, foretell, neighbourhood
from ptycho.scan.raw_data import RawData
from ptycho.simulate.scan import Simulation, simulate


def _judged(scan: RawData, sweeps: int = 8) -> Verdict:
    """Reconstruct a scan of 32 px frames with numpy, and judge the picture."""
    assert scan.probe_modes is not None
    scales = measure(scan.mean_square(), scan.N, scan.quantity, None, scan.probe_modes)
    frames = scan.amplitudes() * np.float32(scales.amplitude_factor)
    probe = scales.probe(scan.probe_modes).astype(np.complex64)
    found = reconstruct_frames(
        NumpySweeps(),
        Measurement(lambda rows: frames[rows], scan.positions, scan.mask),
        probe,
        counts_of_unit=scales.intensity_scale**2,
        sweeps=sweeps,
    )
    picture = Reconstruction(
        object=found.object,
        coverage=found.coverage,
        origin_px=np.asarray(found.origin_px, np.float64),
        positions=found.positions,
        probe=found.probe,
        frame_indices=np.arange(1),
        measured=frames[:1],
        predicted=frames[:1],
    )
    chosen = neighbourhood(scan.positions)
    seen = measure(scan.mean_square(), scan.N, scan.quantity, None, found.probe)
    unseen = foretell(
        scan.amplitudes(chosen) * np.float32(seen.amplitude_factor),
        scan.positions[chosen],
        seen.probe(found.probe),
    )
    return judge(residuals_of(picture, scan), unseen)


def _scan(photons: float = 1e6, turn: Callable[[np.ndarray], np.ndarray] | None = None) -> RawData:
    scan = simulate(Simulation(N=32, n_frames=100, step_px=2.5, jitter_px=0.8, nphotons=photons))
    if turn is None:
        return scan
    x, y = turn(np.stack([scan.xcoords, scan.ycoords]))
    return RawData(x, y, None, None, scan.diff3d, scan.probeGuess, None)


@pytest.mark.parametrize("photons", [1e4, 1e6, 1e9])
def test_a_right_picture_is_explained(photons: float) -> None:
    """Sweeps from the right probe at the right places explain the frames, at every useful dose."""
    verdict = _judged(_scan(photons))
    assert verdict.word == "explained", str(verdict)
    assert verdict.advice == ""


@pytest.mark.parametrize("turn", [lambda xy: xy[::-1], lambda xy: xy * [[-1], [1]]], ids=["swap", "flip"])
def test_a_wrong_geometry_is_not_explained(turn: Callable[[np.ndarray], np.ndarray]) -> None:
    """Swapped axes and a mirrored one leave frames that no picture explains."""
    assert _judged(_scan(turn=turn)).word == "not explained"


def test_a_wrong_unit_is_never_explained() -> None:
    """Positions on another scale fit each other from place to place, and still not the frames."""
    assert _judged(_scan(turn=lambda xy: xy * 1.6)).word != "explained"


def test_a_photon_a_frame_explains_nothing() -> None:
    """Where frames differ by noise alone, a fit is no picture, and the dose is the reason."""
    verdict = _judged(_scan(1.0))
    assert verdict.word == "not explained"
    assert verdict.reason == "1 photon a frame: what changes from frame to frame is lost in their noise"


def test_frames_of_something_else_are_named() -> None:
    """A frame that holds something else is listed, and is the worst of all."""
    scan = _scan()
    frames = scan.diff3d.copy()
    frames[60, 3:9, 3:9] += 2_000
    spoilt = RawData(scan.xcoords, scan.ycoords, None, None, frames, scan.probeGuess, None)
    verdict = _judged(spoilt)
    assert 60 in verdict.residuals.odd_frames
    assert np.argmax(verdict.residuals.of_frames) == 60


def test_numbers_that_are_no_photons_have_no_noise() -> None:
    """A misfit far below the noise tells that counts were divided: the noise is then not known."""
    scan = _scan()
    scaled = RawData(
        scan.xcoords, scan.ycoords, None, None, scan.diff3d / 1000, scan.probeGuess, None, quantity="counts"
    )
    verdict = _judged(scaled)
    assert verdict.residuals.photons is None
    assert verdict.word == "explained"
    assert verdict.as_dict()["noise"] is None


def _residuals(**numbers: float | None) -> Residuals:
    maps = np.ones((4, 4))
    given = {"misfit": 0.01, "noise": 0.001, "misfit_of_mean": 0.1, "r_factor": 0.1, "photons": 1e6}
    return Residuals(**{**given, **numbers}, of_frames=np.full(20, 0.01), on_detector=maps, on_sample=maps)  # type: ignore[arg-type]


@pytest.mark.parametrize("misfit", [math.nan, math.inf])
def test_no_number_is_no_picture(misfit: float) -> None:
    """A picture of NaN is not explained, and JSON gets no NaN."""
    verdict = judge(_residuals(misfit=misfit), None)
    assert verdict.word == "not explained"
    json.dumps(verdict.as_dict(), allow_nan=False)


def test_without_frames_to_leave_out_there_is_doubt() -> None:
    """A fit that nothing else confirms is doubtful at best."""
    assert judge(_residuals(misfit=0.0011), None).word == "doubtful"
    assert judge(_residuals(misfit=0.0011), UnseenFrames(0.0012, 0.1, 0.001, 9)).word == "explained"


def test_a_distorted_picture_is_doubtful() -> None:
    """Far above the noise, even a small part of the change that is missed is a doubt."""
    unseen = UnseenFrames(0.006, 0.1, 0.005, 9)
    assert judge(_residuals(misfit=0.0055), unseen).word == "doubtful"
    assert judge(_residuals(misfit=0.0025), UnseenFrames(0.003, 0.1, 0.002, 9)).word == "explained"


@pytest.mark.parametrize(
    ("cause", "left", "word"),
    [
        ("positions", 0.01, "doubtful"),
        ("mask", 0.01, "doubtful"),
        ("modes", 0.01, "doubtful"),
        ("probe", 0.01, "not explained"),
        ("units", 0.01, "not explained"),
        ("axes", 0.01, "not explained"),
        ("positions", 0.04, "not explained"),
    ],
)
def test_a_small_cause_leaves_a_doubt(cause: Cause, left: float, word: str) -> None:
    """What blurs a picture, and mended explains its frames, is a doubt; another geometry is more."""
    unseen = UnseenFrames(0.07, 0.1, 0.02, 9)
    trial = Trial(cause, "this", left, 0.07, 0.001, "do this")
    verdict = judge(_residuals(misfit=0.02), unseen, (trial,))
    assert verdict.word == word
    if word == "doubtful":
        assert verdict.reason == f"{cause}: with this, frames left out are explained"
    assert judge(_residuals(misfit=0.08), unseen, (trial,)).word == "not explained"


@pytest.mark.parametrize(("left", "word"), [(0.0015, "doubtful"), (0.0028, "explained")])
def test_a_stretched_picture_is_doubtful(left: float, word: str) -> None:
    """An explained picture far above the noise is asked for its shape; another one makes it doubtful."""
    unseen = UnseenFrames(0.003, 0.1, 0.002, 9)
    residuals = _residuals(misfit=0.0025)
    assert judge(residuals, unseen).asks_for_causes
    stretch = Trial(
        "units", "positions 0.87 times as far apart", left, 0.003, 0.001, "data.distance_m = 1.15"
    )
    assert judge(residuals, unseen, (stretch,)).word == word
    near = judge(_residuals(misfit=0.0012), UnseenFrames(0.003, 0.1, 0.001, 9))
    assert (near.word, near.asks_for_causes) == ("explained", False)


def test_what_helps_is_said() -> None:
    """The advice names the trials that leave clearly less, and otherwise what was tried in vain."""
    better = Trial("axes", "x and y exchanged", 0.002, 0.03, 0.001, "data.swap_xy = true")
    vain = Trial("probe", "defocus", 0.029, 0.03, 0.001, "")
    bad = judge(_residuals(misfit=0.09), None)
    assert replace(bad, tried=(better, vain)).advice == "What helps: data.swap_xy = true."
    assert replace(bad, tried=(vain,)).advice == (
        "None of what was tried explains the frames better (probe)."
    )
