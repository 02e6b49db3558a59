"""Schemas: read off classes, completed by hand, refused when they contradict themselves."""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field
from types import SimpleNamespace
from typing import ClassVar

import attrs
import pytest

from ptyconf import (
    Bind,
    Complaint,
    ConfigError,
    Precedence,
    Rule,
    Schema,
    SchemaError,
    Setting,
    View,
    resolve,
)
from ptyconf.registry import Registry
from ptyconf.report.jsonschema import json_schema
from ptyconf.report.template import template
from ptyconf.sources import mapping, toml


def test_settings_are_read_off_classes(program: SimpleNamespace) -> None:
    """Order, types, defaults, help and units; the first view that names a path defines it."""
    schema = program.schema
    assert list(schema)[:3] == ["model.gridsize", "model.n_filters_scale", "model.activation"]
    setting = schema["model.gridsize"]
    assert (setting.type, setting.default, setting.unit) == (int, 1, "patches")
    assert setting.help == "Patches along a side of a group."
    assert schema["training.nphotons"].default == 1e9
    assert schema["training.token"].secret
    assert schema["training.weights"].merge == "deep"


def test_attrs_classes_are_views_too() -> None:
    """Private attributes go by their alias, factories are called, takes_self ones are no defaults."""

    @attrs.define
    class Server:
        host: str
        _port: int = attrs.field(default=80, metadata={"help": "Where it listens."})
        tags: list[str] = attrs.field(factory=list)
        name: str = attrs.field(default=attrs.Factory(lambda self: self.host, takes_self=True))

    view = View(Server, "server", omit=["name"])
    schema = Schema("demo", [view])
    resolution = resolve(schema, Precedence("o"), [mapping.layer("o", {"host": "h", "port": 8080})])
    built = resolution.build(Server)
    assert built == Server("h", port=8080)
    assert schema["server.port"].help == "Where it listens."


