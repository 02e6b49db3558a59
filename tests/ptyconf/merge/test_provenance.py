"""What is assigned after a resolve is told, wherever it is assigned; what was there keeps its story."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import attrs
import pytest

from ptyconf import Resolution, diff, load, provenance_of
from ptyconf.merge.provenance import ASSIGNED
from ptyconf.report import story, table
from ptyconf.text.show import MASK


@dataclass
class Endpoint:
    """A place."""

    host: str = "h"
    port: int = 1


@dataclass
class Inner:
    """What stands in a section."""

    table: dict[str, int] = field(default_factory=lambda: {"x": 1})
    endpoint: Endpoint = field(default_factory=Endpoint)
    endpoints: list[Endpoint] = field(default_factory=lambda: [Endpoint(), Endpoint()])


@dataclass
class App:
    """Settings at every depth."""

    inner: Inner = field(default_factory=Inner)
    by: dict[str, Endpoint] = field(default_factory=lambda: {"z": Endpoint()})
    optional: Endpoint | None = field(default_factory=Endpoint)


def known(app: Any) -> Resolution:
    """Give the resolution of an instance."""
    resolution = provenance_of(app)
    assert resolution is not None
    return resolution


def layers(app: Any, *paths: str) -> list[str]:
    """Name the layer of the winner of each path."""
    return [known(app).trace(path).winner.layer for path in paths]


def test_a_field_of_a_section_may_be_assigned() -> None:
    """Its neighbour keeps its origin."""
    app = load(App)
    app.inner.endpoint.port = 7
    assert layers(app, "inner.endpoint.port", "inner.endpoint.host") == [ASSIGNED, "schema"]
    assert str(known(app).trace("inner.endpoint.port").winner.origin) == "App.inner.endpoint.port"


def test_a_section_may_be_replaced() -> None:
    """What it no longer has is gone."""
    app = load(App)
    app.inner = Inner({"q": 2})
    assert known(app)["inner"] == Inner({"q": 2})
    assert layers(app, "inner.table.q") == [ASSIGNED]
    assert "inner.table.x" not in known(app)


def test_a_table_may_be_changed_in_place() -> None:
    """New keys, changed ones, and none at all."""
    app = load(App)
    app.by["z"].port = 5
    app.by["n"] = Endpoint()
    assert layers(app, "by.z.port", "by.z.host", "by.n.port") == [ASSIGNED, "schema", ASSIGNED]
    app.by = {}
    assert known(app)["by"] == {}


def test_an_element_of_a_list_may_be_changed() -> None:
    """Seen from the whole and from the element."""
    app = load(App)
    app.inner.endpoints[1].port = 9
    for seen in (app, app.inner.endpoints[1]):
        assert known(seen)["inner.endpoints"] == [Endpoint(), Endpoint(port=9)]
        assert layers(seen, "inner.endpoints[1].port") == [ASSIGNED]


def test_an_optional_section_may_be_taken_away() -> None:
    """And filled."""
    app = load(App, overrides={"optional": {"host": "q"}})
    assert app.optional is not None
    app.optional.port = 3
    assert layers(app, "optional.port", "optional.host") == [ASSIGNED, "overrides"]
    app.optional = None
    assert known(app)["optional"] is None


@attrs.define
class Row:
    """What the constructor makes of other values, and what a converter makes of what is given."""

    a: int = 1
    double: int = attrs.field(default=attrs.Factory(lambda self: self.a * 2, takes_self=True))
    key: str = attrs.field(factory=lambda: uuid.uuid4().hex, metadata={"secret": True})
    text: str = attrs.field(default="x", converter=lambda text: f"{text}!")


@dataclass(eq=False)
class Counted:
    """A class without equality, which changes what it is given."""

    port: int = 1
    listed: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.port += 1
        self.listed.append(self.port)


@dataclass
class Rows:
    """Such classes wherever they may stand."""

    row: Row = field(default_factory=Row)
    by: dict[str, Row] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    optional: Row | None = None
    counted: Counted = field(default_factory=Counted)
    counts: list[Counted] = field(default_factory=list)
    one: Counted | Row = field(default_factory=Counted)


def rows() -> Rows:
    """Load some of each."""
    row = {"a": 3}
    written = {"by": {"k": row}, "rows": [row, row], "optional": row, "counts": [{"port": 7}]}
    return load(Rows, overrides={"row": row, "one": {"port": 5}, **written})


def test_own_code_assigns_nothing() -> None:
    """What constructors, converters and `__post_init__` make is nobody's assignment, at any depth."""
    resolution = known(rows())
    assert {resolution.trace(path).winner.layer for path in resolution} == {"overrides", "schema"}
    assert resolution["counts[0].port"] == 7
    assert resolution["by.k.text"] == "x"


