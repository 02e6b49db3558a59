"""The command line, for any schema: explain, check, diff, dump, schema, template, freeze, replay."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ptyconf import commands
from ptyconf.commands import Answer
from ptyconf.errors import ConfigError, Problem, SchemaError
from ptyconf.merge.layer import Layer
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.resolve import resolve
from ptyconf.schema.schema import Schema
from ptyconf.sources import environment, flags, toml

PRECEDENCE = Precedence("flags", "environment", "profile", "file", "included")
WRONG = commands.WRONG


@dataclass(frozen=True, slots=True)
class Request:
    """What a command wants resolved."""

    file: Path | None = None
    profile: str | None = None
    given: tuple[tuple[str, str], ...] = ()
    prefix: str = ""

    def layers(self) -> list[Layer]:
        """Make the layers of the request: flags, environment, file with profile and includes."""
        found = []
        if self.given:
            spelled = {key: f"--set {key}" for key, _ in self.given}
            found.append(flags.given(dict(self.given), spelling=spelled))
        if self.prefix:
            found.append(environment.layer(self.prefix))
        if self.file is not None:
            found += toml.load(self.file, profile=self.profile)
        return found


@dataclass(frozen=True, slots=True)
class Program:
    """A schema with its way to resolve a request; ``MODULE:NAME`` may name one instead of a schema."""

    schema: Schema
    resolve: Callable[[Request], Resolution] | None = None

    def load(self, request: Request) -> Resolution:
        """Resolve a request, in the program's own way if it has one.

        Raises:
            ConfigError: Everything that is wrong.
        """
        if self.resolve is not None:
            return self.resolve(request)
        return resolve(self.schema, PRECEDENCE, request.layers())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0, or 1 for a difference or a failed check, or 2 for bad use or a problem.
    """
    parser = argparse.ArgumentParser(prog="ptyconf", description=__doc__)
    add_commands(parser.add_subparsers(dest="command", required=True, metavar="COMMAND"))
    try:
        options = parser.parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    return run(options)


def run(options: argparse.Namespace, program: Program | None = None) -> int:
    """Run one command that was parsed with ``add_commands``; say the result, or what is wrong."""
    try:
        said: Answer = options.ptyconf_command(options, program or find_program(options.schema))
    except ConfigError as error:
        print(_emphasised(str(error), sys.stderr), file=sys.stderr)
        if options.json:
            print(commands.refusal(error).shown(as_json=True))
        return WRONG
    except SchemaError as error:
        print(f"the schema is wrong: {error}", file=sys.stderr)
        return WRONG
    try:
        print(said.shown(as_json=options.json))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has seen enough
    return said.code


def find_program(name: str) -> Program:
    """Find the schema or program that ``MODULE:NAME`` names.

    Raises:
        ConfigError: There is none.
    """
    module, _, attribute = name.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), attribute or "schema")
    except (ImportError, AttributeError, ValueError) as error:
        text = f"there is no schema {name!r}: {error}"
        raise ConfigError(
            [Problem(text, expected="MODULE:SCHEMA", hint="ptycho.settings.schema:schema")]
        ) from error
    finally:
        sys.path.remove(str(Path.cwd()))
    if isinstance(found, Schema):
        return Program(found)
    if isinstance(found, Program):
        return found
    raise ConfigError(
        [Problem(f"{name!r} is {type(found).__name__}, not a schema", expected="a ptyconf.Schema")]
    )


# One function per command, from parsed options to what is said.


def _explain(options: argparse.Namespace, program: Program) -> Answer:
    return commands.explain(program.load(_request(options)), options.path)


def _check(options: argparse.Namespace, program: Program) -> Answer:
    request = _request(options)
    return commands.check(lambda: program.load(request))


def _diff(options: argparse.Namespace, program: Program) -> Answer:
    before = program.load(_request(options))
    return commands.compare(before, program.load(_request(options, file=options.other)))


def _dump(options: argparse.Namespace, program: Program) -> Answer:
    return commands.dump(program.load(_request(options)), origins=not options.plain)


def _schema(options: argparse.Namespace, program: Program) -> Answer:  # noqa: ARG001  One shape for all commands.
    return commands.describe(program.schema)


def _template(options: argparse.Namespace, program: Program) -> Answer:
    return commands.write_template(program.schema, schema_url=options.schema_url)


def _freeze(options: argparse.Namespace, program: Program) -> Answer:
    return commands.freeze_settings(program.load(_request(options)))


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
        return made

    explain = add("explain", _explain, "Say where the value of a setting, or of every setting, comes from.")
    _add_file(explain)
    explain.add_argument(
        "path", nargs="?", metavar="PATH", help="the setting, model.gridsize; all if left out"
    )
    _add_file(add("check", _check, "Resolve, and say everything that is wrong."))
    other = add("diff", _diff, "Show what differs between two files, in value or in source.")
    _add_file(other)
    other.add_argument("other", type=Path, metavar="OTHER", help="the other TOML file")
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


def _add_file(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", nargs=None if required else "?", help="a TOML file"
    )
    parser.add_argument("--profile", help="take [profile.NAME] of the file")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="set one setting")
    parser.add_argument("--env", default="", metavar="PREFIX", help="read the environment below PREFIX__")


def _request(options: argparse.Namespace, file: Path | None = None) -> Request:
    given = []
    for each in options.set:
        key, sign, value = each.partition("=")
        if not sign:
            raise ConfigError(
                [Problem(f"--set {each} has no value", expected="PATH=VALUE", hint=f"--set {each}=...")]
            )
        given.append((key.strip(), value))
    return Request(file or options.file, options.profile, tuple(given), options.env)


def _emphasised(text: str, stream: object) -> str:
    """Colour the first line of each problem, on a terminal and unless NO_COLOR says otherwise."""
    if os.environ.get("NO_COLOR") or not getattr(stream, "isatty", lambda: False)():
        return text
    from io import StringIO

    from rich.console import Console
    from rich.text import Text

    console = Console(file=StringIO(), force_terminal=True, soft_wrap=True, highlight=False)
    for block in text.split("\n\n"):
        first, _, rest = block.partition("\n")
        console.print(Text.assemble((first, "bold red"), f"\n{rest}\n" if rest else "\n"))
    written = console.file
    return written.getvalue().rstrip("\n") if isinstance(written, StringIO) else text
