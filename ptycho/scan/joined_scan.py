"""Several scans behind each other: what is known of one frame after the other, joined."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.coordinates import Coordinates
from ptycho.scan.frames import FrameStack
from ptycho.scan.joined_frames import JoinedStack
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptycho.scan.validate import ValidScan

__all__ = ["join_scans"]


def join_scans(scans: Sequence[ValidScan], names: Sequence[str]) -> ValidScan:
    """Put scans behind each other; probe, object and geometry of the whole are those of the first.

    Args:
        scans: Scans, none of which is made of several.
        names: What each is called, for decisions and messages.

    Raises:
        ScanError: Their frames differ in side or kind.
    """
    _require_alike("are", [f"{scan.frames.detector.side} px wide" for scan in scans], names)
    _require_alike("hold", [scan.frames.quantity for scan in scans], names)
    coordinates = [scan.coordinates for scan in scans]
    labels = [None if scan.labels is None else scan.frames.select(scan.labels) for scan in scans]
    known = [label for label in labels if label is not None]
    stacks = tuple(scan.frames for scan in scans if isinstance(scan.frames, FrameStack))
    return replace(
        scans[0],
        coordinates=Coordinates(
            *(
                np.concatenate([getattr(one, name) for one in coordinates])
                for name in ("x", "y", "x_start", "y_start")
            )
        ),
        frames=JoinedStack(stacks),
        labels=np.concatenate(known) if len(known) == len(scans) else None,
        positions=np.concatenate([scan.positions for scan in scans]),
        nominal=np.concatenate([scan.nominal for scan in scans]),
        decisions=[
            f"{name}: {decision}"
            for name, scan in zip(names, scans, strict=True)
            for decision in scan.decisions
        ],
        scan_index=np.repeat(np.arange(len(scans)), [len(scan.frames) for scan in scans]),
    )


def _require_alike(verb: str, kinds: Sequence[str], names: Sequence[str]) -> None:
    if len(set(kinds)) > 1:
        told = "; ".join(f"those of {name} {verb} {kind}" for name, kind in zip(names, kinds, strict=True))
        raise ScanError(
            error_text(
                f"the frames of these scans do not go together: {told}",
                expected="frames of one side, after data.crop_px and data.bin, and of one quantity",
                hint="data.crop_px = the smaller side; data.quantity",
            )
        )
