"""The layer of command-line flags, made from the schema."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Literal

import cattrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Precedence, Resolution, Schema, View, load, resolve, schema_of
from ptyconf.sources import environment, flags


@dataclass
class Node:
    """A section below a key."""

    host: str = "h"
    port: int = 1


@dataclass
class Service:
    """A program with switches, lists and tables."""

    host: str = "local"
    port: int = 80
    debug: bool = False
    colour: bool = True
    tags: list[str] = field(default_factory=list, metadata={"text": ","})
    ports: list[int] = field(default_factory=list, metadata={"text": ":"})
    sizes: list[float] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)


SERVICE = Schema("service", [View(Service, "")])
ORDER = Precedence("flags", "environment")


def parsed(*words: str) -> Resolution:
    """Resolve a command line that has flags of the service alone."""
    return resolve(SERVICE, ORDER, [flags.parse(words, SERVICE)[0]])


def both(*words: str) -> list[Resolution]:
    """Resolve it by a foreign parser, and by ours."""
    parser = argparse.ArgumentParser()
    flags.add_flags(parser, SERVICE)
    foreign = flags.layer(parser.parse_args(words), schema=SERVICE)
    return [resolve(SERVICE, ORDER, [foreign]), parsed(*words)]


@pytest.mark.parametrize(
    ("words", "debug", "colour"),
    [
        (["--debug"], True, True),
        (["--no-debug", "--no-colour"], False, False),
        (["--debug=true", "--colour=false"], True, False),
        (["--debug", "true", "--colour", "false"], True, False),
        (["--no-debug", "--debug"], True, True),
        (["--debug", "--port", "3"], True, True),
    ],
)
def test_a_switch_is_turned_on_and_off(words: list[str], debug: bool, colour: bool) -> None:
    """The last of two counts; a word behind it belongs to it only where it is true or false."""
    for resolution in both(*words):
        assert (resolution.value("debug"), resolution.value("colour")) == (debug, colour)


def test_a_switch_leaves_the_word_behind_it() -> None:
    """A foreign parser's own words stay its own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    flags.add_flags(parser, SERVICE)
    options = parser.parse_args(["--debug", "run.toml"])
    assert options.file == "run.toml"
    assert resolve(SERVICE, ORDER, [flags.layer(options)]).value("debug") is True


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--tags", "a", "--tags", "b"], ["a", "b"]),
        (["--tags", '["a", "b,c"]'], ["a", "b,c"]),
        (["--tags", "a, b"], ["a", "b"]),
        (["--tags="], []),
        (["--tags", "a"], ["a"]),
    ],
)
def test_a_list_takes_its_flag_several_times(words: list[str], expected: list[str]) -> None:
    """Each is an element; a text that starts with a bracket is the list, a separator takes a text apart."""
    for resolution in both(*words):
        assert resolution.value("tags") == expected
    for resolution in both("--ports", "1:2", "--ports", "3", "--sizes", "1.5", "--sizes", "2"):
        assert (resolution.value("ports"), resolution.value("sizes")) == ([1, 2, 3], [1.5, 2.0])
    with pytest.raises(ConfigError, match="expected a list of whole numbers"):
        parsed("--ports", "ten")


@dataclass
class Mixed:
    """An element may be of several types."""

    one: int | float | bool | str = ""
    many: list[int | float | bool | str] = field(default_factory=list)


class Hooked:
    """A type of the program's, read by its hook."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hooked) and other.name == self.name

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Hooks:
    """Elements that a hook reads."""

    many: list[Hooked] = field(default_factory=list)


@given(st.one_of(st.text("0123456789.-+ae_ truefals[]\"'", max_size=6), st.integers().map(str)))
def test_an_element_is_read_as_the_text_alone(text: str) -> None:
    """The same text means the same alone and behind a flag of a list that is given twice."""
    schema = schema_of(Mixed)
    layer, _ = flags.parse([f"--one={text}", f"--many={text}", "--many=z"], schema)
    mixed = resolve(schema, Precedence("flags"), [layer]).build(Mixed)
    assert repr(mixed.many) == repr([mixed.one, "z"])


def test_a_hook_that_fails_on_an_element_is_told() -> None:
    """As the program's own code does, whatever it raises."""
    converter = cattrs.Converter()
    converter.register_structure_hook(Hooked, lambda text, _: {"a": Hooked("a")}[text])
    for words in (["--many=b"], ["--many=a", "--many=b"]):
        with pytest.raises(ConfigError) as caught:
            load(Hooks, flags=words, converter=converter)
        assert "written in  flag --many" in str(caught.value)
    assert load(Hooks, flags=["--many=a"], converter=converter).many == [Hooked("a")]


