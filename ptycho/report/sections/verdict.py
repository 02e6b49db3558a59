"""Whether the frames say what the picture shows: the word, the figures, and what was tried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.reconstruction.starts import RETRIEVAL
from ptycho.report.figures.figure import metres
from ptycho.report.markdown_text import plain, table
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.metrics.frc import Frc
    from ptycho.metrics.halves import Halves
    from ptycho.metrics.verdict import Verdict
    from ptycho.report.results import Results
    from ptyconf import Resolution


SHOWN_FRAMES = 12
"""Frames that are listed by number."""


def _write(results: Results, _folder: Path) -> list[str]:
    verdict = results.verdict
    if verdict is None:
        return []
    blocks = [f"**{verdict.word}**: {plain(verdict.reason)}.", plain(verdict.advice)]
    blocks.append(table("", _figures(verdict)))
    if results.halves is not None:
        blocks.append(table(f"half-bit: {results.halves.what}", agreement(results.halves)))
        if results.halves.shared_network and results.reconstruction.refined_from == RETRIEVAL:
            blocks.append(
                "The halves were refined from the network's pictures: of a half none was retrieved."
            )
    blocks += [f"Found by trial: {plain(words)}." for words in found_by_trial(results.resolution)]
    if verdict.tried:
        blocks.append(_tried(verdict))
    return blocks


def _figures(verdict: Verdict) -> dict[str, str]:
    residuals = verdict.residuals
    noise = (
        "photons are not known"
        if residuals.photons is None
        else f"{residuals.noise:.2g} at {residuals.photons:.3g} photons a frame"
    )
    rows = {
        "misfit": f"{residuals.misfit:.3g} of the energy (R factor {residuals.r_factor:.3f})",
        "photon noise alone": noise,
        "predicting each frame by their mean": f"{residuals.misfit_of_mean:.3g}",
    }
    unseen = verdict.unseen
    if unseen is not None:
        rows["frames left out of a short reconstruction"] = (
            f"{unseen.misfit:.3g}, and {unseen.misfit_of_mean:.3g} of their mean ({unseen.count} frames)"
        )
    rows["frames not explained"] = _frames(residuals.odd_frames.tolist(), len(residuals.of_frames))
    return rows


def found_by_trial(resolution: Resolution) -> list[str]:
    """Say which settings were found by trial, why, and what explains the frames as well; one sentence each.

    Args:
        resolution: The settings in force.
    """
    found = [path for path in resolution if resolution.winner_layer(path) == "found"]
    reasons: dict[str, list[str]] = {}
    for path in found:
        why = resolution.trace(path).winner.origin.key
        value = resolution[path]
        said = [] if value is False else [f"{path} = {'true' if value is True else value}"]
        reasons.setdefault(why, []).extend(said)
    return [f"{', '.join(said) or 'the axes as stored'}; {why}" for why, said in reasons.items()]


def agreement(halves: Halves) -> dict[str, str]:
    """Say up to which detail two halves agree, by the name of the picture."""
    return {name: _reach(curve) for name, curve in halves.curves.items()}


def _reach(curve: Frc) -> str:
    if curve.crossing == 0:
        return "the halves agree nowhere"
    size = "" if curve.resolution_m is None else f", {metres(curve.resolution_m)}"
    return f"up to {curve.crossing:.3f} cycles/px: half period {curve.resolution_px:.2f} px{size}"


def _frames(odd: list[int], count: int) -> str:
    if not odd:
        return f"none of {count}"
    listed = ", ".join(map(str, odd[:SHOWN_FRAMES])) + (" ..." if len(odd) > SHOWN_FRAMES else "")
    return f"{len(odd)} of {count}: {listed}"


def _tried(verdict: Verdict) -> str:
    rows = {
        f"{trial.cause}: {trial.what}": f"{trial.misfit:.3g}, as it stands {trial.as_it_stands:.3g}"
        + (" (helps)" if trial.helps else "")
        for trial in verdict.tried
    }
    return table("tried, misfit of frames not seen", rows)


SECTION = ReportSection(heading="Verdict", order=5, write=_write)
