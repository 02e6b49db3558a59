"""Small inputs that are easily answered wrongly without a word."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import pytest

from ptyconf import ConfigError, Resolution, Schema, SchemaError, Setting, View, diff, resolve
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.report import dump_toml
from ptyconf.sources import flags, instance, mapping, toml
from tests.ptyconf.cases.prelude import Ep, P, S, of

T = TypeVar("T")
ORIGIN = Origin("mapping", "m", "m")


# Layers of one rank


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_one_rank_is_refused_in_every_order(order: tuple[int, ...]) -> None:
    """Both places are named, whichever layer comes between them."""
    layers = [
        mapping.layer("overrides", {"a": {"port": 1}}),
        mapping.layer("overrides", {"a": {"host": "x"}}),
        mapping.layer("overrides", {"a": {"port": 2}}),
    ]
    with pytest.raises(ConfigError) as caught:
        resolve(S(), P, [layers[index] for index in order])
    lines = [layer.origins(("a", "port")).where for layer in (layers[0], layers[2])]
    assert all(line in str(caught.value) for line in lines)


@pytest.mark.parametrize("turned", [False, True])
def test_lists_of_one_rank_are_refused(turned: bool) -> None:
    """Which is first would be the order of the call; equal ones count once."""

    @dataclass
    class Tagged:
        tags: list[str] = field(default_factory=list, metadata={"merge": "append"})

    def layers(*texts: str) -> list[Layer]:
        made = [mapping.layer("overrides", {"c": {"tags": [text]}}) for text in texts]
        return made[::-1] if turned else made

    with pytest.raises(ConfigError, match="must agree"):
        resolve(of(Tagged), P, layers("x", "y"))
    assert resolve(of(Tagged), P, layers("x", "x")).build(Tagged).tags == ["x"]


# Default instances


@dataclass
class Service:
    """A default instance that differs from its class's defaults, and one that may be absent."""

    db: Ep = field(default_factory=lambda: Ep("prod", 99))
    spare: Ep | None = None


def test_a_default_instance_with_a_view_stands() -> None:
    """An explicit view of its class takes nothing away."""
    inner = View(Ep, "db")
    schema = Schema("s", [View(Service, "c", {"db": inner})])
    assert resolve(schema, P, []).build(Service) == Service(Ep("prod", 99), None)
    spare = View(Ep, "spare")
    optional = Schema("s", [View(Service, "c", {"db": inner, "spare": spare})])
    assert resolve(optional, P, []).build(Service).spare is None


@dataclass
class Nested:
    """The same without a view: a section, an optional one, a table of them."""

    ep: Ep = field(default_factory=Ep)
    maybe: Ep | None = None
    table: dict[str, Ep] = field(default_factory=dict)


@dataclass
class Needy:
    """A class with a field that some layer has to give."""

    name: str
    port: int = 1


@dataclass
class Holder:
    """A needy one inside, always there and in a table."""

    one: Needy
    table: dict[str, Needy] = field(default_factory=dict)
    maybe: Needy | None = None


@pytest.mark.parametrize("path", ["ep", "maybe", "table.x"])
def test_nested_classes_merge_key_by_key(path: str) -> None:
    """The file's port stays where a profile writes the host."""
    text = f'[c.{path}]\nport = 5\n[profile.test.c.{path}]\nhost = "zz"'
    resolution = resolve(of(Nested), P, toml.parse(text, profile="test"))
    assert resolution.value(f"c.{path}") == Ep("zz", 5)
    assert resolution.trace(f"c.{path}.port").winner.layer == "file"


@pytest.mark.parametrize("path", ["one", "table.x", "maybe"])
def test_another_layer_may_give_what_is_required(path: str) -> None:
    """A layer by itself need not be whole."""
    one = "" if path == "one" else '[c.one]\nname = "n"\n'
    text = f'{one}[c.{path}]\nport = 5\n[profile.test.c.{path}]\nname = "zz"'
    built = resolve(of(Holder), P, toml.parse(text, profile="test")).build(Holder)
    assert {"one": built.one, "table.x": built.table.get("x"), "maybe": built.maybe}[path] == Needy("zz", 5)


