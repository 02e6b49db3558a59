"""Variables and flags reach what is below a setting: keys, optional sections, elements."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ptyconf import ConfigError, Layer, Precedence, Resolution, Schema, View, resolve
from ptyconf.sources import environment, flags
from tests.ptyconf.merge.test_sections import Ep


@dataclass
class App:
    """Every way to hold a server."""

    maybe: Ep | None = None
    by: dict[str, Ep] = field(default_factory=dict)
    items: list[Ep] = field(default_factory=list)


SCHEMA = Schema("app", [View(App, "c")])
PRECEDENCE = Precedence("flags", "environment")


def read(**variables: str) -> Resolution:
    """Resolve variables."""
    return resolve(SCHEMA, PRECEDENCE, [environment.layer("APP", variables)])


def test_variables_reach_everything() -> None:
    """A key in lower case, an index from 0, each with its own name as its place."""
    resolution = read(
        APP__C__BY__EU__PORT="5",
        APP__C__MAYBE__HOST="q",
        APP__C__ITEMS__0__PORT="1",
        APP__C__ITEMS__1__PORT="2",
    )
    assert resolution.build(App) == App(Ep("q"), {"eu": Ep(port=5)}, [Ep(port=1), Ep(port=2)])
    for path in ("c.by.eu.port", "c.items[1].port"):
        name = path.upper().replace(".", "__").replace("[", "__").replace("]", "")
        assert resolution.trace(path).winner.origin.key == f"APP__{name}"


def test_a_key_of_mixed_case_stays_as_it_is() -> None:
    """Capitals alone are how variables are written; another key of a table is the user's own."""
    resolution = read(APP__C__BY__EuWest__PORT="5", APP__C__BY__US__PORT="6", APP__C__BY__asia__PORT="7")
    assert resolution.build(App).by == {"EuWest": Ep(port=5), "us": Ep(port=6), "asia": Ep(port=7)}
    assert resolution.trace("c.by.EuWest.port").winner.origin.key == "APP__C__BY__EuWest__PORT"


def test_a_whole_value_may_be_toml_or_json() -> None:
    """Of tables and lists alike."""
    resolution = read(APP__C__BY="{EU = {port = 5}}", APP__C__ITEMS='[{"port": 3}]')
    assert resolution.build(App) == App(by={"EU": Ep(port=5)}, items=[Ep(port=3)])
    given = resolve(SCHEMA, PRECEDENCE, [flags.given({"c.by.eu.port": "5", "c.maybe": "none"})])
    assert given.trace("c.by.eu.port").winner.origin.key == "--c.by.eu.port"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("APP__C__BY__EU__PORT", "x", "try         APP__C__BY__EU__PORT=1"),
        ("APP__C__BY__EU__PROT", "5", "try         APP__C__BY__EU__PORT=5"),
        ("APP__C__ITEMS__1__PORT", "5", "the elements of 'c.items' have no number 0"),
    ],
)
def test_hints_are_variables(name: str, text: str, said: str) -> None:
    """Of the place that was meant."""
    with pytest.raises(ConfigError) as caught:
        read(**{name: text})
    assert said in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "places"),
    [
        (
            environment.layer("APP", {"APP__C__MAYBE": "none", "APP__C__MAYBE__PORT": "3"}),
            "APP__C__MAYBE{}__PORT",
        ),
        (flags.given({"c.maybe.port": "3", "c.maybe": "none"}), "--c.maybe{}.port"),
        (flags.given({"c.maybe": "none", "c.maybe.port": "3"}), "--c.maybe{}.port"),
    ],
)
def test_whole_and_in_parts_have_their_own_places(layer: Layer, places: str) -> None:
    """Where they contradict each other, in either order."""
    with pytest.raises(ConfigError, match=r"'c[.]maybe' is written twice with different values") as caught:
        resolve(SCHEMA, PRECEDENCE, [layer])
    whole, part = places.partition("{}")[0], places.format("")
    assert f"none as {whole} " in f"{caught.value.exceptions[0]} ".replace("\n", " ")
    assert f"{{port = 3}} as {part} " in f"{caught.value.exceptions[0]} ".replace("\n", " ")


def test_a_separator_needs_no_schema_for_the_layer() -> None:
    """What the setting declares counts where the layer is read, however often."""

    @dataclass
    class Tags:
        tags: list[str] = field(default_factory=list, metadata={"text": ","})

    Tags.__annotations__["tags"] = list[str]
    schema = Schema("s", [View(Tags, "")])
    for layer in (environment.layer("A", {"A__TAGS": "a,b"}), flags.given({"tags": "a,b"})) * 3:
        assert resolve(schema, PRECEDENCE, [layer]).build(Tags).tags == ["a", "b"]
