"""The story of a section: what every layer gave of it, and what of that is in force."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ptyconf import load, provenance_of
from ptyconf.report import story


@dataclass
class Server:
    """A section."""

    port: int = 5
    host: str = "h"
    key: str = field(default="", metadata={"secret": True})


@dataclass
class App:
    """A class with a section."""

    server: Server = field(default_factory=Server)


def test_a_section_tells_every_layers_share(tmp_path: Path) -> None:
    """A layer is merged with the others where a part of it counts, and overridden where none does."""
    file = tmp_path / "a.toml"
    file.write_text('[server]\nport = 7\nhost = "x"\nkey = "hunter2"\n[profile.q.server]\nport = 8\n')
    resolution = provenance_of(load(App, file, profile="q"))
    assert resolution is not None
    text = story(resolution, "server")
    assert "hunter2" not in text
    lines = {tuple(line.split(maxsplit=2)[:2]): line for line in text.splitlines()}
    assert "{port = 8, " in lines["set", "by"]
    assert "file" in lines["merged", "with"]
    assert '{port = 7, host = "x", key = ' in lines["merged", "with"]
    assert '{port = 5, host = "h", key = ' in lines["overrides", "schema"]
    values = {entry.layer: entry.value for entry in resolution.trace("server").losers}
    assert values["file"]["port"] == 7
