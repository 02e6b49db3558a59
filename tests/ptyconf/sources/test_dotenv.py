"""The layer of a dotenv file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptyconf import ConfigError, Precedence, Schema, Setting, resolve
from ptyconf.sources import dotenv
from ptyconf.text.files import TextError

TEXT = """# a comment

DEMO__TRAINING__NEPOCHS=7   # seven
export DEMO__TRAINING__TOKEN='can#ary'
 DEMO__TRAINING__DATA_FILE = "a\\"b
c.npz"  # over two lines
OTHER=$HOME
"""


def test_variables_are_read_with_their_places(jail: Callable[..., Path], program: SimpleNamespace) -> None:
    """As in the environment, with line and column; other programs' lines are nobody's business."""
    resolution = program.resolve(dotenv.layer(jail(".env", TEXT), "DEMO", name="environment"))
    assert resolution.value("training.nepochs") == 7
    assert str(resolution.trace("training.nepochs").winner.origin) == ".env:3:1 DEMO__TRAINING__NEPOCHS"
    assert str(resolution.trace("training.token").winner.origin) == ".env:4:8 DEMO__TRAINING__TOKEN"
    assert resolution.value("training.data_file") == Path('a"b\nc.npz')


@given(st.dictionaries(st.from_regex(r"[A-Za-z_]\w{0,4}", fullmatch=True), st.text(max_size=6), max_size=4))
def test_whatever_is_quoted_comes_back(texts: dict[str, str]) -> None:
    """Between double quotes, with quotes, backslashes and line ends escaped."""
    lines = []
    for name, text in texts.items():
        said = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
        lines.append(f'{name}="{said}"')
    assert dotenv.parse("\n".join(lines))[0] == texts


@pytest.mark.parametrize(
    ("text", "words", "place"),
    [
        ("A=1\nB\n", "has a line that is not NAME=text", (2, 1)),
        ("A=1\n 2=1\n", "has a line that is not NAME=text", (2, 2)),
        ("A=1\nA=1\n", "has the variable A twice", (2, 1)),
        ("A='x\n", "has a text whose quote is not closed", (1, 3)),
        ("A='x' y\n", "has more than a comment behind a quoted text", (1, 6)),
    ],
)
def test_what_is_no_dotenv_is_refused(text: str, words: str, place: Any) -> None:
    """With its place."""
    with pytest.raises(TextError) as caught:
        dotenv.parse(text)
    assert (caught.value.text, (caught.value.line, caught.value.column)) == (words, place)


def test_a_wrong_file_is_a_problem(jail: Callable[..., Path], program: SimpleNamespace) -> None:
    """Told with everything else, and with no text of the line, which may be a secret; or skipped."""
    program.resolve(dotenv.layer("gone", "DEMO", name="environment", missing="skip"))
    for path, words in (
        ("gone", "the file 'gone' does not exist"),
        ("/dev/zero", "/dev/zero is not a regular file"),
        (
            jail("bad.env", "A=1\nDEMO__TRAINING__TOKEN='canary\n"),
            "bad.env has a text whose quote is not closed",
        ),
        (jail("slip.env", "DEMO__TRAINING__TOKN=canary\n"), "unknown setting 'training.tokn'"),
    ):
        with pytest.raises(ConfigError) as caught:
            program.resolve(dotenv.layer(path, "DEMO", name="environment"))
        assert str(caught.value).startswith(words)
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("A__TOKEN_FILE=no\n", "1:1"),
        ("# c\n export A__TOKEN_FILE=no\n", "2:9"),
        ("A__TOKEN=a\nA__TOKEN_FILE=one\n", "2:1"),
    ],
)
def test_a_file_of_a_secret_is_named_in_its_line(jail: Callable[..., Path], text: str, place: str) -> None:
    """It stands in the dotenv file, and in no environment, whether it can be read or not."""
    path = jail("d.env", text)
    jail("one", "b\n")
    schema = Schema("s", settings=[Setting("token", str, "", secret=True)])
    layer = dotenv.layer(path, "A", schema=schema)
    with pytest.raises(ConfigError) as caught:
        resolve(schema, Precedence("dotenv"), [layer])
    assert f"  written in  d.env:{place}" in str(caught.value)
