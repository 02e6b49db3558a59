"""Threads that work beside each other: what they make comes in order, and little of it waits."""

from __future__ import annotations

import functools
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 4
"""Threads where nobody names a number: between its operations a thread needs Python's lock, some tenth of the
time, so that many wait for each other."""

WORTH_SHARING = 2**23
"""Pixels of all modes of a scan from which on threads share it where nobody names a number: smaller ones are
done in seconds, of which two threads save a tenth or two, and take a twentieth more of the processors."""

AHEAD = 2
"""Items for each thread that are under way at once: while one is worked on, the next is ready. Each holds
sums of the picture's size, so that more of them are memory alone."""


def beside_this_one(threads: int) -> Executor | None:
    """Give all of so many threads but the one that asks, the same ones each time; None where it is alone."""
    return None if threads == 1 else _kept(threads - 1)


@functools.cache
def _kept(threads: int) -> ThreadPoolExecutor:
    # For as long as the process: a new thread starts without memory of its own, and fetching that page by
    # page took 1.7 ms for each 32 frames of 64 x 64, which take 2.4 ms to go through.
    return ThreadPoolExecutor(threads, thread_name_prefix="sweeps")


if hasattr(os, "register_at_fork"):
    # A child has none of its parent's threads, and would wait for them.
    os.register_at_fork(after_in_child=_kept.cache_clear)


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], workers: Executor | None, threads: int
) -> Iterator[Result]:
    """Give what work makes of each item, in the order of the items.

    Args:
        work: Called in several threads at once.
        items: Drawn in the thread that asks for results: a file that is read has one place to read at.
        workers: Threads beside this one, which takes up what none of them has begun; None leaves all to it.
        threads: How many they are with it.
    """
    if workers is None:
        yield from map(work, items)
        return
    under_way: deque[tuple[Future[Result], Item]] = deque()

    def first() -> Result:
        while not under_way[0][0].done() and _do_one_here(work, under_way):
            pass
        return under_way.popleft()[0].result()

    for item in items:
        under_way.append((workers.submit(work, item), item))
        if len(under_way) == AHEAD * threads:
            yield first()
    while under_way:
        yield first()


def _do_one_here(work: Callable[[Item], Result], under_way: deque[tuple[Future[Result], Item]]) -> bool:
    """Take the first item that no other thread has begun, and tell whether there was one.

    Where other programs use the cores, a thread may have to wait for one, and nobody waits for the thread.
    """
    for place, (future, item) in enumerate(under_way):
        if future.cancel():
            made: Future[Result] = Future()
            made.set_result(work(item))
            under_way[place] = (made, item)
            return True
    return False


def threads_for_sweeps(setting: int | None, device: str) -> int:
    """Choose how many threads sweep: as set, or as many as there are cores; one where a GPU computes.

    What comes out is the same for any number: portions are cut by their size and added up in their order.

    Args:
        setting: `execution.threads`; None leaves the choice to the program.
        device: Kind of the device, such as "cpu".
    """
    if device.lower() != "cpu":
        return 1
    return min(available_cores(), MOST_THREADS) if setting is None else setting


def available_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
