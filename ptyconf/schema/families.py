"""Families of kinds: one module of ``ptyconf.schema.kinds`` for each of Python's modules that has such types.

A new family of types is one file there, or an entry point ``ptyconf.kinds`` of another distribution that is
named like the module in which the types are defined and gives a dict from type to Kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ptyconf.registry import Registry
from ptyconf.schema.kind import Kind

KINDS: Registry[Mapping[Any, Kind]] = Registry(
    "family of kinds", package="ptyconf.schema.kinds", attribute="KINDS", entry_points="ptyconf.kinds"
)


def find_kind(kind: Any) -> Kind | None:
    """Find the kind of a plain class: its own, or that of the text or number which it specialises."""
    if kind is None:
        kind = type(None)
    if not isinstance(kind, type):
        return None
    family = KINDS.get(kind.__module__.partition(".")[0])
    if family is not None and kind in family:
        return family[kind]
    base = next((base for base in kind.__mro__ if base in (str, int, float)), None)
    return None if base is None else _specialised(kind, KINDS["builtins"][base])


def _specialised(kind: Any, base: Kind) -> Kind:
    """Make the kind of a subclass of text or number: read as that, then made an instance."""

    def read(value: Any) -> Any:
        return value if isinstance(value, kind) else kind(base.typed(value))

    return replace(
        base,
        type=kind,
        typed=read,
        text=lambda text: kind(base.text(text)),
        toml=base.type,
        frozen=lambda value: base.frozen(base.type(value)),
        thawed=lambda value: kind(base.thawed(value)),
        exact=frozenset({kind}),
        finite=False,
    )
