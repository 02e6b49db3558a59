"""Tables and small pictures of objects that show themselves in a notebook; nothing but HTML of one's own."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ptycho.files.colours import colours_of
from ptycho.files.printable import html_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_WIDTH_PX = 240


def png(values: NDArray[Any], limits: tuple[float, float], colours: str) -> bytes:
    """Draw real values as a PNG file, one pixel each; NaN is transparent.

    Args:
        values: Shape (H, W).
        limits: Values at the two ends of the colours.
        colours: Name of a colour map.
    """
    from PIL import Image

    stream = BytesIO()
    # The arrays of a picture hardly compress: more effort takes longer than all of the drawing.
    Image.fromarray(colours_of(values, limits, colours)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def embedded(picture: bytes, caption: str) -> str:
    """Give the HTML of a PNG file that stands in the page itself."""
    return f'<img alt="{html_text(caption)}" src="data:image/png;base64,{b64encode(picture).decode()}">'


def figure(picture: bytes, caption: str) -> str:
    """Give the HTML of a small picture with a caption, to stand beside others."""
    style = f"display:inline-block;width:{_WIDTH_PX}px;margin:0 1em 0 0"
    image = embedded(picture, caption).replace("<img ", '<img style="width:100%;image-rendering:pixelated" ')
    return f'<figure style="{style}">{image}<figcaption>{html_text(caption)}</figcaption></figure>'


def table(rows: Mapping[str, object]) -> str:
    """Give the HTML of labels and values in two columns."""
    cells = (
        f'<tr><th style="text-align:left">{html_text(label)}</th>'
        f'<td style="text-align:left">{html_text(str(value))}</td></tr>'
        for label, value in rows.items()
    )
    return f"<table>{''.join(cells)}</table>"


def folded(summary: str, sentences: Sequence[str]) -> str:
    """Give the HTML of sentences that unfold on a click; nothing where there are none."""
    if not sentences:
        return ""
    items = "".join(f"<li>{html_text(sentence)}</li>" for sentence in sentences)
    return f"<details><summary>{html_text(summary)}</summary><ul>{items}</ul></details>"
