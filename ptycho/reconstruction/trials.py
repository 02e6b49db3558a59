"""What was tried on some frames of a scan, and how well it explained them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Cause = Literal[
    "axes", "probe", "positions", "order", "units", "rotation", "samples", "mask", "background", "modes",
    "quantity",
]  # fmt: skip

CLEARLY_BETTER = 0.7
"""Misfit, as a share of that without it, below which a trial helps: another order of the frames changes it by
a few percent."""


@dataclass(frozen=True)
class Trial:
    """Something that could be otherwise, tried on frames that the sweeps had not seen.

    Attributes:
        cause: What it may put right.
        what: What was tried, in a few words.
        misfit: Squared amplitude error of frames not seen, as a share of their energy.
        as_it_stands: The same without it.
        noise: What photon noise alone makes of it.
        advice: What to write to have it.
    """

    cause: Cause
    what: str
    misfit: float
    as_it_stands: float
    noise: float = 0.0
    advice: str = ""

    @property
    def helps(self) -> bool:
        """Whether it leaves clearly less, beyond what noise leaves of anything."""
        return self.misfit - self.noise < CLEARLY_BETTER * (self.as_it_stands - self.noise)

    def as_dict(self) -> dict[str, object]:
        """Give plain values, as JSON keeps them."""
        return {
            "cause": self.cause,
            "what": self.what,
            "misfit": self.misfit,
            "as_it_stands": self.as_it_stands,
            "helps": self.helps,
            "advice": self.advice,
        }
