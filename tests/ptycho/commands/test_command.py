"""A sub-command is a file: what lies in the folder is what the command line knows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import ptycho.commands
from ptycho.commands.main import main
from ptycho.settings.registries import COMMANDS

GREETING = """
from ptycho.commands.command import Command

def run(arguments):
    print(arguments.name)
    return 1

COMMAND = Command("greet somebody", 1000, lambda parser: parser.add_argument("name"), run)
"""


def test_a_new_file_is_a_new_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One module with a COMMAND is listed, helps and runs; without it the command is unknown."""
    (tmp_path / "greet.py").write_text(GREETING)
    monkeypatch.setattr(ptycho.commands, "__path__", [*ptycho.commands.__path__, str(tmp_path)])
    monkeypatch.setattr(COMMANDS, "_modules", None)  # A process reads the folder once.
    assert main(["greet", "Ada"]) == 1
    assert capsys.readouterr().out == "Ada\n"
    assert main([]) == 2
    assert "greet somebody" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.delitem(sys.modules, "ptycho.commands.greet")
    monkeypatch.setattr(COMMANDS, "_modules", None)
    assert "greet" not in COMMANDS
    assert main(["greet", "Ada"]) == 2


def test_only_the_asked_command_is_imported() -> None:
    """Names are read off the folder: the list itself imports no command."""
    code = (
        "import sys\nfrom ptycho.settings.registries import COMMANDS\n"
        "assert 'train' in COMMANDS\nassert 'ptycho.commands.train' not in sys.modules"
    )
    import subprocess

    subprocess.run([sys.executable, "-c", code], check=True)
