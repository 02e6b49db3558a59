"""What cannot be read or written without end, or at all, is a problem in plain words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cattrs
import pytest

from ptyconf import ConfigError, Layer, Origin, SchemaError, load, provenance_of
from ptyconf.report import dump_toml


class Point:
    """A class that only the program can read."""


@dataclass
class Held:
    """A setting of it, and containers."""

    point: Point = field(default_factory=Point)
    free: dict[str, Any] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)


def _endless(kind: type) -> Any:
    made: Any = kind()
    made.append(made) if kind is list else made.update(a=made)
    return made


def _deep(levels: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for _ in range(levels):
        made = {"a": made}
    return made


@pytest.mark.parametrize(
    "given",
    [
        {"free": _endless(dict)},
        {"free": {"x": _endless(list)}},
        {"items": _endless(list)},
        _endless(dict),
        {"free": _deep(2000)},
    ],
    ids=["table", "list in a table", "list", "all", "deep"],
)
def test_what_holds_itself_is_refused(given: dict[str, Any]) -> None:
    """As a problem of the layer."""
    converter = cattrs.Converter()
    converter.register_structure_hook(Point, lambda *_: Point())
    with pytest.raises(ConfigError, match="in each other too deep"):
        load(Held, overrides=given, converter=converter)


def test_what_toml_does_not_have_is_refused() -> None:
    """With the hook that is missing; a layer of no table is a slip in the call."""
    converter = cattrs.Converter()
    converter.register_structure_hook(Point, lambda *_: Point())
    held = load(Held, overrides={"point": 1}, converter=converter)
    with pytest.raises(ConfigError, match="an unstructure hook for Point"):
        dump_toml(provenance_of(held))
    wrong: Any = [1]
    with pytest.raises(SchemaError, match="values is a list"):
        Layer("file", wrong, lambda _: Origin("file", "f", ""))
