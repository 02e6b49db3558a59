"""A layer from a dict: nested tables, whole paths and bare names, with the line of the call that made it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import CodeType
from typing import Any

from ptyconf.arguments import misuse
from ptyconf.merge.columns import PLAIN, columns_of
from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.layer import Columnar, Compact, Layer, Unknown
from ptyconf.merge.origin import Origin
from ptyconf.schema.view import copied


def layer(  # noqa: PLR0913  All that can be said of a dict.
    name: str,
    values: Mapping[str, Any],
    *,
    label: str = "",
    sections: Iterable[str] | None = None,
    unknown: Unknown = "error",
    kind: str = "mapping",
    origin: Callable[[str], Origin] | None = None,
    references: bool | None = None,
    stacklevel: int = 1,
) -> Layer:
    """Make a layer of a dict; the dict may change afterwards.

    Args:
        name: Name in the precedence.
        values: Nested tables, whole paths and bare names, in any mixture.
        label: What origins are called by, as in ``overrides['max_epochs']``; the name if left out.
        sections: Order in which bare names are looked up; the schema's if left out.
        unknown: What an unknown key is: error, warn or ignore.
        kind: Kind of source in origins.
        origin: Gives the origin of a key, where the dict only carries what was read elsewhere.
        references: Whether texts may refer to other values; as the schema says if left out.
        stacklevel: Whose file and line is recorded; 1 is the caller.
    """
    if name.__class__ is not str:
        raise misuse("mapping.layer", "name", name, "the layer's name", 'mapping.layer("overrides", {...})')
    given: Any = values
    if given.__class__ is not dict and not isinstance(given, Mapping):
        hint = "instance.layer takes objects" if hasattr(values, "__dict__") else ""
        raise misuse("mapping.layer", "values", values, "a dict of settings", hint)
    called = label or name
    if origin is None:
        frame = sys._getframe(stacklevel)  # noqa: SLF001  The only cheap way to the caller's line.
        # The number of the line is counted when somebody asks: it would be an eighth of this call.
        origins = partial(_called, kind, called, frame.f_code, frame.f_lasti)
    else:
        origins = partial(_given, origin)
    # What a layer has by default is not said again: with one entry more the dict would be twice as large.
    fields: dict[str, Any] = {"name": name, "origins": origins, "label": called}
    try:
        columns = fields["columns"] = columns_of(values)
        if columns is None:
            fields["columns"], fields["values"] = (), _frozen(values)
    except RecursionError:
        text = f"{called} has tables or lists in each other too deep, or one that holds itself"
        fields["columns"], fields["values"], fields["faults"] = (), {}, (Fault(text),)
    if kind != "mapping":
        fields["kind"] = kind
    if unknown != "error":
        fields["unknown"] = unknown
    if fields["columns"] and sections is None and references is None:
        return Compact.of(fields)
    return Columnar.of(
        {
            **fields,
            "dotted": True,
            "sections": None if sections is None else tuple(sections),
            "references": references,
        }
    )


def _called(kind: str, label: str, code: CodeType, at: int, keys: Keys) -> Origin:
    line = next((line for start, end, line in code.co_lines() if start <= at < end), None)
    return Origin(kind, label, label + "".join([f"[{key!r}]" for key in keys]), code.co_filename, line)


def _given(origin: Callable[[str], Origin], keys: Keys) -> Origin:
    return origin(".".join(str(key) for key in keys))


def _frozen(values: Mapping[str, Any]) -> dict[str, Any]:
    """Copy tables, lists and sets, so that the caller may change them afterwards."""
    taken = dict(values)
    for key, item in values.items():
        kind = item.__class__
        if kind not in PLAIN:
            if kind is dict or isinstance(item, Mapping):
                taken[key] = _frozen(item)
            elif kind is list or kind is set:
                taken[key] = copied(item)
    return taken
