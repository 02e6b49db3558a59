"""The command line ``ptycho``: one parser, one way for errors, one table of exit codes.

Exit codes: 0 a whole run; 1 a check that failed, or a difference; 2 bad use or bad input; 3 a picture that
does not explain its frames, where that was asked for; 70 a defect of ours; 128 + n ended by signal n.
"""

from __future__ import annotations

import logging
import os
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ptycho.commands.command import command_names, load_command
from ptycho.commands.parser import Parser, unknown_argument
from ptycho.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ptycho.commands.command import Command

_LOGGERS = ("ptycho", "ptycho_torch", "ptyconf")
EXIT_WHOLE, EXIT_CHECK_FAILED, EXIT_BAD_INPUT, EXIT_NOT_EXPLAINED, EXIT_DEFECT = 0, 1, 2, 3, 70
EXIT_SIGNAL = 128
EXIT_INTERRUPTED = EXIT_SIGNAL + 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments after the program's name; None means those of the process.

    Returns:
        The exit code, by the table above.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return exit_code_of(lambda: _run(arguments), debug="--debug" in arguments)


def exit_code_of(command: Callable[[], int], *, debug: bool) -> int:
    """Run a command; bad input gives one message and exit code 2, and a traceback only when asked for."""
    try:
        with _log_given_back():
            return command()
    except BrokenPipeError:
        # The reader has seen enough; the interpreter would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_WHOLE
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


def _run(arguments: list[str]) -> int:
    word = next((argument for argument in arguments if not argument.startswith("-")), None)
    parser = Parser(prog="ptycho", description="Physics-informed neural ptychography.")
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    commands = _load(word)
    for name, command in commands.items():
        subparser = subparsers.add_parser(
            name, help=command.help, description=command.described(), allow_abbrev=False
        )
        # Only the command that was asked for declares its flags: the schema has many of them.
        if name == word:
            # Ours come first: a setting that is called debug keeps its long flag only.
            subparser.add_argument("--debug", action="store_true", help="show the traceback of an error")
            subparser.add_argument("--quiet", action="store_true", help="say only what went wrong")
            command.add_arguments(subparser)
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        raise unknown_argument(unknown[0], subparsers.choices[given.command] if given.command else parser)
    if given.version:
        print(_version())
        return EXIT_WHOLE
    if given.command is None:
        parser.print_help()
        return EXIT_BAD_INPUT
    log_to_terminal(quiet=given.quiet)
    return commands[given.command].run(given)


def _load(word: str | None) -> dict[str, Command]:
    """Import the command that was asked for, or all of them where the list is to be shown."""
    names = command_names()
    if word in names:
        return {word: load_command(word)}
    return dict(sorted(((name, load_command(name)) for name in names), key=lambda item: item[1].order))


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
