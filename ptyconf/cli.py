"""The command line, for any schema: explain, check, diff, dump, schema, template, freeze, replay."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

from ptyconf import commands
from ptyconf.commands import Answer
from ptyconf.errors import ConfigError, Problem, SchemaError
from ptyconf.merge.resolution import Resolution
from ptyconf.program import Program, Request, find_program
from ptyconf.sources.formats import FORMATS
from ptyconf.terminal import OutputError, as_json, columns, emphasised, write

WRONG = commands.WRONG
DISTRIBUTIONS = ("ptyconf", "ptychopinn")  # the second contains the first

__all__ = ["Program", "Request", "add_commands", "find_program", "main", "run"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0, or 1 for a difference or a failed check, or 2 for bad use or a problem.
    """
    parser = argparse.ArgumentParser(prog="ptyconf", description=__doc__)
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    commands_of = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_commands(commands_of)
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        options = parser.parse_args(_command_first(words, commands_of.choices))
    except SystemExit as stop:
        return int(stop.code or 0)
    return run(options)


def _command_first(words: list[str], known: Collection[str]) -> list[str]:
    """Put the command before options of its own: ``ptyconf --json check ...``."""
    at = next((number for number, word in enumerate(words) if word in known), 0)
    return words if words[:1] == ["--version"] else [*words[at : at + 1], *words[:at], *words[at + 1 :]]


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    for name in DISTRIBUTIONS:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return "(not installed)"


def run(options: argparse.Namespace, program: Program | None = None) -> int:
    """Run one command that was parsed with ``add_commands``; say the result, or what is wrong."""
    try:
        answer: Answer = options.ptyconf_command(options, program or find_program(options.schema))
    except ConfigError as error:
        _complain(str(error))
        answer = commands.refusal(error)
        return _say(answer, options, WRONG) if options.json else WRONG
    except SchemaError as error:
        _complain(f"the schema is wrong: {error}")
        return WRONG
    return _say(answer, options, answer.code)


def _say(answer: Answer, options: argparse.Namespace, code: int) -> int:
    """Write an answer; an output that is closed or full is bad use."""
    try:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        write(as_json(answer.data, encoding) if options.json else answer.text.rstrip("\n"))
    except OutputError as error:
        _complain(str(error))
        return WRONG
    return code


def _complain(text: str) -> None:
    if sys.stderr is not None:
        print(emphasised(text, sys.stderr), file=sys.stderr)


# One function per command, from parsed options to what is said.


def _complete(program: Program, request: Request) -> Resolution:
    """Resolve a request, and refuse what the program could not start with: values its classes do not take.

    Raises:
        ConfigError: Everything that is wrong.
    """
    resolution = program.load(request)
    problems = resolution.check_classes()
    if problems:
        raise ConfigError(problems)
    return resolution


def _explain(options: argparse.Namespace, program: Program) -> Answer:
    return commands.explain(_complete(program, _request(options)), options.path, width=columns())


def _check(options: argparse.Namespace, program: Program) -> Answer:
    request = _request(options)
    return commands.check(lambda: _complete(program, request))


def _diff(options: argparse.Namespace, program: Program) -> Answer:
    before = program.load(_request(options))
    after = program.load(_request(options, file=options.other))
    return commands.compare(before, after, values_only=options.values)


def _dump(options: argparse.Namespace, program: Program) -> Answer:
    return commands.dump(_complete(program, _request(options)), origins=not options.plain)


def _schema(options: argparse.Namespace, program: Program) -> Answer:  # noqa: ARG001  One shape for all commands.
    return commands.describe(program.schema)


def _template(options: argparse.Namespace, program: Program) -> Answer:
    return commands.write_template(program.schema, schema_url=options.schema_url)


def _freeze(options: argparse.Namespace, program: Program) -> Answer:
    return commands.freeze_settings(_complete(program, _request(options)))


def _replay(options: argparse.Namespace, program: Program) -> Answer:
    now = program.load(_request(options)) if options.file is not None else None
    return commands.replay(options.frozen, program.schema, now)


def add_commands(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], *, with_schema: bool = True
) -> None:
    """Add the commands to a parser; without ``with_schema`` for a program that has its own."""

    def add(
        name: str, act: Callable[[argparse.Namespace, Program], Answer], about: str
    ) -> argparse.ArgumentParser:
        made = subparsers.add_parser(name, help=about, description=about)
        if with_schema:
            made.add_argument(
                "schema", metavar="MODULE:SCHEMA", help="where the program declares its settings"
            )
        made.add_argument("--json", action="store_true", help="say it as JSON")
        made.set_defaults(ptyconf_command=act)
        made.parse_known_args = partial(_parse_anywhere, made)  # type: ignore[assignment, method-assign]
        return made

    explain = add("explain", _explain, "Say where the value of a setting, or of every setting, comes from.")
    _add_file(explain)
    explain.add_argument(
        "path", nargs="?", metavar="PATH", help="the setting, model.gridsize; all if left out"
    )
    _add_file(add("check", _check, "Resolve, and say everything that is wrong."))
    other = add("diff", _diff, "Show what differs between two files, in value or in source.")
    _add_file(other)
    other.add_argument("other", type=Path, metavar="OTHER", help="the other settings file")
    other.add_argument("--values", action="store_true", help="only differences of value, not of source")
    dumped = add("dump", _dump, "Write the resolved settings as TOML, with origins as comments.")
    _add_file(dumped)
    dumped.add_argument("--plain", action="store_true", help="without origins")
    add("schema", _schema, "Write a JSON Schema for editors.")
    made = add("template", _template, "Write a commented TOML file with every setting.")
    made.add_argument("--schema-url", default="", help="where the JSON Schema lies, for editors")
    _add_file(add("freeze", _freeze, "Write the values in canonical form, with a sha256."))
    again = add("replay", _replay, "Resolve to frozen values, and say which layer would now disagree.")
    again.add_argument("frozen", type=Path, metavar="FROZEN", help="a file that freeze wrote")
    _add_file(again, required=False)


def _parse_anywhere(
    parser: argparse.ArgumentParser,
    args: Sequence[str] | None = None,
    namespace: argparse.Namespace | None = None,
) -> tuple[argparse.Namespace, list[str]]:
    """Read the arguments of a command with its options anywhere between them.

    argparse fills an optional place, as that of PATH, with nothing as soon as an option stands before it;
    ``parse_known_intermixed_args`` does not, and calls the plain reading below.
    """
    intermixed = parser.parse_known_args
    del parser.parse_known_args
    try:
        return parser.parse_known_intermixed_args(args, namespace)
    finally:
        parser.parse_known_args = intermixed  # type: ignore[method-assign]


def _add_file(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        nargs=None if required else "?",
        help="a settings file (TOML, JSON, YAML); - for the standard input",
    )
    parser.add_argument("--profile", help="take [profile.NAME] of the file")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="set one setting")
    parser.add_argument("--env", default="", metavar="PREFIX", help="read the environment below PREFIX__")
    parser.add_argument(
        "--format", choices=tuple(FORMATS), help="format of the file, where its name does not tell"
    )
    parser.add_argument("--table", default="", metavar="TABLE", help="where the settings stand: tool.app")


def _request(options: argparse.Namespace, file: Path | None = None) -> Request:
    given = []
    for option in options.set:
        key, sign, value = option.partition("=")
        if not sign:
            raise ConfigError(
                [Problem(f"--set {option} has no value", expected="PATH=VALUE", hint=f"--set {option}=...")]
            )
        given.append((key.strip(), value))
    return Request(
        file or options.file, options.profile, tuple(given), options.env, options.format, options.table
    )
