"""Defaults as their types have them; one that its type refuses is wrong where it is in force."""

from __future__ import annotations

import typing
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ptyconf.schema.annotations import ABSTRACT, optional_of
from ptyconf.schema.containers import with_longest
from ptyconf.schema.fields import UNSET
from ptyconf.schema.kind import Kind, Mismatch, is_finite
from ptyconf.schema.kinds.builtins import KINDS as BUILTINS
from ptyconf.schema.path import Segments
from ptyconf.schema.reference import Deferred
from ptyconf.schema.tree import Slot, Tree, leaves
from ptyconf.schema.types import SEQUENCES, TABLES

_COLLECTIONS = (*SEQUENCES, *TABLES, tuple)


def kind_with_default(kind: Kind, default: Any) -> Kind:
    """Give the kind of a deque the length that its default has at most."""
    longest = default.maxlen if isinstance(default, deque) else None
    return kind if longest is None else with_longest(kind, longest)


def maker_with_default(make: Callable[[list[Any]], Any], default: Any) -> Callable[[list[Any]], Any]:
    """Give what makes a deque of sections the length that its default has at most."""
    longest = default.maxlen if isinstance(default, deque) else None
    return make if longest is None else partial(deque, maxlen=longest)


def read_default(kind: Kind, annotated: Any, default: Any) -> Any:
    """Read a default as its kind has it.

    One that its type refuses stands as it is, and so does a collection of a class of its own: what nobody
    writes is what the program gave.
    """
    try:
        value = kind.typed(default)
    except Exception:  # noqa: BLE001  The code of the program's kinds and hooks; it is told where it counts.
        return default
    base = _base_of(annotated)
    own = base in _COLLECTIONS and type(value) is not type(default) and isinstance(default, base)
    return default if own else value


def misfit_of(slot: Slot, value: Any) -> Mismatch | None:
    """Say what the type of a setting has against its default; None is no value, of whatever type."""
    if value is None or value is UNSET or isinstance(value, Deferred) or value.__class__ in slot.exact:
        return None
    try:
        slot.kind.typed(value)
    except Mismatch as mismatch:
        refused = mismatch
    except Exception:  # noqa: BLE001  As above.
        refused = Mismatch(slot.expected)
    else:
        return None
    if isinstance(value, float) and not is_finite(value):
        return None  # a file may not say it, the program may
    base = _base_of(slot.setting.type)
    judged = base in BUILTINS or (base in _COLLECTIONS and base not in ABSTRACT) or isinstance(value, str)
    return None if not judged and isinstance(base, type) and isinstance(value, base) else refused


def misfits(slot: Slot, tree: Tree) -> Iterator[tuple[Segments, Mismatch]]:
    """Walk the ends of a tree that their types refuse, unless code of a class makes others of them."""
    for at, leaf, value in leaves(slot, tree):
        if leaf.node is None and not leaf.loose and (mismatch := misfit_of(leaf, value)) is not None:
            yield at, mismatch


def holds_nonfinite(value: Any) -> bool:
    """Tell whether a default is a number that is not finite, or holds one."""
    if isinstance(value, (float, complex)) or type(value).__name__ == "Decimal":
        return not is_finite(value)
    if isinstance(value, Mapping):
        return any(map(holds_nonfinite, value.values()))
    return isinstance(value, (list, tuple, set, frozenset, deque)) and any(map(holds_nonfinite, value))


def _base_of(annotated: Any) -> Any:
    inner, _ = optional_of(annotated)
    return typing.get_origin(inner) or inner
