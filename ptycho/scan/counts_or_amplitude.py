"""Counts or amplitudes: what the numbers in the frames are."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ptycho.errors import ScanError
from ptycho.scan.source import source_name
from ptycho.scan.statistics import Statistics
from ptycho.settings.call_site import outside_stack_level
from ptycho.settings.data import Quantity
from ptyconf.errors import error_text

__all__ = ["QuantityEvidence", "decide_quantity"]

Decided = Literal["counts", "amplitude"]

COUNTER_LIMIT = 2.0**32
"""No detector pixel counts further than 32 bits."""

NAMES: dict[str, str] = {"counts": "detector counts", "amplitude": "amplitudes (square roots of counts)"}


@dataclass(frozen=True)
class QuantityEvidence:
    """What speaks for one quantity or the other.

    Attributes:
        statistics: What the values look like.
        declared: What the file itself says, or None.
        usual: What data of this entry point usually is, when nothing else tells.
        key: The array's key.
        source: The array's file.
    """

    statistics: Statistics
    declared: str | None
    usual: Decided
    key: str
    source: Path | None


def decide_quantity(setting: Quantity, evidence: QuantityEvidence) -> tuple[Decided, str]:
    """Decide what the frames hold, and say why.

    A setting holds; then what the file declares; then whole numbers are counts. Other values are what the
    entry point usually gets, with one warning, unless the values speak against it.

    Returns:
        The quantity, and one sentence on the reason.

    Raises:
        ScanError: The values contradict what they would have to be.
    """
    key = evidence.key
    if setting != "auto":
        return _named(setting, evidence), f"'{key}' holds {NAMES[setting]}: data.quantity says so"
    if evidence.declared is not None:
        quantity = _named(evidence.declared, evidence)
        return quantity, f"'{key}' holds {NAMES[quantity]}: the file says so"
    if evidence.statistics.whole:
        return "counts", f"'{key}' holds {NAMES['counts']}: every value is a whole number"
    _refuse_contradiction(evidence)
    if evidence.statistics.roots:
        return "amplitude", f"'{key}' holds {NAMES['amplitude']}: the square of every value is a whole number"
    reason = (
        f"'{key}' in {source_name(evidence.source)} is not whole numbers; taken as {NAMES[evidence.usual]}. "
        'Set data.quantity = "counts" or "amplitude" to settle it.'
    )
    warnings.warn(reason, UserWarning, stacklevel=outside_stack_level())
    return evidence.usual, reason


def _named(name: str, evidence: QuantityEvidence) -> Decided:
    if name == "counts":
        return "counts"
    if name == "amplitude":
        return "amplitude"
    raise ScanError(
        error_text(
            f'the quantity of {source_name(evidence.source)} is given as "{name}"',
            expected='"counts" or "amplitude", or "auto" as a setting',
            hint='data.quantity = "counts"',
        )
    )


def _refuse_contradiction(evidence: QuantityEvidence) -> None:
    statistics, where = evidence.statistics, f"'{evidence.key}' in {source_name(evidence.source)}"
    if evidence.usual == "counts" and statistics.roots:
        raise ScanError(
            error_text(
                f"{where} would be taken as counts, but the square of every value is a whole number: "
                "these look like amplitudes",
                expected="counts (intensities), or a setting that says otherwise",
                hint='quantity="amplitude" (data.quantity in a file), or quantity="counts" if they are',
            )
        )
    if evidence.usual == "amplitude" and statistics.maximum**2 > COUNTER_LIMIT and not statistics.roots:
        raise ScanError(
            error_text(
                f"{where} would be taken as amplitudes, but the square of {statistics.maximum:.4g} "
                "is more than a 32-bit counter holds: these look like counts",
                expected="amplitudes (square roots of counts), or a setting that says otherwise",
                hint='quantity="counts" (data.quantity in a file), or quantity="amplitude" if they are',
            )
        )
