"""How many CPU threads a training uses, whichever backend counts them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ptycho.training import threads
from ptycho.training.threads import ThreadChoice, choose_threads


def clock() -> ThreadChoice:
    """Be asked where nobody should ask."""
    pytest.fail("a trial step ran")


def test_setting_wins() -> None:
    """A number that is set is taken as it is, whatever the clock would say."""
    choice = choose_threads(3, deterministic=True, device="cpu", otherwise=clock)
    assert choice == ThreadChoice(3, "as set")


def test_deterministic_choice_never_asks_the_clock() -> None:
    """A deterministic training takes one thread without a trial step: the clock would change its bits."""
    choice = choose_threads(None, deterministic=True, device="cpu", otherwise=clock)
    assert choice == ThreadChoice(1, "deterministic: the last bits depend on the number of threads")


def test_one_core_leaves_nothing_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one core one thread is taken, and the reason told."""
    monkeypatch.setattr(threads, "available_cores", lambda: 1)
    choice = choose_threads(None, deterministic=False, device="cpu", otherwise=clock)
    assert choice == ThreadChoice(1, "one core is available")


def test_accelerators_take_one_thread() -> None:
    """Where a GPU works, one CPU thread is enough."""
    choice = choose_threads(None, deterministic=False, device="cuda", otherwise=clock)
    assert choice == ThreadChoice(1, "the work is done on cuda")


def test_free_choice_is_the_backends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only where nothing else decides the backend is asked."""
    monkeypatch.setattr(threads, "available_cores", lambda: 4)
    chosen = ThreadChoice(4, "every core")
    assert choose_threads(None, deterministic=False, device="cpu", otherwise=lambda: chosen) is chosen


def test_measured_choice_is_the_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number with the shortest step is taken, and the figures are told."""
    monkeypatch.setattr(threads, "available_cores", lambda: 4)
    running = [0]

    @contextmanager
    def limited(count: int) -> Iterator[None]:
        running[0] = count
        yield

    choice = threads.measure_threads(lambda: time.sleep(0.002 if running[0] == 2 else 0.02), limited)
    assert choice.threads == 2
    assert choice.reason.startswith("measured, one step with 1: ")


def test_zero_threads_are_refused() -> None:
    """The error says what is legal."""
    with pytest.raises(ValueError, match="threads must be positive") as caught:
        choose_threads(0, deterministic=True, device="cpu", otherwise=clock)
    assert str(caught.value) == (
        "threads must be positive, got 0\n"
        "  expected  a whole number above 0, or none for a measured choice\n"
        "  try       execution.threads = 1"
    )
