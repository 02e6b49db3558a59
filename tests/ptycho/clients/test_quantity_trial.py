"""Where nothing tells counts from amplitudes, the one that explains the frames is taken, and that is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ptycho.clients.search import settle
from ptycho.run.resolve import resolve_run
from ptycho.scan.raw_data import RawData
from ptycho.scan.summary import settings_toml
from ptycho.settings.data import ScanOptions
from ptycho.simulate.scan import Simulation, simulate

GAIN, READOUT = 3.7, 4.0


@pytest.fixture(scope="module")
def made() -> RawData:
    """Give a small scan of bright frames."""
    return simulate(Simulation(N=32, n_frames=100, step_px=2.5, jitter_px=0.8, nphotons=1e6))


def _camera(made: RawData) -> np.ndarray:
    """Give what a camera shows: electrons of each photon and readout noise, cut off at zero."""
    noise = np.random.default_rng(1).normal(0, READOUT, made.diff3d.shape)
    return np.clip(made.diff3d * GAIN + noise, 0, None).astype(np.float32)


@pytest.mark.parametrize("stored", ["counts", "amplitude"])
@pytest.mark.filterwarnings("ignore:.*is not whole numbers:UserWarning")
def test_the_quantity_that_explains_is_taken(made: RawData, stored: str) -> None:
    """A camera's intensities and their scaled roots are told apart by the frames; users' words hold."""
    frames = _camera(made)
    frames = frames if stored == "counts" else np.sqrt(frames / frames.max())

    def read(options: ScanOptions) -> RawData:
        known = replace(options, centre="middle", position_origin="centre")
        return RawData(made.xcoords, made.ycoords, None, None, frames, made.probeGuess, None, options=known)

    resolution = resolve_run("train", flags={"training.n_groups": 10})
    guess = read(resolution.build(ScanOptions))
    assert guess.quantity_is_guess
    assert f'# quantity = "{guess.quantity}"  # a guess' in settings_toml(guess)
    settled = settle(guess, resolution, None, lambda settings: read(settings.build(ScanOptions)))
    assert settled.scan.quantity == stored
    assert any("left" not in text and f"as {stored}" in text for text in settled.scan.decisions)
    written = resolve_run("train", flags={"training.n_groups": 10, "data.quantity": "amplitude"})
    held = settle(read(written.build(ScanOptions)), written, None, lambda _: guess)
    assert held.scan.quantity == "amplitude"
