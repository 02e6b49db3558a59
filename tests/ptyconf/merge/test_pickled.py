"""A resolution travels to another process with its values and stories."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from ptyconf import Conversion, Precedence, Resolution, Schema, SchemaError, Setting, View, diff, resolve
from ptyconf.report import story, to_json
from ptyconf.sources import environment, mapping, toml
from tests.ptyconf.laws.generated import Cat, Dog


@dataclass
class App:
    """Some settings."""

    by: dict[str, Cat | Dog] = field(default_factory=dict)
    port: int = 1
    span_s: float = 1.0
    pin: str = field(default="", metadata={"secret": True})


MINUTES = Conversion("min <-> s", lambda said: said * 60.0 if isinstance(said, int) else said, lambda s: s)
IMPORTABLE = Schema(
    "app",
    [View(App, "c")],
    [Setting("c.span_s", conversion=MINUTES)],
    importable=f"{__name__}:IMPORTABLE",
)
ALONE = Schema("app", [View(App, "c")], [Setting("c.span_s", conversion=MINUTES)])
PRECEDENCE = Precedence("overrides", ("environment", "more"), "file")


def resolved(schema: Schema) -> Resolution:
    """Resolve layers of several sources."""
    text = '[c]\nport = 2\nspan_s = 3\npin = "hunter2"\n[c.by."e.u"]\nkind = "dog"\n'
    return resolve(
        schema,
        PRECEDENCE,
        [
            environment.layer("APP", {"APP__C__PORT": "5"}),
            *toml.parse(text, file="/r.toml"),
            mapping.layer("overrides", {"c": {"by": {"us": Cat(lives=3)}}}),
        ],
    )


@pytest.mark.parametrize("schema", [IMPORTABLE, ALONE], ids=["importable", "alone"])
def test_values_and_stories_travel(schema: Schema) -> None:
    """Equal in every part, secrets masked as before."""
    resolution = resolved(schema)
    travelled = pickle.loads(pickle.dumps(resolution))
    assert list(travelled) == list(resolution)
    assert {path: travelled.trace(path) for path in travelled} == {
        path: resolution.trace(path) for path in resolution
    }
    for path in ("c", "c.by", 'c.by."e.u"'):  # sections and containers have a story too
        assert travelled.trace(path) == resolution.trace(path)
    assert "hunter2" not in str(travelled.trace("c"))
    assert travelled.trace("c.pin", reveal=True).value == travelled["c.pin"] == "hunter2"
    assert not diff(travelled, resolution)
    assert to_json(travelled) == to_json(resolution)
    assert story(travelled, "c.port") == story(resolution, "c.port")
    assert "hunter2" not in repr(travelled)
    assert pickle.loads(pickle.dumps(travelled)).trace("c.port") == resolution.trace("c.port")


def test_one_that_finds_its_schema_is_itself() -> None:
    """It builds and takes new layers."""
    travelled = pickle.loads(pickle.dumps(resolved(IMPORTABLE)))
    assert travelled.build(App) == resolved(IMPORTABLE).build(App)
    assert travelled.with_layer(mapping.layer("overrides", {"c.port": 9}))["c.port"] == 9


def test_one_without_its_schema_says_so() -> None:
    """It answers and does nothing else."""
    travelled = pickle.loads(pickle.dumps(resolved(ALONE)))
    assert travelled["c.by"]["us"] == {"kind": "cat", "lives": 3}
    assert travelled.winner_layer("c.port") == "environment"
    assert travelled.has("c.port", "file")
    for act in (lambda: travelled.build(App), lambda: travelled.with_layer(SimpleNamespace())):
        with pytest.raises(SchemaError, match=r"came without its schema; make the schema with importable="):
            act()
