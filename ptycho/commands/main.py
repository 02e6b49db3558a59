"""The command line ``ptycho``: one parser, one way for errors, one exit code for bad input."""

from __future__ import annotations

import argparse
import difflib
import logging
import os
import sys
import warnings
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from ptycho.errors import BackendError
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import ModuleType

COMMANDS = {
    "train": ("train", "train a network on a scan, reconstruct with it, and leave a run folder"),
    "infer": ("infer", "reconstruct a scan with a trained network"),
    "convert": ("convert", "hand a trained network to the other backend, every number unchanged"),
    "simulate": ("simulate", "simulate a scan of a known object"),
    "explain": ("settings", "say where settings come from"),
    "check": ("settings", "check settings without running anything"),
    "diff": ("settings", "show what differs between two settings files, in value or in source"),
    "dump": ("settings", "write the resolved settings as TOML, with origins as comments"),
    "template": ("settings", "write a TOML file with every setting, its help, unit and default"),
    "schema": ("settings", "write a JSON Schema of the settings for editors"),
    "freeze": ("settings", "write the resolved settings in canonical form, with a sha256"),
    "replay": ("settings", "resolve to frozen settings, and say which layer would now disagree"),
}
"""Command -> its module in ``ptycho.commands``, and what it does."""

_LOGGERS = ("ptycho", "ptycho_torch", "ptyconf")
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments after the program's name; None means those of the process.

    Returns:
        0 when all went well, 1 when a check failed, 2 for bad use or bad input, 130 when interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _dispatch(arguments), debug="--debug" in arguments)


def guarded(command: Callable[[], int], *, debug: bool) -> int:
    """Run a command; bad input gives one message and exit code 2, and a traceback only when asked for."""
    try:
        with _log_given_back():
            return command()
    except BrokenPipeError:
        # The reader has seen enough; the interpreter would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, ImportError, BackendError) as error:
        if debug:
            raise
        print(_text_of(error), file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        if debug:
            raise
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


class UsageError(ValueError):
    """Arguments that the command line does not understand."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one clear message, without the list of every flag."""

    def parse_args(self, *args: Any, **kwargs: Any) -> Any:
        """Read all arguments, or name the first that is not known, with its close match.

        Raises:
            UsageError: An argument is not known.
        """
        namespace, unknown = self.parse_known_args(*args, **kwargs)
        if unknown:
            raise _unknown_argument(unknown[0], self)
        return namespace

    def error(self, message: str) -> NoReturn:
        """Raise what argparse has to say.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            error_text(
                f"{message}",
                hint=f"{self.prog} --help",
            )
        )


def _dispatch(arguments: list[str]) -> int:
    command = next((word for word in arguments if not word.startswith("-")), None)
    parser = Parser(prog="ptycho", description="Physics-informed neural ptychography.")
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    modules: dict[str, ModuleType] = {}
    for name, (module, what) in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=what, description=what[0].upper() + what[1:] + ".", allow_abbrev=False
        )
        # Only the command that was asked for declares its flags: the schema has many of them.
        if name == command:
            modules[name] = import_module(f"ptycho.commands.{module}")
            # Ours come first: a setting that is called debug keeps its long flag only.
            subparser.add_argument("--debug", action="store_true", help="show the traceback of an error")
            subparser.add_argument("--quiet", action="store_true", help="say only what went wrong")
            modules[name].add_arguments(subparser, name)
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise _unknown_argument(unknown[0], subparsers.choices[given.command] if given.command else parser)
    if given.version:
        print(_version())
        return 0
    if given.command is None:
        parser.print_help()
        return EXIT_BAD_INPUT
    log_to_terminal(quiet=given.quiet)
    return int(modules[given.command].run(given))


def _unknown_argument(argument: str, parser: argparse.ArgumentParser) -> UsageError:
    name = argument.partition("=")[0]
    known = [option for action in parser._actions for option in action.option_strings]  # noqa: SLF001  No public list.
    close = difflib.get_close_matches(name, known, n=1)
    remedy = close[0] if close else f"{parser.prog} --help"
    return UsageError(
        error_text(
            f"unknown argument '{argument}'",
            hint=remedy,
        )
    )


@contextmanager
def _log_given_back() -> Iterator[None]:
    """Leave logging and warnings as they were: a program may call a command and go on."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger, list(logger.handlers), logger.propagate, logger.level) for logger in loggers]
    show = warnings.showwarning
    try:
        yield
    finally:
        warnings.showwarning = show
        for logger, handlers, propagate, level in before:
            logger.handlers[:], logger.propagate = handlers, propagate
            logger.setLevel(level)


def log_to_terminal(*, quiet: bool) -> None:
    """Send our own messages to stderr; other libraries keep their own ways."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING if quiet else logging.INFO)
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *_where: object, **_more: object) -> None:
    """Show the text of a warning; the line of code that raised it says nothing to a user."""
    logging.getLogger("ptycho").warning("warning: %s", message)


def _text_of(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error) or type(error).__name__


def _version() -> str:
    from importlib import metadata

    return f"ptychopinn {metadata.version('ptychopinn')}"
