"""What a report tells, written from results that need no backend."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ptycho.metrics.verdict import judge
from ptycho.metrics.verdict_residuals import residuals_of
from ptycho.report.markdown import missing_from, write_report
from ptycho.report.results import Results
from ptycho.report.section import ReportSection
from ptycho.settings.registries import REPORT_SECTIONS


def test_true_patches_score_as_the_truth(tmp_path: Path, results: Results) -> None:
    """The scores of a perfect reconstruction are nearly perfect, and say what they compare with."""
    write_report(tmp_path, results)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["reference"] == "truth"
    assert scores["network alone"]["amplitude"]["correlation"] > 0.99
    assert scores["network alone"]["phase"]["correlation"] > 0.99
    assert "refined" not in scores
    report = (tmp_path / "report.md").read_text()
    assert "The network has never seen this scan." in report
    assert "| `model.gridsize` | `1` | --model.gridsize | 2 from DataConfig.grid_size |" in report


def test_a_refined_picture_is_judged_beside_the_network(tmp_path: Path, results: Results) -> None:
    """Both pictures are drawn and scored, each under its name."""
    picture = results.reconstruction
    blurred = np.roll(picture.object, 3, axis=0) / 2 + picture.object / 2
    blurred = blurred.astype(np.complex64)
    both = replace(
        results, reconstruction=replace(picture, network_object=blurred, flat_object=0.9 * blurred)
    )
    write_report(tmp_path, both)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["refined"]["phase"]["rmse"] < scores["network alone"]["phase"]["rmse"]
    without, alone = (scores[name]["phase"]["correlation"] for name in ("no network", "network alone"))
    assert abs(without - alone) < 1e-3
    assert (tmp_path / "network.png").is_file()


def test_what_cannot_be_compared_is_not_lost(
    tmp_path: Path, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """A picture too small to be compared is shown, and log and report say why there are no scores."""
    picture = results.reconstruction
    middle = np.zeros_like(picture.coverage)
    middle[30:36, 30:36] = 1
    small = replace(results, reconstruction=replace(picture, coverage=middle))
    with caplog.at_level(logging.WARNING, logger="ptycho.report.results"):
        write_report(tmp_path, small)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("network alone: no scores against the truth: ")
    assert not (tmp_path / "scores.json").exists()
    assert caplog.messages[0] in (tmp_path / "report.md").read_text()


def test_one_picture_without_scores_leaves_the_other_its(
    tmp_path: Path, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the network's own picture cannot be compared, the refined one is scored all the same."""
    picture = results.reconstruction
    spoilt = picture.object.copy()
    spoilt[tuple(side // 2 for side in spoilt.shape)] = np.nan
    both = replace(results, reconstruction=replace(picture, network_object=spoilt))
    with caplog.at_level(logging.WARNING, logger="ptycho.report.results"):
        write_report(tmp_path, both)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert "refined" in scores
    assert "network alone" not in scores
    assert caplog.messages[0].startswith("network alone: no scores against the truth: ")


def _greet(results: Results, folder: Path) -> list[str]:
    (folder / "greeting.txt").write_text(results.title)
    return ["Good morning."]


def test_a_section_is_an_entry(tmp_path: Path, results: Results) -> None:
    """A section that was added stands at its place on the page, and is gone when it is removed."""
    REPORT_SECTIONS.add("greeting", ReportSection(heading="Greeting", order=25, write=_greet))
    try:
        write_report(tmp_path, results)
    finally:
        REPORT_SECTIONS.remove("greeting")
    headings = [line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("## ")]
    assert headings[:3] == ["## Scores", "## Greeting", "## Pictures"]
    assert (tmp_path / "greeting.txt").read_text() == "true patches"
    write_report(tmp_path, results)
    assert "Greeting" not in (tmp_path / "report.md").read_text()


def _fail(_results: Results, _folder: Path) -> list[str]:
    raise ArithmeticError("no such colour\nsecond line")


def test_a_failing_section_is_a_warning(
    tmp_path: Path, results: Results, caplog: pytest.LogCaptureFixture
) -> None:
    """What a section raises is said in log and report, and every other section stands."""
    REPORT_SECTIONS.add("broken", ReportSection(heading="Broken", order=35, write=_fail))
    try:
        with caplog.at_level(logging.WARNING, logger="ptycho.report.results"):
            write_report(tmp_path, results)
    finally:
        REPORT_SECTIONS.remove("broken")
    page = (tmp_path / "report.md").read_text()
    assert caplog.messages == ["the section 'broken' is missing: ArithmeticError: no such colour"]
    assert f"## What could not be told\n\n- {caplog.messages[0]}\n" in page
    assert "## Where the settings came from" in page
    assert "Broken" not in page
    assert missing_from(tmp_path) == ["the section 'broken'"]
    write_report(tmp_path, replace(results, warnings=[]))
    assert missing_from(tmp_path) == []


def test_text_from_outside_is_only_text(tmp_path: Path, results: Results) -> None:
    """Tags, escapes and line breaks in names and decisions stand on the page as what they are."""
    hostile = "<img src=x onerror=alert(1)>\x1b[2J\n# heading"
    notes = replace(results.reconstruction, notes=(hostile,))
    write_report(tmp_path, replace(results, title=hostile, reconstruction=notes))
    page = (tmp_path / "report.md").read_text()
    assert page.count("&lt;img src=x onerror=alert(1)>\\x1b[2J # heading") == 2
    assert "<img" not in page
    assert "\x1b" not in page


def test_the_verdict_stands_on_top(tmp_path: Path, results: Results) -> None:
    """The word comes before all else, with its figures; JSON has it; the maps are drawn."""
    residuals = residuals_of(results.reconstruction, results.scan)
    write_report(tmp_path, replace(results, verdict=judge(residuals, None)))
    page = (tmp_path / "report.md").read_text()
    assert page.split("\n")[2] == "## Verdict"
    assert "**doubtful**: too few places to leave some out" in page
    assert json.loads((tmp_path / "scores.json").read_text())["verdict"] == "doubtful"
    assert (tmp_path / "residuals.png").stat().st_size > 1000
    assert "What could not be told" not in page


HOSTILE = "\x1b[2J\x07\u202e<script>alert(1)</script> ![x](http://a/b.png) [y]: javascript:1 | \x7f"


def test_a_hostile_name_is_shown_as_text(tmp_path: Path, results: Results) -> None:
    """A title, a decision and a warning from outside are text on both pages and in the scores."""
    results.title = HOSTILE
    results.warn(HOSTILE)
    results.reconstruction = replace(results.reconstruction, notes=(HOSTILE,))
    place = tmp_path / HOSTILE.replace("/", "")
    results.scan._source = replace(results.scan._source, path=place)
    write_report(tmp_path, results)
    for name in ("report.md", "report.html", "scores.json"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not any(not letter.isprintable() and letter != "\n" for letter in text), name
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert page.count("<script>") == 1
    assert 'src="http' not in page
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert "](http" not in markdown
    assert "\\x1b[2J\\x07\\u202e&lt;script>alert(1)" in markdown
