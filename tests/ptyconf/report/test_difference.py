"""What two resolutions disagree on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import SimpleNamespace

from ptyconf import Precedence, diff, resolve, schema_of
from ptyconf.sources import mapping, toml


def test_changes_of_value_and_of_source_are_told(program: SimpleNamespace) -> None:
    """The same value from another place is a difference of its own kind."""
    before = program.resolve(*toml.parse("training.nepochs = 5\nmodel.gridsize = 1\n", file="/x/a.toml"))
    after = program.resolve(*toml.parse("training.nepochs = 6\n\nmodel.gridsize = 1\n", file="/x/a.toml"))
    found = diff(before, after)
    assert [(each.path, each.kind) for each in found] == [
        ("model.gridsize", "source"),
        ("training.nepochs", "value"),
    ]
    assert [each.path for each in found.values] == ["training.nepochs"]
    assert [each.path for each in found.sources] == ["model.gridsize"]
    assert str(found) == (
        "model.gridsize\n"
        "  before  1  (file: /x/a.toml:2:1 model.gridsize)\n"
        "  after   1  (file: /x/a.toml:3:1 model.gridsize)\n"
        "  same value, other source\n"
        "training.nepochs\n"
        "  before  5  (file: /x/a.toml:1:1 training.nepochs)\n"
        "  after   6  (file: /x/a.toml:1:1 training.nepochs)"
    )
    said = found.as_dict()
    assert json.loads(json.dumps(said)) == said
    assert [each["kind"] for each in said["changes"]] == ["source", "value"]


def test_no_difference_is_false(program: SimpleNamespace) -> None:
    """Equal resolutions have none, and 1 is not True or 1.0."""
    assert not diff(program.resolve(), program.resolve())
    assert len(diff(program.resolve(), program.resolve())) == 0


def test_secrets_differ_without_being_shown(program: SimpleNamespace) -> None:
    """A change of a secret is told, its values are not."""
    layers = [toml.parse(f'training.token = "canary{number}"\n', file="/x/a.toml") for number in range(2)]
    found = diff(program.resolve(*layers[0]), program.resolve(*layers[1]))
    assert [each.kind for each in found] == ["value"]
    assert "canary" not in str(found) + repr(found) + json.dumps(found.as_dict())


@dataclass
class Node:
    """A section."""

    port: int = 80
    token: str = field(default="", metadata={"secret": True})


@dataclass
class App:
    """Holders of sections that may be empty or absent."""

    spare: Node | None = None
    nodes: list[Node] = field(default_factory=list)
    named: dict[str, Node] = field(default_factory=dict)


def test_a_change_is_told_once() -> None:
    """What one side has not is told as a whole, and not again setting by setting."""
    schema = schema_of(App)
    full = {"spare": {"port": 1}, "nodes": [{"token": "hunter2"}], "named": {"a": {}, "b": {"port": 2}}}
    some = {"named": {"a": {"port": 3}}}
    empty, first, second = (
        resolve(schema, Precedence("o"), [mapping.layer("o", values)]) for values in ({}, full, some)
    )
    for before, after in ((empty, first), (first, empty)):
        changes = diff(before, after)
        assert [change.path for change in changes] == ["spare", "nodes", "named"]
        assert "hunter" not in str(changes)
    assert {change.path: change.kind for change in diff(second, first)} == {
        "spare": "value",
        "nodes": "value",
        "named.a.port": "value",
        "named.b.port": "added",
        "named.b.token": "added",
    }
