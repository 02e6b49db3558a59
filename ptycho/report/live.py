"""``report.html`` while a training goes on: losses, picture, settings; the report takes its place."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ptycho.files.atomic import write_text
from ptycho.files.notebook import figure, table
from ptycho.files.printable import html_text
from ptycho.reconstruction.small_pictures import small_pictures
from ptycho.report.figures.figure import LINES
from ptycho.report.html import NAME, page, stories

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ptycho.reconstruction.result import Reconstruction
    from ptycho.training.journal import Draw, Row
    from ptyconf import Resolution

RELOAD_S = 5
"""How often a browser asks for the page: a look is cheap, and an epoch is rarely shorter."""

_WRITE_EVERY_S = 1.0
"""Epochs may take a fraction of this; nobody sees more pages than one a second."""

_PLOT = (640, 200)


class LivePage:
    """The page of a training that is on its way.

    Args:
        title: One line above it.
        folder: Where the page lies.
        rows: Epochs of the training that is resumed.
        clock: Gives the time in seconds.
    """

    def __init__(
        self,
        title: str,
        folder: Path,
        rows: Sequence[Row] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title, self._path, self._clock = title, folder / NAME, clock
        self._rows = [dict(row) for row in rows]
        self._epochs = 0
        self._settings = ""
        self._pictures = ""
        self._written = -math.inf

    def __str__(self) -> str:
        return str(self._path)

    def begin(self, settings: Resolution) -> None:
        """Show the settings, before there is anything else."""
        self._epochs = int(str(settings["training.nepochs"]))
        self._settings = "".join(stories(settings))
        self._write("the first epoch has begun")

    def log(self, row: Row, step: int) -> None:  # noqa: ARG002  Epochs are counted here.
        """Take the losses of an epoch."""
        self._rows.append(dict(row))

    def look(self, draw: Draw, step: int) -> None:  # noqa: ARG002  Epochs are counted here.
        """Show the epoch, and the picture where one is drawn."""
        reconstruction = draw()
        if reconstruction is not None:
            self._pictures = _pictures(reconstruction, len(self._rows))
        if reconstruction is not None or self._clock() - self._written >= _WRITE_EVERY_S:
            self._write(f"epoch {len(self._rows)} of {self._epochs} is done")

    def close(self) -> None:
        """Say that the epochs are over."""
        self._write(f"{len(self._rows)} epochs are done; bundle, picture and report follow")

    def _write(self, state: str) -> None:
        last = self._rows[-1] if self._rows else {}
        shown = {name: f"{value:.6g}" for name, value in last.items() if name != "epoch"}
        parts = [
            f"<h1>{html_text(self._title)}</h1>",
            f"<p>{html_text(state)}</p>",
            plot({name: _column(self._rows, name) for name in ("train_loss", "val_loss")}),
            self._pictures,
            table(shown),
            "<h2>Every setting and its story</h2>",
            self._settings,
        ]
        write_text(self._path, page(self._title, parts, reload_s=RELOAD_S))
        self._written = self._clock()


def _column(rows: Sequence[Row], name: str) -> list[float]:
    return [row[name] for row in rows if name in row]


def plot(curves: Mapping[str, Sequence[float]]) -> str:
    """Draw curves on one linear scale as an SVG; values that are not finite leave a gap.

    Args:
        curves: Values after each epoch, by name; empty ones are left out.
    """
    finite = [value for values in curves.values() for value in values if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    room = (high - low) or 1.0
    width, height = _PLOT
    drawn = []
    for values, colour in zip(curves.values(), LINES, strict=False):
        step = width / max(len(values) - 1, 1)
        points = [
            f"{number * step:.1f},{height * (high - value) / room:.1f}"
            for number, value in enumerate(values)
            if math.isfinite(value)
        ]
        line = f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(points)}"/>'
        drawn.append(line if points else "")
    names = " · ".join(
        f'<span style="color:{colour}">{html_text(name)}</span>'
        for (name, values), colour in zip(curves.items(), LINES, strict=False)
        if values
    )
    box = f'viewBox="-4 -4 {width + 8} {height + 8}" style="width:100%;max-width:{width}px"'
    caption = f"{names}, between {low:.4g} and {high:.4g}"
    return f"<figure><svg {box}>{''.join(drawn)}</svg><figcaption>{caption}</figcaption></figure>"


def _pictures(reconstruction: Reconstruction, epochs: int) -> str:
    after = f"after {epochs} epochs, from {len(reconstruction.positions)} frames in the middle of the scan"
    drawn = small_pictures(reconstruction.object, reconstruction.coverage)
    return "".join(figure(drawing, f"{name} {after}") for name, drawing in drawn.items())
