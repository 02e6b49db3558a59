"""What of a resolution its plain values do not make again: instances that stand, and members of unions."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from ptyconf.merge.resolution import Resolution
from ptyconf.schema.annotations import name_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.path import Segments, split_path
from ptyconf.schema.tables import Variant, instance_in
from ptyconf.schema.tree import Choice, Items, Slot, Tree, child, is_end, key_text


def standing_places(resolution: Resolution) -> list[Segments]:
    """Find the places of instances that no constructor makes again of their fields, outer ones alone."""
    state = resolution._state  # noqa: SLF001  The two halves of one thing.
    building = resolution._building()  # noqa: SLF001  As above.
    places: dict[Segments, None] = {}
    for view in state.schema.views:
        at = split_path(view.section) if view.section else ()
        if building.instance(view) is not UNSET and not is_below(at, places):
            places[at] = None
    for path, slot in state.schema.index.slots.items():
        if slot.node is not None and path in state.values:
            for place, _, tree in _branches(slot, state.tree(path), split_path(path)):
                if instance_in(tree) is not UNSET and not is_below(place, places):
                    places[place] = None
    return list(places)


class Places:
    """Places, with those that hold them and those below them.

    Args:
        places: The places.
    """

    def __init__(self, places: Iterable[Segments]) -> None:
        self.own = frozenset(places)
        self.holders = frozenset(place[:length] for place in self.own for length in range(len(place)))

    def touch(self, place: Segments) -> bool:
        """Tell whether a place is one of these, holds one, or is below one."""
        return place in self.holders or is_below(place, self.own)


def is_below(place: Segments, places: Container[Segments]) -> bool:
    """Tell whether a place is one of some places, or below one."""
    return any(place[:length] in places for length in range(len(place) + 1))


def unwritten_settings(resolution: Resolution, places: Places) -> frozenset[str]:
    """Name the declared settings that touch some places, and are as by default."""
    state = resolution._state  # noqa: SLF001  The two halves of one thing.
    return frozenset(
        path for path in state.values if places.touch(split_path(path)) and state.is_default(path)
    )


def untold_members(resolution: Resolution) -> dict[Segments, str]:
    """Find the members of unions that neither a tag nor their keys tell: place, and name of the class."""
    state = resolution._state  # noqa: SLF001  The two halves of one thing.
    return {
        place: name_of(tree.section.target)
        for path, slot in state.schema.index.slots.items()
        if slot.node is not None and path in state.values
        for place, below, tree in _branches(slot, state.tree(path), split_path(path))
        if isinstance(tree, Variant) and is_untold(below.node, tree)
    }


def is_untold(node: Any, tree: Variant) -> bool:
    """Tell whether the keys of a union's table are those of several of its members, and no tag decides."""
    fitting = [section for section in node.sections if tree.keys() <= section.names.keys()]
    return isinstance(node, Choice) and not node.tag and len(fitting) > 1


def _branches(slot: Slot, tree: Tree, at: Segments) -> Iterator[tuple[Segments, Slot, Tree]]:
    """Walk what stands at a place and at those below it, outer ones first."""
    node = slot.node
    if node is None or is_end(node, tree):
        return
    yield at, slot, tree
    pairs: Any = enumerate(tree) if isinstance(node, Items) else tree.items()
    for key, item in pairs:
        below = child(node, key, tree)
        if below is not None:
            yield from _branches(below, item, (*at, key_text(node, key)))
