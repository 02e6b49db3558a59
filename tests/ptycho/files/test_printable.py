"""Text from outside takes over neither a terminal nor a page, wherever it is shown."""

from __future__ import annotations

import json
import logging
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.commands.main import exit_code_of, log_to_terminal
from ptycho.files.npz import NpzFile
from ptycho.files.printable import html_text, printable_line, printable_lines
from ptycho.report.html import _inline
from ptycho.report.markdown_text import bullets, cell, picture, plain, table
from ptyconf.errors import error_text

OUTSIDE = st.text(
    st.one_of(st.characters(), st.sampled_from("\x00\x07\x1b\x7f\x9b\r\n\t\u202e\u2028\ud800<>&\"'[]()!|`:")),
    max_size=40,
)
"""Letters of every kind, and often those that mean something to a terminal or a page."""

HOSTILE = "\x1b[2J\x07\u202e<script>alert(1)</script> ![x](http://a/b) [y]: javascript:1 | `c` \x7f"


def shows_controls(text: str) -> bool:
    """Tell whether text holds what a terminal acts upon, beside the ends of its lines."""
    return any(not letter.isprintable() and letter != "\n" for letter in text)


class Elements(HTMLParser):
    """Lists what a browser would make of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.seen.append(tag)

    def handle_comment(self, data: str) -> None:
        """Note a comment."""
        self.seen.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        """Note a declaration."""
        self.seen.append(f"declaration {decl}")

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        self.text += data


@given(OUTSIDE)
def test_lines_hold_no_controls(text: str) -> None:
    """Every letter that is not printable becomes an escape; the others, and ends of lines, stay."""
    assert not shows_controls(printable_lines(text))
    assert "\n" not in printable_line(text)
    assert printable_lines(printable_lines(text)) == printable_lines(text)
    kept = [letter for letter in text if letter.isprintable()]
    shown = iter(printable_lines(text))
    assert all(letter in shown for letter in kept)
    printable_lines(text).encode("utf-8")


@given(OUTSIDE)
def test_html_shows_text_as_text(text: str) -> None:
    """A browser finds no element in it, and shows the letters."""
    page = Elements(f"<p>{html_text(text)}</p>")
    assert page.seen == ["p"]
    assert page.text == printable_lines(text)
    attribute = Elements(f'<p title="{html_text(text)}">')
    assert attribute.seen == ["p"]


@given(OUTSIDE)
def test_markdown_shows_text_as_text(text: str) -> None:
    """One line, one cell, one bullet: no element, no link, no picture begins in it, and nothing is lost."""
    shown_picture = picture("a.png", text)
    for shown in (plain(text), cell(text), bullets([text]), shown_picture, table("a", {text: text})):
        assert not shows_controls(shown)
        assert "<" not in shown
        assert shown.count("](") == (1 if shown is shown_picture else 0)
        assert "]:" not in shown
    assert "\n" not in cell(text)
    assert table("a", {text: text}).count("\n") == 2
    assert set(Elements(_inline(plain(text))).seen) <= {"code"}


@given(OUTSIDE)
def test_errors_and_logs_hold_no_controls(text: str) -> None:
    """Whatever stands in an error or a log, the terminal gets printable text."""

    def fail() -> int:
        log_to_terminal(quiet=False)
        logging.getLogger("ptycho.test").warning("key %s", text)
        raise ValueError(error_text(f"'{text}' is wrong", known=text, hint=text))

    with pytest.MonkeyPatch.context() as patch:
        stream = Sink()
        patch.setattr("sys.stderr", stream)
        assert exit_code_of(fail, debug=False) == 2
    assert not shows_controls(stream.written)


class Sink:
    """A terminal that keeps what it was given."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.written = ""

    def write(self, text: str) -> int:
        """Keep what is written."""
        self.written += text
        return len(text)

    def flush(self) -> None:
        """Keep everything."""


def test_a_key_of_a_file_is_named_without_controls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of an array comes out of an error as an escape."""
    path = tmp_path / "scan.npz"
    np.savez(path, **{HOSTILE.replace("/", ""): np.zeros(3)})

    def read() -> int:
        with NpzFile(path) as file:
            file.read("xcoords")
        return 0

    assert exit_code_of(read, debug=False) == 2
    said = capsys.readouterr().err
    assert "\\x1b[2J\\x07\\u202e<script>" in said
    assert not shows_controls(said)
    assert json.dumps(said)
