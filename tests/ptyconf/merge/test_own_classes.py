"""Programs' own classes: subclasses of what is annotated, converters, paths that refer to paths."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, SchemaError, load, provenance_of, schema_of
from ptyconf.freeze import Frozen, freeze
from ptyconf.report import dump_toml, to_json
from ptyconf.report.json import from_json
from ptyconf.sources import toml


@dataclass
class Base:
    """What is annotated."""

    x: int = 1


@dataclass
class Child(Base):
    """What stands there, with a field of its own."""

    z: int = 3


@dataclass
class Holder:
    """Defaults of the subclass."""

    one: Base = field(default_factory=lambda: Child(2, 4))
    some: Base | None = field(default_factory=Child)
    either: Base | Child = field(default_factory=Child)
    maybe: Base | Child | None = field(default_factory=lambda: Child(7, 8))


@dataclass
class Plain:
    """Defaults of the class itself."""

    one: Base = field(default_factory=Base)
    some: Base | None = None
    table: dict[str, Base] = field(default_factory=dict)
    row: list[Base] = field(default_factory=list)


def test_a_default_of_a_subclass_stands() -> None:
    """With its class and the settings of that; of a union, an instance goes to its own class."""
    assert load(Holder) == Holder()
    assert load(Holder, overrides={"one.z": 9, "some.z": 8}) == Holder(Child(2, 9), Child(1, 8))
    assert load(Holder, overrides={"one": Child(5, 6)}).one == Child(5, 6)
    assert load(Holder, overrides={"either": Child(5, 6), "maybe": Base(3)}) == Holder(
        either=Child(5, 6), maybe=Base(3)
    )


@pytest.mark.parametrize(
    "written", [{"one": Child()}, {"some": Child()}, {"table": {"k": Child()}}, {"row": [Child()]}]
)
def test_no_instance_is_cut_to_its_base(written: dict[str, Any]) -> None:
    """What has more than the settings of the class is refused, and so is such a default below a table."""
    with pytest.raises(ConfigError, match="expected a Base itself or its table"):
        load(Plain, overrides=written)

    @dataclass
    class Tabled:
        table: dict[str, Base] = field(default_factory=lambda: {"k": Child()})

    with pytest.raises(SchemaError, match=r"annotate Base \| Child"):
        schema_of(Tabled)


@attrs.define
class Doubled:
    """A converter that is no identity the second time."""

    value: float = attrs.field(default=1.0, converter=lambda value: value * 2)


@dataclass
class Inner:
    """Changed by the class around it."""

    value: float = 1.0


@dataclass
class Outer:
    """Changes what it is given, and what is inside."""

    value: float = 1.0
    inner: Inner = field(default_factory=Inner)

    def __post_init__(self) -> None:
        self.value *= 2
        self.inner.value += 1


@given(st.sampled_from([Doubled, Outer]), st.floats(-9, 9))
def test_what_own_code_makes_is_not_assigned(kind: Any, value: float) -> None:
    """It is not applied again by a dump or a replay; what is assigned later counts."""
    made = load(kind, overrides={"value": value})
    known = provenance_of(made)
    assert known is not None
    assert known.trace("value").winner.layer == "overrides"
    assert load(kind, overrides=dict(toml.parse(dump_toml(known), name="file")[0].values)) == made
    assert Frozen.loads(freeze(known).dumps()).replay(schema_of(kind)).build(kind) == made
    if kind is Outer:
        inner = provenance_of(made.inner)
        assert inner is not None
        assert inner.trace("inner.value").winner.layer == "schema"
    made.value = 50.0
    later = provenance_of(made)
    assert later is not None
    assert later.trace("value").winner.layer == "assigned after resolve"


@dataclass
class Paths:
    """Paths that refer to paths."""

    base: Path = Path("b")
    path: Path = Path("p")
    same: Path = Path("q")
    own: Path = Path("o")


def test_a_path_below_another_has_its_folder(tmp_path: Path) -> None:
    """It is anchored where the other one was written, and not again."""
    file = tmp_path / "a.toml"
    file.write_text('path = "${base}/k"\nsame = "${base}"\nown = "k"\n')
    got = load(Paths, str(file), flags=["--base", "zz"], references=True)
    assert got == Paths(Path("zz"), Path("zz/k"), Path("zz"), tmp_path / "k")


@dataclass
class Absent:
    """Containers that may be absent."""

    row: list[Base] | None = None
    table: dict[str, int] | None = None
    ends: tuple[Base, ...] | None = None


def test_an_absent_container_reads_back_from_json() -> None:
    """As none; an empty one as itself."""
    for written in ({}, {"row": [], "table": {}, "ends": ()}):
        known = provenance_of(load(Absent, overrides=written))
        assert known is not None
        values = from_json(schema_of(Absent), to_json(known))
        assert values == {path: known.value(path) for path in known}


class Lower:
    """A constraint as annotated-types has them."""

    pattern = "^[a-z]+$"


def test_a_pattern_of_annotated_is_enforced() -> None:
    """As the limits of numbers are."""

    @dataclass
    class Named:
        name: Annotated[str, Lower()] = "x"

    assert load(Named, overrides={"name": "abc"}).name == "abc"
    with pytest.raises(ConfigError, match=r"expected text, with the pattern \^\[a-z\]\+\$"):
        load(Named, overrides={"name": "A1"})


@pytest.mark.parametrize("name", ["secrets", "secre", "choice", "aliase"])
def test_nearly_a_word_of_metadata_is_refused(name: str) -> None:
    """It would say nothing in silence; what is far from all of them is the program's own."""

    @dataclass
    class Wrong:
        key: str = field(default="x", metadata={name: True})

    with pytest.raises(SchemaError, match=f"metadata '{name}', which says nothing"):
        schema_of(Wrong)

    @dataclass
    class Own:
        key: str = field(default="x", metadata={"widget": "text", "checks": ()})

    assert load(Own) == Own()


