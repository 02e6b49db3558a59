"""A program as the command line sees it: its schema, its way to resolve, and how it is found by name."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.resolve import resolve
from ptyconf.schema.annotations import is_class_with_fields
from ptyconf.schema.of_class import schema_of
from ptyconf.schema.schema import Schema
from ptyconf.sources import environment, file, flags
from ptyconf.text.files import MAX_BYTES, TextError, decode
from ptyconf.text.show import close_matches, words_of

PRECEDENCE = Precedence("flags", "environment", "profile", "file", "included")
STDIN = ("-", "/dev/stdin")


@dataclass(frozen=True, slots=True)
class Request:
    """What a command wants resolved.

    Args:
        file: The settings file; ``-`` is what comes on the standard input.
        profile: Profile of the file.
        given: Settings given on the command line, as path and text.
        prefix: Prefix of the environment, "" to leave that out.
        format: Name of the file's format; by the ending of its name if left out.
        table: Table of the file in which the settings stand.
    """

    file: Path | None = None
    profile: str | None = None
    given: tuple[tuple[str, str], ...] = ()
    prefix: str = ""
    format: str | None = None
    table: str = ""

    def layers(self, schema: Schema | None = None) -> list[Layer]:
        """Make the layers of the request: flags, environment, file with profile and includes."""
        layers = []
        if self.given:
            pairs = enumerate(self.given)
            named = [flags.Given(number, key, text, f"--set {key}") for number, (key, text) in pairs]
            layers.append(flags.join(named, schema))
        if self.prefix:
            layers.append(environment.layer(self.prefix, schema=schema))
        options: file.Options = {
            "profile": self.profile,
            "asked": Origin("flag", "command line", "--profile"),
            "kind": self.format,
            "table": self.table,
        }
        if self.file is not None and str(self.file) in STDIN:
            layers += file.parse(read_stdin(), file="<stdin>", **options)
        elif self.file is not None:
            layers += file.load(self.file, **options)
        return layers


def read_stdin(*, max_bytes: int = MAX_BYTES) -> str:
    """Read the standard input as text, bounded as files are.

    Raises:
        ConfigError: There is none, it is too long, or not UTF-8.
    """
    origin = Origin("file", "<stdin>", "", "<stdin>")
    if sys.stdin is None:
        raise ConfigError([Problem("the standard input is closed", origin=origin)])
    raw = sys.stdin.buffer.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise ConfigError([Problem(f"<stdin> has more than {max_bytes} bytes", origin=origin)])
    try:
        return decode(raw)
    except TextError as refusal:
        place = Origin("file", "<stdin>", "", "<stdin>", refusal.line, refusal.column)
        raise ConfigError([Problem(f"<stdin> {refusal.text}", origin=place)]) from None


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
        return resolve(self.schema, PRECEDENCE, request.layers(self.schema))


def find_program(name: str) -> Program:
    """Find the schema, program or class that ``MODULE:NAME`` names; the NAME ``schema`` may be left out.

    Raises:
        ConfigError: There is none, or its module fails on import.
        SchemaError: The class cannot be a schema.
    """
    module_name, _, attribute = name.partition(":")
    module = _import(module_name, name)
    attribute = attribute or "schema"
    candidates = [key for key, value in vars(module).items() if isinstance(value, (Schema, Program))]
    target = getattr(module, attribute, None)
    if isinstance(target, Schema):
        return Program(target)
    if isinstance(target, Program):
        return target
    if is_class_with_fields(target):
        return Program(schema_of(target))
    if attribute in vars(module):
        complaint = f"{name!r} is {type(target).__name__}, not a schema"
    else:
        complaint = f"there is no schema {name!r}: the module {module_name!r} has no {attribute!r}"
    candidates = candidates or [
        key
        for key, value in vars(module).items()
        if is_class_with_fields(value) and value.__module__ == module.__name__
    ]
    near = close_matches(attribute, candidates) or candidates[-1:]
    raise ConfigError(
        [
            Problem(
                complaint,
                expected="MODULE:NAME of a ptyconf.Schema, a dataclass or an attrs class",
                known=", ".join(candidates),
                hint=f"{module_name}:{near[0]}" if near else "",
            )
        ]
    )


def _import(module_name: str, name: str) -> ModuleType:
    """Import the module of a schema; whatever its code raises is a problem with the place."""
    if not module_name or module_name.startswith("."):
        raise ConfigError([_absent(name, f"{module_name!r} is no name of a module")])
    with _folder_first():
        try:
            return importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise ConfigError([_failed(module_name, error)]) from error
            raise ConfigError([_absent(name, f"there is no module {error.name!r}")]) from None
        except (Exception, SystemExit) as error:
            raise ConfigError([_failed(module_name, error)]) from error


def _absent(name: str, reason: str) -> Problem:
    text = f"there is no schema {name!r}: {reason}"
    return Problem(text, expected="MODULE:SCHEMA", hint="my_program.settings:schema")


def _failed(module_name: str, error: BaseException) -> Problem:
    """Say what went wrong inside a module, and on which line of it."""
    message = f"{type(error).__name__}: {words_of(error)}" if words_of(error) else type(error).__name__
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<frozen ") and frame.filename not in {importlib.__file__, __file__}
    ]
    file, line = (frames[-1].filename, frames[-1].lineno) if frames else (None, None)
    if isinstance(error, SyntaxError):
        message, file, line = f"{type(error).__name__}: {error.msg}", error.filename, error.lineno
    origin = Origin("python", module_name, "", file, line) if file is not None else None
    return Problem(f"the module {module_name!r} fails on import: {message}", origin=origin)


@contextmanager
def _folder_first() -> Iterator[None]:
    """Look for modules in the working directory first, as ``python -m`` does."""
    folder = str(Path.cwd())
    before: list[Any] = list(sys.path)
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path[:] = before
