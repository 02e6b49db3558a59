"""A commented TOML file with every setting: uncommenting any line, or all of them, changes nothing."""

from __future__ import annotations

import textwrap
import typing
from collections.abc import Collection, Mapping
from typing import Any

from ptyconf.errors import ConfigError
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolve import resolve
from ptyconf.merge.same import same
from ptyconf.report.toml import literal
from ptyconf.report.written import LEFT_OUT, written
from ptyconf.schema.apart import tree_of
from ptyconf.schema.chosen import examples_of, expected_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.fold import completed
from ptyconf.schema.path import Segments
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Choice, Items, Node, Section, Slot, Table
from ptyconf.sources import toml
from ptyconf.text.show import dotted_key, toml_key

WIDTH = 96
SPELLED = (
    *("2026-01-01", "2026-01-01T00:00:00", "12:00:00", "1h", "10.0.0.1", "::1", "10.0.0.0/8", "::/64"),
    *("00000000-0000-0000-0000-000000000001", "base64:AA==", "1.5", "1/2", "1j"),
)

BY_TYPE = {"integer": 1, "number": 1.0, "boolean": True}
"""Examples for the elements of a list of a fixed length, by their types in JSON Schema."""


def template(
    schema: Schema,
    *,
    schema_url: str = "",
    defaults: Mapping[str, Any] | None = None,
    paths: Collection[str] | None = None,
) -> str:
    """Write every setting commented out, with its help, unit, choices and default.

    Args:
        schema: The settings.
        schema_url: Where the JSON Schema lies, for editors that read ``#:schema``.
        defaults: What is in force when nobody sets anything, where several layers of defaults decide; the
            schema's own defaults if left out.
        paths: The settings to write; all if left out.
    """
    in_force = {} if defaults is None else defaults
    derived = {derivation.target for derivation in schema.derivations}
    sections: dict[str, list[str]] = {}
    for path, setting in schema.settings.items():
        if path not in derived and (paths is None or path in paths):
            lines = _lines(schema, schema.index.slots[path], in_force.get(path, setting.default))
            sections.setdefault(setting.section, []).extend(lines)
    blocks = [f"#:schema {schema_url}"] if schema_url else []
    blocks.append(
        f"# Settings of {schema.name}. A line behind one # holds the default; take the # away to change it."
    )
    for section, lines in sorted(sections.items(), key=lambda pair: pair[0] != ""):
        if section:
            blocks += ["", f"[{dotted_key(section.split('.'))}]"]
        blocks += lines
    return "\n".join(blocks) + "\n"


def _lines(schema: Schema, slot: Slot, default: Any) -> list[str]:
    """Write one setting: what it is, and a line that sets it."""
    about, name = _about(slot, default), toml_key(slot.setting.name)
    adds = slot.setting.merge in {"append", "union"} and default is not UNSET and bool(default)
    if adds:
        about += " What is written is added to the default."
    lines = ["", *(f"## {line}" for line in textwrap.wrap(about, WIDTH))]
    if adds:
        line = f"{name} = []"
        return [*lines, f"# {line}" if _gives(schema, slot, line, default) else f"## for example: {line}"]
    try:
        return [*lines, *_assignments(schema, slot, name, default)]
    except ConfigError:  # none stands where TOML has no word for it
        return [*lines, f"## {name}: see its type"]


def _assignments(schema: Schema, slot: Slot, name: str, default: Any) -> list[str]:
    """Write the default of a setting, else an example for it."""
    example = _example(slot, default)
    if example is UNSET:
        needed = None if slot.node is None else _needed(slot.node, ())
        if not needed:  # nobody can guess it, or the class refuses its own defaults
            return [f"## {name}: see its type"]
        return [f"## for example: {name} = {literal(needed)}"]
    if slot.node is not None:
        if slot.setting.secret:
            return [f"## for example: {name} = {literal(_example_below(slot.node))}"]
        tree = completed(slot, tree_of(slot, example))
        return _table_lines(schema, slot, name, written(slot, tree, (), _leaf), default)
    if slot.setting.conversion is None:
        example = slot.kind.toml(slot.kind.typed(example))
    if default is None or default is UNSET or slot.setting.secret:
        # An example is no default: uncommented with all the others it would change the run.
        return [f"## for example: {name} = {literal(example)}"]
    return [f"# {name} = {literal(example)}"]


