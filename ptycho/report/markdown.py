"""``report.md`` and ``report.html``: what a run did, how good it is, and where its settings came from."""

from __future__ import annotations

import logging
import re
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from ptycho.files.atomic import write_text
from ptycho.report.html import NAME as HTML_NAME
from ptycho.report.html import write_html
from ptycho.report.markdown_text import bullets, plain
from ptycho.report.output import write_outputs
from ptycho.run.record import RECONSTRUCTION
from ptycho.run.stages import stage
from ptycho.settings.registries import REPORT_SECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ptycho.report.results import Results
    from ptycho.report.section import ReportSection

_log = logging.getLogger(__name__)

NAME = "report.md"

_LARGEST = 2**24
_MISSING = re.compile(rf"^- (the section '\w+'|{re.escape(HTML_NAME)}) is missing: ", re.MULTILINE)


def write_report(folder: Path, results: Results) -> None:
    """Write the page and what it shows; each file appears whole or not at all.

    A section that cannot be written is said to be missing on the page: a picture is no reason to lose a run.

    Args:
        folder: Where the page and its pictures go.
        results: What it tells.

    Raises:
        OSError: The folder cannot be written.
    """
    blocks, heading = [f"# {plain(results.title)}"], ""
    for name, section in _in_order():
        written = _write(name, section, results, folder)
        if not written:
            continue
        if section.heading and section.heading != heading:
            blocks.append(f"## {section.heading}")
        heading = section.heading
        blocks += written
    blocks = [block for block in blocks if block]
    _write_html(folder, results, [*blocks, *_untold(results)])
    # This page comes last: it also tells whether the other one is there.
    write_text(folder / NAME, "\n\n".join([*blocks, *_untold(results)]) + "\n")


def _untold(results: Results) -> list[str]:
    return ["## What could not be told", bullets(results.warnings)] if results.warnings else []


def missing_from(folder: Path) -> list[str]:
    """List what the reports in a run folder say to be missing of them; nothing where they cannot be read."""
    missing: list[str] = []
    for page in (folder / NAME, *sorted(folder.glob(f"scan-*/{NAME}"))):
        if page.is_file() and page.stat().st_size <= _LARGEST:
            missing += _MISSING.findall(page.read_text(encoding="utf-8", errors="replace"))
    return missing


@stage("drawing pictures and report")
def write_results(folder: Path, results: Sequence[Results]) -> None:
    """Write picture and report of the first scan of a run, and those of every other into a folder of its own.

    Args:
        folder: The folder of the run.
        results: Those of each scan.

    Raises:
        OSError: The folder cannot be written.
    """
    first, *others = results
    for number, other in enumerate(others, start=2):
        first.others[f"scan-{number}"] = other
        own = folder / f"scan-{number}"
        own.mkdir(exist_ok=True)
        other.reconstruction.save(own / RECONSTRUCTION)
        write_outputs(own, other)
        write_report(own, other)
    first.reconstruction.save(folder / RECONSTRUCTION)
    write_outputs(folder, first)
    write_report(folder, first)


def _write_html(folder: Path, results: Results, blocks: list[str]) -> None:
    """Write the page for a browser; the run stays where that cannot be done."""
    try:
        write_html(folder, results, blocks)
    except Exception as error:  # noqa: BLE001  Drawing libraries raise anything; the run must stay.
        # What lies there is the page of a training that goes on.
        with suppress(OSError):
            (folder / HTML_NAME).unlink()
        results.miss(HTML_NAME, error)


def _in_order() -> list[tuple[str, ReportSection]]:
    sections = [(name, cast("ReportSection", REPORT_SECTIONS[name])) for name in REPORT_SECTIONS]
    return sorted(sections, key=lambda entry: entry[1].order)


def _write(name: str, section: ReportSection, results: Results, folder: Path) -> list[str]:
    try:
        return list(section.write(results, folder)) if section.applies(results) else []
    except Exception as error:  # noqa: BLE001  Plugins and drawing libraries raise anything; the run must stay.
        results.miss(f"the section {name!r}", error)
        return []
