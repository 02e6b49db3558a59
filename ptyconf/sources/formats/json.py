"""JSON: one object of settings; no key twice, ``null`` for none, and the place of every key and value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ptyconf.sources.document import Format, Path, Place, Places
from ptyconf.text.files import TextError, place_of
from ptyconf.text.show import json_text

MAX_DEPTH = 100

_SPACE = re.compile(r"[ \t\r\n]*+")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"')
_PLAIN = re.compile(r"[^,\]}\s]++")
_BRACKETS = {code: None for code in range(128) if chr(code) not in "[]{}"}


def parse(text: str) -> dict[str, Any]:
    """Parse a document after all checks.

    Raises:
        TextError: It is refused, or is not an object of JSON; with the place.
    """
    body = text.removeprefix("\ufeff")
    _check_depth(body)
    try:
        values = json.loads(body, object_pairs_hook=lambda pairs: _object(pairs, body))
    except json.JSONDecodeError as error:
        raise TextError(f"is not JSON: {_lowered(error.msg)}", error.lineno, error.colno) from None
    except TextError:
        raise
    except ValueError as error:  # a whole number of thousands of digits
        raise TextError(f"is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise TextError("is not an object of settings", *place_of(body, _after_space(body, 0)))
    _check_surrogates(values, body)
    return values


def _lowered(words: str) -> str:
    return words[:1].lower() + words[1:]


def _check_depth(body: str) -> None:
    """Refuse what the parser would need a deep stack for, and NUL."""
    if "\0" in body:
        raise TextError("holds a NUL character", *place_of(body, body.index("\0")))
    if body.count("[") + body.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for character in _STRING.sub("", body).translate(_BRACKETS):
        depth += 1 if character in "[{" else -1
        if depth > MAX_DEPTH:
            raise TextError(f"is nested more than {MAX_DEPTH} deep")


def _object(pairs: list[tuple[str, Any]], body: str) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _twice(body)
    return made


def _twice(body: str) -> TextError:
    """Find the first key that stands twice in one object."""
    scan = _Scan(body)
    scan.value(())
    offset, name = scan.repeated[0]
    return TextError(f"is not JSON: the key {json.dumps(name)} stands twice", *place_of(body, offset))


def _check_surrogates(values: Any, body: str) -> None:
    """Refuse half a surrogate pair, which no text can hold."""
    if "\\u" not in body:
        return
    try:
        json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        offset = max(body.lower().find(half), 0)
        raise TextError(f"is not JSON: {half} is half a character", *place_of(body, offset)) from None


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


class _Scan:
    """One walk through a text that the parser has accepted; it only has to know where tokens end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = _after_space(text, 0)
        self.marks: dict[Path, tuple[int | None, int | None]] = {}
        self.repeated: list[tuple[int, str]] = []

    def skip(self, pattern: re.Pattern[str]) -> str:
        """Step over what matches here and the blanks behind it, and give it."""
        match = pattern.match(self.text, self.at)
        text = match[0] if match else ""
        self.at = _after_space(self.text, self.at + len(text))
        return text

    def step(self) -> None:
        """Step over one bracket, comma or colon and the blanks behind it."""
        self.at = _after_space(self.text, self.at + 1)

    def value(self, path: Path) -> None:
        """Step over one value, noting what lies inside it."""
        first = self.text[self.at]
        if first == "{":
            self.object(path)
        elif first == "[":
            self.array(path)
        else:
            self.skip(_STRING if first == '"' else _PLAIN)

    def object(self, path: Path) -> None:
        """Step over an object, noting its keys."""
        self.step()
        while self.text[self.at] != "}":
            start = self.at
            name = json.loads(self.skip(_STRING), strict=False)
            self.step()
            inner = (*path, name)
            if inner in self.marks:
                self.repeated.append((start, name))
            self.marks[inner] = (start, self.at)
            self.value(inner)
            if self.text[self.at] == ",":
                self.step()
        self.step()

    def array(self, path: Path) -> None:
        """Step over an array, noting where each element starts."""
        self.step()
        index = 0
        while self.text[self.at] != "]":
            self.marks[*path, index] = (None, self.at)
            self.value((*path, index))
            if self.text[self.at] == ",":
                self.step()
            index += 1
        self.step()


def places(text: str) -> Mapping[Path, Place]:
    """Find where every key and value of a document stands."""
    body = text.removeprefix("\ufeff")
    scan = _Scan(body)
    scan.value(())
    return Places(body, scan.marks)


def spell(keys: Sequence[str], value: Any) -> str:
    """Write ``"a": {"b": value}``."""
    text = json_text(value)
    for key in reversed(keys[1:]):
        text = f"{{{json_text(key)}: {text}}}"
    return f"{json_text(keys[0])}: {text}"


FORMAT = Format("json", (".json",), parse, places, spell)
