"""What is assigned after a resolve is told, wherever it is assigned; what was there keeps its story."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ptyconf import Resolution, load, provenance_of
from ptyconf.merge.provenance import ASSIGNED


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
