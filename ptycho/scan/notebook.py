"""A scan as a notebook shows it: its numbers, the mean of some frames, and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ptycho.files.notebook import figure, folded, png, table

if TYPE_CHECKING:
    from ptycho.scan.scan import Scan

_FRAMES = 32
"""Frames of the mean: enough for a look, and read in a moment from any file."""


def to_html(scan: Scan) -> str:
    """Lay out a scan of any size; a few of its frames are read."""
    modes = scan.probe_modes
    rows = {
        "frames": f"{scan.n_frames} of {scan.N} x {scan.N} px, {scan.quantity}",
        "from": "arrays in memory" if scan.source is None else scan.source,
        "positions": _span(scan),
        "probe": "none" if modes is None else f"{len(modes)} mode{'s' if len(modes) > 1 else ''}",
        "object pixel": "unknown" if scan.object_pixel_m is None else f"{scan.object_pixel_m * 1e9:.4g} nm",
    }
    pictures = [_mean_frame(scan)] if scan.n_frames else []
    if modes is not None:
        main = np.abs(modes[0])
        brightest = float(main.max()) or 1.0
        pictures.append(figure(png(main, (0.0, brightest), "gray"), "probe, modulus of the main mode"))
    return f"<div>{table(rows)}{''.join(pictures)}{folded('What was decided', scan.decisions)}</div>"


def _span(scan: Scan) -> str:
    if not scan.n_frames:
        return "none"
    width, height = np.ptp(scan.positions, axis=0)
    return f"over {width:.1f} x {height:.1f} px"


def _mean_frame(scan: Scan) -> str:
    some = np.linspace(0, scan.n_frames - 1, min(_FRAMES, scan.n_frames)).astype(np.int64)
    counts = np.mean(np.square(scan.amplitudes(some)), axis=0, dtype=np.float64)
    shown = np.log1p(counts)
    return figure(png(shown, (0.0, float(shown.max()) or 1.0), "inferno"), "mean frame, logarithmic")
