"""NamedTuple and TypedDict are sections: merged by key, each key with its own place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, NotRequired, TypedDict

import pytest

from ptyconf import ConfigError, Precedence, Resolution, Schema, SchemaError, View, resolve
from ptyconf.freeze import freeze
from ptyconf.report import dump_toml
from ptyconf.sources import environment, instance, mapping, toml


class Point(NamedTuple):
    """A table, or a list in order."""

    x: int
    y: int = 2


class Movie(TypedDict):
    """A table; ``year`` may be left out, which annotations that are text hide from the class."""

    title: str
    year: NotRequired[int]


class Loose(TypedDict, total=False):
    """A table of which every key may be left out."""

    a: int


@dataclass
class App:
    """Records in every place."""

    point: Point = field(default_factory=lambda: Point(5))
    movie: Movie = field(default_factory=lambda: Movie(title="t"))
    loose: Loose = field(default_factory=Loose)
    optional: Point | None = None
    by: dict[str, Point] = field(default_factory=dict)
    movies: list[Movie] = field(default_factory=list)


SCHEMA = Schema("app", [View(App, "")])
PRECEDENCE = Precedence("overrides", "environment", "profile", "file")


def resolved(text: str, profile: str | None = None) -> Resolution:
    """Resolve one file."""
    return resolve(SCHEMA, PRECEDENCE, toml.parse(text, file="/r.toml", profile=profile))


def test_layers_merge_them_key_by_key() -> None:
    """Each key is a setting with its own winner."""
    resolution = resolved("point.y = 9\nmovie.year = 1\n[profile.p]\npoint.x = 7\nby.k.x = 4", "p")
    app = resolution.build(App)
    assert app == App(Point(7, 9), {"title": "t", "year": 1}, {}, None, {"k": Point(4, 2)})
    assert isinstance(app.point, Point)
    assert resolution.trace("point.x").winner.layer == "profile"
    assert resolution.trace("movie.title").winner.origin.key == "default of App.movie"


def test_a_list_gives_a_named_tuple_in_order() -> None:
    """In a file, in a table, and as an instance."""
    resolution = resolved("point = [3, 4]\nby.k = [1]\noptional = [8, 9]")
    assert resolution.build(App).point == Point(3, 4)
    assert resolution["by.k"] == Point(1, 2)
    layer = mapping.layer("overrides", {"point": Point(8), "movie": {"title": "z"}})
    assert resolve(SCHEMA, PRECEDENCE, [layer]).build(App).point == Point(8, 2)


def test_a_variable_or_flag_reaches_a_key_or_the_whole() -> None:
    """TOML and JSON for the whole, plain text for a key."""
    texts = {"A__POINT": "{x = 1}", "A__MOVIE": '{"title": "q"}', "A__LOOSE__A": "3"}
    app = resolve(SCHEMA, PRECEDENCE, [environment.layer("A", texts, schema=SCHEMA)]).build(App)
    assert (app.point, app.movie, app.loose) == (Point(1, 2), {"title": "q"}, {"a": 3})


def test_an_object_layer_takes_their_keys() -> None:
    """Also only those that differ from the default."""
    view = SCHEMA.view(App)
    layer = instance.layer("overrides", App(Point(5, 6)), view, fields="changed")
    assert layer.values == {"point": {"y": 6}}
    whole = instance.layer("overrides", App(Point(5, 6)), view, fields="all")
    assert resolve(SCHEMA, PRECEDENCE, [whole]).build(App).point == Point(5, 6)


def test_they_travel_through_files() -> None:
    """A dump loads back, a frozen file replays."""
    resolution = resolved("loose.a = 1\nby.k = [1]\nmovies = [{title = 'a'}]\noptional.x = 3")
    again = resolve(SCHEMA, PRECEDENCE, toml.parse(dump_toml(resolution)))
    assert again.build(App) == resolution.build(App)
    assert freeze(resolution).replay(SCHEMA).build(App) == resolution.build(App)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "point = [1, 2, 3]",
            "'point' is [1, 2, 3]; expected a table of settings\n  written in  /r.toml:1:1",
        ),
        ("point.z = 1", "unknown setting 'point.z'\n  written in  /r.toml:1:1\n  known here  x, y"),
        ("[movie]\nyear = 'a'", "'movie.year' is \"a\"; expected a whole number\n  written in  /r.toml:2:1"),
        ("[[movies]]\nyear = 1", "'movies[0].title' has no value, and Movie needs one"),
    ],
)
def test_what_is_wrong_names_the_key(text: str, said: str) -> None:
    """With its own line."""
    with pytest.raises(ConfigError) as caught:
        resolved(text).build(App)
    assert said in str(caught.value)


def test_a_record_is_no_view() -> None:
    """Nothing could remember where it came from."""
    with pytest.raises(SchemaError, match="Point is neither a dataclass nor an attrs class"):
        View(Point, "p")
