"""A parser of argparse's kind takes every word that a command line of the schema's flags alone takes."""

from __future__ import annotations

import argparse
import copy
import pickle
from dataclasses import dataclass, field
from typing import Any

import pytest

from ptyconf import ConfigError, Precedence, SchemaError, load, resolve, schema_of
from ptyconf.sources import flags

ORDER = Precedence("flags")


@dataclass
class Node:
    """A section with a switch."""

    port: int = 80
    debug: bool = False


@dataclass
class App:
    """Holders of places that no parser can list."""

    nodes: list[Node] = field(default_factory=list)
    table: dict[str, Node] = field(default_factory=dict)
    free: dict[str, Any] = field(default_factory=dict)
    nums: list[int] = field(default_factory=list)
    main: Node = field(default_factory=Node)
    dry_run: bool = False


def read_by_parser(words: list[str], **options: Any) -> App:
    """Read words by a parser that has a flag and an argument of its own."""
    parser = argparse.ArgumentParser(**options)
    parser.add_argument("--own", type=int)
    parser.add_argument("argument", nargs="?")
    flags.add_flags(parser, schema_of(App))
    namespace = parser.parse_args(words)
    assert (namespace.own, namespace.argument) == (-3, "a")
    return resolve(schema_of(App), ORDER, [flags.layer(namespace)]).build(App)


@pytest.mark.parametrize(
    ("words", "app"),
    [
        (["--nodes[0].port", "5", "--nodes[1]={debug=true}"], App(nodes=[Node(5), Node(debug=True)])),
        (["--nodes[0].debug"], App(nodes=[Node(debug=True)])),
        (
            ["--no-table.eu.debug", "--table.us.debug", "true"],
            App(table={"eu": Node(), "us": Node(debug=True)}),
        ),
        (['--table."a=b".port=7'], App(table={"a=b": Node(7)})),
        (["--free.a.b", "[1]", "--free.c", "-2"], App(free={"a": {"b": [1]}, "c": -2})),
        (["--nums[1]", "4", "--nums[0]=-3"], App(nums=[-3, 4])),
        (["--main", "{port = 9}", "--main.debug"], App(main=Node(9, True))),
        (["--dry-run", "--no-main.debug"], App(dry_run=True)),
        (["--no-dry-run"], App()),
        (["--nums", "1", "--nums", "2"], App(nums=[1, 2])),
        (["--nums", "[1, 2]"], App(nums=[1, 2])),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_words_mean_the_same_in_any_parser(words: list[str], app: App) -> None:
    """Before and behind what is another's; abbreviations of argparse's may be on or off."""
    assert load(App, flags=words) == app
    for abbreviations in (True, False):
        assert read_by_parser(["--own", "-3", *words, "--", "a"], allow_abbrev=abbreviations) == app
        assert read_by_parser([*words, "--own", "-3", "--", "a"], allow_abbrev=abbreviations) == app


def test_a_namespace_travels() -> None:
    """Pickled and copied; then the schema is said again."""
    parser = argparse.ArgumentParser()
    flags.add_flags(parser, schema_of(App))
    namespace = parser.parse_args(["--nums", "1", "--nums", "2"])
    for again in (pickle.loads(pickle.dumps(namespace)), copy.deepcopy(namespace)):
        layer = flags.layer(again, schema=schema_of(App))
        assert resolve(schema_of(App), ORDER, [layer]).value("nums") == [1, 2]


def test_a_place_below_counts_on_both_sides_of_a_command() -> None:
    """The parser's own and its subparser's."""
    parser = argparse.ArgumentParser()
    flags.add_flags(parser, schema_of(App))
    flags.add_flags(parser.add_subparsers().add_parser("run"), schema_of(App))
    namespace = parser.parse_args(["--table.a.port", "1", "run", "--table.b.port", "2"])
    made = resolve(schema_of(App), ORDER, [flags.layer(namespace, schema=schema_of(App))]).build(App)
    assert made.table == {"a": Node(1), "b": Node(2)}


def test_a_flag_of_another_stays_his() -> None:
    """Also where it is the one that would turn a switch off."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-dry_run", action="store_true")
    flags.add_flags(parser, schema_of(App))
    namespace = parser.parse_args(["--no-dry_run", "--dry_run"])
    assert namespace.no_dry_run
    assert resolve(schema_of(App), ORDER, [flags.layer(namespace)]).value("dry_run") is True


def test_a_place_below_needs_a_word_and_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """Else it is refused in argparse's own words; only what paths name has such places."""
    parser = argparse.ArgumentParser()
    flags.add_flags(parser, schema_of(App), paths=["table"])
    for words, text in (
        (["--table.a.port"], "argument --table.a.port: expected one argument"),
        (["--free.a", "1"], "unrecognized arguments: --free.a 1"),
    ):
        with pytest.raises(SystemExit):
            parser.parse_args(words)
        assert text in capsys.readouterr().err


@dataclass
class Inner:
    """A section whose members are called as flags of every program."""

    profile: str = "p"
    help: str = "h"


@dataclass
class Outer:
    """It stands below a section, so that its flags have paths."""

    inner: Inner = field(default_factory=Inner)


@dataclass
class Root:
    """A program whose own setting is called help."""

    help: str = "h"


def test_profile_and_help_stay_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """The short name of a setting never hides them; what the help lists is what is read."""
    words = ["--inner.profile", "x", "--inner.help", "y"]
    assert load(Outer, flags=words) == Outer(Inner("x", "y"))
    with pytest.raises(ConfigError, match="there is no profile 'x'"):
        load(Outer, flags=["--profile", "x"])
    for word in ("-h", "--help"):
        with pytest.raises(SystemExit):
            load(Outer, flags=[word])
        page = capsys.readouterr().out
        assert "\n  --inner.profile PROFILE\n" in page
        assert "\n  --inner.help HELP " in page


def test_a_setting_of_the_program_may_be_called_help(capsys: pytest.CaptureFixture[str]) -> None:
    """Then ``-h`` alone asks for help; a parser that has ``--help`` itself is refused."""
    assert load(Root, flags=["--help", "me"]) == Root("me")
    with pytest.raises(SystemExit):
        load(Root, flags=["-h"])
    assert '\n  --help HELP     (default "h")\n' in capsys.readouterr().out
    with pytest.raises(SchemaError) as error:
        flags.add_flags(argparse.ArgumentParser(), schema_of(Root))
    assert str(error.value) == (
        "add_flags: the parser has a flag --help of its own, the only one that 'help' could have; make it "
        "with add_help=False if that is argparse's, or leave the setting out of paths"
    )
    parser = argparse.ArgumentParser(add_help=False)
    flags.add_flags(parser, schema_of(Root))
    namespace = parser.parse_args(["--help", "me"])
    assert resolve(schema_of(Root), ORDER, [flags.layer(namespace)]).value("help") == "me"


@dataclass
class Share:
    """50% of %(prog)s."""

    part: float = field(default=0.5, metadata={"help": "100% of it", "unit": "%"})


def test_help_says_percent_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    """In the words of a class and in those of a field."""
    with pytest.raises(SystemExit):
        load(Share, flags=["-h"])
    shown = capsys.readouterr().out
    assert "50% of %(prog)s." in shown
    assert "100% of it [%]" in shown
