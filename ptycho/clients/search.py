"""Before a scan is trained on or reconstructed: do its axes and its probe explain its own frames?

Short sweeps over some frames are judged by those left out. Where these are explained, nothing is touched.
Otherwise the eight orientations of the positions are tried, and where none will do, or no probe is given, a
probe is searched. What is found stands below whatever users wrote, and above the scan file.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ptycho.backends.base import load_backend
from ptycho.clients.found_axes import OF_AXES, found_axes
from ptycho.clients.quantity_trial import with_likely_quantity
from ptycho.physics.illumination import orthogonal_modes
from ptycho.physics.scale import measure
from ptycho.reconstruction.axes_trial import AS_THEY_ARE, SWEEPS, AxesTrial, Orientation, try_axes
from ptycho.reconstruction.frame_noise import FrameSums, counts_photons
from ptycho.reconstruction.probe_search import find_probe, try_defocus
from ptycho.reconstruction.short_sweeps import NumpySweeps
from ptycho.reconstruction.trials import CLEARLY_BETTER
from ptycho.reconstruction.unseen_frames import (
    NEAR_NOISE,
    UnseenFrames,
    foretell,
    neighbourhood,
    unexplained_share,
)
from ptycho.run.stages import stage
from ptycho.scan.frame_store import normalised_ceiling
from ptycho.scan.summary import FEWEST_FRAMES, mean_intensity

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ptycho.reconstruction.iteration import SweepLibrary
    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution

logger = logging.getLogger(__name__)

FRAMES = 100
BETTER = 0.5
"""Misfit beyond noise, as a share of what the file's probe leaves, below which another takes its place."""

BASIN = 0.6
"""Misfit of the best defocus, as a share of the middle one's, below which it is a basin and no chance: .48 on
the star, .06 on a simulated scan."""

FAINT_CHANGE = 0.02
"""Change from frame to frame, as a share of the noise, below which there is nothing to search by."""

OF_PROBE = ("data.probe", "data.probe_model.kind")
_NOT_WRITTEN = ("found", "data-file", "bundle", "recipe", "torch-defaults", "tensorflow-defaults")

CLASSES = (
    Orientation(),
    Orientation(swap_xy=True),
    Orientation(flip_x=True),
    Orientation(swap_xy=True, flip_x=True),
)
"""Orientations that an unknown probe tells apart: the others are these with both signs reversed, and fit the
conjugate probe."""


class Settled(NamedTuple):
    """A scan with the axes and the probe that explain its frames best, and the settings that say so.

    Attributes:
        scan: The scan.
        resolution: The settings.
        missed: Share of the change from frame to frame that is left of frames not seen; None where nothing
            was tried.
        notes: What was found and why, one sentence each.
    """

    scan: RawData
    resolution: Resolution
    missed: float | None = None
    notes: tuple[str, ...] = ()


@dataclass
class Findings:
    """What a search came to.

    Attributes:
        orientation: How the positions turn for the frames to be explained.
        axes: The table of the orientations, where they were tried.
        probe: Modes in the unit of the frames' amplitudes, where those that were found replace the file's.
        unseen: What axes and probe leave of frames not seen; None where nothing was tried.
        notes: What was done and why, one sentence each.
    """

    orientation: Orientation = AS_THEY_ARE
    axes: AxesTrial | None = None
    probe: NDArray[np.complex64] | None = None
    unseen: UnseenFrames | None = None
    notes: list[str] = field(default_factory=list)


@stage("trying axes and probe")
def settle(
    scan: RawData,
    resolution: Resolution,
    backend: str | None,
    read: Callable[[Resolution], RawData],
    *,
    probe: NDArray[np.complex64] | None = None,
) -> Settled:
    """Find the axes and the probe of a scan where those given do not explain its frames.

    Where counts or amplitudes are a guess, both are tried.

    Args:
        scan: The scan as it was read.
        resolution: The settings in force.
        backend: The library that computes; None lets numpy do it.
        read: Reads the scan once more, by other settings.
        probe: A probe that is known from elsewhere, such as a trained network's, in any unit; it is never
            searched for another.
    """
    settled = _settle(scan, resolution, backend, read, probe)
    likely = with_likely_quantity(
        settled, resolution, lambda other: _settle(read(other), other, backend, read, probe)
    )
    # What was found for a quantity that was dropped again is nobody's business.
    for note in likely.notes:
        logger.info("%s", note)
    return likely


