"""Keys of tables of every kind: paths, places, dumps, frozen files and JSON name them as files do."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass, field, make_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ptyconf import Precedence, Schema, View, resolve
from ptyconf.freeze import Frozen, freeze
from ptyconf.report import dump_toml, story, to_json
from ptyconf.report.json import from_json
from ptyconf.sources import mapping, toml


class Colour(str, enum.Enum):  # noqa: UP042  What programs write.
    """An enum whose members are texts."""

    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    """An enum whose members are numbers."""

    SMALL = 1


class Name(str):
    """A text of a program's own."""

    __slots__ = ()


@dataclass
class Ep:
    """A section."""

    port: int = 1


PRECEDENCE = Precedence("overrides", "file")


@pytest.mark.parametrize(
    ("kind", "key", "written", "otherwise"),
    [
        (Colour, Colour.RED, "red", "RED"),
        (Size, Size.SMALL, "1", "SMALL"),
        (Name, Name("n"), "n", "n"),
        (int, 80, "80", "0x50"),
        (Decimal, Decimal("1.5"), "1.5", "1.5"),
        (date, date(2026, 1, 2), "2026-01-02", "2026-01-02"),
        (bool, True, "true", "true"),
    ],
)
@pytest.mark.parametrize("value", [int, list[int], Ep, Any])
def test_a_key_is_itself_everywhere(kind: Any, key: Any, written: str, otherwise: str, value: Any) -> None:
    """From an object, from a file in its own spelling or another; its place is found either way."""
    item: Any = {int: 3, Any: 3, Ep: Ep(3)}.get(value, [3])
    app = make_dataclass("App", [("by", dict[kind, value], field(default_factory=dict))])
    schema = Schema("s", [View(app, "")])
    text = f'[by]\n"{otherwise}" = {"{port = 3}" if value is Ep else json.dumps(item)}\n'
    for layers in ([mapping.layer("overrides", {"by": {key: item}})], toml.parse(text, file="/x/r.toml")):
        resolution = resolve(schema, PRECEDENCE, layers)
        assert resolution.build(app).by == {key: item}
        assert type(next(iter(resolution.build(app).by))) is kind
        for path in resolution:
            assert resolution.trace(path).value == resolution.value(path)
            assert story(resolution, path).startswith(f"{path} = ")
        again = resolve(schema, PRECEDENCE, toml.parse(dump_toml(resolution)))
        assert dict(again) == dict(resolution)
        assert dict(Frozen.loads(freeze(resolution).dumps()).replay(schema)) == dict(resolution)
        assert from_json(schema, json.loads(json.dumps(to_json(resolution)))) == dict(resolution)
    if value is not Any:
        (path,) = resolution
        assert path == ('by."1.5"' if written == "1.5" else f"by.{written}") + ".port" * (value is Ep)
        assert resolution.trace(path).winner.origin.line == 2
