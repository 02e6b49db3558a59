"""docs/ptyconf.md, read from top to bottom: files are written, code and commands run, output compared."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ptyconf.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ptyconf.md"
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_example_runs(jail: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """And prints what the page says."""
    monkeypatch.syspath_prepend(str(jail()))
    for module in ("small", "service"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    names: dict[str, object] = {"__name__": "__main__"}
    said = ""
    count = 0
    for kind, name, text in BLOCK.findall(PAGE.read_text()):
        if kind == "text":
            assert said == text
            said = ""
            continue
        assert said == "", "an example prints what the page does not show"
        if name:
            jail(name, text)
        elif kind == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, str(PAGE), "exec"), names)
            said = out.getvalue()
            count += 1
        elif kind == "console":
            run_commands(text)
    assert count > 10


def run_commands(text: str) -> None:
    """Run each line that starts with a prompt, and compare what follows."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main(shlex.split(command)[1:])
        assert out.getvalue() == expected


def test_every_capability_is_on_the_page() -> None:
    """Each number of the design stands beside its example."""
    found = {int(number) for number in re.findall(r"\((\d+)\)", PAGE.read_text())}
    assert found >= set(range(1, 27))


def test_the_table_of_types_is_that_of_the_code() -> None:
    """Every kind that is built in has its line."""
    from ptyconf.report.types import supported_types

    assert (PAGE.parent / "ptyconf_types.md").read_text().endswith(supported_types())
