"""``ptycho formats``: the kinds of scan files that are read, and what each leaves to the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands.command import Command
from ptycho.run.streams import tell

if TYPE_CHECKING:
    import argparse


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the list is the same for everybody."""


def run(_arguments: argparse.Namespace) -> int:
    """List them, those of plugins included."""
    from ptycho.settings.registries import FORMATS

    width = max(map(len, FORMATS))
    for name in sorted(FORMATS):
        tell(f"{name:<{width}}  {FORMATS[name].layout}")
        if FORMATS[name].needs:
            tell(f"{'':<{width}}  needs {FORMATS[name].needs}")
    return 0


COMMAND = Command(
    help="list the kinds of scan files that are read", order=44, add_arguments=add_arguments, run=run
)
