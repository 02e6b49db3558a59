"""How the pictures compare with the reference in the scan file, in numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ptycho.files.atomic import write_text
from ptycho.reconstruction.starts import NETWORK, RETRIEVAL
from ptycho.report.markdown_text import table
from ptycho.report.section import ReportSection

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.metrics.comparison import Comparison
    from ptycho.report.results import Results


FILE_NAME = "scores.json"
_REFINED_FROM = {
    "": "",
    NETWORK: " The refined picture started from the network's.",
    RETRIEVAL: " The refined picture started from that of the probe retrieval, before the training: the "
    "network had no part in it.",
}


def _applies(results: Results) -> bool:
    return bool(results.comparisons) or results.verdict is not None


def _write(results: Results, folder: Path) -> list[str]:
    text = json.dumps(_as_dict(results), indent=1)
    # JSON escapes all control characters but this one.
    write_text(folder / FILE_NAME, text.replace("\x7f", "\\u007f") + "\n")
    if not results.comparisons:
        return []
    rows = {
        f"{name}: {score}": text
        for name, comparison in results.comparisons.items()
        for score, text in _lines(comparison).items()
    }
    return [
        _compared_with(results) + _REFINED_FROM[results.reconstruction.refined_from],
        table("score", rows),
    ]


def _compared_with(results: Results) -> str:
    network = {
        None: "No network took part.",
        True: "The network was trained on this very scan.",
        False: "The network has never seen this scan.",
    }[results.trained_on_it]
    return (
        f"Compared with the {results.reference_name}, after removing shift, phase ramp, global phase and one "
        f"complex scale. {network}"
    )


def _as_dict(results: Results) -> dict[str, object]:
    return {
        "version": 1,
        "scan": results.scan_name,
        "trained_on_this_scan": results.trained_on_it,
        **({} if results.verdict is None else results.verdict.as_dict()),
        **({} if results.halves is None else {"halves": results.halves.as_dict()}),
        **({"refined_from": start} if (start := results.reconstruction.refined_from) else {}),
        **({"reference": results.reference_name} if results.comparisons else {}),
        **{
            name: {
                **comparison.scores.as_dict(),
                "frc_crossing_cycles_per_px": comparison.ring_correlation.crossing,
                "frc_resolution_m": comparison.ring_correlation.resolution_m,
            }
            for name, comparison in results.comparisons.items()
        },
    }


def _lines(comparison: Comparison) -> dict[str, str]:
    scores, ring = comparison.scores, comparison.ring_correlation
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


SECTION = ReportSection(heading="Scores", order=20, write=_write, applies=_applies)