@pytest.mark.parametrize("place", ["row", "by.k", "rows[1]", "optional"])
def test_what_a_constructor_makes_has_a_story(place: str) -> None:
    """That of the very instance; a secret stays one."""
    app = rows()
    resolution = known(app)
    row = {"row": app.row, "by.k": app.by["k"], "rows[1]": app.rows[1], "optional": app.optional}[place]
    assert row is not None
    assert (resolution[f"{place}.double"], resolution[f"{place}.key"]) == (6, row.key)
    trace = resolution.trace(f"{place}.double")
    assert (trace.value, trace.winner.layer) == (6, "schema")
    assert trace.winner.origin.key.endswith(".double")
    assert resolution.trace(f"{place}.key").value == MASK
    assert f"{place}.double" in resolution
    assert known(row)[f"{place}.key"] == row.key


def test_an_appended_element_is_the_only_one_assigned() -> None:
    """Those before it keep their places; one that is changed is assigned as a whole."""
    app = rows()
    app.rows.append(Row(9))
    app.rows[0].a = 4
    app.counts.append(Counted(1))
    wanted = [ASSIGNED, ASSIGNED, "overrides", ASSIGNED, ASSIGNED]
    paths = ("rows[0].a", "rows[0].text", "rows[1].a", "rows[2].a", "counts[1].port")
    assert layers(app, *paths) == wanted
    assert layers(app, "counts[0].port") == ["overrides"]
    trace = known(app).trace("rows")
    assert [row["a"] for row in trace.value] == [4, 3, 9]
    assert trace.winner.value == trace.value
    assert str(known(app).trace("rows[2].a").winner.origin) == "Rows.rows[2].a"
    app.counts[0].listed.append(0)
    assert layers(app, "counts[0].listed") == [ASSIGNED]


def test_what_is_assigned_may_be_of_any_shape() -> None:
    """It is told as it is."""
    app: Any = rows()
    app.rows, app.by, app.row = 5, "text", None
    resolution = known(app)
    assert resolution.trace("rows", reveal=True).winner.value == 5
    assert resolution.trace("by").winner.value == MASK
    assert layers(app, "row.a") == [ASSIGNED]


class Rude:
    """An object whose own code fails."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        raise RuntimeError("no text")


def test_a_section_that_was_taken_away_is_told() -> None:
    """None in its place, or nothing, is what its settings are now; the file's values are overridden."""
    app: Any = load(App, overrides={"inner.endpoint.port": 5})
    app.inner.endpoint = None
    del app.by
    assert known(app).value("inner.endpoint.port") is None
    assert layers(app, "inner.endpoint.port", "inner.endpoint.host", "by") == [ASSIGNED] * 3
    assert [loser.value for loser in known(app).trace("inner.endpoint.port").losers] == [5, 1]
    assert layers(app, "inner.table.x") == ["schema"]


@pytest.mark.parametrize("thing", [Rude(), [Rude()], {"x": Rude()}])
def test_an_object_whose_code_fails_is_told(thing: Any) -> None:
    """By its class; whatever else holds keeps its story, pickled, too."""
    app: Any = load(App)
    app.inner.endpoint.host = thing
    resolution = known(app)
    trace = resolution.trace("inner.endpoint.host", reveal=True)
    assert trace.winner.layer == ASSIGNED
    assert "<Rude, whose text fails with RuntimeError>" in story(resolution, "inner.endpoint.host")
    assert "<Rude, whose text" in table(resolution)
    assert not diff(known(load(App)), known(load(App)))
