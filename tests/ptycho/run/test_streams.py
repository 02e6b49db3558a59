"""Output that nobody reads does not end a process: pipes that close, descriptors that are missing."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from ptycho.run.streams import LastingStream, lasting_streams, tell
from ptyconf.terminal import OutputError

TALKER = """
import sys
from ptycho.run.streams import lasting_streams
with lasting_streams():
    for number in range(20000):
        print("line", number)
        print("line", number, file=sys.stderr)
    open(sys.argv[1], "w").write("whole")
"""


def _talk(path: object, shell: str) -> int:
    command = f'"{sys.executable}" -c \'{TALKER}\' "{path}" {shell}'
    return subprocess.run(["bash", "-c", command], check=False, timeout=60).returncode


@pytest.mark.parametrize(
    "shell",
    [
        "2>&1 | head -n 2 >/dev/null; exit ${PIPESTATUS[0]}",
        ">&- 2>&-",
        "<&- >&- 2>&-",
        ">/dev/full 2>/dev/full",
    ],
    ids=["closed pipe", "closed output", "everything closed", "full disk"],
)
def test_nobody_needs_to_listen(tmp_path, shell) -> None:
    """A process goes on to its end and its exit code is 0, whatever happens to its output."""
    assert _talk(tmp_path / "done", shell) == 0
    assert (tmp_path / "done").read_text() == "whole"


def test_a_file_never_gets_a_standard_descriptor(tmp_path) -> None:
    """With descriptor 2 closed, a file that is opened then gets another number."""
    code = (
        "from ptycho.run.streams import lasting_streams\n"
        "with lasting_streams():\n"
        "    file = open(__import__('sys').argv[1], 'w')\n"
        "    assert file.fileno() > 2\n"
    )
    command = f'"{sys.executable}" -c "{code}" "{tmp_path / "file"}" 2>&-'
    assert subprocess.run(["bash", "-c", command], check=False, timeout=60).returncode == 0


def test_unknown_letters_become_escapes() -> None:
    """A stream of few letters shows the others as escapes, and does not fall silent."""
    beneath = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    stream = LastingStream(beneath)
    stream.write("5 µm\n")
    stream.write("more\n")
    stream.flush()
    assert beneath.buffer.getvalue() == b"5 \\xb5m\nmore\n"


def test_streams_are_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    """After the block the process has its own streams again."""
    before = sys.stdout, sys.stderr
    with lasting_streams():
        assert sys.stdout is not before[0]
        sys.stdout.write("heard\n")
    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out == "heard\n"


def test_an_answer_arrives_or_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for is an error on an output that is full or closed, and none where a reader left."""
    with open("/dev/full", "w") as full, monkeypatch.context() as patch:  # noqa: PTH123
        patch.setattr(sys, "stdout", full)
        with lasting_streams(), pytest.raises(OutputError) as caught:
            tell("answer")
        assert str(caught.value) == "the output cannot be written: No space left on device"
    monkeypatch.setattr(sys, "stdout", None)
    with lasting_streams(), pytest.raises(OutputError) as caught:
        tell("answer")
    assert str(caught.value) == "the output is closed"
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w") as left:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", left)
        with lasting_streams():
            tell("answer")
            tell("and more")
