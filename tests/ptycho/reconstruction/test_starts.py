"""Frames decide which picture sweeps start from."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ptycho.physics.canvas import Canvas
from ptycho.physics.scale import measure
from ptycho.physics.stitch import Stitched
from ptycho.reconstruction.iteration import Measurement
from ptycho.reconstruction.refinement import Refined, refine
from ptycho.reconstruction.retrieved_picture import RetrievedPicture
from ptycho.reconstruction.short_sweeps import NumpySweeps
from ptycho.reconstruction.starts import NETWORK, RETRIEVAL, Start, refine_best, starts_of
from ptycho.simulate.scan import Simulation, simulate

SCAN = simulate(Simulation(N=32, n_frames=30, step_px=4.0, nphotons=1e6))


def pictures(blur: float) -> tuple[Start, RetrievedPicture, Measurement]:
    """Give the truth as a network's picture, and as a retrieved one between it and nothing.

    Args:
        blur: Share of nothing in the network's picture; the retrieved one has the rest.
    """
    modes, truth = SCAN.probe_modes, SCAN.object_truth
    assert modes is not None
    assert truth is not None
    scales = measure(SCAN.mean_square(), SCAN.N, SCAN.quantity, None, modes)
    canvas = Canvas.around(SCAN.positions, SCAN.N)
    left, top = canvas.origin_px
    lit = truth[top : top + canvas.shape[0], left : left + canvas.shape[1]]
    probe = scales.probe(modes)
    lit = lit * np.float32(scales.amplitude_factor * np.linalg.norm(modes) / np.linalg.norm(probe))
    drawn = [(share * lit + (1 - share) * lit.mean()).astype(np.complex64) for share in (1 - blur, blur)]
    light = np.ones(canvas.shape, np.float32)
    frames = np.arange(5, SCAN.n_frames)
    own = Canvas.around(SCAN.positions[frames], SCAN.N)
    x, y = own.origin_px[0] - left, own.origin_px[1] - top
    retrieved = RetrievedPicture(
        object=drawn[1][y : y + own.shape[0], x : x + own.shape[1]],
        origin_px=np.array(own.origin_px),
        probe=probe,
        frames=frames,
        positions=SCAN.positions,
        scan=SCAN.fingerprint(),
    )
    measured = SCAN.amplitudes() * np.float32(scales.amplitude_factor)
    measurement = Measurement(lambda rows: measured[rows], SCAN.positions)
    return (
        Start(NETWORK, Stitched(drawn[0], light, canvas.origin_px), scales.probe(modes)),
        retrieved,
        measurement,
    )


def refined(blur: float) -> tuple[Start, Refined, list[str]]:
    """Refine both pictures by three sweeps of numpy, and take the better."""
    network, retrieved, frames = pictures(blur)

    def refine_from(start: Start) -> Refined:
        return refine(NumpySweeps(), frames, start.picture, start.probe, sweeps=3)

    return refine_best(starts_of(network, [retrieved], SCAN), refine_from)


@pytest.mark.parametrize(("blur", "better"), [(0.2, NETWORK), (0.8, RETRIEVAL)])
def test_the_picture_that_explains_frames_is_taken(blur: float, better: str) -> None:
    """Whoever made it, the picture that leaves less of the frames is the result, and both are told."""
    start, made, notes = refined(blur)
    assert start.maker == better
    ends = [float(note.rpartition(" to ")[2]) for note in notes[:2]]
    assert min(ends) == pytest.approx(made.misfits[-1], rel=0.01)
    assert [note.partition("'s picture was refined by 3 sweeps")[0] for note in notes[:2]] == [
        NETWORK,
        RETRIEVAL,
    ]
    assert notes[2] == f"the picture refined from {better}'s is taken: it explains the frames better"


def test_another_scan_has_the_network_alone() -> None:
    """A picture of another scan is no start, and of one start nothing is chosen."""
    network, retrieved, frames = pictures(0.8)
    starts = starts_of(network, [replace(retrieved, scan="of another")], SCAN)
    assert starts == [network]
    start, _, notes = refine_best(
        starts, lambda start: refine(NumpySweeps(), frames, start.picture, start.probe, sweeps=1)
    )
    assert start is network
    assert len(notes) == 1


def test_numbers_that_diverged_are_not_taken() -> None:
    """Sweeps that end in NaN explain nothing, whichever picture they began with."""
    network, retrieved, _ = pictures(0.2)
    probe = retrieved.probe

    def end(start: Start) -> Refined:
        last = math.nan if start is network else 0.5
        return Refined(start.picture.object, probe, SCAN.positions, [0.5, last])

    assert refine_best(starts_of(network, [retrieved], SCAN), end)[0].maker == RETRIEVAL
