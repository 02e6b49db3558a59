"""Where keys and values stand: for any valid document the text is there."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ptyconf.sources.formats.toml import places
from ptyconf.text.toml import parse

BARE = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
ODD = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=6)
BLANK = st.sampled_from(["", " ", "\t", "  "])


@st.composite
def keys(draw: st.DrawFn) -> tuple[str, str]:
    """One segment: its name and a way to write it."""
    name = draw(BARE | ODD | st.sampled_from(["a.b", "ä ö", "", "#", '"', "=", "[x]"]))
    ways = [json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")]
    if name and all(each.isascii() and (each.isalnum() or each in "_-") for each in name):
        ways.append(name)
    if "'" not in name and name.isprintable():
        ways.append(f"'{name}'")
    return name, draw(st.sampled_from(ways))


SCALARS = st.one_of(
    st.integers(-999, 999).map(str),
    st.sampled_from(
        ["true", "1.5", "1e3", "inf", "1979-05-27", "07:32:00", "1979-05-27 07:32:00Z", "0xff", "1_0"]
    ),
    ODD.map(lambda text: json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")),
    ODD.filter(lambda text: "'" not in text and text.isprintable()).map(lambda text: f"'{text}'"),
    st.sampled_from(
        ['"""\nlong\n# no comment\nx = 1\n"""', "'''\n[no.table]\n'''", '"""a\\\n   b"""', '"""""a"""""']
    ),
    st.sampled_from(["'''''a'''''", '"\\"] # ,"', "'] }'", '"[\\u00e9"']),
)
NOTES = st.sampled_from(["", " # note", "# é = 'no'", "   "])


class Writer:
    """Writes a document and remembers where everything went."""

    def __init__(self, newline: str, *, mark: bool) -> None:
        self.newline = newline
        self.parts: list[str] = []
        self.mark = mark
        self.places: dict[tuple[Any, ...], tuple[str | None, int | None, str | None, int | None]] = {}

    @property
    def offset(self) -> int:
        """Characters so far."""
        return sum(len(part) for part in self.parts)

    def write(self, text: str) -> None:
        """Append text with the document's line ends."""
        self.parts.append(text.replace("\n", self.newline))

    @property
    def text(self) -> str:
        """The document."""
        return ("\ufeff" if self.mark else "") + "".join(self.parts)


@st.composite
def documents(draw: st.DrawFn) -> Writer:
    """Build a valid document of every construct."""
    writer = Writer(draw(st.sampled_from(["\n", "\r\n"])), mark=draw(st.booleans()))
    body(draw, writer, (), set())
    for number in range(draw(st.integers(0, 3))):
        name = f"table {number} {draw(keys())[0]}"
        written = json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
        double = draw(st.booleans())
        for index in range(draw(st.integers(1, 3)) if double else 1):
            table(draw, writer, (name,), written, index if double else None)
            body(draw, writer, (name, index) if double else (name,), set())
            if draw(st.booleans()):
                inner = f"{written}{draw(BLANK)}.{draw(BLANK)}sub"
                path = (name, index, "sub") if double else (name, "sub")
                table(draw, writer, path, inner, None)
                body(draw, writer, path, set())
    if draw(st.booleans()):
        writer.write("# the end")
    return writer


def table(draw: st.DrawFn, writer: Writer, path: tuple[Any, ...], written: str, index: int | None) -> None:
    """Write a header."""
    writer.write(draw(BLANK) + ("[[" if index is not None else "[") + draw(BLANK))
    path = (*path, index) if index is not None else path
    writer.places[path] = (written, writer.offset, None, None)
    writer.write(written + draw(BLANK) + ("]]" if index is not None else "]") + draw(NOTES) + "\n")


def body(draw: st.DrawFn, writer: Writer, path: tuple[Any, ...], used: set[str]) -> None:
    """Write some assignments."""
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            writer.write(draw(BLANK) + draw(NOTES) + "\n")
        writer.write(draw(BLANK))
        if assignment(draw, writer, path, used, depth=2):
            writer.write(draw(NOTES) + "\n")
        else:
            writer.write("\n")


