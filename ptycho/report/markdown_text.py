"""Words on a page in Markdown: tables, bullets, pictures, and text that stays text."""

from __future__ import annotations

from collections.abc import Mapping

from ptycho.files.printable import printable_line

ESCAPES = (("<", "&lt;"), ("](", "]\\("), ("]:", "]\\:"), ("|", "\\|"))
"""What would be markup, and as what it stands on the page; the last one within tables alone."""


def table(heading: str, rows: Mapping[str, str]) -> str:
    """Lay out labels and texts in two columns."""
    lines = [
        f"| {heading} | |",
        "|---|---|",
        *(f"| {cell(label)} | {cell(text)} |" for label, text in rows.items()),
    ]
    return "\n".join(lines)


def picture(name: str, caption: str) -> str:
    """Show a picture that lies beside the page."""
    return f"![{plain(caption)}]({name})"


def bullets(sentences: list[str]) -> str:
    """Lay out sentences below each other."""
    return "\n".join(f"- {plain(sentence)}" for sentence in sentences)


def cell(value: object) -> str:
    """Write a value so that it stays within its cell."""
    return plain(value).replace("|", "\\|")


def plain(value: object) -> str:
    """Write text of unknown origin as one line that no reader takes for its own.

    Letters keep their look; what would begin an element, a link, or a picture from elsewhere does not.
    """
    line = printable_line(str(value).replace("\n", " "))
    for unescaped, escaped in ESCAPES[:-1]:
        line = line.replace(unescaped, escaped)
    return line
