"""Frames decide which picture sweeps start from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ptycho.physics.canvas import Canvas
from ptycho.physics.scale import measure
from ptycho.physics.stitch import Stitched
from ptycho.reconstruction.iteration import Measurement
from ptycho.reconstruction.retrieved_picture import RetrievedPicture
from ptycho.reconstruction.starts import NETWORK, RETRIEVAL, Start, choose_start
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


@pytest.mark.parametrize(("blur", "better"), [(0.2, NETWORK), (0.8, RETRIEVAL)])
def test_the_picture_that_foretells_frames_is_taken(blur: float, better: str) -> None:
    """Whoever made it, the picture nearer to the sample is the start, and both misfits are told."""
    network, retrieved, frames = pictures(blur)
    start, why = choose_start(network, [retrieved], SCAN, frames)
    assert start.maker == better
    assert (start is network) == (better == NETWORK)
    assert start.picture.object.shape == network.picture.object.shape
    assert why is not None
    assert why.startswith(f"the sweeps start from the picture of {better}: it misses ")
    assert "of 5 frames held out, and that of " in why


def test_without_frames_held_out_all_are_asked() -> None:
    """A retrieval from every frame is judged by frames that both pictures have seen, and that is said."""
    network, retrieved, frames = pictures(0.2)
    canvas = Canvas.around(SCAN.positions, SCAN.N)
    whole = np.ones(canvas.shape, np.complex64)
    every = replace(
        retrieved, object=whole, origin_px=np.array(canvas.origin_px), frames=np.arange(SCAN.n_frames)
    )
    start, why = choose_start(network, [every], SCAN, frames)
    assert start is network
    assert why is not None
    assert "of 30 frames, none of which was held out, and that of the probe retrieval " in why


def test_another_scan_has_the_network_alone() -> None:
    """A picture of another scan, or of frames that are not all there, is not even asked."""
    network, retrieved, frames = pictures(0.8)
    other = replace(retrieved, scan="of another")
    assert choose_start(network, [other], SCAN, frames) == (network, None)
    assert choose_start(network, [], SCAN, frames) == (network, None)
