"""What a sub-command is: one module each, found by its name; a new file is a new command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import argparse

PACKAGE = "ptycho.commands"
_NO_COMMANDS = frozenset({"command", "failure", "main", "options", "parser"})


@dataclass(frozen=True)
class Command:
    """A sub-command, as the constant ``COMMAND`` of its module; the module's name is the command's.

    Attributes:
        help: What it does, in one line without a capital.
        order: Its place in the list of commands.
        add_arguments: Declares what it takes.
        run: Does it; gives the exit code.
        description: What ``--help`` says above the arguments; empty for ``help`` as a sentence.
    """

    help: str
    order: int
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    description: str = ""

    def described(self) -> str:
        """Give the text above the arguments."""
        return self.description or f"{self.help[0].upper()}{self.help[1:]}."


def command_names() -> tuple[str, ...]:
    """Name every command; nothing is imported."""
    modules = iter_modules(import_module(PACKAGE).__path__)
    return tuple(module.name for module in modules if module.name not in _NO_COMMANDS)


def load_command(name: str) -> Command:
    """Import a command."""
    return cast("Command", import_module(f"{PACKAGE}.{name}").COMMAND)
