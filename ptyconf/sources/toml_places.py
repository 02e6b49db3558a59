"""Where every key and value of a TOML document stands.

toml-rs gives positions too, but places a dotted key at its last segment, counts columns in bytes and leaves
out headers. This scan reads a document that the parser has accepted: it only has to know where tokens end.
"""

from __future__ import annotations

import re

from ptyconf.sources.document import Path, Places

_BLANK = re.compile(r"[ \t]*+")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*+)*+")
_BARE = re.compile(r"[A-Za-z0-9_-]++")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*+"')
_LITERAL = re.compile(r"'[^'\n]*+'")
_LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''(?:[^']|'(?!''))*+'{3,5}", re.DOTALL)
_PLAIN = re.compile(r"[^,\]}#\r\n]*+")
# A bare key with a value that ends on its line, and the space behind it: nearly every line of nearly every
# file, found in one match instead of eight.
_SIMPLE = re.compile(
    r"([A-Za-z0-9_-]++)[ \t]*+=[ \t]*+()"
    r"""(?:"(?!"")[^"\\\n]*+"|'(?!'')[^'\n]*+'|[^"'\[{\s#][^,\]}#\r\n]*+)"""
    r"(?:[ \t\r\n]|#[^\n]*+)*+"
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def places(text: str) -> Places:
    """Find where every key and value of a document stands."""
    body = text.removeprefix("\ufeff")
    marks: dict[Path, tuple[int | None, int | None]] = {}
    _Scan(body, marks).document()
    return Places(body, marks)


class _Scan:
    """One walk through the text."""

    def __init__(self, text: str, marks: dict[Path, tuple[int | None, int | None]]) -> None:
        self.text = text
        self.at = 0
        self.marks = marks
        self.lengths: dict[Path, int] = {}  # of arrays of tables

    def skip(self, pattern: re.Pattern[str]) -> str:
        """Step over what matches here, and give it."""
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]

    def document(self) -> None:
        """Read headers and assignments to the end."""
        table: Path = ()
        self.skip(_SPACE)
        text, marks, simple_line = self.text, self.marks, _SIMPLE.match
        while self.at < len(text):
            at = self.at
            while simple := simple_line(text, at):
                marks[(*table, simple[1])] = (at, simple.start(2))
                at = simple.end()
            self.at = at
            if at >= len(text):
                break
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.assignment(table)
            self.skip(_SPACE)

    def header(self) -> Path:
        """Read ``[a.b]`` or ``[[a.b]]``, and give the path of the table that it opens."""
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        self.skip(_BLANK)
        start = self.at
        names = self.dotted()
        self.at += 2 if double else 1
        path: Path = ()
        for number, name in enumerate(names, 1):
            path = (*path, name)
            self.marks.setdefault(path, (start, None))
            if double and number == len(names):
                index = self.lengths.get(path, 0)
                self.lengths[path] = index + 1
                path = (*path, index)
                self.marks[path] = (start, None)
            elif path in self.lengths:
                path = (*path, self.lengths[path] - 1)
        if not double:
            self.marks[path] = (start, None)
        return path

    def dotted(self) -> list[str]:
        """Read a key of one or more segments and the blanks behind it."""
        names = [self.segment()]
        self.skip(_BLANK)
        while self.text[self.at] == ".":
            self.at += 1
            self.skip(_BLANK)
            names.append(self.segment())
            self.skip(_BLANK)
        return names

    def segment(self) -> str:
        """Read one bare or quoted name."""
        first = self.text[self.at]
        if first == '"':
            return _ESCAPE.sub(_unescaped, self.skip(_BASIC)[1:-1])
        if first == "'":
            return self.skip(_LITERAL)[1:-1]
        return self.skip(_BARE)

    def assignment(self, table: Path) -> None:
        """Read ``a.b = value`` inside a table."""
        start = self.at
        names = self.dotted()
        self.at += 1
        self.skip(_BLANK)
        path = table
        for name in names[:-1]:
            path = (*path, name)
            self.marks.setdefault(path, (start, None))
        path = (*path, names[-1])
        self.marks[path] = (start, self.at)
        self.value(path)

    def value(self, path: Path) -> None:
        """Step over one value, noting what lies inside it."""
        first = self.text[self.at]
        if first == "[":
            self.array(path)
        elif first == "{":
            self.inline_table(path)
        elif first in "\"'":
            long, short = (_LONG_BASIC, _BASIC) if first == '"' else (_LONG_LITERAL, _LITERAL)
            self.skip(long if self.text.startswith(first * 3, self.at) else short)
        else:
            self.skip(_PLAIN)

    def array(self, path: Path) -> None:
        """Step over an array, noting where each element starts."""
        self.at += 1
        index = 0
        self.skip(_SPACE)
        while self.text[self.at] != "]":
            element = (*path, index)
            self.marks[element] = (None, self.at)
            self.value(element)
            self.skip(_SPACE)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(_SPACE)
            index += 1
        self.at += 1

    def inline_table(self, path: Path) -> None:
        """Step over an inline table, noting its keys."""
        self.at += 1
        self.skip(_BLANK)
        while self.text[self.at] != "}":
            self.assignment(path)
            self.skip(_BLANK)
            if self.text[self.at] == ",":
                self.at += 1
                self.skip(_BLANK)
        self.at += 1


def _unescaped(match: re.Match[str]) -> str:
    short, long, single = match.groups()
    return _ESCAPED[single] if single else chr(int(short or long, 16))
