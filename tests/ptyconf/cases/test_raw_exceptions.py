"""Small inputs that used to end in an exception of nobody: each is a problem with its place."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import attrs
import pytest

from ptyconf import (
    ConfigError,
    Derivation,
    Rule,
    Schema,
    SchemaError,
    Setting,
    View,
    resolve,
)
from ptyconf.report import dump_toml
from ptyconf.report.toml import literal
from ptyconf.sources import mapping, toml
from tests.ptyconf.cases.prelude import Ep, P, S

T = TypeVar("T")


def told(schema: Schema, text: str = "", build: type | None = None) -> str:
    """Give the text of what is wrong."""

    def run() -> None:
        resolution = resolve(schema, P, toml.parse(text, file="/x/f.toml"))
        if build is not None:
            resolution.build(build)

    with pytest.raises(ConfigError) as caught:
        run()
    return str(caught.value)


# Checks, rules and derivations that fail on a default


FAILING: list[Any] = [
    (lambda: S(Setting("a.host", choices=("x", "y"))), "'a.host' is \"h\"; expected one of"),
    (lambda: S(Setting("a.port", check=lambda v: "odd!")), "odd!"),
    (lambda: S(Setting("a.port", check=lambda v: v["x"])), "object is not subscriptable"),
    (lambda: S(Setting("a.port", check=lambda v: 1 / 0)), "ZeroDivisionError: division by zero"),
    (lambda: S(Setting("a.port", check=lambda v: {}["key"])), "KeyError: key"),
    (lambda: S(rules=[Rule(("a.port",), lambda r: "ruled out")]), "ruled out"),
    (lambda: S(rules=[Rule(("a.port",), lambda r: [*r][99])]), "IndexError"),
    (lambda: S(derivations=[Derivation("a.port", ("a.host",), lambda h: 1 // 0)]), "ZeroDivisionError"),
    (lambda: S(derivations=[Derivation("a.port", ("a.host",), str)]), "'a.port' was derived wrongly"),
    (lambda: S(derivations=[Derivation("a.port", ("a.host",), int)]), "invalid literal for int"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "words"), FAILING, ids=[f"{n} {words}" for n, (_, words) in enumerate(FAILING)]
)
def test_what_fails_on_a_default_is_a_problem(schema: Any, words: str) -> None:
    """With the default as its place."""
    text = told(schema())
    assert words in text
    assert "default of a." in text


# Code of the program's own classes


def even(_self: Any, _attribute: Any, value: int) -> None:
    """Refuse an odd number, as attrs validators do."""
    if value % 2:
        raise ValueError("must be even, you know")


@attrs.define
class Validated:
    """Validators and converters of attrs."""

    port: int = attrs.field(default=2, validator=[attrs.validators.ge(1), even])
    size: int = attrs.field(default=1, converter=lambda text: int(str(text), 10))
    mode: str = attrs.field(default="r", validator=attrs.validators.in_(["r", "w"]))


@dataclass
class Posted:
    """A class that looks at itself."""

    low: int = 0
    high: int = 1

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low is above high")
        if self.low < 0:
            raise RuntimeError


@dataclass
class Outer:
    """Such classes inside."""

    v: Validated = field(default_factory=Validated)
    many: list[Posted] = field(default_factory=list)
    by: dict[str, Posted] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("c.v.port = 0", "f.toml:1:1", "'port' must be >= 1: 0"),
        ("c.v.port = 3", "f.toml:1:1", "must be even, you know"),
        ("\n[c.v]\nmode = 'x'", "f.toml:3:1", "'mode' must be in"),
        ("[[c.many]]\n[[c.many]]\nlow = 5", "f.toml:2:3", "low is above high"),
        ("[[c.many]]\nlow = -1", "f.toml:1:3", "RuntimeError"),
        ("[c.by.x]\nlow = 5", "f.toml:1:2", "low is above high"),
    ],
)
def test_what_a_class_raises_is_a_problem(text: str, place: str, words: str) -> None:
    """With file:line:column and the exception's own words."""
    message = told(Schema("s", [View(Outer, "c")]), text, Outer)
    assert words in message
    assert place in message


def test_a_converter_that_raises_is_a_problem() -> None:
    """At the attribute that it converts."""

    def convert(value: str) -> int:
        return int(value, 10)

    @attrs.define
    class Converted:
        port: int = attrs.field(default="1", converter=convert)

    message = told(Schema("s", [View(Converted, "c")]), 'c.port = "x9"', Converted)
    said = "'c.port' is \"x9\": invalid literal for int() with base 10: 'x9'\n  written in  /x/f.toml:1:1"
    assert message.startswith(said)


@pytest.mark.parametrize(
    "raised", [ValueError("bad"), TypeError("bad"), ZeroDivisionError("bad"), OSError(2, "bad")]
)
def test_a_check_that_raises_is_a_problem(raised: Exception) -> None:
    """Whatever it raises, with the place of the value and what it overrides."""

    def check(_value: Any) -> str:
        raise raised

    text = told(S(Setting("a.port", check=check)), "a.port = 5")
    assert "bad" in text
    assert "  written in  /x/f.toml:1:1\n  overrides   default of a.port (1)" in text