def _settle(
    scan: RawData,
    resolution: Resolution,
    backend: str | None,
    read: Callable[[Resolution], RawData],
    probe: NDArray[np.complex64] | None,
) -> Settled:
    first = scan.parts[0]
    trusted = resolution["data.axes"] == "trust"
    known = first.probe_modes if probe is None else probe
    other_side = known is not None and known.shape[-1] != first.N
    if len(first) < FEWEST_FRAMES or not first.mean_square() > 0 or other_side:
        return Settled(scan, resolution)
    if trusted and known is not None:
        return Settled(scan, resolution)
    search = _Search(first, resolution, known, trusted=trusted, fixed_probe=probe is not None)
    if backend is None:
        findings = search(NumpySweeps())
    else:
        findings = load_backend(backend).with_sweeps(resolution, search)
    scan, resolution, turned = _turned(scan, resolution, findings, read)
    if findings.probe is not None:
        scan = _lit(scan, resolution, findings.probe, findings.notes)
    unseen = findings.unseen
    missed = None if unseen is None else unexplained_share(unseen.misfit, unseen.misfit_of_mean, 0.0)
    return Settled(scan, resolution, missed, (*turned, *findings.notes))


def _turned(
    scan: RawData, resolution: Resolution, findings: Findings, read: Callable[[Resolution], RawData]
) -> tuple[RawData, Resolution, tuple[str, ...]]:
    """Read a scan as its frames ask for, unless somebody wrote how its axes run; and say what was found."""
    if findings.orientation == AS_THEY_ARE or findings.axes is None:
        return scan, resolution, ()
    written = [path for path in OF_AXES if resolution.winner_layer(path) not in _NOT_WRITTEN]
    axes = found_axes(
        scan, resolution, findings.orientation, findings.axes, probe_was_found=findings.probe is not None
    )
    if written:
        logger.warning(
            "the frames contradict %s: %s explains them far better; the setting holds", written[0], axes.words
        )
        return scan, resolution, ()
    turned = resolution.with_layer(axes.layer)
    return read(turned).with_decisions(*axes.notes), turned, axes.notes


def _lit(scan: RawData, resolution: Resolution, probe: NDArray[np.complex64], notes: list[str]) -> RawData:
    """Light a scan with the probe that was found, unless somebody wrote one."""
    why = notes[-1]
    written = next((path for path in OF_PROBE if _is_written(resolution, path)), None)
    if written is None:
        return scan.with_probe(probe, why)
    notes.remove(why)
    logger.warning("the frames contradict %s, which holds; without it: %s", written, why)
    return scan


def _is_written(resolution: Resolution, path: str) -> bool:
    return resolution[path] is not None and resolution.winner_layer(path) not in _NOT_WRITTEN


