"""``report.html``: the page as one file, pictures inside, with sliders and the story of every setting.

Nothing on it comes from elsewhere, and its policy lets a browser load nothing but what stands in the file.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.files.atomic import write_text
from ptycho.files.notebook import embedded
from ptycho.files.printable import html_text
from ptycho.report.markdown_text import ESCAPES
from ptyconf.report import story

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ptycho.report.results import Results
    from ptyconf import Resolution

NAME = "report.html"

_PICTURE = re.compile(r"!\[(?P<caption>[^\]]*)\]\((?P<name>[^)/\\]+\.png)\)")
_IMPORTANT = re.compile(r"\*\*(\S(?:.*?\S)?)\*\*")
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; font-size: 0.9rem; }
td { padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
     overflow-wrap: anywhere; }
td:first-child { min-width: 14rem; max-width: 28rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 0.85rem; }
pre { background: var(--soft); padding: 0.5rem; overflow-x: auto; margin: 0.25rem 0; }
figure { margin: 1.5rem 0; } figcaption { font-size: 0.9rem; opacity: 0.75; }
figure > img { max-width: 100%; cursor: zoom-in; background: white; }
figure > img.whole { max-width: none; cursor: zoom-out; }
summary { cursor: pointer; }
.sliders { display: flex; flex-wrap: wrap; gap: 2rem; }
.slider { width: min(30rem, 100%); margin: 0; }
.pair { position: relative; line-height: 0; }
.pair img { width: 100%; image-rendering: pixelated; }
.pair img + img { position: absolute; inset: 0; clip-path: inset(0 0 0 var(--at, 50%)); }
.slider input { width: 100%; }
"""
_SCRIPT = """
for (const image of document.querySelectorAll("figure > img"))
  image.addEventListener("click", () => image.classList.toggle("whole"));
for (const range of document.querySelectorAll(".slider input"))
  range.addEventListener("input", () =>
    range.parentElement.querySelector(".pair").style.setProperty("--at", range.value + "%"));
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_html(folder: Path, results: Results, blocks: Sequence[str]) -> None:
    """Write the page whole or not at all.

    Args:
        folder: Where the page goes, and where the pictures lie that its blocks name.
        results: What is compared, and whose settings are told.
        blocks: The report in Markdown, as `report.md` has it.

    Raises:
        OSError: The folder cannot be written, or a picture cannot be read.
    """
    parts: list[str] = []
    for block in blocks:
        parts.append(_block(block, folder))
        if block == "## Pictures":
            parts.append(_sliders(results))
    parts += ["<h2>Every setting and its story</h2>", *stories(results.resolution)]
    write_text(folder / NAME, page(results.title, parts, script=_SCRIPT))


def page(title: str, parts: Sequence[str], *, script: str = "", reload_s: int | None = None) -> str:
    """Give a whole page that loads nothing from elsewhere.

    Args:
        title: Text of unknown origin.
        parts: HTML, one block each; empty ones are left out.
        script: JavaScript of ours.
        reload_s: After how many seconds a browser asks for the page again; None for never.
    """
    again = "" if reload_s is None else f'<meta http-equiv="refresh" content="{reload_s}">\n'
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n{again}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html_text(title)}</title>\n<style>{_STYLE}</style>\n"
        + "\n".join(part for part in parts if part)
        + (f"\n<script>{script}</script>" if script else "")
        + "\n</html>\n"
    )


def _block(text: str, folder: Path) -> str:
    """Turn one block of the report's Markdown into HTML."""
    if text.startswith("#"):
        marks, _, heading = text.partition(" ")
        return f"<h{len(marks)}>{_inline(heading)}</h{len(marks)}>"
    if picture := _PICTURE.fullmatch(text):
        return _figure(folder / picture["name"], picture["caption"])
    if text.startswith("|"):
        return _table(text.splitlines())
    if text.startswith("- "):
        items = "".join(f"<li>{_inline(line.removeprefix('- '))}</li>" for line in text.splitlines())
        return f"<ul>{items}</ul>"
    return f"<p>{_inline(text)}</p>"


def _inline(text: str) -> str:
    """Escape a line; what stands between backticks is code, between pairs of stars important."""
    for unescaped, escaped in ESCAPES:
        text = text.replace(escaped, unescaped)
    parts = html_text(text).split("`")
    return "".join(
        f"<code>{part}</code>" if place % 2 else _IMPORTANT.sub(r"<strong>\1</strong>", part)
        for place, part in enumerate(parts)
    )


def _table(lines: Sequence[str]) -> str:
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines if not line.startswith("|---")]
    cells = (
        "".join(f"<td>{_inline(cell.strip())}</td>" for cell in row)
        for row in rows
        if any(map(str.strip, row))
    )
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def _figure(picture: Path, caption: str) -> str:
    image = embedded(picture.read_bytes(), caption)
    return f"<figure>{image}<figcaption>{_inline(caption)}</figcaption></figure>"


def _sliders(results: Results) -> str:
    """Lay the final picture over its reference, amplitude and phase, with a slider between the two."""
    from ptycho.report.figures.overlay import overlays

    if not results.comparisons:
        return ""
    final = next(iter(results.comparisons.values()))
    sliders = []
    for quantity, (ours, reference) in overlays(final.reconstruction, final.reference, final.mask).items():
        name = f"{quantity}: reconstruction (left) and {results.reference_name} (right)"
        sliders.append(
            f'<figure class="slider"><div class="pair">{embedded(ours, "reconstruction")}'
            f"{embedded(reference, results.reference_name)}</div>"
            f'<input type="range" min="0" max="100" value="50" aria-label="{html_text(name)}">'
            f"<figcaption>{html_text(name)}</figcaption></figure>"
        )
    return f'<div class="sliders">{"".join(sliders)}</div>'


def stories(resolution: Resolution) -> Iterator[str]:
    """Tell every setting in a line that unfolds to its whole story."""
    for path in resolution:
        text = story(resolution, path)
        layer = resolution.winner_layer(path)
        line = f"<code>{html_text(text.partition(chr(10))[0])}</code> ({html_text(layer)})"
        yield f"<details><summary>{line}</summary><pre>{html_text(text)}</pre></details>"
