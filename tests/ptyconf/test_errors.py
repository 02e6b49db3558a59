"""The error tree: text, gathering, pickling."""

from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor

import pytest

from ptyconf import ConfigError, Origin, Problem, SchemaError
from ptyconf.errors import error_text, has_hint, with_hint


def problem() -> Problem:
    """Make a problem with everything in it."""
    origin = Origin("toml", "run.toml", "training.nepochs", "/x/run.toml", 14, 1)
    return Problem(
        "'training.nepochs' is \"ten\"; expected a whole number",
        path="training.nepochs",
        origin=origin,
        overrides=("/x/base.toml:2:1 (50)",),
        expected="1, 2, 3",
        known="nepochs",
        hint="nepochs = 10",
        snippet="  | nepochs\n  | ^",
    )


TEXT = """'training.nepochs' is "ten"; expected a whole number
  | nepochs
  | ^
  written in  /x/run.toml:14:1
  overrides   /x/base.toml:2:1 (50)
  expected    1, 2, 3
  known here  nepochs
  try         nepochs = 10"""


def raise_it() -> None:
    """Raise in another process."""
    raise ConfigError([problem(), Problem("and this")])


def test_text_has_one_line_for_each_part() -> None:
    """What is wrong, written in, overrides, expected, known here, try; what is empty is left out."""
    assert str(problem()) == TEXT
    assert str(Problem("bare")) == "bare"


@pytest.mark.parametrize("rows", [{}, {"expected": "1"}, {"expected": "1", "known": "one,  two"}])
@pytest.mark.parametrize("hint", ["", "the old way"])
def test_another_hint_takes_the_place(rows: dict[str, str], hint: str) -> None:
    """A text that is given another hint is the text that would have been laid out with it."""
    text = error_text("wrong", hint=hint, **rows)
    assert has_hint(text) == bool(hint)
    assert with_hint(text, "the new way") == error_text("wrong", hint="the new way", **rows)


def test_error_gathers_the_full_text() -> None:
    """str() is every problem; it is a ValueError and an ExceptionGroup of ValueErrors."""
    error = ConfigError([problem(), Problem("and this")])
    assert str(error) == f"{TEXT}\n\nand this"
    assert isinstance(error, ValueError)
    assert isinstance(error, ExceptionGroup)
    assert error.message == str(error)  # where tools look for words
    assert [each.path for each in error.exceptions] == ["training.nepochs", ""]
    assert error.exceptions[0].origin.line == 14


def test_many_problems_are_counted() -> None:
    """After fifty the rest is a number."""
    text = str(ConfigError([Problem(f"p{number}") for number in range(60)]))
    assert text.endswith("p49\n\n... and 10 more")


def test_error_splits_into_its_own_kind() -> None:
    """except* and split give ConfigErrors again."""
    error = ConfigError([problem(), Problem("and this")])
    matched, rest = error.split(lambda each: isinstance(each, Problem) and bool(each.path))
    assert type(matched) is type(rest) is ConfigError
    assert str(rest) == "and this"
    caught = []
    try:
        raise error
    except* Problem as group:
        caught.append(type(group))
    assert caught == [ConfigError]


def test_errors_pickle() -> None:
    """A problem keeps everything; so does an error of several."""
    again = pickle.loads(pickle.dumps(problem()))
    assert (str(again), again.path, again.origin) == (TEXT, "training.nepochs", problem().origin)
    error = pickle.loads(pickle.dumps(ConfigError([problem()])))
    assert (str(error), type(error)) == (TEXT, ConfigError)


def test_errors_cross_a_process_pool() -> None:
    """The text arrives in the parent."""
    with ProcessPoolExecutor(1) as pool, pytest.raises(ConfigError) as caught:
        pool.submit(raise_it).result()
    assert str(caught.value) == f"{TEXT}\n\nand this"


def test_refusals_of_the_parser_pickle() -> None:
    """toml-rs's own errors do not; ours stand in for them."""
    from ptyconf.text.toml import TextError, parse

    with pytest.raises(TextError) as caught:
        parse("a = ")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.text, again.line, again.column) == (caught.value.text, 1, 5)


def test_schema_errors_are_of_another_kind() -> None:
    """A mistake of the program is not caught with its user's mistakes."""
    assert issubclass(SchemaError, TypeError)
    assert not issubclass(SchemaError, ValueError)
