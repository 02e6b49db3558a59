"""The choices of a setting: of a list or a table they are those of what it holds."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from ptyconf.schema.choices import one_of
from ptyconf.schema.kind import Kind, Mismatch
from ptyconf.schema.path import Segments, join_path
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Choice, Section, Slot

_CONTAINERS = (list, tuple, set, frozenset, deque, Mapping)
_WORDS = {"array": "a list of ", "object": "a table of "}


def with_words(kind: Kind, choices: Collection[Any]) -> Kind:
    """Leave paths unanchored where choices are relative ones: each is a word then, in whatever folder."""
    if kind.paths and any(isinstance(choice, PurePath) and not choice.is_absolute() for choice in choices):
        return replace(kind, paths=False)
    return kind


def refused_place(value: Any, choices: Collection[Any]) -> Segments | None:
    """Find the first part of a value that is none of the choices; () is the whole, None is nothing."""
    try:
        if value in choices:
            return None
    except TypeError:  # a list is no key of a registry
        pass
    if not isinstance(value, _CONTAINERS) or hasattr(value, "_fields") or _are_whole(choices):
        return ()
    for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
        below = None if item is None else refused_place(item, choices)
        if below is not None:
            return (key, *below)
    return None


def mismatch_of(value: Any, setting: Setting) -> Mismatch | None:
    """Say that a part of a value is none of the choices, if one is; those of a secret are not told."""
    place = refused_place(value, setting.choices)
    if place is None:
        return None
    return Mismatch("one of its choices" if setting.secret else one_of(setting.choices), at=join_path(place))


def _are_whole(choices: Collection[Any]) -> bool:
    """Tell whether choices are lists or tables themselves."""
    return any(isinstance(choice, _CONTAINERS) for choice in choices)


def expected_of(slot: Slot) -> str:
    """Say in words what a setting may be: one of its choices, a list of them, or what its type says."""
    setting = slot.setting
    if not setting.choices:
        return slot.expected
    return f"{'' if _are_whole(setting.choices) else _words(slot)}{one_of(setting.choices)}"


def _words(slot: Slot) -> str:
    if isinstance(slot.node, (Section, Choice)):
        return ""
    return _WORDS.get(str(slot.kind.json_schema.get("type")), "")


def examples_of(slot: Slot) -> Iterator[Any]:
    """Give values that the choices make legal: each of them, and the list of it."""
    for choice in slot.setting.choices:
        yield choice
        if _words(slot):
            yield [choice]


def with_choices(described: dict[str, Any], choices: Collection[Any]) -> dict[str, Any]:
    """Say the choices in the JSON Schema of a setting: of a list they are those of its elements."""
    if not _are_whole(choices):
        for inside in ("items", "additionalProperties"):
            if isinstance(described.get(inside), dict):
                return {**described, inside: with_choices(described[inside], choices)}
        for several in ("prefixItems", "anyOf"):
            if several in described:
                return {**described, several: [with_choices(each, choices) for each in described[several]]}
        if described.get("type") == "null":
            return described
    return {**described, "enum": [*choices]}
