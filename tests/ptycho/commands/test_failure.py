"""Whatever happens becomes one message and an exit code; the unforeseen leaves a file without secrets."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from ptycho.commands.main import exit_code_of
from ptycho.errors import BackendError
from ptyconf.errors import error_text


def _fail(error: BaseException) -> int:
    secret = "hunter2"  # noqa: F841  What a traceback must not show.
    raise error


def _outcome(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = exit_code_of(lambda: _fail(error), debug=False)
    return code, capsys.readouterr().err


LESS_MEMORY = (
    "a smaller batch_size or inference_batch_size, fewer frames (n_subsample) or smaller ones (data.bin)"
)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("bad\n  expected  good"), "bad\n  expected  good\n"),
        (
            BackendError("libtorch_cpu.so: failed to map segment from shared object"),
            error_text(
                "there is not enough memory",
                details={"reason": "libtorch_cpu.so: failed to map segment from shared object"},
                hint="a larger limit of memory (ulimit -v), or a job that asks for more",
            )
            + "\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            error_text(
                "a file could not be written: No space left on device",
                expected="room for it",
                hint="making room, a larger limit (ulimit -f), or another folder",
            )
            + "\n",
        ),
        (FileNotFoundError(2, "No such file or directory", "a.npz"), "a.npz: No such file or directory\n"),
        (
            MemoryError("Unable to allocate 9 EiB"),
            error_text(
                "there is not enough memory",
                details={"reason": "Unable to allocate 9 EiB"},
                hint=LESS_MEMORY,
            )
            + "\n",
        ),
        (
            ValueError("array is too big; `arr.size * arr.dtype.itemsize` is larger than possible"),
            error_text(
                "there is not enough memory",
                details={
                    "reason": "array is too big; `arr.size * arr.dtype.itemsize` is larger than possible"
                },
                hint=LESS_MEMORY,
            )
            + "\n",
        ),
        (
            OSError(errno.ENOMEM, "Cannot allocate memory", "a.npz"),
            error_text(
                "there is not enough memory",
                details={"reason": "[Errno 12] Cannot allocate memory: 'a.npz'"},
                hint=LESS_MEMORY,
            )
            + "\n",
        ),
        (ValueError("[" * 10_000), f"{'[' * 4_000}... and 6000 letters more\n"),
        (RecursionError("too deep"), "the input is nested too deeply\n  reason  too deep\n"),
        (OverflowError("too large"), "a number in the input is too large\n  reason  too large\n"),
    ],
)
def test_bad_input_is_code_2(error: Exception, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Input, machine and memory: one message, code 2, no traceback."""
    assert _outcome(error, capsys) == (2, text)


def test_a_defect_is_code_70_with_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file holds the traceback, for the user alone, and no value, argument or variable."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("PTYCHO_TOKEN", "swordfish")
    code, text = _outcome(AttributeError("'list' object has no attribute 'get'"), capsys)
    [crash] = tmp_path.iterdir()
    assert code == 70
    assert text == (
        "ptycho failed where it should not: AttributeError\n"
        "  reason     'list' object has no attribute 'get'\n"
        f"  traceback  {crash}\n"
        "  try        reporting this with that file, and --debug to see the traceback here\n"
    )
    content = crash.read_text()
    assert "in _fail" in content
    assert "swordfish" not in content
    assert "PTYCHO_TOKEN" not in content
    assert stat.S_IMODE(os.stat(crash).st_mode) == 0o600  # noqa: PTH116  The mode is the point.


def test_interruptions_have_their_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C is 130, as shells have it."""
    assert _outcome(KeyboardInterrupt(), capsys) == (130, "interrupted\n")


def test_text_cannot_take_over_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Escapes and bells in names are shown as what they are; letters of any script stay."""
    assert _outcome(ValueError("scan \x1b[31m"), capsys)[1] == "scan \\x1b[31m\n"
