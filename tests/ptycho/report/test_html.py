"""The report as one file for a browser: everything inside, nothing from elsewhere, hostile text is text."""

from __future__ import annotations

import logging
import re
import shutil
import subprocess
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from ptycho.metrics.verdict import judge
from ptycho.metrics.verdict_residuals import residuals_of
from ptycho.report.figures.overlay import overlays
from ptycho.report.markdown import missing_from, write_report
from ptycho.report.results import Results

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Page(HTMLParser):
    """Reads a page: its tags, the places that they load from, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag, and what it loads."""
        self.tags.append(tag)
        self.sources += [str(value) for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


def read(folder: Path) -> Page:
    """Read the page of a folder."""
    return Page((folder / "report.html").read_text())


def test_everything_stands_in_the_file(tmp_path: Path, results: Results) -> None:
    """Every picture of the folder is on the page, pixel for pixel, and the page loads nothing else."""
    write_report(tmp_path, results)
    sources = read(tmp_path).sources
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    held = {b64decode(source.partition(",")[2]) for source in sources}
    assert {path.read_bytes() for path in tmp_path.glob("*.png")} <= held


def test_no_mark_of_the_other_page_is_left(tmp_path: Path, results: Results) -> None:
    """What Markdown sets in bold or as code is set so here, and its marks are gone."""
    residuals = residuals_of(results.reconstruction, results.scan)
    write_report(tmp_path, replace(results, verdict=judge(residuals, None)))
    important = re.findall(r"\*\*(.+?)\*\*", (tmp_path / "report.md").read_text())
    page = read(tmp_path)
    assert page.tags.count("strong") == len(important) > 0
    head = page.text.partition("Every setting and its story")[0]
    assert "**" not in head
    assert "`" not in head


def test_scores_and_sentences_are_those_of_the_page(tmp_path: Path, results: Results) -> None:
    """What report.md says, report.html says."""
    write_report(tmp_path, results)
    text = read(tmp_path).text
    for line in (tmp_path / "report.md").read_text().splitlines():
        for cell in re.split(r"(?<!\\)\|", line) if line.startswith("|") else [line.lstrip("#- ")]:
            words = cell.strip().replace("`", "").replace("\\|", "|").replace("&lt;", "<")
            if words and "---" not in words and not words.startswith("!["):
                assert words in text


def test_every_setting_unfolds_to_its_story(tmp_path: Path, results: Results) -> None:
    """Winner, losers and places of each setting stand behind its line."""
    write_report(tmp_path, results)
    page = read(tmp_path)
    assert page.tags.count("details") == len(results.resolution)
    assert "model.gridsize = 1\n  a group is gridsize x gridsize overlapping patches\n  set by " in page.text


def test_sliders_stand_between_the_picture_and_its_reference(tmp_path: Path, results: Results) -> None:
    """One for the amplitude, one for the phase; none where there is no reference."""
    write_report(tmp_path, results)
    assert read(tmp_path).tags.count("input") == 2
    results.__dict__["comparisons"] = {}
    write_report(tmp_path, results)
    assert read(tmp_path).tags.count("input") == 0


def test_hostile_text_stays_text(tmp_path: Path, results: Results) -> None:
    """Tags in a title or in a decision are shown, and none of them becomes part of the page."""
    hostile = "</title><script>alert(1)</script><img src=http://example.org/x>"
    notes = replace(results.reconstruction, notes=(hostile,))
    write_report(tmp_path, replace(results, title=hostile, reconstruction=notes))
    page = read(tmp_path)
    assert page.tags.count("script") == 1
    assert not [source for source in page.sources if "example" in source]
    assert page.text.count("alert(1)") >= 2


def test_a_page_that_cannot_be_written_is_told(
    tmp_path: Path, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """The run keeps its report.md; that and the log name what is missing and why."""
    (tmp_path / "report.html").mkdir()
    with caplog.at_level(logging.WARNING, logger="ptycho.report.results"):
        write_report(tmp_path, results)
    told = [message for message in caplog.messages if message.startswith("report.html is missing: ")]
    assert len(told) == 1
    assert f"\n- {told[0]}\n" in (tmp_path / "report.md").read_text()
    assert missing_from(tmp_path) == ["report.html"]


def test_a_page_that_fails_leaves_no_older_one(
    tmp_path: Path, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of a training that goes on does not stay for that of a run that is done."""
    (tmp_path / "report.html").write_text("epoch 3 of 5 is done")
    monkeypatch.setattr("ptycho.report.html._sliders", lambda _results: 1 / 0)
    write_report(tmp_path, results)
    assert not (tmp_path / "report.html").exists()
    assert missing_from(tmp_path) == ["report.html"]


def test_overlays_are_pixel_for_pixel_and_on_one_scale() -> None:
    """Equal pictures look alike; what is not known is transparent."""
    from matplotlib import image

    y, x = np.indices((20, 30))
    picture = (1.0 + 0.01 * x) * np.exp(0.02j * y)
    known = x > 4
    pairs = overlays(picture, picture, known)
    assert set(pairs) == {"amplitude", "phase"}
    for ours, reference in pairs.values():
        pixels = image.imread(BytesIO(ours))
        assert pixels.shape == (20, 30, 4)
        # A phase is turned by an angle that is zero up to rounding.
        np.testing.assert_allclose(pixels, image.imread(BytesIO(reference)), atol=1.5 / 255)
        np.testing.assert_array_equal(pixels[..., 3] > 0, known)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: apt-get install chromium")
def test_a_browser_shows_the_page(tmp_path: Path, results: Results) -> None:
    """Headless Chromium lays it out and draws more than a blank sheet."""
    from matplotlib import image

    write_report(tmp_path, results)
    shot = tmp_path / "shot.png"
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1200,2400"]
    command += [f"--screenshot={shot}", (tmp_path / "report.html").as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=tmp_path)
    assert image.imread(shot)[..., :3].std() > 0.05
