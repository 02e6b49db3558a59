"""What a class makes of its other values, or leaves out, is not made up beforehand."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import NotRequired, TypedDict

import attrs
import pytest

from ptyconf import Schema, View, load, provenance_of, resolve
from ptyconf.freeze import freeze
from ptyconf.load import DEFAULT
from ptyconf.report import dump_toml
from ptyconf.sources import mapping


@dataclass
class Ep:
    """A section."""

    host: str = "h"
    port: int = 1


def _made(self: Late) -> Ep:
    return Ep("made", self.size)


@attrs.define
class Late:
    """A section whose default its constructor makes."""

    size: int = 1
    ep: Ep = attrs.Factory(_made, takes_self=True)


class Keys(TypedDict):
    """A section that may be left out."""

    size: int
    ep: NotRequired[Ep]


@attrs.define
class App:
    """Both, wherever sections stand."""

    late: Late = attrs.Factory(Late)
    listed: list[Late] = attrs.Factory(list)
    keyed: dict[str, Late] = attrs.Factory(dict)
    maybe: Late | None = None
    keys: Keys = attrs.Factory(lambda: {"size": 1})
    key_list: list[Keys] = attrs.Factory(list)


def test_a_constructor_makes_what_nobody_wrote() -> None:
    """Of the values in force; a key of a TypedDict that nobody wrote is not there."""
    given = {
        "late.size": 2,
        "listed": [{"size": 3}],
        "keyed": {"a": {"size": 4}},
        "maybe.size": 5,
        "keys.size": 6,
        "key_list": [{"size": 7}],
    }
    for _ in range(3):
        app = load(App, overrides=given)
        assert [late.ep for late in (app.late, *app.listed, app.keyed["a"], app.maybe) if late] == [
            Ep("made", 2),
            Ep("made", 3),
            Ep("made", 4),
            Ep("made", 5),
        ]
        assert app.keys == {"size": 6}
        assert app.key_list == [{"size": 7}]


@pytest.mark.parametrize("place", ["late", "maybe", "keyed.a"])
def test_what_is_written_starts_from_its_own_class(place: str) -> None:
    """For what the constructor would have made is not known."""
    assert load(App, overrides={f"{place}.ep.port": 9}) is not None
    schema = Schema("s", [View(App, "")])
    resolution = resolve(schema, DEFAULT, [mapping.layer("overrides", {f"{place}.ep.port": 9})])
    assert resolution.value(f"{place}.ep") == Ep("h", 9)


def test_explicit_views_mean_the_same() -> None:
    """A View of the class inside leaves it to the constructor, too."""
    inner = View(Ep, "a.ep")
    schema = Schema("s", [View(Late, "a", {"ep": inner}), inner])
    values = [({}, Ep("made", 1)), ({"a.size": 2}, Ep("made", 2)), ({"a.ep.port": 3}, Ep("h", 3))]
    for given, expected in values:
        layer = mapping.layer("overrides", given)
        assert resolve(schema, DEFAULT, [layer]).build(Late).ep == expected


@dataclass
class Numbered:
    """A section whose factories never make the same twice."""

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    parts: list[uuid.UUID] = field(default_factory=lambda: [uuid.uuid4()])
    size: int = 1


@attrs.define
class NumberedToo:
    """The same in attrs."""

    id: uuid.UUID = attrs.Factory(uuid.uuid4)


@dataclass
class Many:
    """Such sections wherever sections stand."""

    own: Numbered = field(default_factory=Numbered)
    other: NumberedToo = field(default_factory=NumberedToo)
    keyed: dict[str, Numbered] = field(default_factory=dict)
    maybe: Numbered | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)


def test_a_factory_is_called_for_each_instance() -> None:
    """Where each call makes another value: two rows or two loads share none."""
    given = {"keyed": {"a": {}, "b": {"size": 2}}, "maybe.size": 3}
    seen: list[uuid.UUID] = []
    for _ in range(2):
        made = load(Many, overrides=given)
        assert made.maybe is not None
        rows = [made.own, *made.keyed.values(), made.maybe]
        seen += [made.id, made.other.id, *(row.id for row in rows), *(row.parts[0] for row in rows)]
    assert len(set(seen)) == len(seen) == 20
    fixed = uuid.UUID(int=1)
    assert load(Many, overrides={"own.id": str(fixed)}).own.id == fixed


@dataclass
class Marked:
    """A class with an identity of its own."""

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    name: str = "m"


@dataclass
class Marks:
    """Such classes, and such a value, at every kind of place."""

    id: uuid.UUID = field(default_factory=uuid.uuid4)
    alone: Marked = field(default_factory=Marked)
    maybe: Marked | None = None
    by: dict[str, Marked] = field(default_factory=dict)
    all: list[Marked] = field(default_factory=list)


def test_what_is_made_anew_is_in_no_file() -> None:
    """A dump and a frozen file of two loads are the same; nobody assigned it, and its value is told."""
    written = {"alone.name": "n", "maybe.name": "n", "by.a.name": "n", "all": [{"name": "n"}]}
    first, second = load(Marks, overrides=written), load(Marks, overrides=written)
    stories = provenance_of(first), provenance_of(second)
    assert stories[0] is not None
    assert stories[1] is not None
    assert dump_toml(stories[0], origins=False) == dump_toml(stories[1], origins=False)
    assert freeze(stories[0]).sha256 == freeze(stories[1]).sha256
    assert "assigned" not in dump_toml(stories[0])
    assert stories[0].value("by.a.id") == first.by["a"].id != second.by["a"].id
    assert stories[0].value("id") == first.id


@dataclass
class Part:
    """A class that needs an identity."""

    id: uuid.UUID
    size: int = 1


@dataclass
class Job:
    """One that holds such a class."""

    id: uuid.UUID
    part: Part
    name: str = "j"


@dataclass
class Strict(Part):
    """One that changes what it is given."""

    def __post_init__(self) -> None:
        self.size += 1


@dataclass
class Jobs:
    """Sections whose factories make others at each call, and one that makes the same."""

    job: Job = field(default_factory=lambda: Job(uuid.uuid4(), Part(uuid.uuid4(), 7)))
    named: Marked = field(default_factory=lambda: Marked(name="x"))
    strict: Strict = field(default_factory=lambda: Strict(uuid.uuid4(), 3))
    steady: Part = field(default_factory=lambda: Part(uuid.UUID(int=4), 8))


WRITINGS = [{}, {"job.name": "n"}, {"job.part.size": 9}, {"named.name": "n"}, {"steady.size": 1}]


@pytest.mark.parametrize("written", WRITINGS)
def test_factories_of_sections_are_asked_each_time(written: dict[str, object]) -> None:
    """What they make anew is new in each load, whatever is written beside it; the rest is as they make it."""
    one, two = load(Jobs, overrides=written), load(Jobs, overrides=written)
    for first, second in ((one.job, two.job), (one.job.part, two.job.part), (one.named, two.named)):
        assert first.id != second.id
    assert one.strict.id != two.strict.id
    assert one.strict.size == 4
    assert one.steady == two.steady
    assert one.job.part.size == written.get("job.part.size", 7)
    assert one.named.name == written.get("named.name", "x")
    resolution = provenance_of(one)
    assert resolution is not None
    assert resolution.value("job.part.id") == one.job.part.id
    assert str(one.job.id) not in dump_toml(resolution)
    assert not any(trace.winner.layer == "assigned after resolve" for trace in resolution.traces())


def test_elements_that_their_class_marks_are_new() -> None:
    """In each load, and in no dump, though the factory of the list or table has made them."""

    @dataclass
    class Lists:
        """Containers of such classes."""

        all: list[Marked] = field(default_factory=lambda: [Marked(), Marked(name="x")])
        by: dict[str, Marked] = field(default_factory=lambda: {"k": Marked(name="y")})

    one, two = load(Lists), load(Lists, overrides={"by.new.name": "n"})
    ids = [config.all[index].id for config in (one, two) for index in (0, 1)]
    ids += [one.by["k"].id, two.by["k"].id, two.by["new"].id]
    assert len(set(ids)) == len(ids)
    assert [element.name for element in one.all] == ["m", "x"]
    assert two.by["k"].name == "y"
    resolution = provenance_of(two)
    assert resolution is not None
    assert "id" not in dump_toml(resolution, origins=False).replace("overrides", "")
