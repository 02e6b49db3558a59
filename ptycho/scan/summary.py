"""A scan in words: what was taken and why, and the settings that say so."""

from __future__ import annotations

import json
from dataclasses import fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.files.numbered_names import shown_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ptycho.files.numbered_names import Series
    from ptycho.scan.raw_data import RawData
    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

__all__ = [
    "FEWEST_FRAMES",
    "contents_lines",
    "doubt_lines",
    "mean_intensity",
    "settings_toml",
    "taken_lines",
]

FEWEST_FRAMES = 12
"""Frames below which none can be left out for a trial of axes and probe."""


def contents_lines(file: ScanFile, limit: int = 60) -> list[str]:
    """List the arrays of a file with their shapes, of many that a number tells apart the first."""
    lead = shown_names(file.keys)
    lines = [f"{key} {file.described(key)}{_and_more(series)}" for key, series in islice(lead.items(), limit)]
    if len(lead) > limit:
        lines.append(f"and {len(lead) - limit} more")
    return lines or [file.kind]


def _and_more(series: Series | None) -> str:
    return "" if series is None else f" and {len(series.names) - 1} more, {series.pattern}"


def taken_lines(scan: RawData) -> list[str]:
    """Say what was taken of a scan and why, one sentence each."""
    x, y = np.ptp(scan.positions, axis=0) if len(scan) else (0.0, 0.0)
    pixel = scan.object_pixel_m
    photons = f", {scan.mean_square():.4g} photons a frame" if scan.quantity == "counts" else ""
    wide = "" if pixel is None else f", pixels of {pixel:.4g} m"
    probe = "no probe" if scan.probe_modes is None else f"a probe of {len(scan.probe_modes)} modes"
    return [
        f"{scan.n_frames} frames of {scan.N} x {scan.N}{photons}",
        f"positions over {x:.4g} x {y:.4g} px{wide}; {probe}",
        *scan.decisions,
    ]


def doubt_lines(scan: RawData) -> list[str]:
    """Say what is odd about a scan that can be read, one sentence each."""
    lines = []
    if scan.n_frames < FEWEST_FRAMES:
        lines.append(
            f"{scan.n_frames} frames: too few to try axes and probe on, and hardly enough that they overlap"
        )
    elif not np.any(np.ptp(scan.positions, axis=0) > 0):
        lines.append("all frames lie on one position: nothing ties their phases together")
    return lines


def settings_toml(scan: RawData) -> str:
    """Write the settings that take a scan as it was taken, without anything left to find."""
    values: dict[str, Any] = {}
    options: ScanOptions = scan.options
    for item in fields(options):
        value = getattr(options, item.name)
        if item.name != "probe_model" and value != item.default:
            values[item.name] = value
    if not scan.quantity_is_guess:
        values["quantity"] = scan.quantity
    beam = scan.beam_px
    if beam is not None and options.centre_px is None and not options.transpose:
        values["centre_px"] = beam
    for name, (value, _) in scan.geometry.stated().items():
        if "energy_kev" not in values or name != "wavelength_m":
            values[name] = value
    lines = [f"{name} = {_toml(value)}" for name, value in values.items()]
    if scan.quantity_is_guess:
        lines.append(
            f'# quantity = "{scan.quantity}"  # a guess: write "counts" or "amplitude", whichever it is'
        )
    place = ["[training]", f"train_data_file = {_toml(str(scan.source))}", ""]
    return "\n".join([*place, "[model]", f"N = {scan.N}", "", "[data]", *lines, *_model_lines(options)])


def _model_lines(options: ScanOptions) -> list[str]:
    model = options.probe_model
    if model.kind is None:
        return []
    numbers = [f"{name} = {_toml(value)}" for name, value in model.numbers().items()]
    return ["", "[data.probe_model]", f"kind = {_toml(model.kind)}", *numbers]


def mean_intensity(scan: RawData) -> NDArray[np.float64]:
    """Average the intensity of the frames in use, a few at a time, shape (N, N)."""
    total = np.zeros((scan.N, scan.N))
    for rows in scan.in_parts():
        block = scan.amplitudes(rows)
        total += np.einsum("nij,nij->ij", block, block, dtype=np.float64)
    return total / max(scan.n_frames, 1)


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, Path):
        return json.dumps(str(value))
    return json.dumps(value)
