"""What a run leaves behind: reconstruction, settings with their origins, scores and pictures."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ptycho.files.atomic import write_text
from ptycho.metrics.comparison import Judgement, judge, judge_network_alone
from ptycho.report import gallery
from ptycho.report.summary import Summary, write_report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ptycho.backends.base import Training
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution


_log = logging.getLogger(__name__)

REFINED, NETWORK = "refined", "network alone"


@dataclass(frozen=True)
class Results:
    """Everything that a run folder tells.

    Attributes:
        title: One line.
        resolution: The settings in force.
        reconstruction: What inference gave.
        scan: The scan that was reconstructed.
        trained_on_it: Whether the network was trained on that very scan.
        training: What the training left; None for inference alone.
    """

    title: str
    resolution: Resolution
    reconstruction: Reconstruction
    scan: RawData
    trained_on_it: bool
    training: Training | None = None


def name_of(scan: RawData) -> str:
    """Name a scan by its file."""
    return "arrays in memory" if scan.source is None else scan.source.name


def write_results(folder: Path, results: Results, *, home: Path) -> None:
    """Write results into a folder; each file appears whole or not at all.

    Args:
        folder: Where to write.
        results: What to write.
        home: Where the folder will stand in the end: paths in ``settings.toml`` are relative to it.

    Raises:
        OSError: The folder cannot be written.
    """
    from ptyconf.report import dump_toml, to_json

    results.reconstruction.save(folder / "reconstruction.npz")
    write_text(folder / "settings.toml", dump_toml(results.resolution, folder=home))
    write_text(folder / "provenance.json", json.dumps(to_json(results.resolution), indent=1) + "\n")
    captions = gallery.draw_reconstruction(folder, results.reconstruction, results.scan)
    notes: list[str] = []
    judgements = _judgements(results, notes)
    if judgements:
        captions |= gallery.draw_judgements(
            folder, judgements, results.scan, reference_name=_reference_name(results.scan)
        )
        write_text(folder / "scores.json", json.dumps(_scores_as_dict(results, judgements), indent=1) + "\n")
    if results.training is not None:
        captions |= gallery.draw_loss(folder, results.training.history, results.training.best_epoch)
    write_report(folder / "report.md", _summary(results, judgements, captions, notes), results.resolution)


def _judgements(results: Results, notes: list[str]) -> dict[str, Judgement]:
    """Judge the final picture, and the network's own where it was refined afterwards.

    A picture that cannot be compared is no reason to lose it, nor the scores of the other: the reason goes
    into the notes and the log.
    """
    refined = results.reconstruction.network_object is not None
    judges = {REFINED: judge, NETWORK: judge_network_alone} if refined else {NETWORK: judge}
    found: dict[str, Judgement] = {}
    for name, look in judges.items():
        try:
            judgement = look(results.reconstruction, results.scan)
        except ValueError as error:
            reference, reason = _reference_name(results.scan), str(error).partition(chr(10))[0]
            notes.append(f"{name}: no scores against the {reference}: {reason}")
            _log.warning("%s", notes[-1])
            continue
        if judgement is not None:
            found[name] = judgement
    return found


def _reference_name(scan: RawData) -> str:
    """Call the object in a file what it is: the truth of a simulation, or somebody's reconstruction."""
    script = str((scan.metadata or {}).get("creation_info", {}).get("script", ""))
    return "truth" if "simulate" in script else "reference in the file"


def _judged_against(results: Results) -> str:
    reference = _reference_name(results.scan)
    seen = "was trained on this very scan" if results.trained_on_it else "has never seen this scan"
    return (
        f"Compared with the {reference}, after removing shift, phase ramp, global phase and one complex "
        f"scale. The network {seen}."
    )


def _scores_as_dict(results: Results, judgements: Mapping[str, Judgement]) -> dict[str, object]:
    return {
        "version": 1,
        "scan": name_of(results.scan),
        "trained_on_this_scan": results.trained_on_it,
        "reference": _reference_name(results.scan),
        **{
            name: {
                **judgement.scores.as_dict(),
                "frc_crossing_cycles_per_px": judgement.ring_correlation.crossing,
                "frc_resolution_m": judgement.ring_correlation.resolution_m,
            }
            for name, judgement in judgements.items()
        },
    }


def _summary(
    results: Results, judgements: Mapping[str, Judgement], captions: dict[str, str], notes: list[str]
) -> Summary:
    return Summary(
        title=results.title,
        facts=_facts(results),
        scores={
            f"{name}: {score}": text
            for name, judgement in judgements.items()
            for score, text in _score_lines(judgement).items()
        },
        judged_against=_judged_against(results) if judgements else "",
        notes=[
            *results.scan.decisions,
            *(results.training.decisions if results.training is not None else ()),
            *results.reconstruction.notes,
            *notes,
        ],
        pictures=captions,
    )


def _facts(results: Results) -> dict[str, str]:
    scan = results.scan
    height, width = results.reconstruction.object.shape
    facts = {
        "reconstructed scan": f"{name_of(scan)}: {scan.n_frames} frames of {scan.N} x {scan.N} px",
        "reconstruction": f"{width} x {height} px",
    }
    training = results.training
    if training is None:
        return facts
    best = "" if training.best_epoch is None else f", weights of epoch {training.best_epoch + 1}"
    stopped = ", interrupted" if training.interrupted else ""
    took = f"{len(training.history)} epochs in {training.seconds:.0f} s on {training.device}"
    return {"training": f"{took}{best}{stopped}", **facts}


def _score_lines(judgement: Judgement) -> dict[str, str]:
    scores, ring = judgement.scores, judgement.ring_correlation
    lines = {}
    for name, likeness, unit in (("amplitude", scores.amplitude, ""), ("phase", scores.phase, " rad")):
        lines[name] = (
            f"correlation {likeness.correlation:.3f}, mean absolute difference {likeness.mae:.3f}{unit}, "
            f"PSNR {likeness.psnr_db:.1f} dB, SSIM {likeness.ssim:.3f}"
        )
    size = "" if ring.resolution_m is None else f", half period {ring.resolution_m * 1e9:.1f} nm"
    lines["ring correlation"] = f"above 0.5 up to {ring.crossing:.3f} cycles/px{size}"
    if scores.twin_fits_better:
        lines["twin image"] = "the conjugate picture, turned by half a turn, fits the reference better"
    return lines
