"""The layer of a dotenv file: lines of NAME=text, read as variables of the environment, with their places."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from functools import partial

from ptyconf.arguments import expect
from ptyconf.merge.fault import Fault
from ptyconf.merge.layer import Layer, Unknown
from ptyconf.merge.origin import Origin, shown_path
from ptyconf.schema.schema import Schema
from ptyconf.sources.contents import Missing
from ptyconf.sources.environment import RESERVED, Empty, Variables, check_prefix
from ptyconf.text.files import TextError, place_of, read_file

_BLANK = re.compile(r"(?:[ \t]*+(?:#[^\n]*+)?\r?\n)*+[ \t]*+(?:#[^\n]*+)?")
_NAME = re.compile(r"(?:export[ \t]++)?([A-Za-z_][\w.-]*+)[ \t]*+")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_SINGLE = re.compile(r"'([^']*+)'")
_PLAIN = re.compile(r"[^\r\n]*+")
_COMMENT = re.compile(r"(?:^|[ \t])#.*")
_REST = re.compile(r"[ \t]*+(?:#[^\n]*+)?\r?(?:\n|\Z)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}


def layer(  # noqa: PLR0913  All that can be said of variables.
    path: str | os.PathLike[str],
    prefix: str,
    *,
    name: str = "dotenv",
    unknown: Unknown = "error",
    reserved: Collection[str] = RESERVED,
    empty: Empty = "text",
    missing: Missing = "error",
    schema: Schema | None = None,
    references: bool | None = None,
) -> Layer:
    """Make a layer of a dotenv file; nothing is put into the process's environment.

    Args:
        path: The file. ``NAME=text``, ``export NAME='text'``, ``NAME="text\\n"`` and comments; a text between
            quotes may run over lines. ``$`` has no meaning where references are off.
        prefix: The declared prefix.
        name: Name in the precedence.
        unknown: What an unknown variable below the prefix is: error, warn or ignore.
        reserved: Names below the prefix that are no settings.
        empty: What a variable without a text is, as in the environment.
        missing: Whether a file that does not exist is an error, or nothing ("skip").
        schema: The settings, as in the environment.
        references: Whether texts may refer to other values; as the schema says if left out.
    """
    expect("dotenv.layer", "path", path, (str, os.PathLike), "the path of a file")
    check_prefix("dotenv.layer", prefix)
    file = os.path.abspath(path)  # noqa: PTH100
    places: dict[str, tuple[int, int]] = {}
    place = partial(_line, os.fspath(path), file, places)
    variables = Variables(prefix, reserved, empty, schema, references, place)
    try:
        texts, starts = parse(read_file(file))
        places.update(starts)
        variables.take_all(texts)
    except FileNotFoundError:
        if missing == "error":
            variables.faults.append(Fault(f"the file {os.fspath(path)!r} does not exist"))
    except OSError as error:
        words = error.strerror or type(error).__name__
        variables.faults.append(Fault(f"the file {os.fspath(path)!r} cannot be read: {words}"))
    except TextError as refusal:
        origin = Origin("dotenv", os.fspath(path), "", file, refusal.line, refusal.column)
        variables.faults.append(Fault(f"{shown_path(file)} {refusal.text}", origin=origin))

    return variables.layer(name, unknown)


def _line(label: str, file: str, places: Mapping[str, tuple[int, int]], written: str) -> Origin:
    """Give the origin of a variable: its line."""
    line, column = places.get(written, (None, None))
    return Origin("dotenv", label, written, file, line, column)


def parse(text: str) -> tuple[dict[str, str], dict[str, tuple[int, int]]]:
    """Read a dotenv text: the variables, and the line and column of each.

    Raises:
        TextError: A line is no assignment, or a variable stands twice; with the place.
    """
    body = text.removeprefix("\ufeff")
    texts: dict[str, str] = {}
    places: dict[str, tuple[int, int]] = {}
    at = _skip(_BLANK, body, 0)
    while at < len(body):
        match = _NAME.match(body, at)
        if match is None or body[match.end() : match.end() + 1] != "=":
            raise TextError("has a line that is not NAME=text", *place_of(body, at))
        name = match[1]
        if name in texts:
            raise TextError(f"has the variable {name} twice", *place_of(body, match.start(1)))
        places[name] = place_of(body, match.start(1))
        texts[name], at = _value(body, _skip(re.compile(r"[ \t]*"), body, match.end() + 1))
        at = _skip(_BLANK, body, at)
    return texts, places


def _skip(pattern: re.Pattern[str], body: str, at: int) -> int:
    match = pattern.match(body, at)
    return match.end() if match else at


def _value(body: str, at: int) -> tuple[str, int]:
    """Read the text behind the sign, and step over the rest of its line."""
    quote = body[at : at + 1]
    if quote not in {'"', "'"}:
        match = _PLAIN.match(body, at)
        plain = match[0] if match else ""
        return _COMMENT.sub("", plain).strip(), at + len(plain)
    match = (_DOUBLE if quote == '"' else _SINGLE).match(body, at)
    if match is None:
        raise TextError("has a text whose quote is not closed", *place_of(body, at))
    rest = _REST.match(body, match.end())
    if rest is None:
        raise TextError("has more than a comment behind a quoted text", *place_of(body, match.end()))
    text = (
        _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), match[1]) if quote == '"' else match[1]
    )
    return text, rest.end()
