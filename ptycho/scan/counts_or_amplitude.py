"""Counts or amplitudes: what the numbers in the frames are."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ptycho.errors import ScanError
from ptycho.scan.source import source_name
from ptycho.scan.statistics import Statistics
from ptycho.settings.call_site import outside_stack_level
from ptycho.settings.data import Quantity
from ptyconf.errors import error_text

__all__ = ["Decided", "QuantityDecision", "QuantityEvidence", "Unit", "decide_quantity", "find_unit"]

Decided = Literal["counts", "amplitude"]

COUNTER_LIMIT = 2.0**32
"""No detector pixel counts further than 32 bits."""

CLEARLY_BETTER = 0.5
"""A reading is taken by the forward model when its misfit is below this part of the other's."""

UNIT_STEPS = 300.0
"""Multiples that are looked at: beyond, single precision blurs one step into the next."""

UNIT_TOLERANCE = 1e-4
"""How far a multiple may be from a whole number, relative to it: single precision, and margin."""

UNIT_LEVELS = 8
"""Different multiples that have to be seen; two or three fit any step."""

UNIT_WITNESSES = 200
"""Values that have to agree."""

NAMES: dict[str, str] = {"counts": "detector counts", "amplitude": "amplitudes (square roots of counts)"}


@dataclass(frozen=True)
class Unit:
    """What comes in whole steps: the values themselves, or their squares."""

    quantity: Decided
    step: float


@dataclass(frozen=True)
class QuantityEvidence:
    """What speaks for one quantity or the other.

    Attributes:
        statistics: What the values look like.
        declared: What the file itself says, or None.
        usual: What data of this entry point usually is, when nothing else tells.
        key: The array's key.
        source: The array's file.
        negative: Whether values lie below zero, as a subtracted dark frame leaves them.
        unit: What all values are whole multiples of, or whose square their squares are, as
            `find_unit` tells it.
        compare: Gives the misfit of the forward model by reading, or None where there is nothing to compare
            with; asked only where nothing else tells.
    """

    statistics: Statistics
    declared: str | None
    usual: Decided
    key: str
    source: Path | None
    negative: bool = False
    unit: Unit | None = None
    compare: Callable[[], dict[Decided, float] | None] | None = None


class QuantityDecision(NamedTuple):
    """What the frames hold.

    Attributes:
        quantity: Counts or amplitudes.
        why: One sentence on the reason.
        is_guess: Whether it is only what such data usually is.
    """

    quantity: Decided
    why: str
    is_guess: bool = False


def decide_quantity(setting: Quantity, evidence: QuantityEvidence) -> QuantityDecision:
    """Decide what the frames hold, and say why.

    A setting holds; then what the file declares; then whole numbers are counts. Other values are what the
    entry point usually gets, with one warning, unless the values speak against it.

    Raises:
        ScanError: The values contradict what they would have to be.
    """
    told = _told(setting, evidence)
    if told is not None:
        return QuantityDecision(*told)
    why = (
        f"'{evidence.key}' in {source_name(evidence.source)} is not whole numbers; "
        f"taken as {NAMES[evidence.usual]}. "
        'Set data.quantity = "counts" or "amplitude" to settle it.'
    )
    warnings.warn(why, UserWarning, stacklevel=outside_stack_level())
    return QuantityDecision(evidence.usual, why, is_guess=True)


def _told(setting: Quantity, evidence: QuantityEvidence) -> tuple[Decided, str] | None:
    """Decide by what setting, file or numbers tell; None where they do not."""
    key = evidence.key
    if setting != "auto":
        return _named(setting, evidence), f"'{key}' holds {NAMES[setting]}: data.quantity says so"
    if evidence.declared is not None:
        quantity = _named(evidence.declared, evidence)
        return quantity, f"'{key}' holds {NAMES[quantity]}: the file says so"
    if evidence.statistics.whole:
        return "counts", f"'{key}' holds {NAMES['counts']}: every value is a whole number"
    if evidence.negative:
        return "counts", f"'{key}' holds {NAMES['counts']}: no amplitude is negative"
    _refuse_contradiction(evidence)
    if evidence.statistics.roots:
        return "amplitude", f"'{key}' holds {NAMES['amplitude']}: the square of every value is a whole number"
    return _by_unit(evidence) or _by_forward_model(evidence)


def find_unit(values: NDArray[np.floating[Any]]) -> Unit | None:
    """Find a value that all others are whole multiples of, or whose square all squares are.

    Counts that were divided by a number, such as their highest, still come in steps; so do the squares of
    amplitudes.

    Args:
        values: Some of the frames, in any shape.

    Returns:
        What comes in steps and the step, or None.
    """
    positive = values[values > 0].astype(np.float64)
    if positive.size < UNIT_WITNESSES:
        return None
    readings: dict[Decided, NDArray[np.float64]] = {"counts": positive, "amplitude": positive**2}
    for quantity, numbers in readings.items():
        step = float(numbers.min())
        steps = numbers[numbers < UNIT_STEPS * step] / step
        near = np.abs(steps - np.rint(steps)) <= UNIT_TOLERANCE * steps
        if steps.size >= UNIT_WITNESSES and len(np.unique(np.rint(steps))) >= UNIT_LEVELS and near.all():
            return Unit(quantity, step)
    return None


def _by_unit(evidence: QuantityEvidence) -> tuple[Decided, str] | None:
    unit = evidence.unit
    if unit is None:
        return None
    what = "value" if unit.quantity == "counts" else "value's square"
    why = f"every {what} is a whole multiple of {unit.step:.4g}"
    return unit.quantity, f"'{evidence.key}' holds {NAMES[unit.quantity]}: {why}"


def _by_forward_model(evidence: QuantityEvidence) -> tuple[Decided, str] | None:
    misfits = None if evidence.compare is None else evidence.compare()
    if misfits is None:
        return None
    best: Decided = min(misfits, key=lambda name: misfits[name])
    if misfits[best] > CLEARLY_BETTER * max(misfits.values()):
        return None
    compared = ", ".join(f"as {NAMES[name]} {misfit:.3g}" for name, misfit in misfits.items())
    why = f"misfit of the forward model {compared}"
    return best, f"'{evidence.key}' holds {NAMES[best]}: {why}"


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
