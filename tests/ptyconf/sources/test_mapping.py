"""The layer of a dict, and what aliases, bare names and unknown keys do in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import (
    ConfigError,
    Conversion,
    Origin,
    Precedence,
    Resolution,
    Schema,
    Setting,
    View,
    resolve,
)
from ptyconf.sources import mapping


def told(program: SimpleNamespace, values: dict[str, Any], **options: Any) -> str:
    """Give what is wrong with an override dict, without the line of the call."""
    with pytest.raises(ConfigError) as caught:
        program.resolve(mapping.layer("overrides", values, **options))
    return re.sub(r" \(\S+test_mapping\.py:\d+\)", "", str(caught.value))


def test_nested_dotted_and_bare_keys_mix(program: SimpleNamespace) -> None:
    """Every spelling reaches its setting, and the origin repeats the spelling and the line of the call."""
    values = {"model": {"gridsize": 3}, "training.nepochs": 7, "batch_size": 8, "training": {"nphotons": 2}}
    layer, line = mapping.layer("overrides", values), sys._getframe().f_lineno
    resolution = program.resolve(layer)
    found = {
        path: resolution.value(path) for path in ("model.gridsize", "training.nepochs", "training.batch_size")
    }
    assert found == {"model.gridsize": 3, "training.nepochs": 7, "training.batch_size": 8}
    assert type(resolution.value("training.nphotons")) is float
    keys = [resolution.trace(path).winner.origin.key for path in found]
    assert keys == [
        "overrides['model']['gridsize']",
        "overrides['training.nepochs']",
        "overrides['batch_size']",
    ]
    origin = resolution.trace("model.gridsize").winner.origin
    assert (origin.file, origin.line) == (__file__, line)


def test_origin_may_come_from_elsewhere(program: SimpleNamespace) -> None:
    """A dict that carries what another file said names that file."""
    layer = mapping.layer(
        "overrides",
        {"training.nphotons": 5.0},
        origin=lambda key: Origin("npz", "scan", f"{key} of metadata"),
    )
    assert (
        str(program.resolve(layer).trace("training.nphotons").winner.origin)
        == "training.nphotons of metadata"
    )


def test_callers_line_may_be_further_up(program: SimpleNamespace) -> None:
    """A factory that makes the layer names its own caller."""

    def factory(values: dict[str, Any]) -> Any:
        return mapping.layer("overrides", values, stacklevel=2)

    layer, line = factory({"nepochs": 3}), sys._getframe().f_lineno
    assert program.resolve(layer).trace("training.nepochs").winner.origin.line == line


def test_old_and_new_name_with_one_value_warns(program: SimpleNamespace) -> None:
    """Equal values under two names are accepted, once, with both places."""
    layer = mapping.layer("overrides", {"training.nepochs": 5, "data.epochs": 5}, label="o")
    with pytest.warns(UserWarning, match="written twice with the same value") as caught:
        resolution = program.resolve(layer)
    place = resolution.trace("training.nepochs").winner.origin.place
    text = "'training.nepochs' is written twice with the same value: as "
    text += f"o['training.nepochs'] ({place}) and as o['data.epochs'] ({place})"
    assert [str(each.message) for each in caught] == [text]
    program.resolve(layer)


def test_old_and_new_name_with_two_values_is_refused(program: SimpleNamespace) -> None:
    """The error names both."""
    text = told(program, {"training.nepochs": 5, "data.epochs": 6}, origin=lambda key: Origin("x", "x", key))
    assert text == (
        "'training.nepochs' is written twice with different values: "
        "5 as training.nepochs and 6 as data.epochs\n"
        "  written in  data.epochs\n"
        "  overrides   DataConfig.epochs (50)\n"
        "  try         keep one of training.nepochs and data.epochs"
    )


def test_deprecated_name_warns_with_place_and_new_name(program: SimpleNamespace) -> None:
    """One DeprecationWarning per layer."""
    layer = mapping.layer("overrides", {"batch": 8}, origin=lambda key: Origin("x", "x", f"cfg {key}"))
    with pytest.warns(DeprecationWarning, match="deprecated") as caught:
        resolution = program.resolve(layer)
    assert [str(each.message) for each in caught] == [
        "cfg batch is deprecated, use training.batch_size; written in cfg batch"
    ]
    assert resolution.value("training.batch_size") == 8
    program.resolve(layer)


def test_a_warning_names_the_line_that_resolved(program: SimpleNamespace) -> None:
    """Python shows a deprecation only to the code that is to blame, however deep it resolves."""
    old = {"training": {"batch": 8}}

    def resolve_within(stacklevel: int) -> Any:
        layers = [mapping.layer("overrides", old)]
        return resolve(program.schema, program.precedence, layers, stacklevel=stacklevel)

    def line_told(call: Callable[[], object]) -> int:
        with pytest.warns(DeprecationWarning, match="deprecated") as caught:
            call()
        assert caught[0].filename == __file__
        return caught[0].lineno

    here = sys._getframe().f_lineno
    assert line_told(lambda: resolve_within(1)) == resolve_within.__code__.co_firstlineno + 2
    assert line_told(lambda: resolve_within(2)) == here + 2
    resolution = program.resolve()
    assert line_told(lambda: resolution.with_layer(mapping.layer("flags", old))) == here + 4


def test_unknown_key_gets_close_matches_across_sections(program: SimpleNamespace) -> None:
    """In its own section first, then anywhere, aliases included."""
    assert told(program, {"model": {"n_filtres_scale": 2}}) == (
        "unknown setting 'model.n_filtres_scale'\n"
        "  written in  overrides['model']['n_filtres_scale']\n"
        "  known here  gridsize, n_filters_scale, activation\n"
        "  try         n_filters_scale = 2"
    )
    assert told(program, {"model.nepochs": 2}) == (
        "unknown setting 'model.nepochs'\n"
        "  written in  overrides['model.nepochs']\n"
        "  known here  gridsize, n_filters_scale, activation\n"
        "  try         training.nepochs = 2"
    )
    assert told(program, {"grid_siz": (2, 2)}).endswith("  try         data.grid_size = [2, 2]")


def test_numbers_in_quotes_are_told_to_lose_them(program: SimpleNamespace) -> None:
    """Where the text holds the number that was meant, and only there."""
    for name, text, hint in (
        ("nepochs", "12", "nepochs = 12"),
        ("nphotons", "1e5", "nphotons = 100000.0"),
        ("nepochs", "ten", "nepochs = 50"),
        ("nepochs", "1" * 5000, "nepochs = 50"),
    ):
        with pytest.raises(ConfigError) as caught:
            program.resolve(overrides={name: text})
        assert caught.value.exceptions[0].hint == hint


def test_bare_name_of_two_settings_is_refused() -> None:
    """Unless the order of sections says which is meant."""

    @dataclass
    class Side:
        seed: int = 1

    views = [View(Side, "left"), View(Side, "right")]

    def found(schema: Schema, **options: Any) -> Resolution:
        return resolve(schema, Precedence("overrides"), [mapping.layer("overrides", {"seed": 2}, **options)])

    with pytest.raises(ConfigError) as caught:
        found(Schema("two", views), origin=lambda key: Origin("x", "", key))
    assert str(caught.value) == (
        "'seed' may mean left.seed or right.seed\n  written in  seed\n  try         write left.seed"
    )
    assert dict(found(Schema("two", views, sections=("right",)))) == {"left.seed": 1, "right.seed": 2}
    assert dict(found(Schema("two", views), sections=("left",))) == {"left.seed": 2, "right.seed": 1}


def test_section_must_be_a_table(program: SimpleNamespace) -> None:
    """A value where settings are expected is told as such."""
    assert told(program, {"model": 3}) == (
        "'model' is 3; expected a table of settings\n"
        "  written in  overrides['model']\n"
        "  known here  gridsize, n_filters_scale, activation"
    )


def test_failing_conversion_says_its_own_text(program: SimpleNamespace) -> None:
    """The first line is the conversion's."""
    assert told(program, {"grid_size": (2, 3)}) == (
        "Non-square grids are not supported, got (2, 3)\n"
        "  written in  overrides['grid_size']\n"
        "  overrides   DataConfig.grid_size (2)"
    )


