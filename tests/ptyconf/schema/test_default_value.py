"""A default is what its type says, or a problem where it is in force; what nobody writes stands as it is."""

from __future__ import annotations

import collections
import enum
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, SchemaError, load, provenance_of
from ptyconf.freeze import freeze
from ptyconf.report import dump_toml


@dataclass
class Server:
    """A section with a default of the wrong type."""

    port: int = "http"  # type: ignore[assignment]
    token: str = field(default=5, metadata={"secret": True})  # type: ignore[assignment]


class Mode(str, enum.Enum):  # noqa: UP042  As older programs write it.
    """An enum of texts."""

    FAST = "fast"


def app(annotated: Any, default: Any) -> type:
    """Make a class of one field."""
    return make_dataclass("App", [("x", annotated, field(default_factory=lambda: default))])


@pytest.mark.parametrize(
    ("annotated", "default", "words"),
    [
        (int, "s", "'x' is \"s\"; expected a whole number"),
        (bool, 1, "'x' is 1; expected true or false"),
        (list[int], ["a"], "'x' is [\"a\"]; expected a whole number at [0]"),
        (dict[str, int], {"a": "b"}, "'x.a' is \"b\"; expected a whole number"),
        (Literal["a", 1], "1", '\'x\' is "1"; expected one of "a", 1'),
        (tuple[int, int], (1,), "'x' is [1]; expected a list of 2 whole numbers"),
        (Sequence[str], "abc", "'x' is \"abc\"; expected a list of texts"),
        (int | None, "s", "'x' is \"s\"; expected a whole number"),
    ],
)
def test_a_default_of_the_wrong_type_is_a_problem(annotated: Any, default: Any, words: str) -> None:
    """At the attribute that has it."""
    with pytest.raises(ConfigError) as caught:
        load(app(annotated, default))
    assert str(caught.value).splitlines()[0] == words
    assert "written in  default of x" in str(caught.value)


def test_a_wrong_default_that_nobody_sees_is_none() -> None:
    """As a check, the type looks at what is in force."""
    assert load(app(int, "s"), overrides={"x": 3}).x == 3


def test_wrong_defaults_of_sections_are_told_at_their_class() -> None:
    """Each with its path and attribute; a secret stays one."""
    nodes = make_dataclass("App", [("nodes", dict[str, Server], field(default_factory=dict))])
    with pytest.raises(ConfigError) as caught:
        load(nodes, overrides={"nodes": {"a": {}}})
    assert str(caught.value) == (
        "'nodes.a.port' is \"http\"; expected a whole number\n  written in  default of Server.port\n\n"
        "'nodes.a.token' is ********; expected text\n  written in  default of Server.token"
    )
    assert load(nodes).nodes == {}


@pytest.mark.parametrize(
    ("annotated", "default", "words"),
    [
        (Server, 5, "App.x (x) is ******** by default; expected a table that makes a Server"),
        (list[Server], 5, "App.x (x) is ******** by default; expected a list"),
        (dict[str, int], 5, "App.x (x) is 5 by default; expected a table of whole numbers"),
    ],
)
def test_a_default_of_another_shape_makes_no_schema(annotated: Any, default: Any, words: str) -> None:
    """Nothing below it could be told."""
    with pytest.raises(SchemaError) as caught:
        load(app(annotated, default))
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("annotated", "default", "value"),
    [
        (int, None, None),
        (list[int], None, None),
        (float, 1, 1.0),
        (Path, "a", Path("a")),
        (Mode, "fast", Mode.FAST),
        (str, Mode.FAST, "fast"),
        (float, float("inf"), float("inf")),
        (list[float], [float("inf")], [float("inf")]),
        (Sequence[int], range(3), range(3)),
        (Any, ..., ...),
    ],
)
def test_loose_defaults_are_right(annotated: Any, default: Any, value: Any) -> None:
    """None for "not set", and whatever the type reads."""
    assert load(app(annotated, default)).x == value


def test_code_of_the_class_may_mend_a_default() -> None:
    """A converter or what follows the constructor; what they leave is judged."""

    @attrs.define
    class Converted:
        port: int = attrs.field(default="5", converter=int)

    @dataclass
    class Counted:
        workers: int = "auto"  # type: ignore[assignment]
        port: int = "http"  # type: ignore[assignment]

        def __post_init__(self) -> None:
            self.workers = 4 if self.workers == "auto" else self.workers

    assert load(Converted).port == 5
    with pytest.raises(ConfigError) as caught:
        load(Counted)
    assert [problem.path for problem in caught.value.exceptions] == ["port"]  # type: ignore[attr-defined]
    assert load(Counted, overrides={"port": 1}).workers == 4


COLLECTIONS: list[tuple[Any, Any]] = [
    (Sequence[int], tuple),
    (Collection[int], set),
    (Iterable[int], frozenset),
    (Sequence[int] | None, collections.deque),
    (Annotated[Sequence[int], "any"], tuple),
]


@given(st.sampled_from(COLLECTIONS), st.lists(st.integers(), max_size=3), st.lists(st.integers(), max_size=3))
def test_a_collection_is_of_its_defaults_class(
    sample: tuple[Any, Any], default: list[int], written: list[int]
) -> None:
    """Untouched, set, dumped and loaded, frozen and replayed."""
    annotated, make = sample
    kind = app(annotated, make(default))
    assert load(kind) == kind()
    assert type(load(kind).x) is make
    loaded = load(kind, overrides={"x": written})
    resolution = provenance_of(loaded)
    assert loaded.x == make(written)
    assert resolution is not None
    again = freeze(resolution).replay(resolution.schema).build(kind)
    assert again.x == make(written)


@given(st.integers(1, 3), st.lists(st.integers(), max_size=4))
def test_a_deque_keeps_its_greatest_length(longest: int, written: list[int]) -> None:
    """A list of that length at most is read; a longer one is refused, and not cut."""
    kind = app(collections.deque[int], collections.deque([1], longest))
    if len(written) > longest:
        with pytest.raises(ConfigError, match=f"of length at most {longest}"):
            load(kind, overrides={"x": written})
    else:
        assert load(kind, overrides={"x": written}).x == collections.deque(written)
        assert load(kind, overrides={"x": written}).x.maxlen == longest


def test_a_collection_of_a_class_of_its_own_stands(jail: Any) -> None:
    """As long as nobody writes into it: a defaultdict counts on."""
    kind = app(dict[str, int], collections.defaultdict(int, {"a": 1}))
    counts = load(kind).x
    assert counts["b"] == 0
    assert isinstance(load(app(Mapping[str, int], collections.OrderedDict(a=1))).x, collections.OrderedDict)
    file = jail("a.toml", dump_toml(provenance_of(load(kind))))  # type: ignore[arg-type]
    assert load(kind, file).x == {"a": 1}
