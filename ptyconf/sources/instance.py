"""A layer from an object: the fields that its caller set, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, Literal, TypeVar

from ptyconf.arguments import expect, expect_each, expect_one_of, misuse
from ptyconf.errors import SchemaError
from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.merge.plain import nested
from ptyconf.schema.annotations import is_class_with_fields, is_made_of
from ptyconf.schema.fields import UNSET, attribute_value
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.view import View
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
    expect(
        "instance.layer", "name", name, str, "the layer's name", 'instance.layer("overrides", object, view)'
    )
    expect("instance.layer", "view", view, View, "the View of its class", 'View(App, "section")')
    if not is_made_of(instance, view.target):
        raise misuse("instance.layer", "instance", instance, f"an object of {view.target.__qualname__}")
    if isinstance(fields, str):
        expect_one_of("instance.layer", "fields", fields, ("all", "changed"))
    elif fields is not None:
        fields = frozenset(expect_each("instance.layer", "fields", fields, str))
        unknown = fields - {attribute.name for attribute in view.attributes} - view.omitted
        if unknown:
            raise SchemaError(f"{view.target.__qualname__} has no attribute {', '.join(sorted(unknown))}")
    called = label or view.target.__qualname__
    if fields is None and not is_tracked(type(instance)):
        raise TypeError(
            f"{called} does not know which of its fields were set; mark the class with @tracks_set_fields, "
            "or say fields='all' or fields='changed'"
        )
    taken = _Taken(called)
    taken.take(instance, view, fields, "")

    return Layer.of(
        {
            "name": name,
            "values": nested(taken.values),
            "origins": partial(_attribute, called, taken.attributes),
            "kind": "instance",
            "label": called,
            "within": within,
            "faults": tuple(taken.faults),
        }
    )


def _attribute(called: str, attributes: Mapping[str, str], keys: Keys) -> Origin:
    """Give the origin of an attribute, or of a place inside what it holds."""
    for length in range(len(keys), 0, -1):
        attribute = attributes.get(join_path(keys[:length]))
        if attribute is not None:
            inside = join_path(keys[length:])
            return Origin("instance", called, f"{called}.{attribute}{f'.{inside}' if inside else ''}")
    return Origin("instance", called, f"{called}.{join_path(keys)}")


class _Taken:
    """What is taken out of an object and the objects inside it."""

    def __init__(self, called: str) -> None:
        self.called = called
        self.attributes: dict[str, str] = {}
        self.values: dict[Segments, Any] = {}
        self.faults: list[Fault] = []

    def take(self, instance: Any, view: View[Any], fields: Any, at: str) -> None:
        """Take the fields of one object; the schema takes apart those inside it that have no view."""
        known = _names(instance, fields)
        for attribute in view.attributes:
            raw = attribute_value(instance, attribute.name)
            if raw is UNSET:
                continue
            if known is not None and attribute.name not in known:
                continue
            if attribute.nested is not None:
                if raw is not None:
                    self.take(raw, attribute.nested, _fields_inside(raw, fields), f"{at}{attribute.name}.")
                continue
            if fields == "changed" and attribute.default is not UNSET and _equal(raw, attribute.default):
                continue
            path = attribute.bind.path
            self.attributes[path] = f"{at}{attribute.name}"
            try:
                value = view.read(attribute, instance)
            except Exception as error:  # noqa: BLE001  The program's own conversion.
                origin = Origin("instance", self.called, f"{self.called}.{at}{attribute.name}")
                text = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
                self.faults.append(Fault(text, path, origin=origin))
                continue
            if fields == "changed" and _is_inner(raw, attribute.default):
                value = _changed(raw, attribute.default)
            self.values[split_path(path)] = value


def _fields_inside(instance: Any, fields: Any) -> Any:
    """Say which fields of an object inside another to take: what was set where that is known, else all."""
    if fields in ("all", "changed"):
        return fields
    return None if is_tracked(type(instance)) else "all"


def _is_inner(value: Any, default: Any) -> bool:
    return is_class_with_fields(type(value)) and type(value) is type(default)


def _changed(value: Any, default: Any) -> dict[str, Any]:
    """Give the fields of an object inside that differ from those of the default."""
    from ptyconf.schema.fields import fields_of

    changed: dict[str, Any] = {}
    for field in fields_of(type(value)):
        ours, theirs = getattr(value, field.name), getattr(default, field.name)
        if _is_inner(ours, theirs):
            if inner := _changed(ours, theirs):
                changed[field.argument] = inner
        elif not _equal(ours, theirs):
            changed[field.argument] = ours
    return changed


def _names(instance: object, fields: str | AbstractSet[str] | None) -> AbstractSet[str] | None:
    """Name the fields to take; None where that is for their values to say."""
    if fields is None:
        return set_fields(instance)
    return None if isinstance(fields, str) else fields


def _equal(value: Any, default: Any) -> bool:
    return type(value) is type(default) and bool(value == default)
