"""Numbers of frames as settings write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.files.number_ranges import are_numbers, listed_numbers, written_numbers


@given(numbers=st.sets(st.integers(0, 40), min_size=1))
def test_written_numbers_are_listed_again(numbers: set[int]) -> None:
    """What is written of some numbers names these again, and nothing else."""
    text = written_numbers(list(numbers))
    assert are_numbers(text)
    assert listed_numbers(text, 41) == sorted(numbers)


@given(count=st.integers(1, 30), data=st.data())
def test_ranges_are_those_of_python(count: int, data: st.DataObject) -> None:
    """A range names what a slice of as many takes, negative ends and open ones too."""
    end = st.none() | st.integers(-2 * count, 2 * count)
    first, stop = data.draw(end), data.draw(end)
    text = f"{'' if first is None else first}:{'' if stop is None else stop}"
    assert listed_numbers(text, count) == list(range(count))[first:stop]


def test_a_number_counts_from_either_end() -> None:
    """A number names one, counted from the end where it is negative; none names none."""
    assert listed_numbers(" 3, -1 ,3", 10) == [3, 9]
    assert listed_numbers(None, 10) == []
    with pytest.raises(IndexError, match="10"):
        listed_numbers("2,10", 10)


@pytest.mark.parametrize("text", ["", "a", "1-4", "1:2:3", "3 4", "1,,2", "1.5"])
def test_other_texts_name_no_numbers(text: str) -> None:
    """What is no whole number and no range of them is none of the setting's."""
    assert not are_numbers(text)
