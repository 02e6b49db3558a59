"""A schema as JSON Schema (draft 2020-12), for editors that complete TOML files."""

from __future__ import annotations

import datetime
import enum
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, Literal, Union

from ptyconf.report.json import plain
from ptyconf.schema.annotations import unwrap
from ptyconf.schema.fields import UNSET
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS: dict[Any, dict[str, Any]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Path: {"type": "string"},
    PurePath: {"type": "string"},
    datetime.datetime: {"type": "string", "format": "date-time"},
    datetime.date: {"type": "string", "format": "date"},
    datetime.time: {"type": "string", "format": "time"},
}


def json_schema(
    schema: Schema, *, defaults: Mapping[str, Any] | None = None, paths: Collection[str] | None = None
) -> dict[str, Any]:
    """Describe the TOML files of a program: types, help, units, choices and defaults.

    Args:
        schema: The settings.
        defaults: What is in force when nobody sets anything, where several layers of defaults decide; the
            schema's own defaults if left out.
        paths: The settings to describe; all if left out.
    """
    shown = tuple(schema.settings) if paths is None else tuple(path for path in schema if path in paths)
    settings = _sections(schema, shown, {} if defaults is None else defaults)
    properties: dict[str, Any] = {
        **settings["properties"],
        "include": {
            "description": "Files whose settings stand below this file's.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        },
        "unset": {
            "description": "Settings to set to none.",
            "type": "array",
            "items": {"enum": list(shown)},
        },
        "profile": {
            "description": "Named sets of settings that stand above this file's when asked for.",
            "type": "object",
            "additionalProperties": settings,
        },
    }
    return {
        "$schema": DIALECT,
        "title": schema.name,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _sections(schema: Schema, shown: Collection[str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    for path in shown:
        setting = schema[path]
        node = root
        *sections, name = path.split(".")
        for section in sections:
            inner = {"type": "object", "properties": {}, "additionalProperties": False}
            node = node["properties"].setdefault(section, inner)
        node["properties"][name] = describe_setting(
            replace(setting, default=defaults.get(path, setting.default))
        )
    _add_aliases(schema, shown, root)
    return root


def _add_aliases(schema: Schema, shown: Collection[str], root: dict[str, Any]) -> None:
    """Allow the other names, marked by what they mean."""
    for key, entry in schema.index.keys.items():
        if not isinstance(entry, tuple) or not any(each.path in shown for each in entry):
            continue
        node = root
        *sections, name = key.split(".")
        for section in sections:
            inner = {"type": "object", "properties": {}, "additionalProperties": False}
            node = node["properties"].setdefault(section, inner)
        alias = entry[0]
        said = (
            dict(alias.kind.json_schema) if alias.kind is not None else type_schema(schema[alias.path].type)
        )
        said["description"] = f"Another name of {' or '.join(each.path for each in entry)}."
        if alias.deprecated:
            said["deprecated"] = True
        node["properties"][name] = said


def describe_setting(setting: Setting) -> dict[str, Any]:
    """Describe one setting."""
    said = type_schema(setting.type)
    text = f"{setting.help} [{setting.unit}]" if setting.unit else setting.help
    if text:
        said["description"] = text.strip()
    if setting.choices:
        said["enum"] = [plain(each) for each in setting.choices]
    if setting.default is not UNSET and setting.default is not None and not setting.secret:
        said["default"] = plain(setting.default)
    if setting.secret:
        said["writeOnly"] = True
    return said


def type_schema(kind: Any) -> dict[str, Any]:
    """Describe a Python type."""
    kind = unwrap(kind)
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return {"enum": [plain(each) for each in arguments if each is not None]}
    if origin in {Union, types.UnionType}:
        inner = [type_schema(each) for each in arguments if each is not type(None)]
        return inner[0] if len(inner) == 1 else {"anyOf": inner}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [plain(each) for each in kind]}
    return _container_schema(origin or kind, arguments)


def _container_schema(kind: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    if not isinstance(kind, type):
        return {}
    if issubclass(kind, Mapping):
        return {
            "type": "object",
            **({"additionalProperties": type_schema(arguments[1])} if arguments else {}),
        }
    if issubclass(kind, tuple) and arguments and arguments[-1] is not Ellipsis:
        count = len(arguments)
        items = [type_schema(each) for each in arguments]
        return {"type": "array", "prefixItems": items, "minItems": count, "maxItems": count}
    if issubclass(kind, (Sequence, set, frozenset)) and not issubclass(kind, (str, bytes)):
        return {"type": "array", **({"items": type_schema(arguments[0])} if arguments else {})}
    fields = getattr(kind, "__dataclass_fields__", None) or getattr(kind, "__attrs_attrs__", None)
    return {"type": "object"} if fields else {}
