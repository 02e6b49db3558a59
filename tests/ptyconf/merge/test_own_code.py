"""What a program's own code raises is a problem, with the place and the exception's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import attrs
import cattrs
import pytest

from ptyconf import ConfigError, Derivation, Precedence, Rule, Schema, Setting, View, load, resolve
from ptyconf.schema.kind import textual
from ptyconf.sources import toml

PRECEDENCE = Precedence("file")


@dataclass
class Ep:
    """A server."""

    host: str = "h"
    port: int = 1


@attrs.define
class Strict:
    """A class with opinions."""

    port: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    name: str = attrs.field(default="a", converter=lambda name: str(10 // int(name != "bad")))

    def __attrs_post_init__(self) -> None:
        """Refuse what no field alone can."""
        if self.port == 13:
            raise ValueError("13 brings bad luck")


@attrs.define
class Holder:
    """Two of them."""

    a: Strict = attrs.field(factory=Strict)
    b: dict[str, Strict] = attrs.field(factory=dict)


def zero(*_: Any) -> Any:
    """Fail."""
    return 1 / 0


def refused(schema: Schema, text: str = "", target: type | None = None) -> str:
    """Give the text of what is wrong."""

    def run() -> None:
        resolution = resolve(schema, PRECEDENCE, toml.parse(text, file="/r.toml") if text else [])
        if target is not None:
            resolution.build(target)

    with pytest.raises(ConfigError) as caught:
        run()
    return str(caught.value)


def plain(*settings: Setting, **more: Any) -> Schema:
    """Make a schema of one class."""
    return Schema("s", [View(Ep, "a")], settings, **more)


CASES: dict[str, tuple[Callable[[], Schema], str, str]] = {
    "choice of a default": (
        lambda: plain(Setting("a.host", choices=("x", "y"))),
        "",
        '\'a.host\' is "h"; expected one of "x", "y"\n  written in  default of a.host',
    ),
    "check": (
        lambda: plain(Setting("a.host", check=zero)),
        "",
        "'a.host' is \"h\": ZeroDivisionError: division by zero\n  written in  default of a.host",
    ),
    "rule": (
        lambda: plain(rules=[Rule(("a.port",), zero)]),
        "",
        "the rule about 'a.port' fails: ZeroDivisionError: division by zero\n  written in  default of a.port",
    ),
    "derivation": (
        lambda: plain(Setting("a.d", int), derivations=[Derivation("a.d", ("a.port",), zero)]),
        "[a]\nport = 4\n",
        (
            "'a.d' cannot be made by zero of a.port = 4: ZeroDivisionError: division by zero\n"
            "  written in  /r.toml:2:1\n  overrides   default of a.port (1)"
        ),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_asked_of_values_may_raise(name: str) -> None:
    """Checks, rules and derivations, also about a default."""
    make, text, said = CASES[name]
    assert refused(make(), text) == said


BUILT = {
    "validator": ("[a]\nport = 0\n", "'port' must be >= 1: 0\n  written in  /r.toml:2:1"),
    "converter": (
        '[a]\nname = "bad"\n',
        "'a.name' is \"bad\": ZeroDivisionError: integer division or modulo by zero\n  written in  /r.toml:2",
    ),
    "constructor": ("[a]\nport = 13\n", "'a' makes no Strict: 13 brings bad luck\n  written in  /r.toml:1:2"),
}


@pytest.mark.parametrize("name", BUILT)
def test_classes_may_refuse_their_values(name: str) -> None:
    """At the line of the attribute; of the section where no attribute is to blame."""
    text, said = BUILT[name]
    assert refused(Schema("s", [View(Strict, "a")]), text, Strict).startswith(said)


def test_all_classes_are_told_together() -> None:
    """Those inside too, each at its own line."""
    said = refused(
        Schema("s", [View(Holder, "h")]), "[h.a]\nport = 0\n[h.b.x]\nport = 0\n[h.b.y]\nport = 13\n", Holder
    )
    places = [line.split()[-1] for line in said.splitlines() if "written in" in line]
    assert places == ["/r.toml:2:1", "/r.toml:4:1", "/r.toml:5:2"]


def test_a_converter_runs_once_in_the_constructor() -> None:
    """A field with one is read as what the converter takes."""
    calls: list[int] = []

    def double(value: int) -> str:
        calls.append(value)
        return str(2 * value)

    @attrs.define
    class Doubled:
        text: str = attrs.field(default=1, converter=double)

    resolution = resolve(
        Schema("s", [View(Doubled, "a")]), PRECEDENCE, toml.parse("[a]\ntext = 4\n", file="/r.toml")
    )
    calls.clear()
    assert (resolution["a.text"], resolution.build(Doubled).text, calls) == (4, "8", [4])


def test_a_secret_is_not_in_its_words() -> None:
    """Whole it is masked; of a short one only the kind of error is told."""

    @dataclass
    class Locked:
        pin: str = field(default="", metadata={"secret": True})

        def __post_init__(self) -> None:
            """Tell the secret."""
            if self.pin:
                raise ValueError(f"{self.pin} is no pin")

    def tell(pin: str) -> str | None:
        return f"{pin} is wrong" if pin else None

    schema = Schema("s", [View(Locked, "a")], [Setting("a.pin", check=tell)])
    assert "hunter2" not in refused(schema, '[a]\npin = "hunter2"\n')


def test_unions_are_chosen_by_tag_or_keys() -> None:
    """Else the error names the tag and the members."""
    from tests.ptyconf.laws.generated import Cat, Dog

    @dataclass
    class Pets:
        pet: Cat | Dog = field(default_factory=Cat)
        other: Ep | Cat | None = None

    Pets.__annotations__.update(pet=Cat | Dog, other=Ep | Cat | None)
    schema = Schema("s", [View(Pets, "c")])
    text = '[c]\npet = {kind = "dog", name = "x"}\nother = {port = 3}\n'
    resolution = resolve(schema, PRECEDENCE, toml.parse(text, file="/r.toml"))
    assert resolution.build(Pets) == Pets(Dog(name="x"), Ep("h", 3))
    assert resolution.trace("c.pet.name").winner.origin.line == 2
    assert refused(schema, '[c]\npet = {kind = "cow"}\n').startswith(
        '\'c.pet.kind\' is "cow"; expected one of "cat", "dog"\n  written in  /r.toml:2:'
    )
    said = refused(schema, "[c]\npet = {wings = 2}\n")
    assert said.startswith("'c.pet' is none of Cat or Dog: no one has all its keys; kind says which")
    assert refused(schema, "[c]\nother = {}\n").startswith("'c.other' may be Ep or Cat")


class Weighed:
    """A type that only the program's own hook reads."""


