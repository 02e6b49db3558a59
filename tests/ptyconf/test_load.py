"""One call reads a class from all the places where users write its settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import ptyconf
from ptyconf import ConfigError, provenance_of


@dataclass
class Server:
    """A server."""

    host: str = "h"
    port: int = 1


@dataclass
class App:
    """A service."""

    server: Server = field(default_factory=Server)
    replicas: dict[str, Server] = field(default_factory=dict)
    debug: bool = False
    name: str = "app"


def test_every_source_has_its_rank(jail: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Overrides, flags, environment, profile, files, defaults; the story is there."""
    low = jail("low.toml", 'name = "low"\ndebug = true\n[server]\nport = 2\n')
    high = jail("high.toml", '[server]\nport = 3\n[profile.prod]\nserver.host = "p"\n')
    monkeypatch.setenv("APP__SERVER__PORT", "4")
    config = ptyconf.load(App, low, high, env="APP", flags=["--replicas.eu.port", "7", "--profile", "prod"])
    assert config == App(Server("p", 4), {"eu": Server("h", 7)}, debug=True, name="low")
    resolution = provenance_of(config)
    assert resolution is not None
    assert [entry.layer for entry in resolution.trace("server.port").losers] == ["file", "file", "schema"]
    assert ptyconf.load(App, high, overrides={"server.port": 9}).server.port == 9
    assert resolution.schema is ptyconf.schema_of(App)


def test_a_file_may_be_missing(jail: Callable[..., Path]) -> None:
    """Where that is allowed."""
    jail()
    assert ptyconf.load(App, "none.toml", missing="skip") == App()
    with pytest.raises(ConfigError, match=r'^the file "none.toml" does not exist'):
        ptyconf.load(App, "none.toml")


def test_unknown_flags_are_problems() -> None:
    """All together with what else is wrong."""
    with pytest.raises(ConfigError) as caught:
        ptyconf.load(App, flags=["--nme=x", "--replicas.eu.prot=7"], overrides={"debug": 3})
    firsts = {str(each).splitlines()[0] for each in caught.value.exceptions}
    assert firsts == {
        "unknown flag '--nme'",
        "unknown setting 'replicas.eu.prot'",
        "'debug' is 3; expected true or false",
    }
