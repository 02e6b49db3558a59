"""Pages that somebody follows at the keyboard: their commands and programs run, in their order."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from ptycho.commands.main import main

_DOCS = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:POLICY-001")
@pytest.mark.parametrize("page", ["first_scan.md", "own_file.md", "facilities.md", "client.md"])
def test_a_page_runs_from_top_to_bottom(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Commands end with 0, programs print what stands below them."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "__main__"}
    printed = ""
    blocks = _BLOCK.findall((_DOCS / page).read_text(encoding="utf-8"))
    assert len(blocks) > 1
    for kind, name, text in blocks:
        if kind == "text":
            assert printed == text
        elif name:
            Path(name).write_text(text, encoding="utf-8")
        elif kind == "python":
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(text, page, "exec"), names)
            printed = out.getvalue()
        elif kind == "console":
            for command in re.findall(r"^\$ ptycho (.*)$", text, re.MULTILINE):
                assert main(shlex.split(command)) == 0, f"ptycho {command}\n{capsys.readouterr().err}"
