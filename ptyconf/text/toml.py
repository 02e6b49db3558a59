"""What a text must be before a TOML parser sees it: bounded, shallow, valid UTF-8, without NUL.

toml-rs crashes the interpreter on deep documents and needs gigabytes for large ones, so all is checked first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

from ptyconf.text.files import MAX_BYTES, TextError, place_of

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


def blank_quoted(text: str) -> str:
    """Put a letter in the place of every string, and nothing in that of a comment."""
    return re.sub(_QUOTED, lambda match: "" if match[0][0] == "#" else "s", text)


def check_depth(text: str) -> None:
    """Refuse NUL, and tables, arrays or dotted keys that are nested too deep for the parser.

    Raises:
        TextError: The text is one of these.
    """
    if "\0" in text:
        raise TextError("holds a NUL character", *place_of(text, text.index("\0")))
    if text.count("[") + text.count("{") <= MAX_DEPTH and text.count(".") < MAX_DEPTH:
        return
    plain = blank_quoted(text)
    if _depth(plain.translate(_BRACKETS)) > MAX_DEPTH or re.search(_DOTTED, plain):
        raise TextError(f"is nested more than {MAX_DEPTH} deep")


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
    """Parse a document after all checks, with toml-rs where it is installed.

    Raises:
        TextError: It is refused, or is not TOML; with the place.
    """
    check_depth(text)
    return _parser()(text.removeprefix("\ufeff"))


@cache
def _parser() -> Callable[[str], dict[str, Any]]:
    """Choose the parser once: toml-rs is several times faster than the standard library's."""
    try:
        import toml_rs
    except ImportError:
        return _parse_with_library

    def parse_with_rust(body: str) -> dict[str, Any]:
        try:
            values: dict[str, Any] = toml_rs.loads(body, toml_version=TOML_VERSION)
        except toml_rs.TOMLDecodeError as error:
            raise _refusal(error.msg) from None
        except ValueError as error:  # a whole number of thousands of digits
            raise TextError(f"is not TOML: {error}") from None
        return values

    return parse_with_rust


def _parse_with_library(body: str) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(body)
    except ValueError as error:  # TOMLDecodeError, or a bare one for a number of thousands of digits
        place = re.fullmatch(_LIBRARY_REPORTED, str(error))
        if place is None:
            raise TextError(f"is not TOML: {error}") from None
        at = (int(place[2]), int(place[3])) if place[2] else place_of(body, len(body))
        raise TextError(f"is not TOML: {place[1][:1].lower()}{place[1][1:]}", *at) from None


_LIBRARY_REPORTED = r"((?s:.*)) \(at (?:line (\d+), column (\d+)|end of document)\)"
_REPORTED = r"TOML parse error at line (\d+), column (\d+)\n(?:.*\n)*?\s*\|[^\n]*\^[^\n]*\n(?s:(.*))"


def _refusal(message: str) -> TextError:
    """Take place and reason out of toml-rs's report, the columns of which count characters."""
    match = re.match(_REPORTED, message)
    if match is None:
        return TextError(f"is not TOML: {message.splitlines()[-1]}")
    reason = "; ".join(part.strip() for part in match[3].splitlines() if part.strip())
    return TextError(f"is not TOML: {reason}", int(match[1]), int(match[2]))


def parse_value(text: str) -> Any:
    """Read one text of the environment or a flag as a TOML value.

    Raises:
        ValueError: It is not exactly one value.
    """
    if len(text) > MAX_BYTES:
        raise TextError(f"has more than {MAX_BYTES} characters")
    table = parse(f"value = {text}")
    if table.keys() != {"value"}:
        raise ValueError("more than one value")
    return table["value"]
