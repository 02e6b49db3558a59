"""The verdict on a picture, whichever way it was made: its frames are asked once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.metrics.verdict import Verdict, judge
from ptycho.metrics.verdict_residuals import residuals_of
from ptycho.physics.scale import measure
from ptycho.reconstruction.unseen_frames import UnseenFrames, foretell, neighbourhood

if TYPE_CHECKING:
    from ptycho.reconstruction.iteration import SweepLibrary
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution


def verdict_of(
    reconstruction: Reconstruction, scan: RawData, resolution: Resolution, backend: str
) -> Verdict:
    """Hold a picture against the frames that it was made from, and its probe against frames left out.

    Args:
        reconstruction: The picture.
        scan: Its frames.
        resolution: The settings in force: device, threads and dose.
        backend: The library that computes.
    """
    residuals = residuals_of(reconstruction, scan)
    probe = reconstruction.probe
    if not (np.isfinite(probe).all() and probe.any() and scan.mean_square() > 0):
        return judge(residuals, None)
    asked = _Unseen(reconstruction, scan, float(resolution["training.nphotons"]))
    return judge(residuals, load_backend(backend).with_sweeps(resolution, asked))


@dataclass(frozen=True)
class _Unseen:
    """Short sweeps over some frames around the middle, judged by those left out.

    Attributes:
        reconstruction: Gives probe and positions.
        scan: Gives frames.
        nphotons: Photons of a frame, where the frames do not tell.
    """

    reconstruction: Reconstruction
    scan: RawData
    nphotons: float

    def __call__(self, library: SweepLibrary) -> UnseenFrames | None:
        scan, probe, positions = self.scan, self.reconstruction.probe, self.reconstruction.positions
        scales = measure(scan.mean_square(), scan.N, scan.quantity, self.nphotons, probe)
        chosen = neighbourhood(positions)
        return foretell(
            scan.amplitudes(chosen) * np.float32(scales.amplitude_factor),
            positions[chosen],
            scales.probe(probe),
            good=scan.unclipped,
            library=library,
        )
