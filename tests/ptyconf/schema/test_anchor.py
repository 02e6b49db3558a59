"""Relative paths name the same file wherever they are written and loaded; ``~`` is left to the program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import pytest

from ptyconf import load, provenance_of
from ptyconf.report import dump_toml

Jail = Callable[..., Path]


@dataclass
class App:
    """Paths alone, in containers, and one that is of no machine."""

    one: Path = Path("one")
    many: list[Path] = field(default_factory=lambda: [Path("many"), Path("/whole")])
    named: dict[str, Path] = field(default_factory=dict)
    pure: PurePath = field(default_factory=lambda: PurePath("pure"))


def test_a_dump_names_the_same_files(jail: Jail) -> None:
    """From any folder: what was relative to the working directory is found from that of the dump."""
    app = load(App, overrides={"named": {"a": "x/y", "b": "~/z"}}, flags=["--one", "../up"])
    resolution = provenance_of(app)
    assert resolution is not None
    for folder in (jail(), jail() / "sub", jail() / "sub" / "deep"):
        folder.mkdir(exist_ok=True)
        (folder / "dump.toml").write_text(dump_toml(resolution, folder=folder))
        again = load(App, folder / "dump.toml")
        assert again.one == jail().parent / "up"
        assert again.many == [jail() / "many", Path("/whole")]
        assert again.named == {"a": jail() / "x" / "y", "b": Path("~/z")}
        assert again.pure == app.pure


def test_home_is_the_same_path_in_every_layer(jail: Jail, monkeypatch: pytest.MonkeyPatch) -> None:
    """No layer makes a folder called ``~`` of it; a name that only begins so is anchored."""
    home = Path("~/data")
    path = jail("sub/run.toml", 'one = "~/data"\nmany = ["~/data", "~", "~x"]\n')
    app = load(App, path)
    assert app.one == home
    assert app.many == [home, Path("~"), path.parent / "~x"]
    monkeypatch.setenv("APP__ONE", "~/data")
    assert load(App, env="APP").one == home
    assert load(App, flags=["--one=~/data"]).one == home
    assert load(App, overrides={"one": "~/data"}).one == home
