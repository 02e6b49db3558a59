"""A name that an error advises is one that the value may be written under, in every language."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ptyconf import ConfigError, Precedence, load, resolve, schema_of
from ptyconf.sources import environment, flags, toml
from ptyconf.text.show import toml_text


@dataclass
class Inner:
    """A section with types of every sort."""

    name: int = 1
    path: Path = Path("a")
    seed: bool = False
    total: float = 1.5
    day: date = date(2026, 1, 1)


@dataclass
class App:
    """Others beside it, with names alike."""

    snake_case_name: int = 1
    nam: str = "n"
    port: int = 80
    post: str = "p"
    mode: Literal["a", 1] = "a"
    ports: list[int] = field(default_factory=list)
    s: Inner = field(default_factory=Inner)
    child: Inner = field(default_factory=Inner)
    rows: dict[str, Inner] = field(default_factory=dict)


SCHEMA = schema_of(App)
NAMES = ["name", "path", "seed", "total", "day", "port", "post", "ports", "mode", "snake_case_name"]
VALUES: list[Any] = [3, "x", 1.5, True, [1, 2], date(2026, 2, 3), "a"]


@st.composite
def slips(draw: Any) -> str:
    """Misspell a name: a letter changed, left out, or put in, or signs and case of it."""
    name = draw(st.sampled_from(NAMES))
    at = draw(st.integers(0, len(name) - 1))
    letter = draw(st.sampled_from("abcxyz_"))
    ways = [name[:at] + letter + name[at + 1 :], name[:at] + name[at + 1 :], name[:at] + letter + name[at:]]
    return str(
        draw(st.sampled_from([*ways, name.replace("_", ""), name.replace("_", "-"), name.upper(), name]))
    )


def problem_of(*layers: Any) -> Any:
    """Give the first problem of some layers, None where there is none."""
    try:
        resolve(SCHEMA, Precedence("environment", "flags", "file"), layers)
    except ConfigError as error:
        return error.exceptions[0]
    return None


@given(slips(), st.sampled_from(["", "s", "child", "rows.k"]), st.sampled_from(VALUES))
def test_a_line_that_is_advised_is_read(name: str, section: str, value: Any) -> None:
    """In the same table of the file, or at its top where it means a setting of another."""
    header = f"[{section}]\n" if section else ""
    problem = problem_of(*toml.parse(f'{header}"{name}" = {toml_text(value)}\n', file="/a.toml"))
    assume(problem is not None and problem.text.startswith("unknown") and problem.hint)
    tries = (f"{header}{problem.hint}\n", f"{problem.hint}\n")
    assert None in [problem_of(*toml.parse(text, file="/a.toml")) for text in tries]


@given(slips(), st.sampled_from(["", "s__", "child__", "rows__k__"]), st.sampled_from(VALUES))
def test_a_variable_that_is_advised_is_read(name: str, section: str, value: Any) -> None:
    """As a shell exports it."""
    variable = f"A__{section}{name}".upper().replace("-", "__")
    text = value if isinstance(value, str) else toml_text(value)
    problem = problem_of(environment.layer("A", {variable: text}, schema=SCHEMA))
    assume(problem is not None and problem.text.startswith("unknown") and problem.hint)
    written, _, advised = shlex.split(problem.hint)[0].partition("=")
    assert problem_of(environment.layer("A", {written: advised}, schema=SCHEMA)) is None


@given(slips())
def test_a_flag_that_is_advised_is_one(name: str) -> None:
    """Or it asks for help."""
    option = f"--{name.lower()}"
    layer, _ = flags.parse([option, "1"], SCHEMA)
    problem = problem_of(layer)
    assume(problem is not None and problem.text.startswith("unknown"))
    again, _ = flags.parse([f"{problem.hint}=..."], SCHEMA) if problem.hint != "--help" else (layer, None)
    assert problem.hint == "--help" or not any("unknown" in fault.text for fault in again.faults)


@attrs.define
class Aliased:
    """An attribute that is written under another name."""

    name: int = 1
    alias_me: int = attrs.field(default=1, alias="am")


@dataclass
class Holder:
    """Such a class, and a list."""

    a: Aliased = field(default_factory=Aliased)
    rows: dict[str, Aliased] = field(default_factory=dict)
    items: list[Inner] = field(default_factory=list)
    port: int = 1


@pytest.mark.parametrize(
    ("overrides", "hint"),
    [
        ({"a": {"alias_me": 4}}, "am = 4"),
        ({"rows": {"k": {"alias_me": 4}}}, "am = 4"),
        ({"items[0].name": 3}, "items = [{name = 3}]"),
        ({"items[0].port": 3}, ""),
        ({"a": {"port": "x"}}, ""),
    ],
)
def test_what_was_meant_is_not_another_branch(overrides: Any, hint: str) -> None:
    """The attribute's own name leads to the one that is written; a list is written whole."""
    with pytest.raises(ConfigError) as caught:
        load(Holder, overrides=overrides)
    assert caught.value.exceptions[0].hint == hint  # type: ignore[attr-defined]


def test_a_variable_with_too_many_underscores_is_known() -> None:
    """So is a flag by the attribute's name."""
    problem = problem_of(environment.layer("A", {"A__SNAKE__CASE__NAME": "4"}, schema=SCHEMA))
    assert problem.hint == "A__SNAKE_CASE_NAME=4"
    with pytest.raises(ConfigError) as caught:
        load(Aliased, flags=["--alias-me", "4"])
    assert caught.value.exceptions[0].hint == "--am"  # type: ignore[attr-defined]