@attrs.define
class Refusing:
    """Code of every kind that refuses a value in words of its own, or fails."""

    hooked: Weighed | None = None
    kinded: Ep | None = None
    checked: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    converted: int = attrs.field(default=1, converter=lambda number: 1 // number)
    short: str = attrs.field(default="abc", validator=attrs.validators.min_len(3), metadata={"secret": True})
    keyed: str = attrs.field(default="", converter=lambda text: {"": ""}[text], metadata={"secret": True})


HEADLINES = {
    "hooked": (5, "'hooked' is 5: ZeroDivisionError: division by zero"),
    "kinded": ("x", "'kinded' is \"x\": KeyError: x"),
    "checked": (0, "'checked' must be >= 1: 0"),
    "converted": (0, "'converted' is 0: ZeroDivisionError: integer division or modulo by zero"),
    "short": ("q", "'short' is ********: ValueError"),
    "keyed": ("hunter2", "'keyed' is ********: KeyError: ********"),
}


@pytest.mark.parametrize("name", HEADLINES)
def test_every_headline_names_setting_and_value(name: str) -> None:
    """Whatever the words of converters, hooks, kinds and validators are; a secret is masked."""
    converter = cattrs.Converter()
    converter.register_structure_hook(Weighed, lambda *_: zero(1))
    kind = textual(Ep, "an endpoint", lambda text: {}[text])
    value, headline = HEADLINES[name]
    with pytest.raises(ConfigError) as caught:
        load(Refusing, overrides={name: value}, kinds=[kind], converter=converter)
    assert str(caught.value).splitlines()[0] == headline
