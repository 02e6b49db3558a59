"""Objects taken apart into the trees of their settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ptyconf.errors import SchemaError
from ptyconf.schema.annotations import is_cut_to, is_made_of, made_of, name_of
from ptyconf.schema.fields import UNSET, attribute_value
from ptyconf.schema.fold import as_whole
from ptyconf.schema.given import is_made_again
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.tables import InstanceTable, Variant, instance_in
from ptyconf.schema.tree import Items, Section, Slot, Table, Tree


def tree_of(slot: Slot, value: Any, *, stands: bool = False) -> Tree:
    """Take an object apart into the tree of its settings.

    Args:
        slot: The setting.
        value: The object.
        stands: Whether instances that no constructor makes again stand for their tables.

    Raises:
        Mismatch: It is of another shape.
    """
    node = slot.node
    if node is None:
        conversion = slot.setting.conversion
        return value if conversion is None else conversion.to_setting(value)
    if value is None:
        return None
    if isinstance(node, Items):
        if isinstance(value, (str, Mapping)) or not isinstance(value, Iterable):
            raise Mismatch(slot.expected)
        return [tree_of(node.item, item, stands=stands) for item in value]
    if isinstance(node, Table):
        if not isinstance(value, Mapping):
            raise Mismatch(slot.expected)
        return {key: tree_of(node.value, item, stands=stands) for key, item in value.items()}
    if isinstance(node, Section):
        return section_tree(node, value, stands=stands)
    number = made_of(value, [section.target for section in node.sections])
    standing = [section for section in node.sections if _stands_for(value, section)]
    if number is None and not standing:
        raise Mismatch(node.expected)
    section = standing[0] if number is None else node.sections[number]
    tree = section_tree(section, value, stands=stands)
    return Variant(section, tree, instance_in(tree))


def _stands_for(value: Any, section: Section) -> bool:
    return is_made_of(value, section.target) or (
        isinstance(value, dict) and value.keys() <= section.names.keys()
    )


def section_tree(section: Section, value: Any, *, stands: bool = False) -> dict[str, Tree]:
    """Take an instance apart; the tables that it holds are whole, whatever its class has by default."""
    if is_cut_to(value, section.target):
        own, base = name_of(type(value)), name_of(section.target)
        raise SchemaError(
            f"{section.path}: a {own} stands where {base} is annotated, and what it has of its own would be "
            f"lost; annotate {base} | {own}"
        )
    if not _stands_for(value, section):
        raise Mismatch(section.expected)
    members = section.members
    names = {attribute.argument: attribute.name for attribute in section.view.attributes}
    parts = {name: attribute_value(value, names[name]) for name in members}
    table = {
        name: as_whole(members[name], tree_of(members[name], part, stands=stands))
        for name, part in parts.items()
        if part is not UNSET
    }
    return InstanceTable(table, value) if stands and not is_made_again(value) else table
