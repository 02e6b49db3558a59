"""Layers from the defaults of classes: each names class and field."""

from __future__ import annotations

from typing import Any

from ptyconf.errors import SchemaError
from ptyconf.merge.layer import Keys, Layer
from ptyconf.merge.origin import Origin
from ptyconf.schema.schema import Schema
from ptyconf.schema.view import UNSET, Attribute, View, copied


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
    sources: dict[str, str] = {}
    values: dict[str, Any] = {}
    for view in views:
        for each in view.own:
            if each.default is UNSET:
                continue
            path, value = each.bind.path, _default(each)
            source = f"{view.target.__qualname__}.{each.name}"
            if path in values and values[path] != value:
                raise SchemaError(f"{sources[path]} and {source} differ in their default of {path!r}")
            if path not in values:
                values[path], sources[path] = value, source

    def origins(keys: Keys) -> Origin:
        source = sources[".".join(keys)]
        return Origin(kind, source.partition(".")[0], source)

    label = ", ".join(view.target.__qualname__ for view in views)
    return Layer(name, _nested(values), origins, kind=kind, label=label, within=within)


def schema_layer(name: str, schema: Schema) -> Layer:
    """Make a layer of the schema's own defaults."""
    values = {path: each.default for path, each in schema.settings.items() if each.default is not UNSET}

    def origins(keys: Keys) -> Origin:
        return Origin("defaults", schema.name, f"default of {'.'.join(keys)}")

    return Layer(name, _nested(values), origins, kind="defaults", label=schema.name)


def _default(attribute: Attribute) -> Any:
    conversion = attribute.bind.conversion
    value = copied(attribute.default)
    return value if conversion is None else conversion.to_setting(value)


def _nested(values: dict[str, Any]) -> dict[str, Any]:
    tables: dict[str, Any] = {}
    for path, value in values.items():
        node = tables
        *sections, last = path.split(".")
        for section in sections:
            node = node.setdefault(section, {})
        node[last] = value
    return tables
