"""What stands in a table of any values has a story of its own, with its own place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import Precedence, load, provenance_of, resolve, schema_of
from ptyconf.merge.same import same
from ptyconf.report import story
from ptyconf.schema.path import join_path
from ptyconf.sources import mapping
from tests.ptyconf.merge.test_free_tables import TABLES, App, ends

PLACES = st.sampled_from([("extra",), ("bare",), ("plugin", "options"), ("plugins", "a", "options")])


@given(PLACES, TABLES, TABLES)
def test_every_end_says_who_gave_it(place: tuple[str, ...], high: Any, low: Any) -> None:
    """The highest layer that has it; the others lost."""
    layers = []
    for name, table in (("high", high), ("low", low)):
        whole: Any = table
        for key in reversed(place):
            whole = {key: whole}
        layers.append(mapping.layer(name, whole))
    resolution = resolve(schema_of(App), Precedence("high", "low"), layers)
    merged = resolution.value(place)
    for below, value in ends(merged):
        path = join_path((*place, *below))
        trace = resolution.trace(path)
        assert path in resolution
        assert same(resolution[path], value)
        assert same(trace.value, value)
        assert same(trace.winner.value, value)
        givers = [
            name
            for name, table in (("high", high), ("low", low))
            if dict(ends(table)).get(below, ...) is not ...
        ]
        assert not givers or trace.winner.layer == givers[0]
    for element in resolution.trace(place).elements:
        path = f"{join_path(place)}.{element.key}"
        assert same(resolution[path], element.value)
        assert resolution.trace(path).winner.origin == element.origin


def test_an_element_stands_at_its_own_key(jail: Callable[..., Path]) -> None:
    """Not at the header of the table around it; an element of a list at its own column."""
    jail("a.toml", '[extra]\nx = 1\n[extra.A]\nb = 2\n  c = {e = 5}\n"d e" = [3]\n')
    resolution = provenance_of(load(App, "a.toml"))
    assert resolution is not None
    assert story(resolution, "extra.A") == (
        'extra.A = {b = 2, c = {e = 5}, "d e" = [3]}\n'
        '  set by      file  {b = 2, c = {e = 5}, "d e" = [3]}  a.toml:3:2 extra.A\n'
        "  element     b: 2  file: a.toml:4:1 extra.A.b\n"
        "  element     c.e: 5  file: a.toml:5:8 extra.A.c.e\n"
        '  element     "d e": [3]  file: a.toml:6:1 extra.A."d e"'
    )
    assert resolution.trace('extra.A."d e"[0]').value == 3
    assert str(resolution.trace("extra.A.c.e").winner.origin) == "a.toml:5:8 extra.A.c.e"


@pytest.mark.parametrize("path", ["extra.nothing", "extra.kept.below", "bare[0]", "anything.x"])
def test_what_nobody_wrote_has_no_story(path: str) -> None:
    """The path is told whole."""
    resolution = provenance_of(load(App))
    assert resolution is not None
    assert path not in resolution
    with pytest.raises(KeyError, match="there is no value at"):
        resolution.trace(path)
