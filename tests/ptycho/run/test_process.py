"""The process of a command ends at once, after everything that it was asked to do at its end."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys, threading, time
from ptycho.run.process import run_process
class Circle:
    def __init__(self):
        self.itself = self
    def __del__(self):
        print("taken apart")
lasting = Circle()
atexit.register(lambda: print(", measured", end=""))
def command():
    atexit.register(lambda: print("asked for", end=""))
    threading.Thread(target=lambda: (time.sleep(0.1), print("thread, ", end=""))).start()
    {ending}
run_process(command)
"""


def _process(ending: str) -> subprocess.CompletedProcess[str]:
    code = PROGRAM.format(ending=ending)
    return subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("code", [0, 3, 143])
def test_a_process_ends_with_the_code_of_its_command(code) -> None:
    """Threads end, what was registered is done, output is whole; no object is taken apart.

    A tool that measures coverage registers itself before a command begins.
    """
    done = _process(f"return {code}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "thread, asked for, measured", "")


def test_an_error_ends_a_process_as_ever() -> None:
    """What a command raises is shown by Python itself."""
    done = _process("raise KeyError('lost')")
    assert done.returncode == 1
    assert done.stderr.endswith("KeyError: 'lost'\n")
