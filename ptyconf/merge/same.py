"""When two values are the same: 1 is not true, NaN is itself, and order counts where a type keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ptyconf.schema.tables import InstanceTable

_TABLES = {dict, InstanceTable}  # an instance that stands for a table says nothing of what the table holds


def same(one: Any, two: Any) -> bool:
    """Tell whether two values are the same, in type too, at every depth."""
    if one is two:
        return True
    kind = one.__class__
    if kind is not two.__class__ and not {kind, two.__class__} <= _TABLES:
        return False
    if kind in (int, str, bool):
        return bool(one == two)
    if kind is float:
        return bool(one == two) or (one != one and two != two)
    if isinstance(one, Mapping):
        return len(one) == len(two) and all(key in two and same(item, two[key]) for key, item in one.items())
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, (set, frozenset)):
        return bool(one == two) and {type(item) for item in one} == {type(item) for item in two}
    try:
        if getattr(one, "shape", None):
            return one.shape == two.shape and bool(((one == two) | ((one != one) & (two != two))).all())
        return bool(one == two) or bool(
            one != one and two != two and repr(one) == repr(two)
        )  # NaN of other kinds
    except Exception:  # noqa: BLE001  The program's own code; and tables of columns have no single truth.
        return False


def join_tables(one: Any, other: Any) -> dict[Any, Any] | None:
    """Put the parts of a table together; None where both say something else of one key."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return None
    joined = dict(one)
    for key, item in other.items():
        if key in joined and not same(joined[key], item):
            inner = join_tables(joined[key], item)
            if inner is None:
                return None
            item = inner  # noqa: PLW2901  The two parts of it.
        joined[key] = item
    return joined
