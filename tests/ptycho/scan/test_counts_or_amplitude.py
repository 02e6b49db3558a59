"""Counts or amplitudes: what decides, and when nothing does."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.scan.counts_or_amplitude import Decided, QuantityEvidence, decide_quantity
from ptycho.scan.statistics import measure_frames
from ptycho.settings.data import Quantity

FILE = Path("scan.npz")


def evidence(
    values: np.ndarray, usual: Decided = "amplitude", declared: str | None = None
) -> QuantityEvidence:
    """Collect the evidence on some frames of a file."""
    return QuantityEvidence(measure_frames(values), declared, usual, "diff3d", FILE)


@pytest.fixture
def counts(rng: np.random.Generator) -> np.ndarray:
    """Give frames of small counts."""
    return rng.poisson(20.0, (3, 8, 8))


@pytest.mark.parametrize("usual", ["counts", "amplitude"])
def test_whole_numbers_are_counts(counts: np.ndarray, usual: Decided) -> None:
    """Whole numbers are counts, integers or not, wherever they come from, without a warning."""
    reason = "'diff3d' holds detector counts: every value is a whole number"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values in (counts.astype(np.uint16), counts.astype(np.float32)):
            assert decide_quantity("auto", evidence(values, usual))[:2] == ("counts", reason)


def test_roots_of_counts_are_amplitudes(counts: np.ndarray) -> None:
    """Frames of a file whose squares are whole are amplitudes, without a warning."""
    reason = "'diff3d' holds amplitudes (square roots of counts): the square of every value is a whole number"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = decide_quantity("auto", evidence(np.sqrt(counts).astype(np.float32)))
    assert found == ("amplitude", reason, False)


@pytest.mark.parametrize(
    ("usual", "name"),
    [("counts", "detector counts"), ("amplitude", "amplitudes (square roots of counts)")],
)
def test_other_numbers_follow_custom(rng: np.random.Generator, usual: Decided, name: str) -> None:
    """Other numbers are what the entry point usually gets, with one warning that says how to settle it."""
    text = (
        f"'diff3d' in scan.npz is not whole numbers; taken as {name}. "
        'Set data.quantity = "counts" or "amplitude" to settle it.'
    )
    with pytest.warns(UserWarning, match="not whole numbers") as warned:
        found = decide_quantity("auto", evidence(rng.random((3, 8, 8)), usual))
    assert found == (usual, text, True)
    assert [str(warning.message) for warning in warned] == [text]


@pytest.mark.parametrize("setting", ["counts", "amplitude"])
def test_setting_settles_it(rng: np.random.Generator, counts: np.ndarray, setting: Quantity) -> None:
    """A setting beats the file and the values, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for values in (counts, np.sqrt(counts), rng.random((3, 8, 8)) * 1e6):
            for declared in (None, "counts", "amplitude"):
                quantity, reason, _ = decide_quantity(setting, evidence(values, declared=declared))
                assert quantity == setting
                assert reason.endswith(": data.quantity says so")


@pytest.mark.parametrize("declared", ["counts", "amplitude"])
def test_file_may_declare_it(counts: np.ndarray, declared: str) -> None:
    """What the file says about itself beats a guess."""
    quantity, reason, _ = decide_quantity("auto", evidence(counts, declared=declared))
    assert quantity == declared
    assert reason.endswith(": the file says so")


def test_unknown_declaration_is_refused(counts: np.ndarray) -> None:
    """A file that declares something else is refused."""
    with pytest.raises(ScanError) as caught:
        decide_quantity("auto", evidence(counts, declared="intensity"))
    assert str(caught.value) == (
        'the quantity of scan.npz is given as "intensity"\n'
        '  expected  "counts" or "amplitude", or "auto" as a setting\n'
        '  try       data.quantity = "counts"'
    )


def test_amplitudes_given_as_intensities_are_refused(counts: np.ndarray) -> None:
    """Intensities that look like amplitudes are refused with the setting that says which they are."""
    with pytest.raises(ScanError) as caught:
        decide_quantity("auto", evidence(np.sqrt(counts), "counts"))
    assert str(caught.value) == (
        "'diff3d' in scan.npz would be taken as counts, but the square of every value is a whole number: "
        "these look like amplitudes\n"
        "  expected  counts (intensities), or a setting that says otherwise\n"
        '  try       quantity="amplitude" (data.quantity in a file), or quantity="counts" if they are'
    )


def test_intensities_given_as_amplitudes_are_refused(rng: np.random.Generator) -> None:
    """Amplitudes beyond what a counter holds are refused with the setting that says which they are."""
    values = rng.random((3, 8, 8))
    values[0, 0, 0] = 123456.7
    with pytest.raises(ScanError) as caught:
        decide_quantity("auto", evidence(values))
    assert str(caught.value) == (
        "'diff3d' in scan.npz would be taken as amplitudes, but the square of 1.235e+05 is more than a "
        "32-bit counter holds: these look like counts\n"
        "  expected  amplitudes (square roots of counts), or a setting that says otherwise\n"
        '  try       quantity="counts" (data.quantity in a file), or quantity="amplitude" if they are'
    )
