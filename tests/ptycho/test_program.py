"""The program ``ptycho`` can be ended in good order while it is still being imported."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import os, runpy, signal, sys

def press(moment):
    # As a user does: at some import, whichever it is.
    class Finder:
        left = moment
        def find_spec(self, name, path=None, target=None):
            if "ptycho.commands" in (name, *sys.modules):
                Finder.left -= 1
                if Finder.left == 0:
                    signal.raise_signal(signal.SIGINT)
    sys.meta_path.insert(0, Finder())

for moment in map(int, sys.argv[1].split(",")):
    child = os.fork()
    if not child:
        sys.argv[1:] = sys.argv[2:]
        press(moment)
        runpy.run_module("ptycho", run_name="__main__", alter_sys=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Moments, then the words of a command: it is run once for each, in a process of its own."""

MODULES = 250
"""Fewer than `ptycho template` imports."""


def listen() -> None:
    """Hear Ctrl-C; what a shell starts in the background is told to ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupted(moments: list[int], before: object = listen) -> subprocess.CompletedProcess[str]:
    """Run a command once for each moment, and press Ctrl-C there."""
    words = [sys.executable, "-c", PROGRAM, ",".join(map(str, moments)), "template"]
    return subprocess.run(words, check=True, capture_output=True, text=True, preexec_fn=before)


def test_an_interrupted_start_says_so() -> None:
    """Ctrl-C at any import is one word and exit code 130, never a traceback."""
    moments = [1, 2, *random.Random(0).sample(range(3, MODULES), 8)]
    done = interrupted(moments)
    assert done.stdout.split() == ["130"] * len(moments)
    assert done.stderr == "interrupted\n" * len(moments)


def ignore() -> None:
    """Do as a shell does for what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no background processes")
def test_an_ignored_interrupt_stays_so() -> None:
    """Started in the background of a shell, where Ctrl-C is for another process, it goes on."""
    done = interrupted([2], ignore)
    assert done.stdout.endswith("\n0\n")
    assert done.stderr == ""