def assignment(draw: st.DrawFn, writer: Writer, path: tuple[Any, ...], used: set[str], depth: int) -> bool:
    """Write one ``key = value``, unless the key is taken."""
    segments = draw(st.lists(keys(), min_size=1, max_size=3))
    if segments[0][0] in used or segments[0][0] == "sub":
        return False
    used.add(segments[0][0])
    start = writer.offset
    written = f"{draw(BLANK)}.{draw(BLANK)}".join(way for _, way in segments)
    writer.write(written + draw(BLANK) + "=" + draw(BLANK))
    full = (*path, *(name for name, _ in segments))
    at = writer.offset
    first = value(draw, writer, full, depth)
    writer.places[full] = (segments[0][1], start, first, at)
    return True


def value(draw: st.DrawFn, writer: Writer, path: tuple[Any, ...], depth: int) -> str:
    """Write a value and give its first character."""
    kind = draw(st.sampled_from(["scalar", "scalar", "array", "table"])) if depth else "scalar"
    if kind == "scalar":
        text = draw(SCALARS)
        writer.write(text)
        return text[0]
    if kind == "array":
        writer.write("[" + draw(st.sampled_from(["", " ", "\n", " # é\n  "])))
        count = draw(st.integers(0, 3))
        for index in range(count):
            at = writer.offset
            first = value(draw, writer, (*path, index), depth - 1)
            writer.places[(*path, index)] = (None, None, first, at)
            comma = "," if index < count - 1 or draw(st.booleans()) else ""
            writer.write(draw(BLANK) + comma + draw(st.sampled_from(["", " ", "\n  ", " # ]\n"])))
        writer.write("]")
        return "["
    writer.write("{" + draw(BLANK))
    used: set[str] = set()
    for number in range(draw(st.integers(0, 2))):
        if number:
            writer.write("," + draw(BLANK))
        if not assignment(draw, writer, path, used, depth - 1):
            used.add("fallback")
            at = writer.offset
            name = f"f{len(used)}x{at}"
            writer.write(f"{name} = ")
            place = writer.offset
            writer.write("1")
            writer.places[(*path, name)] = (name, at, "1", place)
        writer.write(draw(BLANK))
    writer.write("}")
    return "{"


def offset_of(text: str, place: tuple[int, int]) -> int:
    """Turn line and column back into an offset."""
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[: place[0] - 1]) + place[1] - 1


@given(documents())
def test_every_place_is_where_the_text_is(writer: Writer) -> None:
    """Slicing the text at each reported place gives the key as written, and the value's first character."""
    text = writer.text.removeprefix("\ufeff")
    tomllib.loads(text)  # the corpus is valid
    found = places(writer.text)
    for path, (key, key_at, first, value_at) in writer.places.items():
        place = found[path]
        if key is not None:
            assert place.key is not None
            offset = offset_of(text, place.key)
            assert offset == key_at
            assert text.startswith(key, offset)
        if first is not None:
            assert place.value is not None
            offset = offset_of(text, place.value)
            assert offset == value_at
            assert text[offset] == first


@given(documents())
def test_values_agree_with_tomllib(writer: Writer) -> None:
    """The parser and the standard library read the same."""
    assert repr(parse(writer.text)) == repr(tomllib.loads(writer.text.removeprefix("\ufeff")))


@given(documents())
def test_no_key_is_left_without_a_place(writer: Writer) -> None:
    """Every key and element of the parsed values has a place."""
    found = places(writer.text)

    def walk(value: Any, path: tuple[Any, ...]) -> None:
        if path:
            assert path in found
        if isinstance(value, dict):
            for key, each in value.items():
                walk(each, (*path, key))
        elif isinstance(value, list):
            for index, each in enumerate(value):
                walk(each, (*path, index))

    walk(parse(writer.text), ())
