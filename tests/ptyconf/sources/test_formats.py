"""JSON and YAML files: the same values, places, includes and profiles as TOML; hostile ones are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ptyconf import ConfigError
from ptyconf.sources import file
from ptyconf.sources.document import Format
from ptyconf.sources.formats import FORMATS, format_of
from ptyconf.text.files import TextError
from ptyconf.text.show import json_text

Jail = Callable[..., Path]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS)
TABLES = st.dictionaries(
    TEXTS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
PLAIN_WORDS: dict[str, Any] = {
    **{word: word for word in ("no", "on", "2026-01-01", "<<", "é", "1_0", "0b1")},
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "0o7": 7,
    "0x1f": 31,
    "1e3": 1e3,
    "1.": 1.0,
    "-.5": -0.5,
}


def walk(value: Any, path: tuple[str | int, ...] = ()) -> Mapping[tuple[str | int, ...], Any]:
    """List every value inside a document by its path."""
    found: dict[tuple[str | int, ...], Any] = {}
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found[*path, key] = inner
        found.update(walk(inner, (*path, key)))
    return found


def starts(text: str, at: tuple[int, int] | None) -> str:
    """Give the text from a place on."""
    assert at is not None
    lines = text.split("\n")
    return "\n".join([lines[at[0] - 1][at[1] - 1 :], *lines[at[0] :]])


@given(TABLES, st.sampled_from([None, 2]))
def test_every_key_and_value_of_json_is_at_its_place(document: dict[str, Any], indent: int | None) -> None:
    """The key's text and the value's text are found where places says, whatever the layout."""
    text = json.dumps(document, indent=indent, ensure_ascii=indent is None)
    assert FORMATS["json"].parse(text) == document
    places = FORMATS["json"].places(text)
    found = walk(document)
    assert set(places) == set(found)
    decoder = json.JSONDecoder()
    for path, value in found.items():
        assert decoder.raw_decode(starts(text, places[path].value))[0] == value
        if isinstance(path[-1], str):
            assert decoder.raw_decode(starts(text, places[path].key))[0] == path[-1]


@given(TABLES)
def test_yaml_reads_what_a_yaml_writer_writes(document: dict[str, Any]) -> None:
    """Values come back whole, and each key stands at its place."""
    import yaml

    # PyYAML writes YAML 1.1, in which 1e5 and 0o7 without quotes are texts; here they are numbers.
    assume(not re.search(r"(?<![\w.])[-+]?[0-9]+[eE][-+]?[0-9]+|0o[0-7]", repr(document)))
    text = yaml.safe_dump(document, sort_keys=False)  # escapes: raw line ends of Unicode are folded
    assert FORMATS["yaml"].parse(text) == document
    places = FORMATS["yaml"].places(text)
    assert set(places) == set(walk(document))


@pytest.mark.parametrize("word", PLAIN_WORDS)
def test_a_plain_word_of_yaml_is_read_by_the_core_schema(word: str) -> None:
    """``no`` and dates are text; a word between quotes always is."""
    assert FORMATS["yaml"].parse(f"k: {word}\n") == {"k": PLAIN_WORDS[word]}
    assert FORMATS["yaml"].parse(f"k: {json_text(word)}\n") == {"k": word}


def test_yaml_places_name_key_and_value() -> None:
    """Block and flow, merged keys at the place where they are written."""
    text = "base: &b\n  x: 1\n  y: no\nother:\n  <<: *b\n  y: 2\nl: [1, {a: b}]\nm: *b\n"
    assert FORMATS["yaml"].parse(text) == {
        "base": {"x": 1, "y": "no"},
        "other": {"y": 2, "x": 1},
        "l": [1, {"a": "b"}],
        "m": {"x": 1, "y": "no"},
    }
    places = FORMATS["yaml"].places(text)
    assert (places["other", "y"].key, places["other", "y"].value) == ((6, 3), (6, 6))
    assert places["other", "x"].key == places["m", "x"].key == (2, 3)
    assert (places["l", 1].value, places["l", 1, "a"].key) == ((7, 8), (7, 9))


HOSTILE = {
    "json twice": ("json", '{"a": 1,\n "a": 2}', 'is not JSON: the key "a" stands twice', (2, 2)),
    "json list": ("json", " [1]", "is not an object of settings", (1, 2)),
    "json half": ("json", '{"a": "\\ud800"}', "is not JSON: \\ud800 is half a character", (1, 8)),
    "json end": ("json", '{"ä":', "is not JSON: expecting value", (1, 6)),
    "json deep": ("json", '{"a":' * 9999, "is nested more than 100 deep", (None, None)),
    "json brackets": ("json", "[" * 9999, "is nested more than 100 deep", (None, None)),
    "json nul": ("json", '{"a": 1}\0', "holds a NUL character", (1, 9)),
    "yaml tag": (
        "yaml",
        "a: !!int 1",
        "is not YAML that is read here: the tag tag:yaml.org,2002:int",
        (1, 4),
    ),
    "yaml code": (
        "yaml",
        "a: !!python/object/apply:os.system [ls]",
        "is not YAML that is read here: the tag tag:yaml.org,2002:python/object/apply:os.system",
        (1, 4),
    ),
    "yaml circle": (
        "yaml",
        "a: &x [*x]",
        "is not YAML that is read here: *x stands inside its own anchor, or before it",
        (1, 8),
    ),
    "yaml twice": ("yaml", "a: 1\na: 2", 'is not YAML: the key "a" stands twice', (2, 1)),
    "yaml two": ("yaml", "a: 1\n---\nb: 2", "is not YAML that is read here: a second document", (2, 1)),
    "yaml list": ("yaml", "- 1", "is not a mapping of settings", (1, 1)),
    "yaml key": ("yaml", "[1]: 2", "is not YAML that is read here: a key that is no text", (1, 1)),
    "yaml merge": (
        "yaml",
        "a:\n  <<: 1",
        "is not YAML that is read here: << takes a mapping or a list of mappings",
        (2, 3),
    ),
    "yaml broken": ("yaml", "ä: 1\nb: ]", "is not YAML: did not find expected node content", (2, 4)),
    "yaml deep": ("yaml", "[" * 9999, "is nested more than 100 deep", (None, None)),
    "yaml laughs": (
        "yaml",
        "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 10)}]\n" for n in range(9)),
        "stands for more than 100000 values, its anchors unfolded",
        (None, None),
    ),
    "yaml chain": (
        "yaml",
        "a0: &a0 [1]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(150)),
        "is nested more than 100 deep, its anchors unfolded",
        (None, None),
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused(name: str) -> None:
    """With the place, where there is one."""
    kind, text, words, place = HOSTILE[name]
    with pytest.raises(TextError) as caught:
        FORMATS[kind].parse(text)
    assert (caught.value.text, (caught.value.line, caught.value.column)) == (words, place)


@pytest.mark.parametrize("kind", ["json", "yaml"])
def test_a_number_of_thousands_of_digits_is_a_problem(kind: str) -> None:
    """The interpreter's limit is told, not raised."""
    with pytest.raises(TextError, match="digits"):
        FORMATS[kind].parse(f'{{"a": {"9" * 5000}}}')


