"""Lists in sources of texts: elements by a declared separator, or one text an element."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from typing import Any

from ptyconf.schema.kind import Kind
from ptyconf.schema.path import Segments, join_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Slot
from ptyconf.text.show import toml_text


def indexed(elements: Mapping[Segments, str]) -> dict[str, Any]:
    """Put texts that are given by index together: ``items[0].port`` and ``items[1].port`` make one list."""
    lists: dict[str, Any] = {}
    for segments, text in sorted(elements.items(), key=str):
        start = next(number for number, segment in enumerate(segments) if isinstance(segment, int))
        node = lists.setdefault(join_path(segments[:start]), {})
        for segment in segments[start:-1]:
            node = node.setdefault(segment, {})
        node[segments[-1]] = text
    return {root: _as_list(table) for root, table in lists.items()}


def _as_list(value: Any) -> Any:
    """Make lists of tables with numbers from 0 on; others stay, to be refused."""
    if not isinstance(value, dict):
        return value
    below = {key: _as_list(item) for key, item in value.items()}
    dense = set(below) == set(range(len(below)))
    return [below[number] for number in range(len(below))] if dense else below


def joined_text(schema: Schema | None, path: str, texts: Sequence[str]) -> str:
    """Make one text of what was given for a setting: of a list, an array with an element for each text.

    A text that starts with ``[`` is the list itself; one text is taken apart where the setting declares a
    separator (``text=","``).
    """
    slot = None
    if schema is not None:
        try:
            slot = schema.slot(path)
        except KeyError:
            slot = None
    element = None if slot is None or schema is None else _element_kind(schema, slot)
    if slot is None or element is None or (len(texts) == 1 and texts[0].lstrip().startswith("[")):
        return texts[-1]
    separator = slot.setting.text
    parts: list[str] = []
    for text in texts:
        parts += [part.strip() for part in text.split(separator)] if separator and text else [text]
    if separator and texts == [""]:
        parts = []
    if len(texts) == 1 and not all(parts) and _as_toml("", element) == "":
        return texts[0]  # what is empty is no element of such a list: the text is told as it is
    return f"[{', '.join(_as_toml(part, element) for part in parts)}]"


def _element_kind(schema: Schema, slot: Slot) -> Kind | None:
    """Find the kind of a list's elements; None for what is no list of any length."""
    form = slot.kind.json_schema
    if slot.node is not None or form.get("type") != "array" or "prefixItems" in form:
        return None
    for member in (slot.setting.type, *typing.get_args(slot.setting.type)):
        bare = typing.get_args(member)[0] if typing.get_origin(member) is typing.Annotated else member
        arguments = typing.get_args(bare)
        if isinstance(typing.get_origin(bare), type) and arguments:
            return schema.kinds.of(arguments[0])
    return schema.kinds.of(str)


def _as_toml(text: str, element: Kind) -> str:
    """Write a text as an element of an array that is read as the text alone: ``7`` of int | str is 7."""
    try:
        quoted = element.typed(text)
    except Exception:  # noqa: BLE001  The code of the program's kinds and hooks; resolve tells what it says.
        return text
    try:
        bare = element.text(text)
    except Exception:  # noqa: BLE001  The same code.
        return toml_text(text)
    return toml_text(text if bare is None or type(bare) is type(quoted) else element.toml(bare))
