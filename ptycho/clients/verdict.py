"""The verdict on a picture, whichever way it was made: its frames are asked once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.metrics.verdict import Verdict, judge
from ptycho.metrics.verdict_residuals import Residuals, residuals_of
from ptycho.physics.scale import measure
from ptycho.reconstruction.causes import Suspects, try_causes, try_shape
from ptycho.reconstruction.unseen_frames import foretell, neighbourhood
from ptycho.run.stages import stage
from ptycho.scan.as_listed import is_as_listed, pixels_summed
from ptycho.scan.frame_store import normalised_ceiling

if TYPE_CHECKING:
    from ptycho.reconstruction.iteration import SweepLibrary
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution


@stage("asking frames about the picture")
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
    asked = _Questions(reconstruction, scan, residuals, float(resolution["training.nphotons"]))
    return load_backend(backend).with_sweeps(resolution, asked)


@dataclass(frozen=True)
class _Questions:
    """Short sweeps over some frames around the middle, judged by those left out.

    Attributes:
        reconstruction: Gives probe and positions.
        scan: Gives frames.
        residuals: What the picture leaves of them.
        nphotons: Photons of a frame, where the frames do not tell.
    """

    reconstruction: Reconstruction
    scan: RawData
    residuals: Residuals
    nphotons: float

    def __call__(self, library: SweepLibrary) -> Verdict:
        scan, positions = self.scan, self.reconstruction.positions
        scales = measure(scan.mean_square(), scan.N, scan.quantity, self.nphotons, self.reconstruction.probe)
        probe = scales.probe(self.reconstruction.probe)
        chosen = neighbourhood(positions)
        frames = scan.amplitudes(chosen) * np.float32(scales.amplitude_factor)
        ceiling = normalised_ceiling(scan, scales.amplitude_factor)
        unseen = foretell(frames, positions[chosen], probe, good=scan.mask, ceiling=ceiling, library=library)
        verdict = judge(self.residuals, unseen)
        if not verdict.asks_for_causes:
            return verdict
        suspects = Suspects(
            frames=frames,
            positions=np.asarray(positions[chosen], np.float64),
            probe=probe,
            noise=self.residuals.noise,
            counts_of_unit=scales.intensity_scale**2,
            good=scan.mask,
            ceiling=ceiling,
            errors=self.residuals.on_detector,
            library=library,
            quantity=scan.quantity,
            numbers=chosen,
            rotation_deg=scan.options.rotation_deg,
            distance_m=scan.lengths_m().get("distance_m") if scan.position_unit != "px" else None,
            listed=np.asarray(positions, np.float64) if is_as_listed(scan) else None,
            summed=pixels_summed(scan),
            dark=scan.options.dark_level,
        )
        if verdict.word == "explained":
            tried = try_shape(suspects)
        else:
            tried = try_causes(suspects, search_probe=verdict.word == "not explained")
        return judge(self.residuals, unseen, tried)
