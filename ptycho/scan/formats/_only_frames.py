"""The one place of a file of no known layout where frames can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.errors import ScanError
from ptycho.files.hdf5 import SHOWN_KEYS
from ptycho.files.numbered_names import matching_names
from ptycho.scan.named_arrays import outlines, stacks_of_frames
from ptyconf.errors import error_text, with_hint

if TYPE_CHECKING:
    from ptycho.scan.scan_file import ScanFile

__all__ = ["find_frames"]

SHOWN_STACKS = 3


def find_frames(file: ScanFile) -> tuple[tuple[str, ...], list[str]]:
    """Find the arrays of the frames, several where each frame has its own, and say how they were told.

    Raises:
        ScanError: Nothing tells which they are, or one of them cannot be looked at.
    """
    stacks = stacks_of_frames(file)
    _require_readable(file, stacks)
    distinct = _distinct(file, stacks)
    if len(distinct) == 1:
        keys = tuple(matching_names(distinct[0], file.keys))
        what = f"{len(keys)} pictures '{distinct[0]}'" if len(keys) > 1 else f"'{distinct[0]}'"
        return keys, [f"frames: {what}, the only stack of pictures in the file"]
    default = _default_signal(file, distinct)
    if default:
        return (default,), [f"frames: '{default}', which the file calls its default signal (NeXus)"]
    what = (
        f"{len(distinct)} datasets that could be frames"
        if distinct
        else f"no stack of frames{_other_kinds(file)}"
    )
    raise ScanError(
        error_text(
            f"{file.path} holds {what}",
            expected="a setting that names the frames, and one that names the positions",
            known=", ".join(distinct) if distinct else _shown(file),
            hint=" or ".join(
                f'data.frames = "{key}"' for key in (distinct or _cell_arrays(file))[:SHOWN_STACKS]
            )
            or None,
        )
    )


def _distinct(file: ScanFile, stacks: list[str]) -> list[str]:
    """Leave out names that lead to a dataset that another name leads to: files link to their own frames."""
    if file.container != "hdf5":
        return stacks
    distinct = {stack if "*" in stack else file.hdf5.identity(stack): stack for stack in reversed(stacks)}
    return list(reversed(distinct.values()))


def _default_signal(file: ScanFile, stacks: list[str]) -> str:
    """Follow the attributes 'default' from the root to a signal that is one of the stacks; "" for none.

    Source:
        NeXus' rules on associating plottable data with an application (version 3).
    """
    if file.container != "hdf5":
        return ""
    place, hdf5 = "", file.hdf5
    for _ in range(DEEPEST):
        name = hdf5.attribute(place, "default")
        if not isinstance(name, str):
            break
        place = f"{place}/{name}".strip("/")
    signal = hdf5.attribute(place, "signal")
    key = f"{place}/{signal}".strip("/")
    if not isinstance(signal, str) or key not in hdf5:
        return ""
    place_of = hdf5.identity(key)
    return next((stack for stack in stacks if "*" not in stack and hdf5.identity(stack) == place_of), "")


DEEPEST = 8
"""Groups inside each other that the attributes lead through."""


def _other_kinds(file: ScanFile) -> str:
    """Name what looks like frames and is none: waves, which are complex, and cell arrays."""
    seen = outlines(file)
    waves = [f"'{key}'" for key, (shape, kind) in seen.items() if kind == "c" and len(shape) == 3]
    if waves:
        return f": {', '.join(waves)} is complex, and a detector gives real numbers (np.abs)"
    cells = _cell_arrays(file)
    return f": {', '.join(map(repr, cells))} is a cell array" if cells else ""


def _cell_arrays(file: ScanFile) -> list[str]:
    if file.container != "hdf5":
        return []
    return [key for key, (_, kind) in outlines(file).items() if kind == "O" and file.hdf5.cells(key)]


def _require_readable(file: ScanFile, stacks: list[str]) -> None:
    """Refuse to choose frames where an array cannot be looked at: those meant may be the missing ones.

    Raises:
        ScanError: A link leads nowhere, or a part or a filter is missing; says how others are named.
    """
    for key in file.keys:
        try:
            file.outline(key)
        except ScanError as error:
            if not stacks:
                raise
            ways = " or ".join(f'data.frames = "{stack}"' for stack in stacks[:SHOWN_STACKS])
            raise ScanError(with_hint(str(error), f"{ways}, or mend what is missing")) from error


def _shown(file: ScanFile) -> str:
    if file.container == "hdf5":
        return file.hdf5.shown_keys()
    return ", ".join(f"{key} {file.described(key)}" for key in file.keys[:SHOWN_KEYS])
