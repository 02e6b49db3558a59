"""Lists in sources of texts: elements by a declared separator, or one text an element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ptyconf.schema.index import Alias
from ptyconf.schema.list_text import array_text, by_number
from ptyconf.schema.path import Segments, join_path
from ptyconf.schema.pieces import Keys, Pieces, put_piece
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Slot


def indexed(elements: Mapping[Segments, str]) -> dict[str, Any]:
    """Put texts that are given by index together: ``items[0].port`` and ``items[1].port`` make one list."""
    lists: dict[str, Any] = {}
    known: dict[str, dict[Segments, Keys]] = {}
    for segments, text in elements.items():
        start = next(number for number, segment in enumerate(segments) if isinstance(segment, int))
        root = join_path(segments[:start])
        keys = (join_path(segments),)
        put_piece(lists.setdefault(root, {}), segments[start:], text, keys, known.setdefault(root, {}))
    return {root: _as_list(table) for root, table in lists.items()}


def _as_list(value: Any) -> Any:
    """Make lists of tables with numbers from 0 on; others stay, to be refused."""
    if isinstance(value, Pieces):
        return value.with_writings(_as_list(value.first), _as_list(value.second))
    if not isinstance(value, dict):
        return value
    below = {key: _as_list(item) for key, item in value.items()}
    elements = by_number(below)
    return below if elements is None else elements


def joined_text(schema: Schema | None, name: str, texts: Sequence[str]) -> str:
    """Make one text of what was given for a setting; of no list, the last one counts.

    Args:
        schema: The settings.
        name: The path of the setting, or another name of it.
        texts: What was given, in its order.
    """
    if schema is None:
        return texts[-1]
    meant = schema.index.find(name)
    slot = schema.find_slot(meant.path if isinstance(meant, (Slot, Alias)) else name)
    array = None if slot is None else array_text(schema.kinds, slot, texts)
    return texts[-1] if array is None else array