def test_two_settings_of_one_negated_flag_are_refused() -> None:
    """``--no-cache`` would mean the one, ``--no_cache`` the other."""

    @dataclass
    class Both:
        cache: bool = True
        no_cache: bool = False

    with pytest.raises(SchemaError, match="'cache' and 'no_cache' would share the flag --no-cache"):
        schema_of(Both)


@pytest.mark.parametrize("value", ["e", "x"])
def test_the_choices_of_a_secret_are_not_told(value: str) -> None:
    """Its default is one of them, and a mask inside words shows a short one."""

    @dataclass
    class Locked:
        pin: Literal["q", "w"] = field(default="q", metadata={"secret": True})
        code: str = field(default="q", metadata={"secret": True, "choices": ("q", "w")})

    for path in ("pin", "code"):
        with pytest.raises(ConfigError) as caught:
            load(Locked, overrides={path: value})
        text = str(caught.value).splitlines()[0]
        assert text == f"'{path}' is ********; expected one of its choices"


def test_a_variable_without_a_key_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not make an empty key."""
    monkeypatch.setenv("OWN__TABLE__", "3")
    with pytest.raises(ConfigError, match=r"unknown setting 'table\.'"):
        load(Absent, env="OWN")


@dataclass
class Words:
    """Names and defaults that once were stumbled over."""

    help: str = ""
    limit: float = float("inf")
    day: date = date(2020, 1, 1)
    row: list[Base] = field(default_factory=list)
    table: dict[str, Base] = field(default_factory=dict)


def test_what_a_class_has_by_default_may_be_written(tmp_path: Path) -> None:
    """A setting called help has its flag, and an infinite default allows what is not finite."""
    assert load(Words, flags=["--help", "x"]).help == "x"
    known = provenance_of(load(Words))
    assert known is not None
    file = tmp_path / "a.toml"
    file.write_text(dump_toml(known))
    assert load(Words, str(file)) == Words()


def test_hints_are_in_the_language_of_the_source(tmp_path: Path) -> None:
    """A date in JSON is text, and elements by number are told as numbers."""
    file = tmp_path / "a.json"
    file.write_text('{"day": 3}')
    with pytest.raises(ConfigError, match=r'try +"day": "2020-01-01"'):
        load(Words, str(file))
    with pytest.raises(
        ConfigError, match=r"the elements of 'row' have no number 0\n +written in +flag --row"
    ):
        load(Words, flags=["--row[1].x", "9"])


def test_a_place_that_is_written_twice_alike_is_told() -> None:
    """As a setting of a section is: a table as a whole and by its path counts once, and both are named."""
    twice = r"as overrides\['table.a'\]\['x'\] .* and as overrides\['table'\]\['a'\]\['x'\]"
    with pytest.warns(UserWarning, match=twice):
        app = load(Words, overrides={"table.a": {"x": 3}, "table": {"a": {"x": 3}}})
    assert app.table == {"a": Base(3)}


@attrs.define
class Pool:
    """A class with validators."""

    low: int = attrs.field(default=1, validator=attrs.validators.ge(1))
    high: int = attrs.field(default=2, validator=attrs.validators.ge(2))
    name: str = attrs.field(default="ab", validator=attrs.validators.min_len(2))

    @high.validator
    def _above(self, _: Any, value: int) -> None:
        """Count on a right low."""
        assert 1 / self.low <= value


@given(low=st.integers(0, 2), high=st.integers(1, 3), name=st.sampled_from(["", "ab"]))
def test_all_validators_of_a_class_are_told_at_once(low: int, high: int, name: str) -> None:
    """Each wrong attribute at its own place; one that only fails because another is wrong is not told."""
    values = {"low": low, "high": high, "name": name}
    fits = {"low": low >= 1, "high": high >= 2, "name": len(name) > 1}
    wrong = [key for key in fits if not fits[key]]
    if not wrong:
        assert load(Pool, overrides=values) == Pool(low, high, name)
        return
    with pytest.raises(ConfigError) as caught:
        load(Pool, overrides=values)
    told = [(problem.path, problem.origin.key) for problem in caught.value.exceptions]
    assert told == [(key, f"overrides[{key!r}]") for key in wrong]
