"""Lists in layers of texts: elements by number, or behind each other with a separator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ptyconf.merge.same import join_tables, same
from ptyconf.schema.fields import UNSET
from ptyconf.schema.free import text_of_any
from ptyconf.schema.list_text import array_text, by_number, is_list
from ptyconf.schema.path import Segments, join_path
from ptyconf.schema.pieces import Pieces

if TYPE_CHECKING:
    from ptyconf.merge.fault import Keys
    from ptyconf.merge.refusals import Refusals
    from ptyconf.schema.tree import Slot


def as_array(refusals: Refusals, slot: Slot, value: Any, at: Segments, keys: Keys) -> Any:
    """Make one text of the texts given for a list, read those in a table of any values; else it stays.

    UNSET where a number is missing.
    """
    kinds = refusals.schema.kinds
    if slot.free and isinstance(value, dict):
        return _free_value(refusals, value, at)
    if isinstance(value, str):
        array = array_text(kinds, slot, [value]) if slot.setting.text else None
        return value if array is None else array
    if isinstance(value, dict) and value and all(isinstance(key, int) for key in value):
        if not is_list(slot):
            return value
        elements = by_number(value)
        if elements is None:
            refuse_gap(refusals, value, at, keys)
            return UNSET
        value = elements
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        return value
    array = array_text(kinds, slot, value)
    return value if array is None else array


def _free_value(refusals: Refusals, value: Any, at: Segments) -> Any:
    """Read every text that stands under the keys of a table of any values by itself."""
    if isinstance(value, Pieces):
        first, second = (_free_value(refusals, writing, at) for writing in (value.first, value.second))
        joined = first if same(first, second) else join_tables(first, second)
        if joined is None:
            refusals.refuse_twice(join_path(at), value.first_keys, value.second_keys)
        return joined
    if isinstance(value, Mapping):
        return {key: _free_value(refusals, item, (*at, key)) for key, item in value.items()}
    return text_of_any(value) if isinstance(value, str) else value


def refuse_gap(refusals: Refusals, elements: dict[Any, Any], at: Segments, keys: Keys) -> None:
    """Note that a number is missing among those by which elements are given."""
    path = join_path(at)
    missing = next(number for number in range(len(elements) + 1) if number not in elements)
    text = f"the elements of {path!r} have no number {missing}"
    refusals.fault(text, path, keys, hint="number the elements from 0 without a gap")
