"""The page of a training that is on its way: it grows, reloads itself, and holds nothing from elsewhere."""

from __future__ import annotations

import math
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from ptycho.report.live import LivePage, plot
from ptycho.report.results import Results
from ptycho.report.serve import LiveView
from ptycho.run.resolve import resolve_run


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


def text_of(folder: Path) -> str:
    """Read the page."""
    return (folder / "report.html").read_text()


def test_the_page_grows(tmp_path: Path, results: Results) -> None:
    """Settings come first, then losses, then a picture; every page is whole and asks to be loaded again."""
    page = LivePage("a <run>", tmp_path)
    page.begin(resolve_run("train", flags={"training.nepochs": "3", "training.train_data_file": "s.npz"}))
    assert "the first epoch has begun" in text_of(tmp_path)
    assert "training.nepochs = 3" in text_of(tmp_path)
    page.log({"epoch": 0.0, "train_loss": 2.0}, step=4)
    page.look(lambda: results.reconstruction, step=4)
    text = text_of(tmp_path)
    assert "epoch 1 of 3 is done" in text
    assert text.count("data:image/png;base64,") == 2
    assert '<meta http-equiv="refresh"' in text
    assert "<h1>a &lt;run&gt;</h1>" in text
    assert "http://" not in text
    page.close()
    assert "report follow" in text_of(tmp_path)


def test_short_epochs_share_a_page(tmp_path: Path) -> None:
    """Epochs that follow within a second do not each write the page; the picture of an earlier one stays."""
    clock = Clock()
    page = LivePage("run", tmp_path, clock=clock)
    page.begin(resolve_run("train"))
    for epoch, now in enumerate((0.2, 0.4, 1.3)):
        clock.now = now
        page.log({"epoch": float(epoch), "train_loss": 1.0}, step=epoch)
        page.look(lambda: None, step=epoch)
        shown = "epoch 3 of" if now > 1 else "the first epoch has begun"
        assert shown in text_of(tmp_path)


def test_losses_that_are_no_numbers_leave_a_gap() -> None:
    """Infinite and undefined losses are not drawn, and a training without any has no plot."""
    drawn = plot({"train_loss": [3.0, math.nan, 1.0], "val_loss": [math.inf]})
    assert drawn.count("<polyline") == 1
    assert "nan" not in drawn
    assert "inf" not in drawn
    assert plot({"train_loss": [math.nan]}) == ""


def answer(url: str, host: str | None = None) -> tuple[int, str]:
    """Ask for a page."""
    request = urllib.request.Request(url, headers={} if host is None else {"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


def test_the_view_follows_the_folder(tmp_path: Path) -> None:
    """The page is served from where it lies by now, on loopback, by no other name and from no other path."""
    with LiveView() as view:
        assert view.url.startswith("http://127.0.0.1:")
        assert answer(view.url)[0] == 404
        (tmp_path / "report.html").write_text("first")
        view.folder = tmp_path
        assert answer(view.url) == (200, "first")
        assert answer(view.url, host="elsewhere.example")[0] == 404
        assert answer(view.url + "settings.toml")[0] == 404
        moved = tmp_path.rename(tmp_path.with_name("moved"))
        view.folder = moved
        (moved / "report.html").write_text("last")
        # Who watched gets the last page before the view closes.
        last: list[tuple[int, str]] = []
        late = threading.Timer(0.2, lambda: last.append(answer(view.url)))
        late.start()
    late.join()
    assert last == [(200, "last")]


def test_a_port_that_is_taken_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A run goes on without a view where the port cannot be had."""
    with LiveView() as first, LiveView(int(first.url.rstrip("/").rpartition(":")[2])) as second:
        assert second.url == ""
    assert "no live view" in caplog.text
