"""Tables that become instances inside a value: cattrs with the strict readers as its hooks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ptyconf.schema.scalars import Mismatch, Reader

if TYPE_CHECKING:
    from cattrs import Converter


@functools.cache
def converter(reader: Callable[[Any], Reader]) -> Converter:
    """Make the converter, once: unknown keys refused, scalars as strict as everywhere else."""
    import cattrs

    made = cattrs.Converter(forbid_extra_keys=True, detailed_validation=True)

    def read(value: Any, kind: Any) -> Any:
        return reader(kind).typed(value)

    made.register_structure_hook_func(_is_strict, read)
    for kind in (bool, int, float, str, bytes):  # cattrs asks its own hooks for these first
        made.register_structure_hook(kind, read)
    return made


def _is_strict(kind: Any) -> bool:
    return not (hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__"))


def structure(value: Mapping[str, Any], kind: type, reader: Callable[[Any], Reader]) -> Any:
    """Make an instance of a dataclass or attrs class from a table.

    Raises:
        Mismatch: A key is unknown or missing, or a value does not fit; says where inside the table.
    """
    from cattrs import BaseValidationError

    try:
        return converter(reader).structure(value, kind)
    except BaseValidationError as group:
        raise _first_mismatch(group, kind, "") from group


def _first_mismatch(group: Any, kind: type, at: str) -> Mismatch:
    from cattrs import ForbiddenExtraKeysError, transform_error
    from cattrs.errors import AttributeValidationNote

    for error in group.exceptions:
        notes = [
            note for note in getattr(error, "__notes__", ()) if isinstance(note, AttributeValidationNote)
        ]
        here = at + "".join(f".{note.name}" for note in notes)
        if isinstance(error, Mismatch):
            return Mismatch(error.expected, error.hint, here + error.at)
        if isinstance(error, ForbiddenExtraKeysError):
            names = ", ".join(sorted(error.extra_fields))
            return Mismatch(f"a table that makes a {kind.__qualname__}, which has no {names}", at=here)
        if isinstance(error, KeyError):
            return Mismatch(f"a table that makes a {kind.__qualname__}, which needs {error.args[0]}", at=here)
        if hasattr(error, "exceptions"):
            return _first_mismatch(error, kind, here)
    return Mismatch("; ".join(transform_error(group)), at=at)
