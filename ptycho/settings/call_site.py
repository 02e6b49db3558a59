"""The line of code that asked for something, seen through the layers of this library that carried it out."""

import sys
from collections.abc import Collection
from types import FrameType

_OURS = frozenset({"ptycho", "ptycho_torch", "ptyconf", "dataclasses", "contextlib", "attr", "cattrs"})

# Constructors and structure functions that attrs and cattrs generate belong to no module.
_GENERATED = ("<attrs generated", "<cattrs generated")


def call_site(skip: Collection[str]) -> tuple[str, int]:
    """Find file and line of the nearest caller outside the modules named in `skip`."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  The public way (inspect) builds the whole stack.
    last = frame
    while frame is not None:
        if frame.f_globals.get("__name__") not in skip:
            return frame.f_code.co_filename, frame.f_lineno
        last, frame = frame, frame.f_back
    assert last is not None
    return last.f_code.co_filename, last.f_lineno


def nearest_caller(*modules: str) -> tuple[str, int, bool]:
    """Find file and line of the nearest caller outside some modules, and whether that is code of ours."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    last = frame
    while frame is not None and frame.f_globals.get("__name__") in modules:
        last, frame = frame, frame.f_back
    caller = frame or last
    assert caller is not None
    name = str(caller.f_globals.get("__name__", ""))
    return caller.f_code.co_filename, caller.f_lineno, name.partition(".")[0] in _OURS


def outside_stack_level() -> int:
    """Count the frames up to the first line outside our packages, as `warnings.warn` counts them."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001
    level = 1
    while frame is not None and _is_ours(frame):
        frame, level = frame.f_back, level + 1
    return level


def _is_ours(frame: FrameType) -> bool:
    package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return package in _OURS or frame.f_code.co_filename.startswith(_GENERATED)
