"""Secrets of configs that no name holds any more, in real runs of tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf.text.masks import Masks
from ptyconf.text.show import MASK

pytest_plugins = ["pytester"]

MODULE = """
import dataclasses
import unittest
import pytest
from ptyconf import load

@dataclasses.dataclass
class Db:
    host: str = "h"
    pw: str = dataclasses.field(default="", metadata={"secret": True})

@dataclasses.dataclass
class App:
    db: Db = dataclasses.field(default_factory=Db)
    n: int = 1

def make(pw, n=1):
    return load(App, overrides={"db.pw": pw, "n": n})

IMPORTED = f"pg://u:{make('imported-canary').db.pw}@h"

class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.url = make("class-canary").db.pw

    def test_equal(self):
        self.assertEqual(make("left-canary"), make("right-canary", 2))

    def test_none(self):
        self.assertIsNone(make("gone-canary"))

    def test_class(self):
        self.assertEqual(self.url, "x")

    def test_long(self):
        self.assertEqual("x" * 90 + make("long-canary-of-many-letters").db.pw + "y" * 90, "z")

@pytest.fixture(scope="module")
def url():
    return f"pg://u:{make('module-canary').db.pw}@h"

def test_fixture(url):
    assert url == "x"

def test_dict():
    d = dataclasses.asdict(make("dict-canary"))
    assert d == {}

def test_import():
    assert IMPORTED == "x"

def test_printed():
    print(make("print-canary"))
    raise ValueError(make("raise-canary").db.pw)

def test_word():
    make("localhost")
    assert "other" == "x"

def test_other_word():
    raise RuntimeError("no route to localhost")
"""


def test_no_secret_is_shown_whoever_holds_it(pytester: pytest.Pytester) -> None:
    """Of two sides, of wide fixtures, of imports; a secret of another test is an ordinary word."""
    pytester.makepyfile(MODULE)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--ptyconf=failed")
    result.assert_outcomes(failed=10)
    text = result.stdout.str()
    shown = [line for line in text.splitlines() if "canary" in line and "make(" not in line]
    assert not shown
    assert "no route to localhost" in text


SECRETS = st.text("abcdefgh0123-_", min_size=2, max_size=30)


@given(SECRETS, st.text("xyz", max_size=9), st.integers(0, 40), st.integers(0, 40))
def test_what_is_left_of_a_cut_secret_is_masked(secret: str, around: str, start: int, end: int) -> None:
    """As unittest and pytest cut it, in a repr."""
    text = f"{around}'{secret}'{around}"
    first, last = text[: min(start, len(text))], text[len(text) - min(end, len(text)) :]
    for cut in (f"{first}[9 chars]{last}", f"{first}...{last}"):
        masked = Masks([secret], cut=True).words(cut)
        pieces = [secret[:length] for length in range(4, len(secret) + 1)]
        pieces += [secret[-length:] for length in range(4, len(secret) + 1)]
        assert not [piece for piece in pieces if piece in masked.replace(MASK, "")]


def test_ordinary_dots_are_no_cut() -> None:
    """A short beginning of a secret is masked beside a quote alone."""
    masks = Masks(["secret-of-mine"], cut=True)
    assert masks.words("one thing is...") == "one thing is..."
    assert masks.words("pw='s...mine'") == f"pw='{MASK}...{MASK}'"


@given(st.lists(st.from_regex(r"[A-Za-z0-9+/]{8,64}", fullmatch=True), min_size=2, max_size=6))
def test_each_line_of_a_secret_is_one(lines: list[str]) -> None:
    """As those of a key file, which a difference of two texts shows one by one."""
    masks = Masks(["\n".join(lines)])
    shown = masks.words("\n".join(f"  - {line}" for line in lines))
    assert shown.splitlines() == [f"  - {MASK}"] * len(lines)
