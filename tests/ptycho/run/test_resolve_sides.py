"""Sides of frames: a network has its own, sweeps alone take every one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ptycho.run.resolve import resolve_run


@pytest.mark.parametrize("side", [16, 17, 23, 64])
def test_sweeps_alone_leave_frames_as_they_are(tmp_path: Path, side: int) -> None:
    """Without a network no frame is cut or filled up; with one, to a side that it takes."""
    scan = tmp_path / "scan.npz"
    places, frames = np.arange(3.0), np.ones((3, side, side), np.uint16)
    probe = np.ones((side, side), np.complex64)
    np.savez(scan, diff3d=frames, xcoords=places, ycoords=places, probeGuess=probe)
    asked = {"inference.test_data_file": scan}
    assert resolve_run("infer", overrides=asked, network=False)["data.crop_px"] is None
    with_network = asked | {"inference.start": "universal"}
    crops = [
        resolve_run("infer", overrides=asked)["data.crop_px"],
        resolve_run("infer", overrides=with_network, network=False)["data.crop_px"],
    ]
    assert crops[0] == crops[1]
    assert (crops[0] is None) is (side == 64)
