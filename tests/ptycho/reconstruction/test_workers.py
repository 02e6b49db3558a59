"""Threads that work beside each other give what one gives, in the same order."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.reconstruction import workers
from ptycho.reconstruction.workers import AHEAD, beside_this_one, in_order, threads_for_sweeps

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
    """Two items that wait for each other are done, with one thread beside that which asks."""
    both = threading.Barrier(2)
    with ThreadPoolExecutor(1) as pool:
        assert sorted(in_order(lambda _: both.wait(10), range(2), pool, 2)) == [0, 1]


def test_nobody_waits_for_a_thread_that_has_not_begun() -> None:
    """Where the other thread is busy elsewhere, the one that asks does everything."""
    released = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(released.wait)
        by = list(in_order(lambda _: threading.get_ident(), range(20), pool, 2))
        released.set()
    assert by == [threading.get_ident()] * 20


def test_threads_are_kept() -> None:
    """The same threads stand beside every sweep, and none where it is alone."""
    assert beside_this_one(3) is beside_this_one(3)
    assert beside_this_one(1) is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no child processes of this kind")
def test_a_child_has_threads_of_its_own() -> None:
    """After a fork the threads of the parent are gone, and the child gets new ones."""
    pool = beside_this_one(2)
    assert pool is not None
    pool.submit(int).result()
    child = os.fork()
    if child == 0:
        again = beside_this_one(2)
        os._exit(0 if again is not None and again.submit(int).result(10) == 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_threads_follow_setting_device_and_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting holds; without one as many as there are cores, within reason, and one beside a GPU."""
    monkeypatch.setattr(workers, "available_cores", lambda: 3)
    assert [threads_for_sweeps(*asked) for asked in ((None, "cpu"), (7, "cpu"), (7, "cuda"))] == [3, 7, 1]
    monkeypatch.setattr(workers, "available_cores", lambda: 64)
    assert threads_for_sweeps(None, "cpu") == workers.MOST_THREADS
