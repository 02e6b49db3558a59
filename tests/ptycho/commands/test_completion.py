"""Shell completion: what a shell offers is what the command line knows."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ptycho.commands.completion import SCRIPTS
from ptycho.commands.main import main
from ptycho.settings.registries import COMMANDS
from ptycho.settings.schema import OFFERED


@pytest.mark.parametrize("shell", SCRIPTS)
def test_every_command_and_flag_is_offered(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each script names all commands and the flag of every setting that has a feature."""
    assert main(["completion", shell]) == 0
    words = set(capsys.readouterr().out.replace('"', " ").split())
    assert set(COMMANDS) <= words
    assert {path if shell == "fish" else f"--{path}" for path in OFFERED} <= words


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [("ptycho inf", "infer"), ("ptycho train --training.nep", "--training.nepochs")],
)
def test_bash_completes(typed: str, offered: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A beginning that only one word has becomes that word."""
    assert main(["completion", "bash"]) == 0
    words = typed.split()
    ask = (
        f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _ptycho; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    script = capsys.readouterr().out + ask
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{offered}\n"
