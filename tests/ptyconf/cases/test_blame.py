"""Where it is told that something is wrong inside a container."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from ptyconf import ConfigError, Setting, resolve
from ptyconf.sources import toml
from tests.ptyconf.cases.prelude import Ep, P, of, with_file


@dataclass
class Listed:
    """Elements in a list and in a table."""

    l: list[Ep] = field(default_factory=list)  # noqa: E741
    d: dict[str, Ep] = field(default_factory=dict)


def low_ports(table: dict[str, Ep]) -> str | None:
    """Refuse a high port."""
    return "ports are low" if any(ep.port > 100 for ep in table.values()) else None


def test_an_error_is_told_at_its_element() -> None:
    """Not at the first header, nor at the topmost file."""
    with pytest.raises(ConfigError) as caught:
        with_file(
            Listed, '[[c.l]]\nport = 1\n[[c.l]]\nport = "x"\n[c.d.one]\nport = 1\n[c.d.two]\nport = "y"'
        )
    assert [problem.origin.line for problem in caught.value.exceptions] == [4, 8]


def test_a_check_of_a_merged_table_blames_its_element() -> None:
    """The element that is wrong may stand in a lower file than the one written last."""
    schema = of(Listed, Setting("c.d", check=low_ports))
    text = "[c.d.one]\nport = 500\n[profile.p.c.d.two]\nport = 1"
    with pytest.raises(ConfigError) as caught:
        resolve(schema, P, toml.parse(text, profile="p"))
    assert str(caught.value).startswith("ports are low")
    assert caught.value.exceptions[0].origin.line == 2


@dataclass
class Numbers:
    """Plain containers."""

    joined: list[int] = field(default_factory=list, metadata={"merge": "append"})
    table: dict[str, int] = field(default_factory=dict)
    free: dict = field(default_factory=dict)  # type: ignore[type-arg]


LOW = "[profile.p.c"


@pytest.mark.parametrize(
    ("path", "check", "text", "line"),
    [
        ("joined", lambda v: "low!" * (max(v) > 9), f"c.joined = [\n1,\n50]\n{LOW}]\njoined = [2]", 3),
        ("table", lambda v: "low!" * (v["b"] > 9), f"[c.table]\na = 1\nb = 50\n{LOW}.table]\na = 2", 3),
        ("free", lambda v: int(v["b"]) and None, f"[c.free]\na = 1\nb = 'x'\n{LOW}.free]\na = 2", 3),
        ("table", lambda v: "few!" * (len(v) < 5), f"[c.table]\na = 1\n{LOW}.table]\nb = 2", 3),
    ],
    ids=["joined list", "table", "free table", "nobody"],
)
def test_a_check_finds_the_part_to_blame(path: str, check: Any, text: str, line: int) -> None:
    """In plain containers too, whatever the check raises; where no part is, the highest layer."""
    with pytest.raises(ConfigError) as caught:
        resolve(of(Numbers, Setting(f"c.{path}", check=check)), P, toml.parse(text, profile="p"))
    assert [problem.origin.line for problem in caught.value.exceptions] == [line]