@dataclass
class Db:
    """The inner class."""

    url: str = "sqlite://"
    pool: int = 1


@dataclass
class App:
    """The outer class."""

    db: Db = field(default_factory=Db)
    workers: int = 1


def test_an_object_layer_takes_nested_values() -> None:
    """All fields, at every depth; what differs from the default where only that is asked for."""
    view = View(App, "c")
    schema = Schema("s", [view])
    given = App(Db("postgres://", 9), 3)
    assert resolve(schema, P, [instance.layer("overrides", given, view, fields="all")]).build(App) == given
    changed = instance.layer("overrides", App(Db(pool=9)), view, fields="changed")
    low = toml.parse('c.db.url = "file://"\nc.workers = 4')
    assert resolve(schema, P, [changed, *low]).build(App) == App(Db("file://", 9), 4)


# Paths of a file


@dataclass
class Tls:
    """A path inside a class."""

    cert: Path = Path("none")


@dataclass
class Secured:
    """Paths in a class, in a list, in a table, in an option."""

    t: Tls = field(default_factory=Tls)
    many: list[Tls] = field(default_factory=list)
    by: dict[str, Tls] = field(default_factory=dict)
    maybe: Tls | None = None
    files: dict[str, Path] = field(default_factory=dict)


def test_a_nested_path_stands_at_its_file(jail: Any) -> None:
    """As at top level; absolute ones stay; a dump writes back what it anchored."""
    text = """c.t = {cert = "a"}
c.many = [{cert = "b"}, {cert = "/abs"}]
c.by.x.cert = "../d"
c.maybe = {cert = "e"}
c.files = {k = "f"}
"""
    folder = jail()
    jail("sub/r.toml", text)
    built = resolve(of(Secured), P, toml.load("sub/r.toml")).build(Secured)
    sub = folder / "sub"
    assert built.t.cert == sub / "a"
    assert [item.cert for item in built.many] == [sub / "b", Path("/abs")]
    assert (built.by["x"].cert, built.maybe.cert, built.files["k"]) == (folder / "d", sub / "e", sub / "f")
    dump = dump_toml(resolve(of(Secured), P, toml.load("sub/r.toml")), folder="sub")
    assert 'cert = "a"' in dump
    assert 'many = [{cert = "b"}, {cert = "/abs"}]' in dump
    (sub / "again.toml").write_text(dump)
    again = resolve(of(Secured), P, toml.load("sub/again.toml")).build(Secured)
    assert again.by == built.by
    assert (again.t, again.many, again.maybe, again.files) == (built.t, built.many, built.maybe, built.files)


# Containers


@pytest.mark.parametrize("kind", [set, frozenset, tuple, list, deque])
def test_a_union_keeps_its_type(kind: Any) -> None:
    """A merged set is a set."""
    inner = tuple[int, ...] if kind is tuple else kind[int]
    joined = Schema("s", (), [Setting("a.x", type=inner, merge="union", default=kind([1]))])
    value = resolve(joined, P, [mapping.layer("overrides", {"a": {"x": [2, 1]}})]).value("a.x")
    assert type(value) is kind
    assert value == kind([1, 2])


class Plain(Generic[T]):
    """A generic class that is neither a dataclass nor of attrs."""


@pytest.mark.parametrize(
    ("kind", "good", "read", "bad"),
    [
        (Final[int], 1, 1, "x"),
        (Iterable[int], [1], [1], ["x"]),
        (deque[int], [1], deque([1]), ["x"]),
        (OrderedDict[str, int], {"a": 1}, OrderedDict(a=1), {"a": "x"}),
        (os.PathLike[str], "a", Path("a").absolute(), 1),
        (list[Final[int]], [1], [1], [True]),
        (dict[str, deque[int]], {"a": [1]}, {"a": deque([1])}, {"a": [1.5]}),
    ],
)
def test_typed_containers_are_checked(kind: Any, good: Any, read: Any, bad: Any) -> None:
    """What is no value of the type is refused, at every depth."""
    schema = Schema("s", (), [Setting("a.x", type=kind)])
    value = resolve(schema, P, toml.parse(f"a.x = {_text(good)}")).value("a.x")
    assert (value, type(value)) == (read, type(read))
    with pytest.raises(ConfigError):
        resolve(schema, P, toml.parse(f"a.x = {_text(bad)}"))


