"""The layer of command-line flags, made from the schema."""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import pytest

from ptyconf import ConfigError
from ptyconf.sources import flags


def parser_of(program: SimpleNamespace, **options: object) -> argparse.ArgumentParser:
    """Make a parser with a flag for every setting."""
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("--token", help="the parser's own")
    flags.add_flags(parser, program.schema, **options)  # type: ignore[arg-type]
    return parser


def test_only_given_flags_are_in_the_layer(program: SimpleNamespace) -> None:
    """A flag that is not given is absent, not a default; origins toml_text it as it was typed."""
    options = parser_of(program).parse_args(["--training.nepochs", "7", "--gridsize=3"])
    layer = flags.layer(options)
    assert layer.values == {"training.nepochs": "7", "model.gridsize": "3"}
    resolution = program.resolve(layer)
    assert resolution.value("training.nepochs") == 7
    assert str(resolution.trace("model.gridsize").winner.origin) == "--gridsize"
    assert str(resolution.trace("training.nepochs").winner.origin) == "--training.nepochs"
    nothing = parser_of(program).parse_args([])
    assert vars(nothing) == {"token": None}  # the parser's own
    assert flags.layer(nothing).values == {}


def test_short_forms_leave_taken_names_alone(program: SimpleNamespace) -> None:
    """The parser's own --token stays; the setting has only its full name."""
    options = parser_of(program).parse_args(["--token", "own", "--training.token", "x"])
    assert options.token == "own"
    assert flags.layer(options).values == {"training.token": "x"}
    with pytest.raises(SystemExit):
        parser_of(program, short=False).parse_args(["--nepochs", "3"])
    with pytest.raises(SystemExit):
        parser_of(program, paths=["model.gridsize"]).parse_args(["--training.nepochs", "3"])


def test_help_shows_unit_and_choices(program: SimpleNamespace) -> None:
    """What the schema knows of a setting stands in --help."""
    text = " ".join(parser_of(program).format_help().split())
    assert (
        "--model.gridsize INT, --gridsize INT Patches along a side of a group. [patches] (one of 1, 2, 3)"
        in text
    )


def test_wrong_text_names_the_flag(program: SimpleNamespace) -> None:
    """Booleans are true or false, numbers numbers; the hint is a flag again."""
    with pytest.raises(ConfigError) as caught:
        program.resolve(flags.layer(parser_of(program).parse_args(["--nepochs", "ten"])))
    assert str(caught.value) == (
        "'training.nepochs' is \"ten\"; expected a whole number\n"
        "  written in  flag --nepochs\n"
        "  overrides   DataConfig.epochs (50)\n"
        "  try         --nepochs 50"
    )


def test_hand_written_parsers_make_layers_too(program: SimpleNamespace) -> None:
    """A program may give text or typed values, with its own spelling, and its defaults as a layer below."""
    given = flags.given({"nepochs": "9"}, spelling={"nepochs": "--max_epochs"})
    assert str(program.resolve(given).trace("training.nepochs").winner.origin) == "--max_epochs"
    typed = flags.given({"training.nepochs": 9}, typed=True)
    assert program.resolve(typed).value("training.nepochs") == 9
    with pytest.raises(ConfigError, match="expected a whole number"):
        program.resolve(flags.given({"training.nepochs": "9"}, typed=True))
    standard = flags.parser_defaults({"batch_size": 32}, name="other-defaults", label="demo")
    trace = program.resolve(standard, given).trace("training.batch_size")
    assert (trace.value, str(trace.winner.origin)) == (32, "demo --batch_size")
