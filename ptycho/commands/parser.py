"""The parser of every command line: one clear message for a slip, with the closest name that is known."""

from __future__ import annotations

import argparse
import difflib
from typing import Any, NoReturn

from ptyconf.errors import error_text


class UsageError(ValueError):
    """Arguments that the command line does not understand."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one clear message, without the list of every flag."""

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        """Read all arguments, or name the first that is not known, with its close match.

        Options may stand before, between and after the files.

        Raises:
            UsageError: An argument is not known.
        """
        # A parser of commands cannot tell options of its own from those of a command.
        intermixed = self._subparsers is None
        parse = self.parse_known_intermixed_args if intermixed else self.parse_known_args
        namespace, unknown = parse(*args, **kwargs)
        if unknown:
            raise unknown_argument(unknown[0], self)
        return namespace

    def error(self, message: str) -> NoReturn:
        """Raise what argparse has to say.

        Raises:
            UsageError: Always.
        """
        raise UsageError(error_text(message, hint=f"{self.prog} --help"))


def unknown_argument(argument: str, parser: argparse.ArgumentParser) -> UsageError:
    """Make the error of an argument that a parser does not know."""
    name = argument.partition("=")[0]
    known = [option for action in parser._actions for option in action.option_strings]  # noqa: SLF001  No public list.
    close = difflib.get_close_matches(name, known, n=1)
    hint = close[0] if close else f"{parser.prog} --help"
    return UsageError(error_text(f"unknown argument '{argument}'", hint=hint))
