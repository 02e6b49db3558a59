"""A variable that makes a new key beside one that it cannot spell is told, with a hint that works."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Layer, Precedence, resolve, schema_of
from ptyconf.sources import environment, mapping


@dataclass
class Node:
    """A server."""

    port: int = 1
    token: str = field(default="", metadata={"secret": True})


@dataclass
class App:
    """Every kind of table."""

    nodes: dict[str, Node] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    free: dict[str, Any] = field(default_factory=dict)


PRECEDENCE = Precedence("environment", "file")


def build(file: dict[str, Any], **variables: str) -> App:
    """Lay variables on what a file has."""
    layers: list[Layer] = [environment.layer("APP", variables), mapping.layer("file", file)]
    return resolve(schema_of(App), PRECEDENCE, layers).build(App)


KEYS = st.from_regex(r"[a-zA-Z][a-zA-Z0-9]{0,3}([-_. ][a-zA-Z0-9]{1,3})?", fullmatch=True)


@given(key=KEYS)
def test_a_key_is_reached_or_told(key: str) -> None:
    """A variable either sets the file's own key or is refused; the variable of the hint sets that key."""
    plain = "".join(sign if sign.isalnum() else "_" for sign in key).upper()
    file = {"limits": {key: 1}}
    if key == plain.lower():
        assert build(file, **{f"APP__LIMITS__{plain}": "7"}).limits == {key: 7}
        return
    with pytest.raises(ConfigError, match="would be a new key of 'limits', beside") as caught:
        build(file, **{f"APP__LIMITS__{plain}": "7"})
    [problem] = caught.value.exceptions
    (word,) = shlex.split(problem.hint)
    name, _, text = word.partition("=")
    assert build(file, **{name: text}).limits == {key: 7}


def test_the_whole_text_is_asserted() -> None:
    """Of a section in a table; secrets stay hidden."""
    with pytest.raises(ConfigError) as caught:
        build({"nodes": {"eu-west": {}}}, APP__NODES__EU_WEST__PORT="7")
    assert str(caught.value) == (
        "'eu_west' would be a new key of 'nodes', beside \"eu-west\"\n"
        "  written in  environment APP__NODES__EU_WEST__PORT\n"
        "  known here  eu-west\n"
        "  try         APP__NODES='{eu-west = {port = 7}}'"
    )
    with pytest.raises(ConfigError) as caught:
        build({"nodes": {"EU": {}}}, APP__NODES__EU__TOKEN="hunter2")
    assert "hunter2" not in str(caught.value)


def test_new_keys_and_known_ones_pass() -> None:
    """A key that nothing resembles is new; one that a lower layer has too is that."""
    assert build({"limits": {"us": 1}}, APP__LIMITS__EU="7").limits == {"us": 1, "eu": 7}
    assert build({"limits": {"EU": 1, "eu": 2}}, APP__LIMITS__EU="7").limits == {"EU": 1, "eu": 7}
    assert build({"limits": {"EU": 1}}, APP__LIMITS="{eu = 7}").limits == {"EU": 1, "eu": 7}


def test_tables_of_any_values_too() -> None:
    """At every depth."""
    with pytest.raises(ConfigError, match=r"^'maxsize' would be a new key of 'free[.]pool', beside"):
        build({"free": {"pool": {"MaxSize": 1}}}, APP__FREE__POOL__MAXSIZE="7")
    assert build({"free": {"pool": {"MaxSize": 1}}}, APP__FREE__POOL__MaxSize="7").free == {
        "pool": {"MaxSize": 7}
    }
