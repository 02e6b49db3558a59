"""TOML without toml-rs: the standard library's parser gives the same values, places and refusals."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from ptyconf.text import toml
from ptyconf.text.files import TextError

GOOD = '\ufeff[a]\nb.c = 1\r\nd = [1.5, {e = "é"}]\nf = 2026-01-01T00:00:00Z\n[[g]]\nh = """x"""\n'
BAD = {
    "a = 1\nb = 'ä' x\n": 2,
    "a = 1\na = 2\n": 2,
    "a.b = 1\n[a]\nc = 1\n": 2,
    'k = "hunter2\n': 1,
    "a = [1,": 1,
    "é = 1": 1,
}


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An interpreter that has no toml-rs."""
    monkeypatch.setitem(sys.modules, "toml_rs", None)
    toml._parser.cache_clear()
    yield
    toml._parser.cache_clear()


def test_values_are_those_of_the_other_parser(library: None) -> None:
    """Whichever reads it."""
    by_library = toml.parse(GOOD)
    sys.modules.pop("toml_rs")
    toml._parser.cache_clear()
    assert toml.parse(GOOD) == by_library
    assert by_library["g"] == [{"h": "x"}]


@pytest.mark.parametrize("text", BAD)
def test_refusals_name_the_same_line(library: None, text: str) -> None:
    """The words are the parser's own."""
    with pytest.raises(TextError, match=r"^is not TOML: ") as caught:
        toml.parse(text)
    sys.modules.pop("toml_rs")
    toml._parser.cache_clear()
    with pytest.raises(TextError, match=r"^is not TOML: ") as other:
        toml.parse(text)
    assert caught.value.line == other.value.line == BAD[text]


def test_a_number_of_thousands_of_digits_is_a_problem(library: None) -> None:
    """The interpreter's limit is told, not raised."""
    with pytest.raises(TextError, match=r"^is not TOML: .*digits"):
        toml.parse("a = " + "9" * 5000)
