"""``ptycho completion``: a script by which a shell completes commands and flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands.command import Command
from ptycho.run.streams import tell
from ptycho.settings.registries import COMMANDS
from ptycho.settings.schema import OFFERED

if TYPE_CHECKING:
    import argparse

_BASH = """\
_ptycho() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{commands}" -- "$word"))
  elif [ "${{word#-}}" != "$word" ]; then
    COMPREPLY=($(compgen -W "{flags}" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _ptycho ptycho
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n" + _BASH
_FISH = """\
complete -c ptycho -n __fish_use_subcommand -f -a "{commands}"
for flag in {long_flags}
  complete -c ptycho -n "not __fish_use_subcommand" -l $flag
end
"""
SCRIPTS = {"bash": _BASH, "fish": _FISH, "zsh": _ZSH}
_COMMON = ("--debug", "--quiet", "--help", "--help-all", "--profile", "--recipe")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the shell."""
    parser.add_argument("shell", choices=tuple(SCRIPTS), help="eval it, or save it where the shell looks")


def run(arguments: argparse.Namespace) -> int:
    """Write the script to the terminal."""
    flags = [*_COMMON, *(f"--{path}" for path in OFFERED)]
    long_flags = (flag.removeprefix("--") for flag in flags)
    script = SCRIPTS[arguments.shell].format(
        commands=" ".join(sorted(COMMANDS)), flags=" ".join(flags), long_flags=" ".join(long_flags)
    )
    tell(script, end="")
    return 0


COMMAND = Command(
    help="write a script that completes commands and flags in a shell",
    order=130,
    add_arguments=add_arguments,
    run=run,
)
