"""Small inputs that used to come back changed, or not at all."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Network
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import pytest

from ptyconf import Conversion, Resolution, Schema, Setting, View, resolve
from ptyconf.freeze import Frozen, freeze
from ptyconf.merge.same import same
from ptyconf.report import dump_toml, to_json
from ptyconf.report.json import from_json
from ptyconf.sources import mapping, toml
from tests.ptyconf.cases.prelude import P

UTC = datetime.UTC
DAY = datetime.date(2026, 1, 2)
KINDS: list[tuple[Any, Any]] = [
    (list[datetime.date], [DAY]),
    (list[float], [math.inf, -math.inf, math.nan, 1.0]),
    (bytes, b"\x00\xff"),
    (decimal.Decimal, decimal.Decimal("1.10")),
    (datetime.timedelta, datetime.timedelta(days=1, microseconds=1)),
    (dict[int, str], {1: "a", -2: "b"}),
    (datetime.date | str, "2026-01-02"),
    (datetime.date | str, DAY),
    (datetime.datetime, datetime.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)),
    (datetime.datetime, datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone(-datetime.timedelta(0, 900)))),
    (datetime.time, datetime.time(1, 2, 3, 4)),
    (dict[datetime.date, list[bytes]], {DAY: [b"a", b""]}),
    (dict[UUID, Fraction], {UUID(int=7): Fraction(1, 3)}),
    (tuple[int | str, ...], (1, "1", 2)),
    (set[decimal.Decimal], {decimal.Decimal("1.0"), decimal.Decimal(3)}),
    (deque[PurePosixPath], deque([PurePosixPath("a/b")])),
    (list[IPv4Address | IPv6Network], [IPv4Address("1.2.3.4"), IPv6Network("::/64")]),
    (int | float | None, 1),
    (float | int, 1.0),
    (bool | int, True),
    (dict[str, dict[str, bytes]], {"": {"a.b": b"x"}}),
    (Any, {"$float": "nan", "x": [1, 1.0, True, DAY]}),
    (list[str], ["$", "${a}", "\u2028", "'\"\\"]),
    (complex, 1 - 2j),
]  # fmt: skip


def of_kind(kind: Any, **more: Any) -> Schema:
    """Make the schema of one setting."""
    return Schema("s", (), [Setting("a.x", type=kind, nonfinite=True, **more)])


def given(schema: Schema, value: Any) -> Resolution:
    """Resolve one value."""
    return resolve(schema, P, [mapping.layer("overrides", {"a": {"x": value}})])


@pytest.mark.parametrize(("kind", "value"), KINDS, ids=[f"{n} {kind}" for n, (kind, _) in enumerate(KINDS)])
def test_every_way_back_gives_an_equal_value(kind: Any, value: Any) -> None:
    """Frozen and replayed, dumped and loaded, reported as JSON and read; in type too."""
    schema = of_kind(kind)
    resolution = given(schema, value)
    assert same(resolution.value("a.x"), value)
    frozen = Frozen.loads(freeze(resolution).dumps())
    assert same(frozen.replay(schema).value("a.x"), value)
    assert freeze(frozen.replay(schema)).sha256 == frozen.sha256
    assert not frozen.compare(resolution)
    assert same(resolve(schema, P, toml.parse(dump_toml(resolution))).value("a.x"), value)
    values = from_json(schema, json.loads(json.dumps(to_json(resolution))))
    assert all(same(item, resolution.value(path)) for path, item in values.items())


@dataclass
class Ep:
    """An element."""

    port: int = 1


@dataclass
class Gathered:
    """Settings that gather from all layers."""

    tags: list[int] = field(default_factory=lambda: [1], metadata={"merge": "append"})
    kinds: set[str] = field(default_factory=lambda: {"a"}, metadata={"merge": "union"})
    eps: list[Ep] = field(default_factory=lambda: [Ep()], metadata={"merge": "append"})
    ends: tuple[int, ...] = field(default=(3, 3), metadata={"merge": "union"})


def test_what_is_joined_is_not_joined_twice() -> None:
    """After a dump and after a replay, nor with a layer above the dump."""
    schema = Schema("s", [View(Gathered, "c")])
    high = mapping.layer("overrides", {"c": {"tags": [2], "kinds": ["b"], "eps": [{"port": 2}]}})
    resolution = resolve(schema, P, [high])
    built = Gathered([1, 2], {"a", "b"}, [Ep(1), Ep(2)], (3, 3))
    assert resolution.build(Gathered) == built
    again = resolve(schema, P, toml.parse(dump_toml(resolution)))
    assert again.build(Gathered) == built
    assert Frozen.loads(freeze(resolution).dumps()).replay(schema).build(Gathered) == built
    above = again.with_layer(mapping.layer("overrides", {"c": {"tags": [9]}}))
    assert above.build(Gathered).tags == [1, 2, 9]


def minutes(value: Any) -> Any:
    """Read "0:01:00" as seconds."""
    if not isinstance(value, str):
        return value
    hours, whole, seconds = map(int, value.split(":"))
    return hours * 3600 + whole * 60 + seconds


@pytest.mark.parametrize(
    "conversion",
    [
        Conversion("clock", minutes, lambda value: str(datetime.timedelta(seconds=value))),
        Conversion("doubled", lambda value: value * 2 if isinstance(value, int) else int(value), str),
        Conversion("words", lambda value: {"one": 60}.get(value, value), lambda value: value),
    ],
    ids=lambda conversion: conversion.name,
)
def test_a_converted_value_loads_back(conversion: Conversion) -> None:
    """Whatever the spelling that the conversion would give it."""
    schema = of_kind(int, conversion=conversion)
    text = {"clock": '"0:01:00"', "doubled": "30", "words": '"one"'}[conversion.name]
    resolution = resolve(schema, P, toml.parse(f"a.x = {text}"))
    assert resolution.value("a.x") == 60
    assert resolve(schema, P, toml.parse(dump_toml(resolution))).value("a.x") == 60
    assert Frozen.loads(freeze(resolution).dumps()).replay(schema).value("a.x") == 60