def _text(value: Any) -> str:
    from ptyconf.report.toml import literal

    return literal(value)


@pytest.mark.parametrize("kind", [Plain[int], T, Plain, list[T], dict[str, Plain[int]], type], ids=str)
def test_a_type_that_nobody_reads_is_refused(kind: Any) -> None:
    """When the schema is made, with the setting's name."""
    with pytest.raises(SchemaError, match=r"a\.x"):
        Schema("s", (), [Setting("a.x", type=kind)])


@dataclass
class Shared:
    """Mutable values inside immutable ones."""

    t: tuple[list[int], ...] = ([1],)
    d: dict[str, list[int]] = field(default_factory=lambda: {"k": [1]})
    n: list[Db] = field(default_factory=lambda: [Db()])


def test_what_is_handed_out_is_nobody_elses() -> None:
    """Changing an instance or a value changes no resolution and no later one."""
    resolution = resolve(of(Shared), P, [])
    for _ in range(2):
        built = resolution.build(Shared)
        assert built == Shared(([1],), {"k": [1]}, [Db()])
        built.t[0].append(99)
        built.d["k"].append(99)
        built.n[0].pool = 99
        resolution.value("c.t")[0].append(99)
        resolution.trace("c.d.k").value.append(99)
    assert resolve(of(Shared), P, []).build(Shared) == Shared()


# Flags


@pytest.mark.parametrize(
    "line", [["--a.host", "Z", "run", "--a.port", "2"], ["run", "--a.port", "2", "--a.host", "Z"]]
)
def test_flags_on_both_sides_of_a_subcommand_count(line: list[str]) -> None:
    """A parent's flag is not lost for the child's."""
    parser = ArgumentParser()
    inner = parser.add_subparsers().add_parser("run")
    flags.add_flags(parser, S())
    flags.add_flags(inner, S())
    layer = flags.layer(parser.parse_args(line))
    assert resolve(S(), P, [layer]).build(Ep) == Ep("Z", 2)


def test_parent_and_child_with_own_flags_count() -> None:
    """The parser above has only one of the flags, the one below the other."""
    parser = ArgumentParser()
    inner = parser.add_subparsers().add_parser("run")
    flags.add_flags(parser, S(), paths=["a.host"])
    flags.add_flags(inner, S(), paths=["a.port"])
    layer = flags.layer(parser.parse_args(["--a.host", "Z", "run", "--a.port", "2"]))
    assert resolve(S(), P, [layer]).build(Ep) == Ep("Z", 2)


# Variables


@pytest.mark.parametrize(
    ("one", "two"),
    [("a.x", "a.X"), ("a.b__c", "a.b.c"), ("a.x-y", "a.x_y")],
)
def test_two_settings_share_no_variable(one: str, two: str) -> None:
    """The later one would take it."""
    with pytest.raises(SchemaError, match="would share the variable"):
        Schema("s", (), [Setting(one, type=int), Setting(two, type=int)])


# Differences


def test_a_nan_does_not_differ_from_itself() -> None:
    """But [1] does from [true], and 1 from true where both are allowed."""
    schema = Schema("s", (), [Setting("a.x", type=Any), Setting("a.y", type=float, nonfinite=True)])

    def of_value(value: Any) -> Resolution:
        layer = mapping.layer("overrides", {"a": {"x": value, "y": float("nan")}}, origin=lambda _: ORIGIN)
        return resolve(schema, P, [layer])

    assert not diff(of_value([float("nan")]), of_value([float("nan")]))
    assert [change.path for change in diff(of_value([1]), of_value([True]))] == ["a.x"]
    assert [change.path for change in diff(of_value({"k": 1}), of_value({"k": 1.0}))] == ["a.x"]


def test_the_engine_runs_under_optimisation() -> None:
    """Nothing that it says rests on an assert."""
    code = "from ptyconf import *; assert False; print(resolve(Schema('s', [], []), Precedence('a'), []))"
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
