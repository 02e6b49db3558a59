"""Threads that work beside each other give what one gives, in the same order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.reconstruction import workers
from ptycho.reconstruction.workers import AHEAD, in_order, threads_for_sweeps

if TYPE_CHECKING:
    from collections.abc import Iterator


@given(count=st.integers(0, 40), threads=st.integers(2, 5))
def test_results_come_in_the_order_of_the_items(count: int, threads: int) -> None:
    """Each item is drawn here, worked on once, and never are more under way than are allowed."""
    here, drawn, given_back = threading.get_ident(), 0, 0

    def items() -> Iterator[int]:
        nonlocal drawn
        for number in range(count):
            assert threading.get_ident() == here
            drawn += 1
            assert drawn - given_back <= AHEAD * threads
            yield number

    with ThreadPoolExecutor(threads - 1) as pool:
        for number, result in enumerate(in_order(lambda item: item * item, items(), pool, threads)):
            assert result == number * number
            given_back += 1
    assert given_back == count


def test_an_error_of_a_thread_is_raised_here() -> None:
    """What goes wrong in another thread is not lost."""
    with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError):
        list(in_order(lambda item: 1 // item, [1, 2, 0, 3], pool, 2))


def test_the_thread_that_asks_does_its_part() -> None:
    """Of two threads one is that which asks for the results."""
    with ThreadPoolExecutor(1) as pool:
        by = set(in_order(lambda _: threading.get_ident(), range(20), pool, 2))
    assert threading.get_ident() in by
    assert len(by) == 2


def test_threads_follow_setting_device_and_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting holds; without one as many as there are cores, within reason, and one beside a GPU."""
    monkeypatch.setattr(workers, "available_cores", lambda: 3)
    assert [threads_for_sweeps(*asked) for asked in ((None, "cpu"), (7, "cpu"), (7, "cuda"))] == [3, 7, 1]
    monkeypatch.setattr(workers, "available_cores", lambda: 64)
    assert threads_for_sweeps(None, "cpu") == workers.MOST_THREADS
