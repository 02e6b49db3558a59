"""How many CPU threads a training uses."""

import time

import pytest
import torch

from ptycho.training import threads as neutral
from ptycho_torch.lit import threads


def test_setting_wins() -> None:
    """A number that is set is taken as it is, whatever the clock would say."""
    choice = threads.choose_threads(3, deterministic=True, device="cpu", step=lambda: None)
    assert choice == neutral.ThreadChoice(3, "as set")


def test_deterministic_choice_never_asks_the_clock() -> None:
    """A deterministic training takes one thread without a trial step: the clock would change its bits."""

    def step() -> None:
        pytest.fail("a trial step ran")

    choice = threads.choose_threads(None, deterministic=True, device="cpu", step=step)
    assert choice.threads == 1


def test_measured_choice_is_the_fastest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without determinism the number with the shortest step is taken, and the figures are told."""
    monkeypatch.setattr(neutral, "available_cores", lambda: 4)

    def step() -> None:
        time.sleep(0.02 if torch.get_num_threads() != 2 else 0.002)

    before = torch.get_num_threads()
    choice = threads.choose_threads(None, deterministic=False, device="cpu", step=step)
    assert choice.threads == 2
    assert choice.reason.startswith("measured, one step with 1: ")
    assert torch.get_num_threads() == before


def test_one_core_needs_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one core there is nothing to choose."""
    monkeypatch.setattr(neutral, "available_cores", lambda: 1)
    choice = threads.choose_threads(None, deterministic=False, device="cpu", step=lambda: None)
    assert choice == neutral.ThreadChoice(1, "one core is available")


def test_accelerators_take_one_thread() -> None:
    """Where a GPU works, CPU threads are not measured."""
    choice = threads.choose_threads(None, deterministic=False, device="cuda", step=lambda: None)
    assert choice == neutral.ThreadChoice(1, "the work is done on cuda")


def test_limit_ends_with_the_block() -> None:
    """The process has its threads back afterwards, also after an error."""
    before = torch.get_num_threads()
    inside = []

    def fail() -> None:
        with threads.limited(before + 1):
            inside.append(torch.get_num_threads())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert inside == [before + 1]
    assert torch.get_num_threads() == before


def test_zero_threads_are_refused() -> None:
    """The error says what is legal."""
    with pytest.raises(ValueError, match="threads must be positive") as caught:
        threads.choose_threads(0, deterministic=True, device="cpu", step=lambda: None)
    assert str(caught.value) == (
        "threads must be positive, got 0\n"
        "  expected  a whole number above 0, or none for a measured choice\n"
        "  try       execution.threads = 1"
    )
