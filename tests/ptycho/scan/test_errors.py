"""The shape of an error's text."""

from __future__ import annotations

import pickle
from pathlib import Path

from ptycho.scan.errors import ScanError, compose, place


def test_lines_are_aligned_and_in_order() -> None:
    """A headline is followed by indented lines whose texts start in one column."""
    assert compose("bad", expected="good", known_here="a, b", try_="c") == (
        "bad\n  expected    good\n  known here  a, b\n  try         c"
    )


def test_lines_without_text_are_left_out() -> None:
    """A line that is None does not appear, nor does it widen the others."""
    assert compose("bad", expected="good", known_here=None) == "bad\n  expected  good"
    assert compose("bad") == "bad"


def test_error_survives_pickling() -> None:
    """Errors cross process boundaries with their text."""
    error = pickle.loads(pickle.dumps(ScanError(compose("bad", try_="good"))))
    assert (type(error), str(error)) == (ScanError, "bad\n  try  good")


def test_place_names_the_file_or_memory() -> None:
    """Data is said to come from its file, or from memory."""
    assert place(Path("a.npz")) == "a.npz"
    assert place(None) == "arrays in memory"
