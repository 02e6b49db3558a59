"""The parser of every command line: one clear message for a slip, with the closest name that is known."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn

from ptycho.run.streams import tell
from ptyconf.errors import error_text
from ptyconf.text.show import close_matches

if TYPE_CHECKING:
    from collections.abc import Sequence


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
        args = (self._as_declared(args[0]), *args[1:]) if args else args
        # A parser of commands cannot tell options of its own from those of a command.
        intermixed = self._subparsers is None
        parse = self.parse_known_intermixed_args if intermixed else self.parse_known_args
        namespace, unknown = parse(*args, **kwargs)
        if unknown:
            raise unknown_argument(unknown[0], self)
        return namespace

    def _as_declared(self, words: Sequence[str]) -> list[str]:
        """Spell flags with hyphens as they are declared, with underscores: `--batch-size`."""
        known = self._option_string_actions
        spelled = []
        for word in words:
            name, sign, value = word.partition("=")
            start = next((start for start in ("--no-", "--") if name.startswith(start)), name)
            other = start + name.removeprefix(start).replace("-", "_")
            spelled.append(f"{other}{sign}{value}" if name not in known and other in known else word)
        return spelled

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse what is no choice, and name the closest one; argparse has no public place for that.

        Raises:
            UsageError: The value is no choice.
        """
        if action.choices is None or value in action.choices:
            return
        names = [str(choice) for choice in action.choices]
        asked = next(iter(action.option_strings[-1:]), str(action.metavar or action.dest))
        near = close_matches(str(value), names, count=1)
        words = [self.prog, *action.option_strings[-1:], *near] if near else [self.prog, "--help"]
        message = f"argument {asked}: invalid choice: {value!r} (choose from {', '.join(map(repr, names))})"
        raise UsageError(error_text(message, hint=" ".join(words)))

    def print_help(self, file: Any = None) -> None:
        """Write the help, all of it where it goes to the standard output."""
        if file is None:
            tell(self.format_help(), end="")
        else:
            super().print_help(file)

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
    close = close_matches(name, known, count=1)
    hint = close[0] if close else f"{parser.prog} --help"
    return UsageError(error_text(f"unknown argument '{argument}'", hint=hint))
