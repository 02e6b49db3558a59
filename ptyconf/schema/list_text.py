"""Lists in layers of texts: one array of what is given element by element, or with a separator."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ptyconf.schema.annotations import optional_of, unwrap
from ptyconf.text.show import toml_text

if TYPE_CHECKING:
    from ptyconf.schema.kind import Kind
    from ptyconf.schema.tree import Slot
    from ptyconf.schema.types import Kinds


def by_number(elements: Mapping[Any, Any]) -> list[Any] | None:
    """Put elements that are given by number in their order; None where a number is missing."""
    if elements.keys() != set(range(len(elements))):
        return None
    return [elements[number] for number in range(len(elements))]


def array_text(kinds: Kinds, slot: Slot, texts: Sequence[str]) -> str | None:
    """Make one text of those given for a setting: of a list, an array with an element for each text.

    The names of a flag enum are joined as its own text, ``A,B``. A text that starts with ``[`` is the list
    itself, and ``none`` stays where the list may be absent; one text is taken apart where the setting
    declares a separator (``text=","``). None for a setting that is no list of any length.
    """
    if len(texts) > 1 and _is_flag_enum(slot):
        return ",".join(texts)
    element = element_kind(kinds, slot)
    if element is None:
        return None
    if len(texts) == 1 and (texts[0].lstrip().startswith("[") or (slot.kind.optional and texts[0] == "none")):
        return texts[0]
    separator = slot.setting.text
    parts: list[str] = []
    for text in texts:
        parts += [part.strip() for part in text.split(separator)] if separator and text else [text]
    if separator and texts == [""]:
        parts = []
    if len(texts) == 1 and not all(parts) and _as_toml("", element) == "":
        return texts[0]  # what is empty is no element of such a list: the text is told as it is
    return f"[{', '.join(_as_toml(part, element) for part in parts)}]"


def _is_flag_enum(slot: Slot) -> bool:
    inner = unwrap(optional_of(slot.setting.type)[0])
    return isinstance(inner, type) and issubclass(inner, enum.Flag)


def array_of_parts(kinds: Kinds, slot: Slot, text: str) -> str:
    """Make an array of a text whose parts have commas between them; "" where that is no such list."""
    element = element_kind(kinds, slot)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if element is None or not parts or text.lstrip().startswith("["):
        return ""
    array = f"[{', '.join(_as_toml(part, element) for part in parts)}]"
    try:
        slot.kind.text(array)
    except Exception:  # noqa: BLE001  Mismatches, and what the program's kinds and hooks raise.
        return ""
    return array


def is_list(slot: Slot) -> bool:
    """Tell whether a setting is one value that is a list of any length."""
    form = slot.kind.json_schema
    return slot.node is None and form.get("type") == "array" and "prefixItems" not in form


def element_kind(kinds: Kinds, slot: Slot) -> Kind | None:
    """Find the kind of a list's elements; None for what is no list of any length."""
    if not is_list(slot):
        return None
    inner, _ = optional_of(slot.setting.type)
    for member in (inner, *typing.get_args(inner)):
        bare = unwrap(member)
        origin, arguments = typing.get_origin(bare), typing.get_args(bare)
        if isinstance(origin, type) and origin is not types.UnionType and arguments:
            return kinds.of(arguments[0])
    return kinds.of(str)


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
