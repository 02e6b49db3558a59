"""What a sub-command is: one module each, found by its name, or an entry of another distribution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


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
