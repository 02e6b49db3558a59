"""A layer from an object: the fields that its caller set, and no others."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, Literal, TypeVar

from ptyconf.merge.layer import Fault, Keys, Layer
from ptyconf.merge.origin import Origin
from ptyconf.schema.view import UNSET, View
from ptyconf.tracking import is_tracked, set_fields

T = TypeVar("T")


def layer(
    name: str,
    instance: T,
    view: View[T],
    *,
    fields: Literal["all", "changed"] | AbstractSet[str] | None = None,
    label: str = "",
    within: int = 0,
) -> Layer:
    """Make a layer of an object.

    Args:
        name: Name in the precedence.
        instance: The object.
        view: The view of its class.
        fields: None takes what the caller set, which only a class marked with ``tracks_set_fields`` knows;
            "all" takes every field, "changed" those that differ from the default, a set of names takes
            these.
        label: What origins are called by; the class's name if left out.
        within: Order among layers of one name, the smaller above.

    Raises:
        TypeError: The class is not marked, and ``fields`` does not say what to take.
    """
    called = label or view.target.__qualname__
    if fields is None and not is_tracked(type(instance)):
        raise TypeError(
            f"{called} does not know which of its fields were set; mark the class with @tracks_set_fields, "
            "or say fields='all' or fields='changed'"
        )
    attributes: dict[str, str] = {}
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    known = _names(instance, fields)
    for each in view.own:
        raw = getattr(instance, each.name)
        if fields == "changed" and each.default is not UNSET and _equal(raw, each.default):
            continue
        if known is not None and each.name not in known:
            continue
        path = each.bind.path
        attributes[path] = each.name
        try:
            _put(values, path, view.read(each, instance))
        except ValueError as error:
            origin = Origin("instance", called, f"{called}.{each.name}")
            faults.append(Fault(str(error), path, origin=origin))

    def origins(keys: Keys) -> Origin:
        path = ".".join(keys)
        return Origin("instance", called, f"{called}.{attributes.get(path, path)}")

    return Layer(name, values, origins, kind="instance", label=called, within=within, faults=tuple(faults))


def _names(instance: object, fields: str | AbstractSet[str] | None) -> AbstractSet[str] | None:
    """Name the fields to take; None where that is for their values to say."""
    if fields is None:
        return set_fields(instance)
    return None if isinstance(fields, str) else fields


def _equal(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *sections, last = path.split(".")
    for section in sections:
        values = values.setdefault(section, {})
    values[last] = value