def _needed(node: Node, classes: tuple[Any, ...]) -> dict[str, Any] | None:
    """Give a table of what a class needs and nothing else; None where nobody can guess that."""
    section = node.sections[0] if isinstance(node, Choice) else node
    if not isinstance(section, Section) or section.target in classes:
        return None
    table: dict[str, Any] = {}
    for key, member in section.members.items():
        if not member.required:
            continue
        if member.node is None:
            example = _example(member, UNSET)
            if example is UNSET:
                return None
            table[key] = member.kind.toml(member.kind.typed(example))
        elif isinstance(member.node, (Items, Table)):
            table[key] = _example_below(member.node)
        else:
            table[key] = _needed(member.node, (*classes, section.target))
            if table[key] is None:
                return None
    return table


def _leaf(slot: Slot, value: Any, _at: Segments) -> Any:
    return LEFT_OUT if value is None or slot.setting.secret else slot.kind.toml(value)


def _table_lines(schema: Schema, slot: Slot, name: str, example: Any, default: Any) -> list[str]:
    """Write what holds settings: the default as one value, else a line for each setting of a section."""
    line = f"{name} = {literal(example)}"
    if default is not None and default is not UNSET:
        # What is none in a default, TOML cannot say there; and the defaults of a class are added to a table.
        return [f"# {line}" if _gives(schema, slot, line, default) else f"## for example: {line}"]
    if isinstance(example, dict) and example:
        return [f"## for example: {name}.{toml_key(key)} = {literal(item)}" for key, item in example.items()]
    return [f"## for example: {line}"]


def _gives(schema: Schema, slot: Slot, line: str, default: Any) -> bool:
    """Tell whether a line by itself makes a setting what it is by default."""
    section = slot.setting.section
    header = f"[{dotted_key(section.split('.'))}]\n" if section else ""
    try:
        loaded = resolve(schema, Precedence("file"), toml.parse(f"{header}{line}\n", unknown="ignore"))
    except ConfigError:
        return False
    return same(
        loaded.tree(slot.path), default if slot.node is None else completed(slot, tree_of(slot, default))
    )


def _about(slot: Slot, default: Any) -> str:
    setting = slot.setting
    parts = [setting.help] if setting.help else []
    if setting.unit:
        parts.append(f"[{setting.unit}]")
    parts.append(f"({expected_of(slot) if setting.choices else slot.kind.expected}")
    if setting.secret and "one of " in parts[-1]:
        parts[-1] = "(one of its choices"  # the secret is among them
    if default is None:
        parts[-1] += "; none unless set"
    if setting.secret:
        parts[-1] += "; a secret, better set in the environment"
    parts[-1] += ")"
    return " ".join(parts)


def _example(slot: Slot, default: Any) -> Any:
    """Find a value that would load: the default, the field's example, a legal one, or UNSET."""
    setting = slot.setting
    if default is not UNSET and default is not None and not setting.secret:
        return default
    if "example" in setting.metadata:
        return setting.metadata["example"]
    if slot.node is not None:
        return _example_below(slot.node)
    if setting.secret and (setting.choices or "enum" in slot.kind.json_schema):
        return UNSET
    names = slot.kind.json_schema.get("enum", ())
    row = [BY_TYPE.get(item.get("type"), "...") for item in slot.kind.json_schema.get("prefixItems", ())]
    candidates = (*examples_of(slot), *names, 1, "...", True, 1.0, [], {}, row, *([1, 1], ["a"]), *SPELLED)
    return next((candidate for candidate in candidates if _loads(slot, setting, candidate)), UNSET)


def _example_below(node: Node) -> Any:
    """Give an example of what holds settings: the defaults of a section, an empty table or list."""
    if isinstance(node, (Items, Table)):
        return [] if isinstance(node, Items) else {}
    section = node.sections[0] if isinstance(node, Choice) else node
    target = typing.get_origin(section.target) or section.target
    if any(member.required for member in section.members.values()):
        return UNSET  # a TypedDict would not miss them
    try:
        return target()
    except Exception:  # noqa: BLE001  The program's own class, which may refuse its defaults.
        return UNSET


def _loads(slot: Slot, setting: Setting, value: Any) -> bool:
    try:
        slot.kind.typed(value if setting.conversion is None else setting.conversion.to_setting(value))
        return not (setting.check is not None and setting.check(value))
    except Exception:  # noqa: BLE001  The program's own kinds, conversions and checks.
        return False