@dataclass
class _Search:
    """Trials on some frames around the middle of a scan.

    Attributes:
        scan: The scan.
        resolution: The settings in force.
        given: Its probe, or None.
        trusted: Whether the axes are to be left alone.
        fixed_probe: Whether no other probe may take the place of the one given.
    """

    scan: RawData
    resolution: Resolution
    given: NDArray[np.complex64] | None
    trusted: bool
    fixed_probe: bool

    def __call__(self, library: SweepLibrary) -> Findings:
        scan = self.scan
        chosen = neighbourhood(scan.positions, FRAMES)
        amplitudes = scan.amplitudes(chosen)
        self.library, self.positions = library, scan.positions[chosen]
        factor = scan.N / 2 / np.sqrt(scan.mean_square())
        self.frames = amplitudes * np.float32(factor)
        self.ceiling = normalised_ceiling(scan, float(factor))
        good = slice(None) if scan.unclipped is None else scan.unclipped
        sums = FrameSums(amplitudes[0][good].size)
        sums.add(amplitudes[:, good].reshape(len(chosen), -1).astype(np.float64))
        self.noise = sums.noise if counts_photons(scan) else 0.0
        findings = Findings()
        if sums.misfit_of_mean - self.noise <= FAINT_CHANGE * self.noise:
            return findings
        left = findings.unseen = None if self.given is None else self._try_given(findings)
        if self.fixed_probe or (left is not None and self._is_settled(findings, left)):
            return findings
        self._search_probe(findings, left)
        return findings

    def _is_settled(self, findings: Findings, left: UnseenFrames) -> bool:
        """Tell whether a probe explains the frames well enough to be kept, as far as noise lets it."""
        dim = (
            left.misfit <= NEAR_NOISE * self.noise and findings.axes is not None and findings.axes.stands_out
        )
        return dim or left.may_be_right(self.noise)

    def _try_given(self, findings: Findings) -> UnseenFrames | None:
        """Ask what the probe that is given leaves, and where it leaves much what it does with other axes."""
        modes = int(self.resolution["model.probe_modes"])
        given = orthogonal_modes(np.asarray(self.given), modes).astype(np.complex64)
        dose = float(self.resolution["training.nphotons"])
        scan = self.scan
        probe = measure(scan.mean_square(), scan.N, scan.quantity, dose, given).probe(given)
        left = self._foretell(probe)
        if left is None or self.trusted or left.explains(self.noise):
            return left
        return self._try_axes(findings, probe, left)

    def _try_axes(
        self, findings: Findings, probe: NDArray[np.complex64], left: UnseenFrames | None
    ) -> UnseenFrames | None:
        trial = self._axes_trial(probe, left)
        if trial is None:
            return left
        best = trial.tried[trial.best]
        as_stored = trial.tried[AS_THEY_ARE].misfit - self.noise
        clearly = best.misfit - self.noise < CLEARLY_BETTER * as_stored
        believed = best.may_be_right(self.noise) or trial.stands_out
        if trial.best != AS_THEY_ARE and not (clearly and believed):
            return left
        findings.axes, findings.orientation = trial, trial.best
        return best

    def _axes_trial(self, probe: NDArray[np.complex64], known: UnseenFrames | None) -> AxesTrial | None:
        return try_axes(
            self.frames, self.positions, probe,
            noise=self.noise, good=self.scan.mask, ceiling=self.ceiling, library=self.library, known=known,
        )  # fmt: skip

    def _foretell(self, probe: NDArray[np.complex64]) -> UnseenFrames | None:
        return foretell(
            self.frames, self.positions, probe,
            good=self.scan.mask, ceiling=self.ceiling, learn_probe=True, sweeps=SWEEPS, library=self.library,
        )  # fmt: skip

    def _search_probe(self, findings: Findings, left: UnseenFrames | None) -> None:
        """Search a probe for the axes as they are, and where none explains the frames for others."""
        mean = np.sqrt(mean_intensity(self.scan))
        good, library = self.scan.mask, self.library
        best: tuple[float, UnseenFrames, Orientation] | None = None
        for orientation in CLASSES[:1] if self.trusted else CLASSES:
            tried = try_defocus(
                self.frames, orientation.turn(self.positions), mean,
                good=good, ceiling=self.ceiling, library=library,
            )  # fmt: skip
            if not tried:
                return
            if best is None or tried[0][1].misfit < best[1].misfit:
                best = (*tried[0], orientation)
            middle = float(np.median([unseen.misfit for _, unseen in tried]))
            if best[1].may_be_right(self.noise) or tried[0][1].misfit < BASIN * middle:
                break
        if best is None:
            return
        start, _, orientation = best
        modes = int(self.resolution["model.probe_modes"])
        turned = orientation.turn(self.positions)
        probe = find_probe(
            self.frames, turned, mean,
            start_px=start, modes=modes, good=good, ceiling=self.ceiling, library=library,
        )  # fmt: skip
        if probe is None:
            return
        if left is not None and not self._better(probe.unseen, left):
            findings.notes.append(
                "no probe was found that explains the frames better than the file's: it leaves "
                f"{probe.unseen.misfit:.3g} of frames not seen, the file's {left.misfit:.3g}"
            )
            return
        if orientation != AS_THEY_ARE and probe.unseen.may_be_right(self.noise):
            # The search went by classes, each with a probe of its own: this probe tells all eight apart.
            findings.axes, findings.orientation = self._axes_trial(probe.probe, None), orientation
        findings.unseen = probe.unseen
        unit = np.float32(np.sqrt(self.scan.mean_square()) / (self.scan.N / 2))
        findings.probe = probe.probe * unit
        instead = "the scan has none" if left is None else f"the file's leaves {left.misfit:.3g}"
        findings.notes.append(
            f"the probe was found from the frames: {probe}; it leaves {probe.unseen.misfit:.3g} of frames "
            f"not seen, {instead}"
        )

    def _better(self, found: UnseenFrames, left: UnseenFrames) -> bool:
        return found.misfit - self.noise < BETTER * (left.misfit - self.noise)