def test_a_variable_may_have_a_separator_too() -> None:
    """The same text means the same in the environment."""
    layer = environment.layer("S", {"S__TAGS": "a,b", "S__PORTS": "[1]"}, schema=SERVICE)
    resolution = resolve(SERVICE, ORDER, [layer])
    assert (resolution.value("tags"), resolution.value("ports")) == (["a", "b"], [1])


def test_flags_on_both_sides_of_a_subcommand_count() -> None:
    """The parser's and the subparser's; of the same scalar the last, of a list all."""
    parser = argparse.ArgumentParser()
    flags.add_flags(parser, SERVICE, paths=["host", "tags"])
    inner = parser.add_subparsers(dest="command").add_parser("run")
    flags.add_flags(inner, SERVICE, paths=["port", "host", "tags"])

    def given(*words: str) -> Resolution:
        return resolve(SERVICE, ORDER, [flags.layer(parser.parse_args(words), schema=SERVICE)])

    resolution = given("--host", "Z", "--tags", "a", "run", "--port", "2", "--tags", "b")
    assert [resolution.value(path) for path in ("host", "port", "tags")] == ["Z", 2, ["a", "b"]]
    assert given("--host", "Z", "run", "--host", "Y").value("host") == "Y"


def test_keys_of_tables_are_flags_of_a_whole_command_line() -> None:
    """``--nodes.eu.port 5``, which no parser can list beforehand, and TOML or JSON for the whole."""
    resolution = parsed("--nodes.eu.port", "5", "--nodes.us.host=x", "--port", "-5")
    assert resolution.value("nodes") == {"eu": Node("h", 5), "us": Node("x", 1)}
    assert resolution.value("port") == -5
    assert str(resolution.trace("nodes.eu.port").winner.origin) == "--nodes.eu.port"
    assert parsed("--nodes", '{"a": {"port": 2}}').value("nodes") == {"a": Node("h", 2)}


@dataclass
class Rack:
    """A list of sections, and one section."""

    nodes: list[Node] = field(default_factory=list)
    first: Node = field(default_factory=Node)
    token: str = field(default="", metadata={"secret": True})


RACK = Schema("rack", [View(Rack, "")])


def racked(*words: str) -> Resolution:
    """Resolve a command line of its own."""
    return resolve(RACK, ORDER, [flags.parse(words, RACK)[0]])


def test_elements_of_a_list_are_flags_by_index() -> None:
    """Together they make the whole list, numbered from 0 without a gap."""
    resolution = racked("--nodes[1].port", "7", "--nodes[0].host=x")
    assert resolution.value("nodes") == [Node("x", 1), Node("h", 7)]
    assert str(resolution.trace("nodes[1].port").winner.origin) == "--nodes[1].port"
    with pytest.raises(ConfigError, match=r"the elements of .nodes. have no number 0"):
        racked("--nodes[1].port", "7")
    with pytest.raises(ConfigError, match=r"\n  written in  flag --nodes\[0\]\.port"):
        racked("--nodes[0].port", "x")


def test_a_section_may_be_given_as_one_text() -> None:
    """TOML or JSON, by flag and by variable; each setting of it has that place."""
    layer = environment.layer("R", {"R__FIRST": '{"port": 3}'})
    for resolution in (racked("--first", "{port = 3}"), resolve(RACK, ORDER, [layer])):
        assert resolution.value("first") == Node("h", 3)
        assert str(resolution.trace("first.port").winner.origin) in {"--first", "R__FIRST"}
    with pytest.raises(ConfigError, match="'first' is \"x\"; expected a table of settings\n"):
        racked("--first", "x")
    with pytest.raises(ConfigError, match=r"'first\.port' is \"3\"; expected a whole number"):
        racked("--first", '{"port": "3"}')