FILES = {
    "json": (
        """{
  "include": ["base.json"],
  "training": {"nepochs": 5},
  "unset": ["training.data_file"],
  "profile": {"fast": {"training": {"nepochs": 1}}}
}
""",
        '{"training": {"batch_size": 8, "data_file": "x.npz"}}',
    ),
    "yaml": (
        """include: [base.yaml]

training: {nepochs: 5}
unset: [training.data_file]
profile: {fast: {training: {nepochs: 1}}}
""",
        'training: {batch_size: 8, "data_file": x.npz}\n',
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_include_profile_and_unset_mean_the_same(kind: str, jail: Jail, program: SimpleNamespace) -> None:
    """In JSON and YAML as in TOML."""
    run, base = FILES[kind]
    jail(f"base.{kind}", base)
    resolution = program.resolve(*file.load(jail(f"run.{kind}", run), profile="fast"))
    trace = resolution.trace("training.nepochs")
    assert [each.layer for each in (trace.winner, *trace.losers)][:2] == ["profile", "file"]
    assert (trace.winner.origin.line, trace.losers[0].origin.line) == (5, 3)
    assert trace.winner.origin.key == "profile.fast.training.nepochs"
    batch = resolution.trace("training.batch_size").winner.origin
    assert (batch.kind, batch.parent.key if batch.parent else "") == (kind, "include")
    assert resolution.value("training.data_file") is None
    assert (
        resolution.trace("training.data_file").losers[0].value == jail(f"base.{kind}", base).parent / "x.npz"
    )


def test_a_table_of_pyproject_is_a_file_of_settings(jail: Jail, program: SimpleNamespace) -> None:
    """Places, include and profile are those of the table; the rest of the file is nobody's business."""
    jail("base.toml", "training.batch_size = 8\n")
    path = jail(
        "pyproject.toml",
        '[project]\nname = "x"\n[tool.app]\ninclude = "base.toml"\n[tool.app.training]\nnepochs = 7\n'
        "[tool.app.profile.fast.training]\nnepochs = 1\n",
    )
    resolution = program.resolve(*file.load(path, table="tool.app", profile="fast"))
    trace = resolution.trace("training.nepochs")
    assert [str(each.origin) for each in (trace.winner, trace.losers[0])] == [
        "pyproject.toml:8:1 tool.app.profile.fast.training.nepochs",
        "pyproject.toml:6:1 tool.app.training.nepochs",
    ]
    assert str(resolution.trace("training.batch_size").winner.origin) == (
        "base.toml:1:1 training.batch_size, included from pyproject.toml:4:1"
    )
    with pytest.raises(ConfigError, match=r"has no table \[tool.other\]"):
        program.resolve(*file.load(path, table="tool.other"))
    with pytest.raises(ConfigError) as error:
        program.resolve(*file.load(path, table="tool.ap.inner"))
    assert str(error.value).endswith("[tool.ap.inner]\n  known here  tool.app\n  try         tool.app.inner")
    with pytest.raises(ConfigError, match=r"'project.name' is a text; expected a table"):
        program.resolve(*file.load(path, table="project.name"))


def test_a_missing_file_may_be_skipped(jail: Jail, program: SimpleNamespace) -> None:
    """File or table; what it includes must be there, and an unknown profile is told."""
    options: dict[str, Any] = {"missing": "skip"}
    assert program.resolve(*file.load("no.toml", **options)).value("training.nepochs") == 50
    path = jail("pyproject.toml", 'include = "no.toml"\n')
    assert program.resolve(*file.load(path, table="tool.app", **options)).value("training.nepochs") == 50
    with pytest.raises(ConfigError, match="does not exist"):
        program.resolve(*file.load(path, **options))
    with pytest.raises(ConfigError, match="there is no profile 'fast'"):
        program.resolve(*file.load("no.toml", profile="fast", **options))


def test_a_parsed_text_anchors_at_the_file_it_names(program: SimpleNamespace) -> None:
    """Relative paths stand against its folder."""
    layers = file.parse('{"training": {"data_file": "x.npz"}}', file="/etc/app.json")
    assert program.resolve(*layers).value("training.data_file") == Path("/etc/x.npz")
    layers = file.parse("training: {data_file: x.npz}", kind="yaml")
    assert program.resolve(*layers).value("training.data_file") == Path.cwd() / "x.npz"


def test_formats_are_chosen_by_the_ending_and_open() -> None:
    """A plugin's format is a format; what nobody knows is TOML."""
    assert [format_of(name).name for name in ("a.toml", "a.JSON", "a.yml", "a.conf", "a")] == [
        "toml",
        "json",
        "yaml",
        "toml",
        "toml",
    ]
    pairs = Format(
        "pairs", (".pairs",), lambda text: dict(part.split("=") for part in text.split()), dict, str
    )
    FORMATS.add("pairs", pairs)
    try:
        assert format_of("x.pairs") is pairs
    finally:
        FORMATS.remove("pairs")


@pytest.mark.parametrize(
    ("kind", "text"), [("toml", "a.b = 5"), ("json", '"a": {"b": 5}'), ("yaml", "a: {b: 5}")]
)
def test_a_format_spells_what_it_reads(kind: str, text: str) -> None:
    """What a hint writes in a format's language is a line of that format."""
    said = FORMATS[kind].spell(("a", "b"), 5)
    assert said == text
    assert FORMATS[kind].parse(f"{{{said}}}" if kind == "json" else said) == {"a": {"b": 5}}
