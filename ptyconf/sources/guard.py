"""What a text must be before a TOML parser sees it: bounded, shallow, valid UTF-8, without NUL.

toml-rs crashes the interpreter on deep documents and needs gigabytes for large ones, so all is checked first.
"""

from __future__ import annotations

import os
import re
import stat
from typing import Any, Literal

MAX_BYTES = 2_000_000
MAX_DEPTH = 100
TOML_VERSION: Literal["1.0.0"] = "1.0.0"

# Patterns stay text until they are needed: compiling them is a good part of a cold start.
# Strings and comments, in the order in which they must be tried; unterminated ones end with line or text.
_QUOTED = (
    r'(?s:"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+)"
)
_BRACKETS = {code: None for code in range(128) if chr(code) not in "[]{}"}
_DOTTED = rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH}}}"


class Refusal(ValueError):  # noqa: N818  It names what happened.
    """A text that is not given to the parser, or that the parser refuses.

    Args:
        text: What is wrong with it.
        line: Line of the place, from 1, where it is known.
        column: Column of the place in characters, from 1.
    """

    def __init__(self, text: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.line = line
        self.column = column

    def __reduce__(self) -> tuple[type[Refusal], tuple[str, int | None, int | None]]:
        return type(self), (self.text, self.line, self.column)


def read_file(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> str:
    """Read a settings file as text, whatever it claims to be.

    Raises:
        OSError: It cannot be opened.
        Refusal: It is no regular file, too large, not UTF-8, or holds NUL.
    """
    # O_NONBLOCK: opening a FIFO must not wait for a writer.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise Refusal("is not a regular file")
        if found.st_size > max_bytes:
            raise Refusal(f"has {found.st_size} bytes; at most {max_bytes} are read")
        raw = os.read(handle, found.st_size + 1)
        while len(raw) <= max_bytes and (more := os.read(handle, max_bytes)):
            raw += more
    finally:
        os.close(handle)
    if len(raw) > max_bytes:
        raise Refusal(f"has more than {max_bytes} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        line, column = place_of(before, len(before))
        raise Refusal(f"is not UTF-8: byte 0x{raw[error.start]:02x}", line, column) from None


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Give line and column, from 1 and in characters, of an offset; a byte order mark is no character."""
    start = text.rfind("\n", 0, offset) + 1
    mark = 1 if start == 0 and text.startswith("\ufeff") and offset > 0 else 0
    return text.count("\n", 0, offset) + 1, offset - start + 1 - mark


def blank_quoted(text: str) -> str:
    """Put a letter in the place of every string, and nothing in that of a comment."""
    return re.sub(_QUOTED, lambda match: "" if match[0][0] == "#" else "s", text)


def check_depth(text: str) -> None:
    """Refuse NUL, and tables, arrays or dotted keys that are nested too deep for the parser.

    Raises:
        Refusal: The text is one of these.
    """
    if "\0" in text:
        raise Refusal("holds a NUL character", *place_of(text, text.index("\0")))
    if text.count("[") + text.count("{") <= MAX_DEPTH and text.count(".") < MAX_DEPTH:
        return
    plain = blank_quoted(text)
    if _depth(plain.translate(_BRACKETS)) > MAX_DEPTH or re.search(_DOTTED, plain):
        raise Refusal(f"is nested more than {MAX_DEPTH} deep")


def _depth(brackets: str) -> int:
    """Count how deep brackets stand inside each other; what has no partner counts too."""
    depth = 0
    while depth <= MAX_DEPTH:
        shorter = brackets.replace("[]", "").replace("{}", "")
        if shorter == brackets:
            return depth + len(brackets)
        brackets, depth = shorter, depth + 1
    return depth


def parse(text: str) -> dict[str, Any]:
    """Parse a document after all checks.

    Raises:
        Refusal: It is refused, or is not TOML; with the place.
    """
    import toml_rs

    check_depth(text)
    body = text.removeprefix("\ufeff")
    try:
        values: dict[str, Any] = toml_rs.loads(body, toml_version=TOML_VERSION)
    except toml_rs.TOMLDecodeError as error:
        raise _refusal(error.msg) from None
    return values


_REPORTED = r"TOML parse error at line (\d+), column (\d+)\n(?:.*\n)*?\s*\|[^\n]*\^[^\n]*\n(?s:(.*))"


def _refusal(message: str) -> Refusal:
    """Take place and reason out of the parser's report, the columns of which count characters."""
    found = re.match(_REPORTED, message)
    if found is None:
        return Refusal(f"is not TOML: {message.splitlines()[-1]}")
    reason = "; ".join(part.strip() for part in found[3].splitlines() if part.strip())
    return Refusal(f"is not TOML: {reason}", int(found[1]), int(found[2]))


def read_value(text: str) -> Any:
    """Read one text of the environment or a flag as a TOML value.

    Raises:
        ValueError: It is not exactly one value.
    """
    if len(text) > MAX_BYTES:
        raise Refusal(f"has more than {MAX_BYTES} characters")
    found = parse(f"value = {text}")
    if found.keys() != {"value"}:
        raise ValueError("more than one value")
    return found["value"]
