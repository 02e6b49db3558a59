"""Layers from the defaults of classes: each names class and field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ptyconf.arguments import expect
from ptyconf.errors import SchemaError
from ptyconf.merge.fault import Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.merge.plain import nested
from ptyconf.schema.fields import UNSET, attribute_value
from ptyconf.schema.path import join_path, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.view import Attribute, View, copied


def layer(name: str, *views: View[Any], within: int = 0, kind: str = "defaults") -> Layer:
    """Make a layer of the defaults of classes; make it once and use it for every resolve.

    Args:
        name: Name in the precedence.
        views: The classes; nested ones count only where they are given themselves.
        within: Order among layers of one name, the smaller above.
        kind: Kind of source in origins.

    Raises:
        SchemaError: Two classes give one setting different defaults; make a layer of each.
    """
    expect("defaults.layer", "name", name, str, "the layer's name", 'defaults.layer("defaults", view)')
    for view in views:
        expect("defaults.layer", "a view", view, View, "a View of the schema", 'View(App, "section")')
    sources: dict[str, str] = {}
    values: dict[str, Any] = {}
    inner = dict(_default_instances(views))
    for view in views:
        instance, owner = inner.get(id(view), (UNSET, ""))
        for attribute in view.own:
            default = attribute.default if instance is UNSET else attribute_value(instance, attribute.name)
            if default is UNSET:
                continue
            path, value = attribute.bind.path, _default(attribute, default)
            source = owner or f"{view.target.__qualname__}.{attribute.name}"
            if path in values and values[path] != value:
                raise SchemaError(f"{sources[path]} and {source} differ in their default of {path!r}")
            if path not in values:
                values[path], sources[path] = value, source

    def origins(keys: Keys) -> Origin:
        for length in range(len(keys), 0, -1):
            source = sources.get(join_path(keys[:length]))
            if source is not None:
                inside = join_path(keys[length:])
                return Origin(kind, source.partition(".")[0], f"{source}.{inside}" if inside else source)
        return Origin(kind, label, label)

    label = ", ".join(view.target.__qualname__ for view in views)
    tables = nested({split_path(path): value for path, value in values.items()})
    return Layer(name, tables, origins, kind=kind, label=label, within=within)


def schema_layer(name: str, schema: Schema) -> Layer:
    """Make a layer of the schema's own defaults."""
    values = {
        split_path(path): setting.default
        for path, setting in schema.settings.items()
        if setting.default is not UNSET
    }

    def origins(keys: Keys) -> Origin:
        return Origin("defaults", schema.name, f"default of {'.'.join(keys)}")

    return Layer(name, nested(values), origins, kind="defaults", label=schema.name)


def _default_instances(views: tuple[View[Any], ...]) -> Iterator[tuple[int, tuple[Any, str]]]:
    """Find the default instances that classes have for the views inside them."""
    for view in views:
        for attribute in view.attributes:
            given = (
                attribute.nested is not None
                and attribute.default is not UNSET
                and attribute.default is not None
            )
            if given and not attribute.plain:
                yield (
                    id(attribute.nested),
                    (attribute.default, f"{view.target.__qualname__}.{attribute.name}"),
                )


def _default(attribute: Attribute, default: Any) -> Any:
    conversion = attribute.bind.conversion
    value = copied(default)
    return value if conversion is None else conversion.to_setting(value)