# What cannot be a schema


class Opaque(Generic[T]):
    """A class without fields."""


@dataclass
class Boxed(Generic[T]):
    """A generic class with fields."""

    inner: T


IMPOSSIBLE: list[Any] = [
    (lambda: S(Setting("a.port", merge="append")), "'a.port': merge 'append' joins lists"),
    (lambda: S(Setting("a.host", merge="union")), "'a.host': merge 'union' joins lists"),
    (lambda: S(Setting("a.port", merge="bogus")), "bogus"),
    (lambda: S(Setting("a.port", merge="deep")), "'a.port': merge 'deep' joins tables"),
    (lambda: View(Opaque[int], "c"), "Opaque"),
    (lambda: View(Boxed[int], "c"), "Boxed"),
    (lambda: View(int, "c"), "int is neither a dataclass nor an attrs class"),
    (lambda: View(Ep(), "c"), "Ep"),
    (lambda: S(Setting("a.none")), "a.none"),
    (lambda: S(Setting("a.port", check="even")), "a.port"),
    (lambda: S(Setting("a.port", choices=5)), "a.port"),
    (lambda: S(Setting("a.port", aliases=[5])), "a.port"),
    (lambda: Schema("s", [Ep]), "Ep"),
    (lambda: Schema("s", View(Ep, "a")), "View"),
    (lambda: S(Setting("a.port", choices="xy")), "a.port"),
    (lambda: S(rules=[Rule(("a.prot",), str)]), "a.prot"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "words"), IMPOSSIBLE, ids=[f"{n} {words}" for n, (_, words) in enumerate(IMPOSSIBLE)]
)
def test_what_cannot_be_is_refused_when_made(make: Any, words: str) -> None:
    """A SchemaError that names the setting or the class."""
    with pytest.raises(SchemaError) as caught:
        make()
    assert words in str(caught.value)


# Values that TOML can hardly hold


@dataclass
class Odd:
    """Odd texts, keys and elements."""

    texts: list[str] = field(default_factory=list)
    table: dict[str, str] = field(default_factory=dict)
    maybe: list[int | None] = field(default_factory=list)
    free: dict = field(default_factory=dict)  # type: ignore[type-arg]


@pytest.mark.parametrize(
    "value",
    [
        {"texts": ["\x7f", "\x00", "\x1b", "\u2028", "\ufeff", "'''", '"""', "\\", "\r\n"]},
        {"table": {"\x7f": "a", "": "b", "a.b": "c", '"': "d", "\n": "e", "é": "f", "#": "g"}},
        {"free": {"\x7f": {"\t": [datetime.date(2026, 1, 1), {"": 1}]}}},
    ],
)
def test_odd_text_is_written_rightly(value: Any) -> None:
    """As TOML that the standard library reads to the same."""
    import tomllib

    schema = Schema("s", [View(Odd, "c")])
    text = dump_toml(resolve(schema, P, [mapping.layer("overrides", {"c": value})]))
    tomllib.loads(text)
    again = resolve(schema, P, toml.parse(text)).build(Odd)
    assert again == resolve(schema, P, [mapping.layer("overrides", {"c": value})]).build(Odd)


@pytest.mark.parametrize(
    "value",
    [{"maybe": [1, None]}, {"texts": ["\ud800"]}, {"table": {"\udfff": "x"}}, {"free": {"a": [None]}}],
)
def test_what_toml_cannot_say_is_a_problem(value: Any) -> None:
    """With the path of the setting."""
    resolution = resolve(Schema("s", [View(Odd, "c")]), P, [mapping.layer("overrides", {"c": value})])
    with pytest.raises(ConfigError, match="which TOML cannot say") as caught:
        dump_toml(resolution)
    assert next(iter(value)) in str(caught.value)
    with pytest.raises(ConfigError, match="which TOML cannot say"):
        literal(value)


PROGRAM = """
from dataclasses import dataclass
from ptyconf import Schema, View
@dataclass
class A:
    name: str = "é€😀"
schema = Schema("s", [View(A, "a")])
"""


@pytest.mark.parametrize(
    "command", [["dump"], ["explain"], ["explain", "--json"], ["template"], ["schema"], ["freeze"]]
)
def test_a_terminal_of_ascii_takes_everything(tmp_path: Path, command: list[str]) -> None:
    """What it cannot show is escaped, and never a traceback."""
    (tmp_path / "prog.py").write_text(PROGRAM)
    (tmp_path / "f.toml").write_text('a.name = "é€😀"')
    words = [
        command[0],
        "prog:schema",
        *([] if command[0] in ("template", "schema") else ["f.toml"]),
        *command[1:],
    ]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "ptyconf", *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_said(tmp_path: Path) -> None:
    """With an exit code, and no traceback."""
    (tmp_path / "prog.py").write_text(PROGRAM)
    (tmp_path / "f.toml").write_text("")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ptyconf", "dump", "prog:schema", "f.toml"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert done.returncode not in (0, 120)
    assert b"Traceback" not in done.stderr
    assert b"No space left" in done.stderr
