"""Threads that work beside each other: what they make comes in order, and little of it waits."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_THREADS = 4
"""Threads where nobody names a number: between its operations a thread needs Python's lock, some tenth of the
time, so that many wait for each other."""

WORTH_SHARING = 2**23
"""Pixels of all modes of a scan from which on threads share it where nobody names a number: 676 frames of
64 x 64 gain a tenth of 2 s and take more of the processors; 258 of 128 x 128 in three modes go from 8.9 s to
5.3."""

AHEAD = 2
"""Items for each thread that are under way at once: while one is worked on, the next is ready. Each holds
sums of the picture's size, so that more of them are memory alone."""


def beside_this_one(threads: int) -> AbstractContextManager[Executor | None]:
    """Give all of so many threads but the one that asks; None where it is alone."""
    return nullcontext() if threads == 1 else ThreadPoolExecutor(threads - 1)


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], workers: Executor | None, threads: int
) -> Iterator[Result]:
    """Give what work makes of each item, in the order of the items.

    Args:
        work: Called in several threads at once.
        items: Drawn in the thread that asks for results: a file that is read has one place to read at.
        workers: Threads beside this one, which does its part; None leaves all to it.
        threads: How many they are with it.
    """
    if workers is None:
        yield from map(work, items)
        return
    under_way: deque[Future[Result]] = deque()
    own: deque[tuple[Future[Result], Item]] = deque()

    def first() -> Result:
        while own and not under_way[0].done():
            future, item = own.popleft()
            future.set_result(work(item))
        return under_way.popleft().result()

    for number, item in enumerate(items, start=1):
        if number % threads:
            under_way.append(workers.submit(work, item))
        else:
            under_way.append(Future())
            own.append((under_way[-1], item))
        if len(under_way) == AHEAD * threads:
            yield first()
    while under_way:
        yield first()


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
