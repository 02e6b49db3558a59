"""Slips in calls: each is told by name, with what to write, and never by an error from inside."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import ptyconf
from ptyconf import (
    Derivation,
    Kind,
    Policy,
    Precedence,
    Rule,
    Schema,
    SchemaError,
    Setting,
    View,
    diff,
    mark_set,
    resolve,
    schema_of,
    tracks_set_fields,
)
from ptyconf.freeze import freeze
from ptyconf.report import dump_toml, story, table, to_json, tree
from ptyconf.sources import defaults, dotenv, environment, flags, instance, mapping, secrets, toml


@dataclass
class Ep:
    """A small class."""

    host: str = "h"
    port: int = 1


class Other:
    """Another class."""


P = Precedence("overrides", "file")
V = View(Ep, "a")
S = Schema("s", [V])
R = resolve(S, P, [])
E = R.build(Ep)
L = mapping.layer("overrides", {})
NOBODY: Any = None  # what a type checker would refuse is given on purpose

SLIPS: list[tuple[str, Callable[[Any], Any]]] = [
    ("defaults.layer: a view is the class Ep", lambda _: defaults.layer("d", _(Ep))),
    ("defaults.layer: name is a View", lambda _: defaults.layer(_(V))),
    ("instance.layer: view is the class Ep", lambda _: instance.layer("o", Ep(), _(Ep), fields="all")),
    ("instance.layer: instance is the class Ep", lambda _: instance.layer("o", _(Ep), V, fields="all")),
    ("instance.layer: instance is an Other", lambda _: instance.layer("o", _(Other()), V, fields="all")),
    ("instance.layer: fields is 'every'", lambda _: instance.layer("o", Ep(), V, fields=_("every"))),
    ("Ep has no attribute nope", lambda _: instance.layer("o", Ep(), V, fields={"nope"})),
    ("mapping.layer: values is None", lambda _: mapping.layer("o", _(None))),
    ("mapping.layer: values is an Ep", lambda _: mapping.layer("o", _(E))),
    ("mapping.layer: name is a dict", lambda _: mapping.layer(_({}), _("o"))),
    ("load: path is a list", lambda _: toml.load(_(["a.toml"]))),
    ("load: an option is 'nam'", lambda _: toml.load("x.toml", **_({"nam": "file"}))),
    ("load: missing is 'ignore'", lambda _: toml.load("x.toml", missing=_("ignore"))),
    ("parse: text is a PosixPath", lambda _: toml.parse(_(Path("x")))),
    ("environment.layer: prefix is a dict", lambda _: environment.layer(_({}))),
    ("environment.layer: the prefix 'APP__' ends with _; write 'APP'", lambda _: environment.layer("APP__")),
    ("a layer of variables: empty is 'ignore'", lambda _: environment.layer("APP", {}, empty=_("ignore"))),
    ("a layer of variables: schema is the class Ep", lambda _: environment.layer("APP", {}, schema=_(Ep))),
    ("dotenv.layer: path is None", lambda _: dotenv.layer(_(None), "APP")),
    ("secrets.layer: folder is None", lambda _: secrets.layer(_(None))),
    ("flags.layer: namespace is a list", lambda _: flags.layer(_(["--a"]))),
    ("flags.parse: argv is a str", lambda _: flags.parse("--a", S)),
    ("flags.parse: an element of argv is an int", lambda _: flags.parse(_([1]), S)),
    ("add_flags: schema is the class Ep", lambda _: flags.add_flags(argparse.ArgumentParser(), _(Ep))),
    ("'a.prot' is no setting", lambda _: flags.add_flags(argparse.ArgumentParser(), S, paths=["a.prot"])),
    ("resolve: schema is the class Ep", lambda _: resolve(_(Ep), P, [])),
    ("resolve: precedence is a tuple", lambda _: resolve(S, _(("overrides",)), [])),
    ("resolve: layers is a Compact", lambda _: resolve(S, P, _(L))),
    ("resolve: an element of layers is a list", lambda _: resolve(S, P, _([[L]]))),
    ("resolve: an element of layers is a dict", lambda _: resolve(S, P, _([{}]))),
    ("resolve: an element of rules is a function", lambda _: resolve(S, P, [], rules=_([lambda r: r]))),
    ("Precedence: a name is a list", lambda _: Precedence(_(["a", "b"]))),
    ("Precedence: an element of a rank is an int", lambda _: Precedence("a", _(("b", 5)))),
    ("Schema 's': an element of views is the class Ep", lambda _: Schema("s", _([Ep]))),
    ("Schema 's': views is a View", lambda _: Schema("s", _(V))),
    ("Schema: name is a list", lambda _: Schema(_([V]))),
    ("Schema 's': settings is a Setting", lambda _: Schema("s", [V], _(Setting("a.x", int)))),
    ("Schema 's': an element of kinds is the class int", lambda _: Schema("s", [V], kinds=_([int]))),
    ("Schema 's': an element of rules is a function", lambda _: Schema("s", [V], rules=_([lambda r: r]))),
    ("Schema: converter is the class dict", lambda _: Schema("s", [V], converter=_(dict))),
    ("Policy: an element of its words is an int", lambda _: Schema("s", policies=[Policy("a", _(5), "")])),
    ("a rule speaks of 'a.prot'", lambda _: Schema("s", [V], rules=[Rule(("a.prot",), lambda r: None)])),
    ("the path '' of a setting", lambda _: Schema("s", [V], [Setting("", int)])),
    ("'a.port': check is a str", lambda _: Setting("a.port", check=_("even"))),
    ("'a.port': choices is a str", lambda _: Setting("a.port", choices="xy")),
    ("'a.port': secret is a str", lambda _: Setting("a.port", secret=_("yes"))),
    ("'a.port': conversion is the class str", lambda _: Setting("a.port", conversion=_(str))),
    ("View: target is an Ep", lambda _: View(_(Ep()), "a")),
    ("View of Ep: section is None", lambda _: View(Ep, _(None))),
    ("View of Ep: the section 'a.'", lambda _: View(Ep, "a.")),
    ("View of Ep: omit is a str", lambda _: View(Ep, "a", omit="host")),
    ("View, attribute 'host': its name is the class Ep", lambda _: View(Ep, "a", {"host": _(Ep)})),
    ("Derivation of 'a.port': function is a str", lambda _: Derivation("a.port", ("a.host",), _("f"))),
    ("Rule: when is 'x'", lambda _: Rule(("a.port",), lambda r: None, when=_("x"))),
    ("load: a file is a list", lambda _: ptyconf.load(Ep, _(["a.toml"]))),
    ("load: env is a dict", lambda _: ptyconf.load(Ep, env=_({}))),
    ("load: flags is a str", lambda _: ptyconf.load(Ep, flags="--port 1")),
    ("load: overrides is a list", lambda _: ptyconf.load(Ep, overrides=_([1]))),
    ("load: precedence is a tuple", lambda _: ptyconf.load(Ep, precedence=_(("a",)))),
    ("load: missing is 'ignore'", lambda _: ptyconf.load(Ep, missing=_("ignore"))),
    ("schema_of: kinds is a Kind", lambda _: schema_of(Ep, kinds=_(Kind(int, "n", int)))),
    ("a value of type Ep is no class; give a dataclass or an attrs class", lambda _: ptyconf.load(_(Ep()))),
    ("build: target is an Ep", lambda _: R.build(_(E))),
    ("a path: it is an int", lambda _: R.value(_(5))),
    ("resolve: an element of layers is a list", lambda _: R.with_layer(_([L]))),
    ("replace_layer: layer is a dict", lambda _: R.replace_layer(_({}))),
    ("table: resolution is an Ep", lambda _: table(_(E))),
    ("tree: resolution is an Ep", lambda _: tree(_(E))),
    ("to_json: resolution is an Ep", lambda _: to_json(_(E))),
    ("dump_toml: resolution is an Ep", lambda _: dump_toml(_(E))),
    ("freeze: resolution is an Ep", lambda _: freeze(_(E))),
    ("story: resolution is an Ep", lambda _: story(_(E), "a.port")),
    ("diff: resolution is None", lambda _: diff(R, _(None))),
    ("replay: schema is the class Ep", lambda _: freeze(R).replay(_(Ep))),
    ("freeze: secrets is 'hash'", lambda _: freeze(R, secrets=_("hash"))),
    ("mark_set: names is a str", lambda _: mark_set(Ep(), "host")),
    ("tracks_set_fields: it is an Ep", lambda _: tracks_set_fields(_(Ep()))),
]  # fmt: skip


@pytest.mark.parametrize(("words", "slip"), SLIPS, ids=[f"{n} {words}" for n, (words, _) in enumerate(SLIPS)])
def test_a_slip_is_told_by_name(words: str, slip: Callable[[Any], Any]) -> None:
    """Call, argument and kind; never the value, which may be a secret."""
    with pytest.raises(SchemaError) as caught:
        slip(lambda given: given)
    assert words in str(caught.value)


def test_the_text_of_a_slip() -> None:
    """Laid out as every error."""
    with pytest.raises(SchemaError) as caught:
        defaults.layer("defaults", NOBODY or Ep)
    assert str(caught.value) == (
        "defaults.layer: a view is the class Ep\n"
        "  expected  a View of the schema\n"
        '  try       View(App, "section")'
    )
