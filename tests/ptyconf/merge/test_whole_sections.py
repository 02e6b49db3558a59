"""`replace` and `unset` that name a whole section: they take settings, and the error says which."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ptyconf import ConfigError, load


@dataclass
class Server:
    """A section in which one setting may be none."""

    port: int = 1
    host: str | None = "h"


@dataclass
class Rate:
    """A section in which none may be none."""

    limit: int = 3


@dataclass
class App:
    """Two sections that are always there."""

    server: Server = field(default_factory=Server)
    rate: Rate = field(default_factory=Rate)


@pytest.mark.parametrize("word", ["unset", "replace"])
def test_the_advice_loads(word: str, tmp_path: Path) -> None:
    """What the error offers in place of the section is taken as it stands."""
    file = tmp_path / "a.toml"
    file.write_text(f'{word} = ["server"]\n')
    with pytest.raises(ConfigError, match="'server' is a section that is always there") as caught:
        load(App, file)
    (problem,) = caught.value.exceptions
    file.write_text(problem.hint)
    assert load(App, file) == (App(Server(1, None)) if word == "unset" else App())


def test_where_nothing_may_be_none_it_says_so(tmp_path: Path) -> None:
    """No advice that would be refused in its turn."""
    file = tmp_path / "a.toml"
    file.write_text('unset = ["rate"]\n')
    with pytest.raises(ConfigError, match="nothing in it may be none"):
        load(App, file)