def test_class_variables_are_no_settings() -> None:
    """Nor are fields that the constructor does not take."""

    @dataclass
    class Odd:
        kind: ClassVar[int] = 1
        made: int = field(default=2, init=False)
        seed: InitVar[int] = 0
        x: int = 3

    assert list(Schema("demo", [View(Odd, "odd")])) == ["odd.x"]


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda p: View(int, "i"), "int is neither a dataclass nor an attrs class"),
        (lambda p: View(Schema, "i"), "Schema is neither a dataclass nor an attrs class"),
        (lambda p: View(p.ModelConfig, "m", {"nope": "a.b"}), "ModelConfig has no attribute nope"),
        (lambda p: Schema("d", (), [Setting("a.b")]), "the setting 'a.b' has no type, and no class has it"),
        (
            lambda p: Schema("d", (), [Setting("a", int), Setting("a.b", int)]),
            "'a' is a setting and a section ('a.b')",
        ),
        (lambda p: Schema("d", (), [Setting("a", int)] * 2), "the setting 'a' is declared twice"),
        (
            lambda p: Schema("d", (), [Setting("include.x", int)]),
            (
                "'include.x': include, profile, unset, replace have a meaning of their own in a file; "
                "rename it"
            ),
        ),
        (
            lambda p: Schema("d", [View(p.ModelConfig, "m", {"gridsize": Bind("x.y", p.conversion)})]),
            "ModelConfig.gridsize holds 'x.y', which nothing defines",
        ),
        (
            lambda p: Schema("d", (), [Setting("a", int, aliases="b"), Setting("b", int)]),
            "'b' is a setting and an alias of 'a'",
        ),
        (lambda p: p.schema.view(dict), "the schema 'demo' has no view of dict"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(program: SimpleNamespace, build: object, text: str) -> None:
    """When the schema is built, as a mistake of the program."""
    program.conversion = program.DATA.attributes[0].bind.conversion
    with pytest.raises(SchemaError) as caught:
        build(program)  # type: ignore[operator]
    assert str(caught.value) == text


def test_checks_speak_for_themselves(program: SimpleNamespace) -> None:
    """The first line is literally the check's; place, overrides and expectation are added."""
    with pytest.raises(ConfigError) as caught:
        program.resolve(mapping.layer("overrides", {"batch_size": 3}, label="o"))
    origin = caught.value.exceptions[0].origin
    assert str(caught.value) == (
        "batch_size must be positive power of 2, got 3\n"
        f"  written in  {origin}\n"
        "  overrides   TrainingConfig.batch_size (16)\n"
        "  expected    1, 2, 4, 8, ..."
    )


def test_choices_are_listed(program: SimpleNamespace) -> None:
    """A value outside the choices is told with them."""
    with pytest.raises(ConfigError) as caught:
        program.resolve(overrides={"gridsize": 7})
    assert str(caught.value).splitlines()[0] == "'model.gridsize' is 7; expected one of 1, 2, 3"


def test_checks_look_at_winners_only(program: SimpleNamespace) -> None:
    """A loser that would be refused does no harm; a wrong type does, wherever it stands."""
    from ptyconf.sources import toml

    low = toml.parse("model.gridsize = 7\n")
    assert program.resolve(*low, overrides={"gridsize": 2}).value("model.gridsize") == 2
    with pytest.raises(ConfigError, match="expected a whole number"):
        program.resolve(*toml.parse("model.gridsize = 'x'\n"), overrides={"gridsize": 2})


def test_rules_see_all_settings(program: SimpleNamespace) -> None:
    """A condition across settings is a problem at its first path; rules may come with the call."""

    def enough(resolution: object) -> Complaint | None:
        group = resolution["model.gridsize"] ** 2  # type: ignore[index]
        batch = resolution["training.batch_size"]  # type: ignore[index]
        return Complaint(f"a group has {group} patches, a batch {batch}") if group > batch else None

    rule = Rule(("training.batch_size", "model.gridsize"), enough)
    schema = program.make_schema(rules=[rule])
    with pytest.raises(ConfigError) as caught:
        program.resolve(schema=schema, overrides={"batch_size": 4, "gridsize": 3})
    assert str(caught.value).splitlines()[0] == "a group has 9 patches, a batch 4"
    layer = mapping.layer("overrides", {"batch_size": 4, "gridsize": 3})
    with pytest.raises(ConfigError):
        resolve(program.schema, program.precedence, [layer, program.own, program.other], rules=[rule])


def test_required_settings_must_be_set(program: SimpleNamespace) -> None:
    """With the program's own first line, where it has one."""
    settings = [Setting("run.n_groups", int | None, None, required="n_groups is required in overrides")]
    schema = program.make_schema(settings=[*settings, Setting("run.seed", int, required=True)])
    with pytest.raises(ConfigError) as caught:
        program.resolve(schema=schema)
    assert str(caught.value) == (
        "n_groups is required in overrides\n"
        "  expected  a whole number\n"
        "  try       run.n_groups = ...\n\n"
        "'run.seed' is required, and no layer sets it\n"
        "  expected  a whole number\n"
        "  try       run.seed = ..."
    )
    assert program.resolve(schema=schema, overrides={"n_groups": 1, "seed": 2}).value("run.seed") == 2


def test_choices_may_be_a_live_collection() -> None:
    """An entry added to a registry after the schema was made is a legal value, and every report lists it."""
    shapes: Registry[int] = Registry("shape")
    shapes.add("round", 1)
    schema = Schema("s", settings=[Setting("a.shape", str, "round", choices=shapes)])
    wanted = [mapping.layer("overrides", {"a.shape": "square"})]
    with pytest.raises(ConfigError, match='expected "round"'):
        resolve(schema, Precedence("overrides"), wanted)
    shapes.add("square", 2)
    assert resolve(schema, Precedence("overrides"), wanted)["a.shape"] == "square"
    assert json_schema(schema)["properties"]["a"]["properties"]["shape"]["enum"] == ["round", "square"]
    assert 'one of "round", "square"' in template(schema)


def test_variables_of_their_own_are_told_apart() -> None:
    """Two settings never share one: by two declared names, or by one and the name below a prefix."""
    with pytest.raises(SchemaError, match=r"'a\.x' and 'a\.y' would share the variable X; rename"):
        Schema("s", settings=[Setting("a.x", str, env="X"), Setting("a.y", str, env="X")])
    with pytest.raises(SchemaError, match=r"'a\.y' and 'a\.x' would share the variable APP__A__Y"):
        Schema("s", settings=[Setting("a.x", str, env="APP__A__Y"), Setting("a.y", str)])
    with pytest.raises(SchemaError, match=r"'a\.x' and 'a\.y' would share the variable X_FILE"):
        Schema("s", settings=[Setting("a.x", str, env="X", secret=True), Setting("a.y", str, env="X_FILE")])
    assert Schema("s", settings=[Setting("a.x", str, env="APP__A__X")]).own_variables == {"APP__A__X": "A__X"}


@dataclass
class One:
    """One of many."""

    x: str = field(default="", metadata={"env": "X"})


@dataclass
class Many:
    """A table of them."""

    by: dict[str, One] = field(default_factory=dict)


def test_one_variable_for_many_settings_is_refused() -> None:
    """A key of a table has none of its own."""
    with pytest.raises(SchemaError, match=r"'by\.\*\.x': env='X' is one variable, and there may be many"):
        Schema("s", [View(Many, "")])


def test_what_an_instance_cannot_keep_is_refused() -> None:
    """An InitVar without a default would be a setting that nobody sees again."""

    @dataclass
    class Made:
        x: InitVar[int]

    with pytest.raises(SchemaError, match=r"Made\.x is an InitVar without a default"):
        View(Made, "m")


@dataclass
class Deploy:
    """A class with names that files keep for themselves."""

    profile: str = "p"
    include: list[str] = field(default_factory=list)
    size: int = 1


@dataclass
class Ep:
    """A class with a variable of its own."""

    url: str = field(default="", metadata={"env": "URL"})


@dataclass
class Two:
    """It in two places."""

    one: Ep = field(default_factory=Ep)
    two: Ep = field(default_factory=Ep)


def test_what_a_schema_error_advises_works() -> None:
    """The schema that it writes for reserved names, and the declaration for a shared variable."""
    with pytest.raises(SchemaError, match=r"^'profile': .*; rename Deploy.profile and Deploy.inc") as error:
        Schema("Deploy", [View(Deploy, "")])
    names = {"Schema": Schema, "View": View, "Deploy": Deploy, "Setting": Setting}
    advised = eval(str(error.value).rpartition("alone: ")[2], names)
    layers = toml.parse('profile_ = "q"\ninclude_ = ["a"]\n')
    assert resolve(advised, Precedence("file"), layers).build(Deploy) == Deploy("q", ["a"])
    with pytest.raises(SchemaError, match="share the variable URL; they are one field of one class") as error:
        Schema("s", [View(Two, "")])
    setting = eval(str(error.value).rpartition("settings=[")[2].removesuffix("])"), names)
    own = Schema("s", [View(Two, "")], [setting]).own_variables
    assert own == {"URL": "ONE__URL", "ANOTHER_NAME": "TWO__URL"}
    with pytest.raises(SchemaError, match=r'View\(Ep, "unset_"\)$'):
        Schema("s", [View(Ep, "unset")])


@dataclass
class Host:
    """A section with defaults of its own."""

    name: str = "h"
    port: int = 80


@dataclass
class Hosts:
    """The section once, and under keys."""

    main: Host = field(default_factory=Host)
    named: dict[str, Host] = field(default_factory=dict)


@pytest.mark.parametrize("path", ["main.name", "named.*.name"])
def test_a_default_is_no_layer_that_sets(path: str) -> None:
    """What is required has to be written, also where a class has a default, and under keys."""
    schema = Schema("s", [View(Hosts, "")], [Setting(path, required=True)])
    written = {"main.name": "a", "named": {"b": {"port": 1, "name": "h"}}}
    order = Precedence("o")
    assert resolve(schema, order, [mapping.layer("o", written)]).build(Hosts).named == {"b": Host("h", 1)}
    with pytest.raises(ConfigError) as caught:
        resolve(schema, order, [mapping.layer("o", {"main.port": 1, "named": {"b": {"port": 1}}})])
    assert f"{path.replace('*', 'b')!r} is required, and no layer sets it" in str(caught.value)


@dataclass
class Label:
    """A text."""

    text: str = ""


@dataclass
class Needy:
    """A class that needs one of its own."""

    name: str
    port: int = 1


def test_views_that_contradict_are_refused() -> None:
    """A text that is a number elsewhere; an attribute left out that the constructor needs."""
    with pytest.raises(SchemaError, match=r"Label\.text holds 'main\.port' as text, and another"):
        Schema("s", [View(Host, "main"), View(Label, "label", {"text": "main.port"})])
    with pytest.raises(SchemaError, match="omits 'name', which Needy needs"):
        Schema("s", [View(Needy, "", omit=("name",))])
