"""Signals end a process in order: with the right exit code, and only where they are not ignored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from ptycho.run.signals import EndedBySignalError, Interruption, ending_on_signals

WAITER = """
import sys, time
from ptycho.commands.main import exit_code_of
def command():
    print("ready", flush=True)
    time.sleep(SECONDS)
    return 0
sys.exit(exit_code_of(command, debug=False))
"""


def _end(signum: int, *, seconds: float, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    # Under nohup the tests' own children ignore a hangup: `env` gives it its effect again.
    deaf = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    heard = ("env", "--default-signal=HUP") if deaf else ()
    command = [*heard, *prefix, sys.executable, "-c", WAITER.replace("SECONDS", str(seconds))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            assert process.poll() is None
        process.send_signal(signum)
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGXCPU"])
def test_a_signal_has_its_exit_code(name: str) -> None:
    """128 and the number of the signal, with one line that names it."""
    signum = getattr(signal, name)
    done = _end(signum, seconds=60)
    assert done.returncode == 128 + signum
    assert done.stderr == f"ended by {name}\n"


def test_an_ignored_hangup_stays_ignored() -> None:
    """Under nohup a run outlives its terminal."""
    done = _end(signal.SIGHUP, seconds=0.3, prefix=("nohup",))
    assert done.returncode == 0


def test_a_signal_waits_for_the_batch() -> None:
    """In a training the first signal asks it to stop, and what it was is raised when it has."""
    asked = []
    with ending_on_signals():
        interruption = Interruption()
        interruption.take_over(lambda: asked.append("stop"))
        os.kill(os.getpid(), signal.SIGTERM)
        assert asked == ["stop"]
        assert interruption.signum == signal.SIGTERM
        interruption.release()
        with pytest.raises(EndedBySignalError, match="ended by SIGTERM"):
            interruption.raise_if_ending()


@pytest.fixture
def given_back() -> Iterator[None]:
    """Leave this process with the handlers that it had."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGXCPU, signal.SIGINT)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.mark.usefixtures("given_back")
def test_the_limit_of_processor_time_is_told_once() -> None:
    """The system repeats it every second: that is no impatience, and the batch is waited for."""
    asked = []
    with ending_on_signals():
        interruption = Interruption()
        interruption.take_over(lambda: asked.append("stop"))
        for _ in range(3):
            os.kill(os.getpid(), signal.SIGXCPU)
        interruption.release()
        os.kill(os.getpid(), signal.SIGXCPU)
        assert asked == ["stop"]
        with pytest.raises(EndedBySignalError, match="ended by SIGXCPU"):
            interruption.raise_if_ending()


@pytest.mark.usefixtures("given_back")
def test_ctrl_c_twice_aborts_in_the_background_too() -> None:
    """Where a shell lets the process ignore Ctrl-C, the first ends the training and the second aborts it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interruption = Interruption()
    interruption.take_over(lambda: None)
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_second_signal_does_not_wait() -> None:
    """Who signals twice does not want to wait for the batch."""
    with ending_on_signals():
        interruption = Interruption()
        interruption.take_over(lambda: None)
        os.kill(os.getpid(), signal.SIGUSR1)
        with pytest.raises(EndedBySignalError, match="SIGUSR1"):
            os.kill(os.getpid(), signal.SIGUSR1)


def test_a_callers_handlers_are_left_alone() -> None:
    """A program that calls a training keeps its own say about every signal but Ctrl-C."""
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("mine"))
    try:
        interruption = Interruption()
        interruption.take_over(lambda: None)
        os.kill(os.getpid(), signal.SIGTERM)
        interruption.release()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == ["mine"]
    assert not interruption.requested


def test_other_threads_change_no_handler() -> None:
    """Only the main thread receives signals; elsewhere the block does nothing."""
    handlers = []

    def look() -> None:
        with ending_on_signals():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert handlers == [signal.getsignal(signal.SIGTERM)]
