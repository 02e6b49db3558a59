"""The engine's pages, read from top to bottom: files are written, code and commands run, output compared."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ptyconf.cli import main

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = [page for page in sorted(DOCS.glob("ptyconf*.md")) if page.stem != "ptyconf_types"]
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_example_runs(page: Path, jail: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """And prints what the page says."""
    monkeypatch.syspath_prepend(str(jail()))
    for module in re.findall(r"file=(\w+)\.py", page.read_text()):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    names: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    count = 0
    for kind, name, text in BLOCK.findall(page.read_text()):
        if kind == "text" and not name:
            assert printed == text
            printed = ""
            continue
        assert printed == "", "an example prints what the page does not show"
        if name:
            jail(name, text)
        elif kind == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, "<page>", "exec", dont_inherit=True), names)
            printed = re.sub(r"<page>:\d+", "<page>", out.getvalue())
            count += 1
        elif kind == "console":
            run_commands(text)
    assert count > 1


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
    found = {int(number) for number in re.findall(r"\((\d+)\)", (DOCS / "ptyconf_engine.md").read_text())}
    assert found >= set(range(1, 27))


def test_the_table_of_types_is_that_of_the_code() -> None:
    """Every kind that is built in has its line."""
    from ptyconf.report.types import supported_types

    assert (DOCS / "ptyconf_types.md").read_text().endswith(supported_types())
