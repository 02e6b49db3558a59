"""Classes that know which of their fields the caller set."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

from ptyconf import SchemaError, mark_set, set_fields, tracks_set_fields


@tracks_set_fields
@dataclasses.dataclass
class Plain:
    """A dataclass whose __post_init__ assigns."""

    a: int = 1
    b: str = "auto"

    def __post_init__(self) -> None:
        if self.b == "auto":
            self.b = "cpu"


@tracks_set_fields
@dataclasses.dataclass(frozen=True)
class Frozen:
    """A frozen dataclass."""

    a: int = 1
    b: str = "x"


@tracks_set_fields
@dataclasses.dataclass(slots=True, weakref_slot=True)
class Slotted:
    """A dataclass with slots."""

    a: int = 1
    b: str = "x"


@tracks_set_fields
@attrs.define
class Defined:
    """An attrs class with slots."""

    a: int = 1
    b: str = "x"


@tracks_set_fields
@attrs.frozen(slots=False)
class AttrsFrozen:
    """A frozen attrs class with a __dict__."""

    a: int = 1
    b: str = "x"


KINDS = [Plain, Frozen, Slotted, Defined, AttrsFrozen]
ASSIGNABLE = [Plain, Slotted, Defined]


def replace(thing: Any, **changes: Any) -> Any:
    """Replace fields the way of the class's own library."""
    return (dataclasses.replace if dataclasses.is_dataclass(thing) else attrs.evolve)(thing, **changes)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_was_passed_counts(kind: Any) -> None:
    """Positional and keyword arguments count, also when equal to the default; the rest does not."""
    assert set_fields(kind()) == set()
    assert set_fields(kind(1)) == {"a"}
    assert set_fields(kind(b="x")) == {"b"}
    assert set_fields(kind(1, b="x")) == {"a", "b"}


@pytest.mark.parametrize("kind", ASSIGNABLE)
def test_what_was_assigned_counts(kind: Any) -> None:
    """An assignment after construction counts."""
    thing = kind()
    thing.b = "y"
    assert set_fields(thing) == {"b"}


def test_post_init_does_not_count() -> None:
    """What the class itself rewrites was not set by the caller."""
    assert Plain().b == "cpu"
    assert set_fields(Plain()) == set()
    assert set_fields(Plain(b="auto")) == {"b"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]
)
def test_copies_and_pickles_keep_the_knowledge(kind: Any, duplicate: Any) -> None:
    """A copy is equal and knows the same."""
    thing = kind(b="y")
    twin = duplicate(thing)
    assert twin == thing
    assert twin is not thing
    assert set_fields(twin) == {"b"}


@pytest.mark.parametrize("kind", KINDS)
def test_replace_adds_only_the_named_fields(kind: Any) -> None:
    """Replacing keeps what was known and adds what the caller names, equal to the default or not."""
    assert set_fields(replace(kind())) == set()
    assert set_fields(replace(kind(b="y"))) == {"b"}
    assert set_fields(replace(kind(), a=1)) == {"a"}
    assert set_fields(replace(kind(b="y"), a=2)) == {"a", "b"}
    assert set_fields(kind(1)) == {"a"}


CHILD = """
import dataclasses, multiprocessing, sys
from ptyconf import set_fields, tracks_set_fields

@tracks_set_fields
@dataclasses.dataclass
class Sent:
    a: int = 1
    b: str = "x"

def ask(thing):
    return sorted(set_fields(thing))

if __name__ == "__main__":
    import sent
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(sent.ask, (sent.Sent(b="x"),)))
"""


def test_spawned_child_keeps_the_knowledge(tmp_path: Path) -> None:
    """A pickle that crosses into a new interpreter still knows what was set."""
    (tmp_path / "sent.py").write_text(CHILD)
    done = subprocess.run(
        [sys.executable, "sent.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("['b']\n", 0), done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_tracking_leaves_no_trace_in_instances(kind: Any) -> None:
    """Fields, equality and the instance's own dict are as without the mark."""
    thing = kind(2)
    assert thing == kind(2)
    if hasattr(thing, "__dict__"):
        assert set(vars(thing)) == {"a", "b"}
    names = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else attrs.fields(kind)
    assert [each.name for each in names] == ["a", "b"]


def test_subclass_is_tracked_only_when_marked() -> None:
    """An unmarked subclass has to be marked itself."""

    @dataclasses.dataclass
    class Unmarked(Plain):
        c: int = 3

    @tracks_set_fields
    @dataclasses.dataclass
    class Marked(Plain):
        c: int = 3

    with pytest.raises(TypeError, match=r"Unmarked is not marked with @tracks_set_fields$"):
        set_fields(Unmarked())
    assert set_fields(Marked(c=3)) == {"c"}
    assert set_fields(replace(Marked(c=3), a=5)) == {"a", "c"}


def test_only_classes_with_fields_can_be_marked() -> None:
    """A plain class, and one without weak references, are refused."""
    with pytest.raises(
        SchemaError, match=r"^int is neither a dataclass nor attrs; put @tracks_set_fields above$"
    ):
        tracks_set_fields(int)

    @dataclasses.dataclass(slots=True)
    class NoReference:
        a: int = 1

    with pytest.raises(
        SchemaError, match=r"NoReference has __slots__ without __weakref__; add weakref_slot=True$"
    ):
        tracks_set_fields(NoReference)


def test_marking_by_hand() -> None:
    """A program may say itself what counts as set."""
    thing = Plain(1)
    mark_set(thing, {"b"})
    assert set_fields(thing) == {"b"}
