"""What a report is about: the settings, the scan, what was reconstructed, and how it compares."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ptycho.metrics.comparison import (
    Comparison,
    compare,
    compare_network_alone,
    compare_without_network,
)
from ptycho.scan.truth import is_simulated

if TYPE_CHECKING:
    from ptycho.backends.base import Training
    from ptycho.metrics.halves import Halves
    from ptycho.metrics.verdict import Verdict
    from ptycho.reconstruction.result import Reconstruction
    from ptycho.scan.raw_data import RawData
    from ptyconf import Resolution

_log = logging.getLogger(__name__)

REFINED, NETWORK, FRAMES = "refined", "network alone", "no network"


@dataclass
class Results:
    """Everything that a report tells.

    Attributes:
        title: One line.
        resolution: The settings in force.
        reconstruction: What inference gave.
        scan: The scan that was reconstructed.
        trained_on_it: Whether the network was trained on that very scan; None where there was no network.
        training: What the training left; None for inference alone.
        halves: How far pictures of two halves of the frames agree; None where they were not made.
        verdict: What the frames say about the picture; None where they were not asked.
        others: Results of the other scans of the run, by the name of their folder.
        warnings: What could not be told, one sentence each; the report ends with them.
    """

    title: str
    resolution: Resolution
    reconstruction: Reconstruction
    scan: RawData
    trained_on_it: bool | None
    training: Training | None = None
    verdict: Verdict | None = None
    halves: Halves | None = None
    others: dict[str, Results] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def comparisons(self) -> dict[str, Comparison]:
        """The final picture against the reference, and the network's own where it was refined afterwards.

        A picture that cannot be compared is no reason to lose it, nor the scores of the other: the reason
        goes into the warnings and the log.
        """
        refined = self.reconstruction.network_object is not None
        only = FRAMES if self.trained_on_it is None else NETWORK
        kinds = {only: compare}
        if refined:
            kinds = {REFINED: compare, NETWORK: compare_network_alone, FRAMES: compare_without_network}
        comparisons: dict[str, Comparison] = {}
        for name, compare_with_reference in kinds.items():
            try:
                comparison = compare_with_reference(self.reconstruction, self.scan)
            except ValueError as error:
                reason = str(error).partition("\n")[0]
                self.warn(f"{name}: no scores against the {self.reference_name}: {reason}")
                continue
            if comparison is not None:
                comparisons[name] = comparison
        return comparisons

    @property
    def scan_name(self) -> str:
        """The file of the scan."""
        return name_of(self.scan)

    @property
    def reference_name(self) -> str:
        """What the object in a file is: the truth of a simulation, or somebody's reconstruction."""
        return "truth" if is_simulated(self.scan) else "reference in the file"

    def miss(self, what: str, error: Exception) -> None:
        """Say that a part of the report could not be written, and why: `missing_from` finds it again."""
        reason = str(error).partition("\n")[0]
        self.warn(f"{what} is missing: {type(error).__name__}: {reason}")

    def warn(self, sentence: str) -> None:
        """Put something that could not be told into the report and the log."""
        self.warnings.append(sentence)
        _log.warning("%s", sentence)


def name_of(scan: RawData) -> str:
    """Name a scan by its file, and by its number where that holds several."""
    return scan.name
