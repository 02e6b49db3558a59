"""Text of unknown origin as it may stand on a terminal and on a page: no control characters, no markup.

Names, keys and metadata come from files. Control characters could take over a terminal, others turn the
direction of a line; both become escapes, as Python writes them.
"""

from __future__ import annotations

from html import escape

__all__ = ["html_text", "printable_line", "printable_lines"]


def printable_lines(text: str) -> str:
    """Give text as lines of printable letters."""
    if text.isprintable():
        return text
    return "".join(letter if letter == "\n" else printable_line(letter) for letter in text)


def printable_line(text: str) -> str:
    """Give text as one line of printable letters."""
    if text.isprintable():
        return text
    shown = (
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )
    return "".join(shown)


def html_text(text: str) -> str:
    """Give text as it may stand in an element or an attribute of HTML."""
    return escape(printable_lines(text))