def test_secret_is_masked_where_it_is_wrong(program: SimpleNamespace) -> None:
    """Wrong values, unknown keys near a secret, and values written twice show none of it."""
    for values in ({"token": 12345678}, {"tokne": "12345678"}, {"training": {"tokens": "12345678"}}):
        text = told(program, values)
        assert "12345678" not in text
        assert "********" in text


def test_secret_is_masked_in_what_a_check_says(program: SimpleNamespace) -> None:
    """A check or a conversion that repeats the value does not give it away."""

    def refuse(value: str) -> Any:
        if value:
            raise ValueError(f"bad token {value}")
        return value

    settings = [Setting("training.token", check=lambda value: f"weak token {value}" if value else None)]
    with pytest.raises(ConfigError) as caught:
        program.resolve(schema=program.make_schema(settings=settings), overrides={"token": "canary"})
    assert str(caught.value).splitlines()[0] == "weak token ********"
    settings = [Setting("training.token", conversion=Conversion("x", refuse, lambda value: value))]
    with pytest.raises(ConfigError) as caught:
        program.resolve(schema=program.make_schema(settings=settings), overrides={"token": "canary"})
    assert str(caught.value).splitlines()[0] == "bad token ********"


def test_setting_may_accept_other_spellings(program: SimpleNamespace) -> None:
    """A conversion of the setting itself translates every spelling, from every kind of source."""
    spelled = Conversion("silu -> swish", lambda v: "swish" if v == "silu" else v, lambda v: v)
    schema = program.make_schema(settings=[Setting("model.activation", conversion=spelled)])
    resolution = program.resolve(schema=schema, overrides={"activation": "silu"})
    winner = resolution.trace("model.activation").winner
    assert (winner.value, winner.conversion) == ("swish", "silu -> swish")
    assert program.resolve(schema=schema).trace("model.activation").winner.conversion == ""


def test_layer_tells_what_it_writes(program: SimpleNamespace) -> None:
    """Before anything is resolved, through aliases, and None counts as nothing."""
    layer = mapping.layer("overrides", {"epochs": 3, "data_file": None})
    assert layer.writes(program.schema, "training.nepochs")
    assert not layer.writes(program.schema, "training.data_file")
    assert not layer.writes(program.schema, "model.gridsize")


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=3) | st.none(), max_size=4))
def test_any_dict_is_read_or_refused_with_text(values: dict[str, Any]) -> None:
    """No key and no value makes anything but a ConfigError."""
    from ptyconf import Precedence, Schema, resolve

    schema = Schema("demo", (), [Setting("a.b", int, 1), Setting("a.c", str, "")])
    try:
        resolution = resolve(schema, Precedence("o"), [mapping.layer("o", values)])
    except ConfigError as error:
        refused = str(error)
        assert refused
    else:
        assert resolution.value("a.b") == values.get("a.b", values.get("b", 1))
