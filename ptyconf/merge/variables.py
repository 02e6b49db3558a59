"""Variables of the environment that mean places below a setting: ``APP__REPLICAS__EU__PORT``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ptyconf.merge.numbered import refuse_gap
from ptyconf.schema.free import may_be_index
from ptyconf.schema.index import Index, environment_name
from ptyconf.schema.list_text import by_number, is_list
from ptyconf.schema.path import Segments, split_path
from ptyconf.schema.pieces import Pieces, put_piece
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Choice, Items, Node, Section, Slot, Table, child

if TYPE_CHECKING:
    from ptyconf.merge.refusals import Refusals


def locate_variable(index: Index, name: str) -> tuple[Slot, Segments] | None:
    """Find the setting that a variable means, and the place below it; None where there is no such setting."""
    parts = name.split("__")
    for length in range(len(parts) - 1, 0, -1):
        key = index.environment.get("__".join(parts[:length]).upper())
        slot = None if key is None else index.slots.get(key)
        if slot is not None and (slot.node is not None or slot.free or is_list(slot)):
            below = _descend(slot, parts[length:])
            return None if below is None else (slot, below)
    return None


def is_secret_below(schema: Schema, name: str) -> bool:
    """Tell whether a variable means a secret below a setting that holds settings."""
    located = locate_variable(schema.index, name)
    if located is None:
        return False
    slot, below = located
    inner: Slot | None = slot
    for segment in below:
        if slot.setting.secret or slot.node is None:
            break  # an element is as secret as its list, a key as its table
        inner = child(slot.node, segment)
        slot = inner or slot
    return slot.setting.secret


def _descend(slot: Slot, parts: list[str]) -> Segments | None:
    """Read the parts of a name as keys, indices and names of members."""
    node = slot.node
    if not parts:
        return ()
    if slot.free:
        return _free_keys(parts)
    if isinstance(node, Table):
        if not parts[0]:
            return None
        return _join(table_key(parts[0]), _descend(node.value, parts[1:]))
    if isinstance(node, Items):
        return _join(int(parts[0]), _descend(node.item, parts[1:])) if parts[0].isdecimal() else None
    if node is None:
        return (int(parts[0]),) if len(parts) == 1 and parts[0].isdecimal() and is_list(slot) else None
    sections = node.sections if isinstance(node, Choice) else (node,)
    for section in sections:
        for length in range(1, len(parts) + 1):
            below = _member(section, "__".join(parts[:length]), parts[length:])
            if below is not None:
                return below
    return None


def _free_keys(parts: list[str]) -> Segments | None:
    """Read parts of a name as keys of tables in each other; a number further down may mean an element."""
    if not all(parts) or may_be_index(parts):
        return None
    return tuple(map(table_key, parts))


def table_key(part: str) -> str:
    """Read a part of a name as a key: capitals are how variables are written, mixed case is the key's own."""
    return part.lower() if part.isupper() else part


def _member(section: Section, name: str, rest: list[str]) -> Segments | None:
    for written, member in section.names.items():
        if environment_name(written) == name.upper():
            below = _descend(section.members[member], rest)
            if below is not None:
                return (member, *below)
    return None


def _join(first: str | int, rest: Segments | None) -> Segments | None:
    return None if rest is None else (first, *rest)


def settings_of_variables(
    index: Index, variables: Iterable[tuple[str, str]], refusals: Refusals
) -> Iterator[tuple[Slot, Any, dict[Segments, tuple[str]]]]:
    """Put variables together that mean places below one setting: it, its value, the places' names."""
    values: dict[str, Any] = {}
    roots: dict[str, dict[Segments, tuple[str]]] = {}
    slots: dict[str, Slot] = {}
    places: dict[str, dict[Segments, tuple[str]]] = {}
    for name, text in variables:
        located = locate_variable(index, name)
        if located is None:
            _refuse(index, name, text, refusals)
            continue
        slot, below = located
        slots[slot.path] = slot
        put_piece(values.setdefault(slot.path, {}), below, text, (name,), places.setdefault(slot.path, {}))
        named = roots.setdefault(slot.path, {})
        named[(*split_path(slot.path), *below)] = (name,)
        if isinstance(below[-1], int):  # a list of single values is named by its first element
            named.setdefault((*split_path(slot.path), *below[:-1]), (name,))
        if slot.free:  # and so is a table of any values
            named.setdefault(split_path(slot.path), (name,))
    for path, slot in slots.items():
        named = roots[path]
        yield slot, _lists(slot.node, values[path], split_path(path), named, refusals), named


def _refuse(index: Index, name: str, text: str, refusals: Refusals) -> None:
    """Note a variable that means nothing, in the words of the deepest section that it reaches."""
    parts = name.split("__")
    for length in range(len(parts) - 1, 0, -1):
        for cut in range(length, 0, -1):
            key = index.environment.get("__".join(parts[:cut]).upper())
            slot = None if key is None else index.slots.get(key)
            below = None if slot is None else _descend(slot, parts[cut:length])
            if slot is not None and below is not None:
                node: Node | None = slot.node
                for segment in below:
                    node = None if node is None else _node_below(node, segment)
                if isinstance(node, (Section, Choice)):
                    at = (*split_path(slot.path), *below)
                    refusals.refuse_member(node, at, "__".join(parts[length:]).lower(), text, (name,))
                    return
    refusals.refuse_unknown((name,), text)


def _lists(
    node: Node | None, value: Any, at: Segments, roots: dict[Segments, tuple[str]], refusals: Refusals
) -> Any:
    """Make lists of tables by index; the indices must run from 0 without a gap."""
    if isinstance(value, Pieces):
        writings = (_lists(node, writing, at, roots, refusals) for writing in (value.first, value.second))
        return value.with_writings(*writings)
    if not isinstance(value, dict) or node is None:
        return value
    below = {
        key: _lists(_node_below(node, key), item, (*at, key), roots, refusals) for key, item in value.items()
    }
    if not isinstance(node, Items):
        return below
    elements = by_number(below)
    if elements is None:
        first = next(name for place, name in roots.items() if place[: len(at)] == at)
        refuse_gap(refusals, below, at, first)
    return elements or []


def _node_below(node: Node, key: Any) -> Node | None:
    if isinstance(node, Table):
        return node.value.node
    if isinstance(node, Items):
        return node.item.node
    sections = node.sections if isinstance(node, Choice) else (node,)
    return next((section.members[key].node for section in sections if key in section.members), None)
