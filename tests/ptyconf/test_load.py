"""One call reads a class from all the places where users write its settings."""

from __future__ import annotations

import subprocess
import sys
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


def test_what_load_resolved_builds_in_another_process(tmp_path: Path) -> None:
    """A spawned worker finds the schema by the class; values, places and instances are the same."""
    (tmp_path / "service.py").write_text(
        "from dataclasses import dataclass, field\n\n\n@dataclass\nclass Server:\n    port: int = 80\n\n\n"
        "@dataclass\nclass App:\n    server: Server = field(default_factory=Server)\n"
    )
    (tmp_path / "pack.py").write_text(
        "import pickle, sys, ptyconf\nfrom service import App\n"
        "app = ptyconf.load(App, overrides={'server.port': 8000})\n"
        "sys.stdout.buffer.write(pickle.dumps(ptyconf.provenance_of(app)))\n"
    )
    (tmp_path / "unpack.py").write_text(
        "import pickle, sys\nresolution = pickle.loads(sys.stdin.buffer.read())\n"
        "from service import App\n"
        "print(resolution.build(App), resolution.trace('server.port').winner.origin)\n"
    )
    packed = subprocess.run([sys.executable, "pack.py"], cwd=tmp_path, capture_output=True, check=True).stdout
    run = subprocess.run(
        [sys.executable, "unpack.py"], cwd=tmp_path, input=packed, capture_output=True, check=True
    )
    assert run.stdout.decode().startswith("App(server=Server(port=8000)) overrides['server.port']")


@pytest.mark.parametrize(
    ("flags", "variable", "written", "hint"),
    [
        (["--profile", "prdo"], "", "flag --profile", "--profile prod"),
        ([], "prdo", "environment APP__PROFILE", "APP__PROFILE=prod"),
    ],
)
def test_a_missing_profile_is_told_where_it_is_asked_for(
    jail: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    variable: str,
    written: str,
    hint: str,
) -> None:
    """Once for all files, and where there is no file at all."""
    low, high = jail("low.toml", "[profile.prod]\ndebug = true\n"), jail("high.toml", 'name = "x"\n')
    monkeypatch.setenv("APP__PROFILE", variable)
    with pytest.raises(ConfigError) as caught:
        ptyconf.load(App, low, high, env="APP", flags=flags)
    assert str(caught.value) == (
        f"there is no profile 'prdo'\n  written in  {written}\n  known here  prod\n  try         {hint}"
    )
    with pytest.raises(ConfigError, match=r"^there is no profile 'prdo'\n.*\n  known here  no profiles$"):
        ptyconf.load(App, env="APP", flags=flags)


@dataclass
class Database:
    """A setting with a variable of its own."""

    url: str = field(default="none", metadata={"env": "DATABASE_URL"})


def test_a_variable_that_is_not_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a setting declares it and the call reads no environment; without a prefix it is read alone."""
    assert ptyconf.load(Database) == Database("none")
    monkeypatch.setenv("DATABASE_URL", "postgres://")
    with pytest.warns(UserWarning, match=r"^the environment has DATABASE_URL, .* is not read; write env="):
        assert ptyconf.load(Database) == Database("none")
    assert ptyconf.load(Database, env="") == Database("postgres://")
