"""The command line ``ptycho``: one parser, one way for errors, one exit code for each (`failure`)."""

from __future__ import annotations

import logging
import sys
import warnings
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from ptycho.commands.failure import (
    EXIT_BAD_INPUT,
    EXIT_INTERRUPTED,
    EXIT_SIGNAL,
    EXIT_WHOLE,
    describe,
)
from ptycho.commands.parser import Parser
from ptycho.files.printable import printable_lines
from ptycho.run.process import run_process
from ptycho.run.signals import EndedBySignalError, InterruptAnswer, ending_on_signals
from ptycho.run.streams import lasting_streams, tell
from ptycho.settings.registries import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_LOGGERS = ("ptycho", "ptycho_torch", "ptyconf")


def main(argv: Sequence[str] | None = None, *, answer_interrupt: bool = False) -> int:
    """Run one command.

    Args:
        argv: The arguments after the program's name; None means those of the process.
        answer_interrupt: Answer Ctrl-C while the command runs, and ignore it afterwards; else whoever calls
            has seen to it.

    Returns:
        The exit code, by the table of `failure`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    interrupt = InterruptAnswer() if answer_interrupt else None
    return exit_code_of(lambda: _run(arguments), debug="--debug" in arguments, interrupt=interrupt)


def run_main(*, answer_interrupt: bool = False) -> NoReturn:
    """Be the program ``ptycho``: run one command, and end the process with its exit code."""
    run_process(partial(main, answer_interrupt=answer_interrupt))


def exit_code_of(command: Callable[[], int], *, debug: bool, interrupt: InterruptAnswer | None = None) -> int:
    """Run a command: whatever happens becomes one message and an exit code.

    Args:
        command: Gives the exit code when all goes well.
        debug: Show the traceback of an error.
        interrupt: Answers Ctrl-C while the command runs; None where whoever calls does.
    """
    with lasting_streams():
        try:
            with _log_given_back(), ending_on_signals(), interrupt or nullcontext():
                return command()
        except KeyboardInterrupt:
            if debug:
                raise
            return _say("interrupted", EXIT_INTERRUPTED)
        except EndedBySignalError as end:
            return _say(str(end), EXIT_SIGNAL + end.signum)
        except Exception as error:
            if debug:
                raise
            if interrupt is not None and interrupt.came:
                return _say("interrupted", EXIT_INTERRUPTED)
            if isinstance(error.__cause__, EndedBySignalError):
                return _say(str(error.__cause__), EXIT_SIGNAL + error.__cause__.signum)
            return _say(*describe(error))


def _say(text: str, code: int) -> int:
    print(printable_lines(text), file=sys.stderr)
    return code


def _run(arguments: list[str]) -> int:
    word = next((argument for argument in arguments if not argument.startswith("-")), None)
    if word is None or word not in COMMANDS:
        return _without_command(arguments)
    command = COMMANDS[word]
    # Only the command that was asked for declares its flags: the schema has many of them.
    parser = Parser(prog=f"ptycho {word}", description=command.described(), allow_abbrev=False)
    # Ours come first: a setting that is called debug keeps its long flag only.
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument("--quiet", action="store_true", help="say only what went wrong")
    command.add_arguments(parser)
    place = arguments.index(word)
    given = parser.parse_args([*arguments[:place], *arguments[place + 1 :]])
    log_to_terminal(quiet=given.quiet)
    code: int = command.run(given)
    return code


def _without_command(arguments: list[str]) -> int:
    """Show the version or the list of commands; refuse anything else.

    Raises:
        UsageError: There is no such command or option.
    """
    commands = {name: COMMANDS[name] for name in COMMANDS}
    parser = Parser(prog="ptycho", description="Physics-informed neural ptychography.")
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    listed = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, command in sorted(commands.items(), key=lambda item: item[1].order):
        listed.add_parser(name, help=command.help, description=command.described())
    if parser.parse_args(arguments).version:
        tell(_version())
        return EXIT_WHOLE
    parser.print_help()
    return EXIT_BAD_INPUT


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


class _Printable(logging.Formatter):
    """Show messages without control characters: they name keys and files of unknown origin."""

    def format(self, record: logging.LogRecord) -> str:
        """Lay out a record as lines of printable text."""
        return printable_lines(super().format(record))


def log_to_terminal(*, quiet: bool) -> None:
    """Send our own messages to stderr; other libraries keep their own ways."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(message)s"))
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING if quiet else logging.INFO)
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *_where: object, **_more: object) -> None:
    """Show the text of a warning; the line of code that raised it says nothing to a user."""
    logging.getLogger("ptycho").warning("warning: %s", message)


def _version() -> str:
    from importlib import metadata

    return f"ptychopinn {metadata.version('ptychopinn')}"
