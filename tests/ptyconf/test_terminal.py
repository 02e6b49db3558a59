"""What goes to a terminal or a pipe: colours, width, closed, full and ASCII outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ptyconf.terminal import columns, emphasised, encodable

PROGRAM = """
from dataclasses import dataclass
from ptyconf import Schema, View

@dataclass
class Model:
    name: str = "é😀"
    path: str = "a" * 40

schema = Schema("small", [View(Model, "model")])
"""
Shell = Callable[..., "subprocess.CompletedProcess[str]"]


class Terminal:
    """Says that it is one."""

    def isatty(self) -> bool:
        """Tell that it is."""
        return True


def test_colours_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """And never under NO_COLOR; no package is needed for them."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = emphasised("wrong\n  try  this\n\nalso", Terminal())
    assert coloured == "\x1b[1;31mwrong\x1b[0m\n  try  this\n\n\x1b[1;31malso\x1b[0m"
    assert emphasised("wrong", object()) == "wrong"
    monkeypatch.setenv("NO_COLOR", "1")
    assert emphasised("wrong", Terminal()) == "wrong"


def test_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """None into a pipe, so that a file has whole lines; COLUMNS says otherwise."""
    monkeypatch.delenv("COLUMNS", raising=False)
    assert columns() is None
    monkeypatch.setenv("COLUMNS", "50")
    assert columns() == 50


def test_signs_are_escaped_where_they_must_be() -> None:
    """As TOML and JSON read them."""
    assert encodable('a = "é"', "utf-8") == 'a = "é"'
    text = encodable('a = "é😀"', "ascii")
    assert text == 'a = "\\u00e9\\U0001f600"'
    assert tomllib.loads(text) == {"a": "é😀"}


@pytest.fixture
def process(jail: Callable[..., Path]) -> Shell:
    """Run ``python -m ptyconf`` through a shell, in the jail."""
    jail("small.py", PROGRAM)
    jail("run.toml", "")

    def run(words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        command = f"{sys.executable} -m ptyconf {words}"
        environ = {"PATH": os.defpath, **environ}
        return subprocess.run(
            ["bash", "-c", command],
            capture_output=True,
            text=True,
            check=False,
            env=environ,
            encoding="utf-8",
        )

    return run


def test_an_ascii_output_still_holds_every_value(
    process: Shell,
) -> None:
    """A dump and a JSON report read back whole."""
    done = process("dump small run.toml --plain", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert tomllib.loads(done.stdout)["model"]["name"] == "é😀"
    done = process("explain small run.toml model.name --json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["value"] == "é😀"


def test_a_full_output_is_one_error(process: Shell) -> None:
    """With code 2, and no traceback."""
    done = process("dump small run.toml > /dev/full")
    assert (done.returncode, done.stderr) == (2, "the output cannot be written: No space left on device\n")


def test_a_closed_output_is_one_error(process: Shell) -> None:
    """Closed from the start; a reader that has seen enough is none, even where much is to come."""
    done = process("dump small run.toml >&-")
    assert (done.returncode, done.stderr) == (2, "the output is closed\n")
    done = process("schema small | head -c 1; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "{", "")
    assert process("dump small gone.toml 2>&-").returncode == 2


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_the_standard_input_is_a_file(process: Shell, name: str) -> None:
    """With places, in any format; none at all, or no text, is a problem."""
    done = process(f"explain small {name} model.name < <(printf 'model.name = 1')")
    assert done.stderr.splitlines()[:2] == [
        "'model.name' is 1; expected text",
        "  written in  <stdin>:1:1",
    ]
    done = process(f"explain small {name} model.name --format yaml < <(printf 'model: {{name: x}}')")
    assert done.stdout.splitlines()[1] == '  set by      file    "x"   <stdin>:1:9 model.name'
    assert process(f"dump small {name} <&-").stderr.startswith("the standard input is closed")
    assert process(f"check small {name} < <(printf '\\xff')").stdout.startswith("<stdin> is not UTF-8")
