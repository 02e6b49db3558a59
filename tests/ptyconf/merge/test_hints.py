"""What to try is written in the language of the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from ptyconf import ConfigError, Layer, Precedence, Schema, Setting, View, resolve
from ptyconf.sources import environment, file


@dataclass
class Server:
    """A section."""

    ip: str = "h"
    port: int = 1
    url: str = field(default="", metadata={"env": "DATABASE_URL"})


SCHEMA = Schema(
    "s",
    [View(Server, "server")],
    [
        Setting("my-app.max-size", int, 1),
        Setting("a.x", int | None, 1),
        Setting("on", bool, default=False),
        Setting("a.price", Decimal, Decimal("1.10")),
    ],
)


def hint(*layers: Layer) -> str:
    """Give what the only problem says to try."""
    with pytest.raises(ConfigError) as caught:
        resolve(SCHEMA, Precedence("environment", "file"), layers)
    (problem,) = caught.value.exceptions
    return str(problem.hint)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.toml", "[srever]\nip = '1'", "[server]"),
        ("a.json", '{"srever": {"ip": "1"}}', '"server": ...'),
        ("a.yaml", "srever: {ip: a}", "server: ..."),
        ("a.toml", "[server]\nprot = 5", "port = 5"),
        ("a.json", '{"server": {"prot": 5}}', '"port": 5'),
        ("a.yaml", "server: {prot: 5}", "port: 5"),
        ("a.yaml", "server: {port: x}", "port: 1"),
        ("a.json", '{"prot": 5}', '"server": {"port": 5}'),
        ("a.yaml", "prot: 5", "server: {port: 5}"),
        ("a.yaml", "on: yes", "on: true"),
        ("a.toml", "a.price = 1.5", 'price = "1.5"'),
        ("a.toml", "a.price = []", 'price = "1.10"'),
        ("a.toml", "replace = ['a.y']", 'replace = ["a.x"]'),
        ("a.toml", "unset = ['x']", 'unset = ["a.x"]'),
        ("a.json", '{"unset": ["x"]}', '"unset": ["a.x"]'),
    ],
)
def test_a_files_hint_is_a_line_of_it(name: str, text: str, expected: str) -> None:
    """Tables, values and lists of what is unset."""
    assert hint(*file.parse(text, file=f"/x/{name}")) == expected


def test_a_variables_hint_is_one_that_a_shell_exports() -> None:
    """With a sign that no variable has as an underscore; and by its own name where that was written."""
    assert hint(environment.layer("A", {"A__MY_APP__MAX_SIZ": "2"})) == "A__MY_APP__MAX_SIZE=2"
    assert (
        resolve(SCHEMA, Precedence("e"), [environment.layer("A", {"A__MY_APP__MAX_SIZE": "2"}, name="e")])[
            "my-app.max-size"
        ]
        == 2
    )
    assert hint(environment.layer("A", {"A__SERVER__PORT": "x"})) == "A__SERVER__PORT=1"
