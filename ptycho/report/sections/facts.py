"""What was done: the scan, the picture, the training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.report.markdown_text import table
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.report.results import Results


def _write(results: Results, _folder: Path) -> list[str]:
    return [table("", _facts(results))]


def _facts(results: Results) -> dict[str, str]:
    scan = results.scan
    height, width = results.reconstruction.object.shape
    facts = {
        "reconstructed scan": f"{results.scan_name}: {scan.n_frames} frames of {scan.N} x {scan.N} px",
        "reconstruction": f"{width} x {height} px",
    }
    start = results.reconstruction.refined_from
    if start:
        facts["refined from the picture of"] = start
    training = results.training
    if training is None:
        return facts
    best = "" if training.best_epoch is None else f", weights of epoch {training.best_epoch + 1}"
    stopped = ", interrupted" if training.interrupted else ""
    took = f"{len(training.history)} epochs in {training.seconds:.0f} s on {training.device}"
    return {"training": f"{took}{best}{stopped}", **facts}


SECTION = ReportSection(heading="", order=10, write=_write)
