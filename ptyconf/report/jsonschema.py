"""A schema as JSON Schema (draft 2020-12), for editors that complete TOML, JSON and YAML files.

It agrees with ``resolve`` about one document by itself, as far as types go; checks, rules, references and
what other layers say cannot be told. By the draft's own rule ``1.0`` is a whole number.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from ptyconf.report.json import plain
from ptyconf.report.written import LEFT_OUT, written
from ptyconf.schema.apart import tree_of
from ptyconf.schema.chosen import with_choices
from ptyconf.schema.fields import UNSET
from ptyconf.schema.fold import completed
from ptyconf.schema.path import Segments, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Choice, Items, Node, Section, Slot, Table, holds_secret
from ptyconf.sources.contents import DESCRIBED_BY, WORDS_OF_MISSING

DIALECT = "https://json-schema.org/draft/2020-12/schema"


LENGTHS = {"minItems", "maxItems"}


_INCLUDED: list[dict[str, Any]] = [
    {"type": "string"},
    {
        "type": "object",
        "properties": {"path": {"type": "string"}, "missing": {"enum": list(WORDS_OF_MISSING)}},
        "required": ["path"],
        "additionalProperties": False,
    },
]
"""A file that is included: its path, or a table that says what the lack of it is."""


def json_schema(
    schema: Schema, *, defaults: Mapping[str, Any] | None = None, paths: Collection[str] | None = None
) -> dict[str, Any]:
    """Describe the files of a program: types, help, units, choices and defaults.

    Args:
        schema: The settings.
        defaults: What is in force when nobody sets anything, where several layers of defaults decide; the
            schema's own defaults if left out.
        paths: The settings to describe; all if left out.
    """
    shown = tuple(schema.settings) if paths is None else tuple(path for path in schema if path in paths)
    settings = _sections(schema, shown, {} if defaults is None else defaults)
    replace = _names("Settings to which lower layers add nothing.", {"enum": list(shown)})
    lists = {"unset": _unset(schema, shown), "replace": replace}
    properties: dict[str, Any] = {
        **settings["properties"],
        "include": {
            "description": "Files whose settings stand below this file's.",
            "anyOf": [*_INCLUDED, {"type": "array", "items": {"anyOf": _INCLUDED}}],
        },
        **lists,
        DESCRIBED_BY: {"description": "The schema that editors complete the file by.", "type": "string"},
        "profile": {
            "description": "Named sets of settings that stand above this file's when asked for.",
            "type": "object",
            "additionalProperties": {**settings, "properties": {**settings["properties"], **lists}},
        },
    }
    return {
        "$schema": DIALECT,
        "title": schema.name,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _unset(schema: Schema, shown: Collection[str]) -> dict[str, Any]:
    """Describe the list of what is set to none: what may be none, and places below tables and sections."""
    slots = [schema.index.slots[path] for path in shown]
    items: dict[str, Any] = {"enum": [slot.path for slot in slots if _may_be_none(slot)]}
    below = "|".join(re.escape(slot.path) for slot in slots if isinstance(slot.node, (Table, Section)))
    if below:
        items = {"anyOf": [items, {"type": "string", "pattern": rf"^({below})($|\.)"}]}
    return _names("Settings to set to none.", items)


def _names(description: str, items: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "anyOf": [items, {"type": "array", "items": items}]}


def _may_be_none(slot: Slot) -> bool:
    return bool(slot.kind.optional if slot.node is None else slot.node.optional)


def _table() -> dict[str, Any]:
    return {"type": "object", "properties": {}, "additionalProperties": False}


def _sections(schema: Schema, shown: Collection[str], defaults: Mapping[str, Any]) -> dict[str, Any]:
    root = _table()
    for path in shown:
        slot = schema.index.slots[path]
        _put(root, path, describe(slot, defaults.get(path, slot.setting.default)))
    for key, entry in schema.index.keys.items():
        if isinstance(entry, tuple) and any(inner.path in shown for inner in entry):
            alias = entry[0]
            kind = alias.kind if alias.kind is not None else schema.index.slots[alias.path].kind
            described = dict(kind.json_schema)
            described["description"] = f"Another name of {' or '.join(inner.path for inner in entry)}."
            if alias.deprecated:
                described["deprecated"] = True
            _put(root, key, described)
    for view in reversed(schema.views):
        *outer, name = (str(key) for key in split_path(view.section)) if view.section else ("",)
        node = root
        for section in outer:
            node = node["properties"].get(section, {"properties": {}})
        if name in node["properties"]:
            node["properties"][name] = _or_list(view.target, node["properties"][name])
    return root


def _put(root: dict[str, Any], path: str, properties: dict[str, Any]) -> None:
    node = root
    *sections, name = (str(key) for key in split_path(path))
    for section in sections:
        node = node["properties"].setdefault(section, _table())
    node["properties"][name] = properties


def describe(slot: Slot, default: Any = UNSET, above: tuple[Any, ...] = ()) -> dict[str, Any]:
    """Describe one setting, with all that it holds.

    Args:
        slot: The setting.
        default: What is in force when nobody sets it.
        above: The classes around it: one that holds itself is described once.
    """
    described = dict(slot.kind.json_schema) if slot.node is None else _described_node(slot.node, above)
    if isinstance(slot.node, Items) and slot.node.strategy == "replace":  # else other files have a part
        described |= {name: slot.kind.json_schema[name] for name in LENGTHS & slot.kind.json_schema.keys()}
    setting = slot.setting
    if setting.secret:
        described.pop("enum", None)  # the secret is among them
    elif setting.choices:
        described = with_choices(described, [plain(choice) for choice in setting.choices])
    emptied = isinstance(slot.node, Table)  # none takes a table away, and what is left is empty
    if (emptied or _may_be_none(slot)) and described:
        described = _or_null(described)
    text = f"{setting.help} [{setting.unit}]" if setting.unit else setting.help
    if text:
        described["description"] = text.strip()
    if default is not UNSET and default is not None and not holds_secret(slot):
        described["default"] = _default(slot, default)
    if setting.secret:
        described["writeOnly"] = True
    return described


def _or_null(described: dict[str, Any]) -> dict[str, Any]:
    """Allow null, which JSON and YAML have for none."""
    if "enum" in described:
        described = {**described, "enum": [*described["enum"], None]}
        if "type" not in described:
            return described
    kind = described.get("type")
    if kind is not None:
        return {**described, "type": [*([kind] if isinstance(kind, str) else kind), "null"]}
    return {"anyOf": [*described.pop("anyOf", [described]), {"type": "null"}]}


def _default(slot: Slot, default: Any) -> Any:
    """Write a default as a file has it."""
    if slot.setting.conversion is not None:
        return plain(default)
    if slot.node is None:
        return plain(slot.kind.toml(default))

    def leaf(inner: Slot, value: Any, _at: Segments) -> Any:
        return LEFT_OUT if value is None else plain(inner.kind.toml(value))

    return written(slot, completed(slot, tree_of(slot, default)), (), leaf)


def _described_node(node: Node, above: tuple[Any, ...]) -> dict[str, Any]:
    if isinstance(node, Table):
        value = describe(node.value, above=above)  # none takes a key away
        nullable = value if not value or _may_be_none(node.value) else _or_null(value)
        table: dict[str, Any] = {"type": "object", "additionalProperties": nullable}
        if node.keys.expected == "a whole number":
            table["propertyNames"] = {"pattern": "^[-+]?[0-9][0-9_]*$"}
        return table
    if isinstance(node, Items):
        return {"type": "array", "items": describe(node.item, above=(*above, Items))}
    if isinstance(node, Choice):
        return {"anyOf": [_described_node(section, (*above, Items)) for section in node.sections]}
    if above.count(node.target) > 1:
        return {"type": "object"}
    inside = (*above, node.target)
    described = _table()
    for name, member in node.members.items():
        described["properties"][name] = describe(member, member.setting.default, inside)
    for alias, name in node.names.items():
        described["properties"].setdefault(alias, described["properties"][name])
    # What one layer leaves out of a section another may have; an element of a list stands by itself.
    required = [name for name, member in node.members.items() if member.required]
    if required and above and above[-1] is Items:
        described["required"] = required
    return _or_list(node.target, described)


def _or_list(target: Any, described: dict[str, Any]) -> dict[str, Any]:
    """Allow the list that stands for the members of a NamedTuple in their order."""
    names = getattr(target, "_fields", None)
    if names is None:
        return described
    members = [described["properties"][name] for name in names if name in described["properties"]]
    return {"anyOf": [described, {"type": "array", "prefixItems": members, "maxItems": len(names)}]}