@dataclass
class Dashes:
    """Names with underscores."""

    dry_run: bool = False
    max_size: int = 1
    level: Literal["low", "high"] = "low"


def test_a_dash_stands_for_an_underscore() -> None:
    """As everywhere else on a command line; the story names the flag as it was typed."""
    schema = Schema("d", [View(Dashes, "")])

    def given(*words: str) -> Resolution:
        return resolve(schema, ORDER, [flags.parse(words, schema)[0]])

    resolution = given("--dry-run", "--max-size", "3")
    assert (resolution["dry_run"], resolution["max_size"]) == (True, 3)
    assert str(resolution.trace("dry_run").winner.origin) == "--dry-run"
    assert given("--dry_run", "--no-dry-run")["dry_run"] is False
    parser = argparse.ArgumentParser()
    flags.add_flags(parser, schema)
    assert '(one of "low", "high") (default "low")' in parser.format_help()


def test_a_word_behind_an_unknown_flag_is_not_shown() -> None:
    """It may be a secret; what stands behind ``--`` belongs to no flag."""
    with pytest.raises(ConfigError) as caught:
        racked("--tokne", "hunter2", "--first.port", "2", "--", "--x")
    assert [str(problem) for problem in caught.value.exceptions] == [
        "unknown flag '--tokne'\n  written in  flag --tokne\n  try         --token",
        "words behind -- belong to no flag\n  written in  flag --\n  try         leave out --",
    ]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--prot", "3"], "unknown flag '--prot'\n  written in  flag --prot\n  try         --port"),
        (["--port"], "the flag --port has no value\n  written in  flag --port\n  try         --port=..."),
        (["secret-word"], "a word that belongs to no flag\n  written in  flag argument secret-word"),
        (["--no-port"], "unknown flag '--no-port'"),
        (
            ["--no-debug=true"],
            "the flag --no-debug takes no value\n  written in  flag --no-debug\n  try         --no-debug",
        ),
        (["--port", "x"], "'port' is \"x\"; expected a whole number"),
    ],
)
def test_a_wrong_command_line_is_a_problem(words: list[str], text: str) -> None:
    """With everything else that is wrong, and the closest flag."""
    with pytest.raises(ConfigError) as caught:
        parsed(*words)
    assert str(caught.value).startswith(text)


def test_help_of_a_command_line_leaves(capsys: pytest.CaptureFixture[str]) -> None:
    """With code 0; the profile is asked for beside the settings."""
    with pytest.raises(SystemExit) as left:
        flags.parse(["--help"], SERVICE, description="Serves.")
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert "Serves." in text
    assert "(default 80)" in text
    assert flags.parse(["--profile", "prod", "--debug"], SERVICE)[1] == "prod"
    assert flags.parse(["--profile=prod"], SERVICE)[1] == "prod"


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


def test_a_word_behind_a_switch_is_told_what_a_switch_takes() -> None:
    """``yes`` is neither true nor false; the advice works."""

    @dataclass
    class App:
        debug: bool = False

    with pytest.raises(ConfigError, match=r"argument yes\n +try +--debug true"):
        load(App, flags=["--debug", "yes"])
    assert load(App, flags=["--debug", "true"]).debug


@dataclass
class Ports:
    """A section."""

    port: int = 1


@dataclass
class Ends:
    """Two classes with one name inside."""

    left: Ports = field(default_factory=Ports)
    right: Ports = field(default_factory=Ports)


def test_a_short_flag_of_two_names_both() -> None:
    """Neither is the nearer one."""
    with pytest.raises(ConfigError) as caught:
        load(Ends, flags=["--port", "3"])
    assert str(caught.value).splitlines()[0] == "the flag --port may mean --left.port or --right.port"
