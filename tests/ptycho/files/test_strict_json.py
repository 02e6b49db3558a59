"""JSON of unknown origin is a table of finite numbers, or is refused."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.files.strict_json import dump_table, parse_table

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc"), VALUES))
def test_a_table_comes_back(table: dict[str, object]) -> None:
    """Writing and reading is the identity, and the same table gives the same bytes."""
    content = dump_table(table)
    assert parse_table(content) == table
    assert dump_table(dict(reversed(table.items()))) == content


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b"[1]", TypeError, "a list where a table belongs"),
        (b'{"a": NaN}', ValueError, "NaN is not a finite number"),
        (b'{"a": -Infinity}', ValueError, "-Infinity is not a finite number"),
        (b'{"a": 1e999}', ValueError, "1e999 is not a finite number"),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', ValueError, "the key 'b' twice"),
        (b"[" * 10**5 + b"]" * 10**5, ValueError, "its lists are nested too deeply"),
        (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", ValueError, "its lists are nested too deeply"),
        (b"{", ValueError, "Expecting property name enclosed in double quotes"),
        (b'"\xff"', ValueError, "'utf-8' codec can't decode byte 0xff"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, kind: type[Exception], said: str) -> None:
    """Each kind of bad JSON has its own words."""
    with pytest.raises(kind) as caught:
        parse_table(content)
    assert str(caught.value).startswith(said)


def test_no_table_is_written_that_is_not_read() -> None:
    """A number that is not finite is refused on the way out too."""
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        dump_table({"a": float("nan")})


def test_lists_within_the_bound_are_read() -> None:
    """A hundred tables and lists inside each other are the most."""
    assert parse_table(b'{"a": ' + b"[" * 99 + b"]" * 99 + b"}")


def test_many_keys_are_read_in_one_pass() -> None:
    """A key that comes again after many others is found without comparing each with each."""
    keys = ",".join(f'"{number}": 0' for number in range(300_000))
    started = time.perf_counter()
    with pytest.raises(ValueError, match="the key '299999' twice"):
        parse_table(f'{{{keys}, "299999": 0}}'.encode())
    assert time.perf_counter() - started < 10
