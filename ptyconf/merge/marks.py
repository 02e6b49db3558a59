"""What the lists `unset` and `replace` of a file say of places below a setting, inside its lists too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ptyconf.merge.fault import Keys
from ptyconf.merge.hints import spell
from ptyconf.merge.law import STRATEGIES
from ptyconf.schema.fold import Barred
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Slot, Table, meets_union

if TYPE_CHECKING:
    from ptyconf.merge.layer import Layer
    from ptyconf.merge.refusals import Refusals

NOWHERE: Any = object()


def _in_a_list(below: Segments) -> bool:
    return any(isinstance(segment, int) for segment in below)


class Mark(NamedTuple):
    """One path of a list: its setting, the place below that, and what the list does with it."""

    path: str
    root: str
    below: Segments
    keys: Keys  # of the list, as the file has it
    unset: bool

    def on(self, value: Any, rest: Segments) -> Any:
        """Put the mark at a place in what is written; NOWHERE where that has no such place."""
        if not rest:
            return None if self.unset else Barred(value) if isinstance(value, Mapping) else value
        key, *deeper = rest
        below = tuple(deeper)
        if isinstance(value, list) and isinstance(key, int) and key < len(value):
            inner = self.on(value[key], below)
            return inner if inner is NOWHERE else [*value[:key], inner, *value[key + 1 :]]
        if not isinstance(value, Mapping) or not isinstance(key, str):
            return NOWHERE
        # What is unset need not be written: the default of a class may have it.
        inner = self.on(value.get(key, {}), below) if key in value or self.unset else NOWHERE
        if inner is NOWHERE:
            return inner
        table = {**value, key: inner}
        return Barred(table) if isinstance(value, Barred) else table


class Marks:
    """The marks of one layer."""

    def __init__(self, schema: Schema, layer: Layer) -> None:
        self.schema = schema
        self.layer = layer
        self.marks = list(self._read()) if layer.unset or layer.replaces else []
        self.placed: set[Mark] = set()

    def _read(self) -> Iterator[Mark]:
        for path, keys in self.layer.unset:
            root, below = self._locate(path)
            # A list is read as one, and which section a union means, all its parts say together.
            if _in_a_list(below) or (below and meets_union(self.schema.index.slots[root], below)):
                yield Mark(path, root, below, keys, unset=True)
        for path in sorted(self.layer.replaces):
            root, below = self._locate(path)
            if below:
                yield Mark(path, root, below, ("replace",), unset=False)

    def _locate(self, path: str) -> tuple[str, Segments]:
        try:
            self.schema.slot(path)
            return self.schema.locate(path)
        except KeyError:
            return "", ()

    def speaks_of(self, keys: Keys) -> bool:
        """Tell whether a mark stands at some keys of the layer."""
        return any(mark.keys == keys for mark in self.marks)

    def stands_alone(self, keys: Keys) -> bool:
        """Tell whether a mark stands in a union of which nothing else is written."""
        return any(
            mark.keys == keys and mark not in self.placed and not _in_a_list(mark.below)
            for mark in self.marks
        )

    def put(self, root: str, value: Any, roots: dict[Segments, Keys]) -> Any:
        """Put the marks of a setting into what is written for it, and the keys of unset places into roots."""
        for mark in self.marks:
            if mark.root != root or mark in self.placed:
                continue
            marked = mark.on(value, mark.below)
            if marked is not NOWHERE:
                self.placed.add(mark)
                value = marked
                if mark.unset:
                    roots[split_path(mark.path)] = mark.keys
        return value

    def empty_unwritten(self, written: Mapping[str, Any], take: Callable[[Slot, Any, Keys], None]) -> None:
        """Let settings that gather be empty where `replace` names them and the layer gives them nothing."""
        for path in sorted(self.layer.replaces.difference(written)):
            slot = self.schema.index.slots.get(path)
            if slot is not None and (slot.setting.merge in STRATEGIES or isinstance(slot.node, Table)):
                table = slot.kind.table or isinstance(slot.node, Table)
                take(slot, {} if table else [], ("replace",))

    def refuse_missed(self, refusals: Refusals) -> None:
        """Note every path of the lists that speaks of nothing."""
        wrong = {fault.path for fault in refusals.faults}
        for mark in self.marks:
            if mark in self.placed or mark.path in wrong:
                continue
            place = split_path(mark.path)
            nowhere = join_path(place[:-1] if mark.unset else place)
            text = f"{mark.path!r} stands in {mark.keys[0]}, and nothing is written for {nowhere!r}"
            hint = "" if _in_a_list(place) else spell(self.layer.kind, mark.path, "{}")
            refusals.fault(text, mark.path, mark.keys, hint=hint)
        for path in sorted(self.layer.replaces):
            if path not in self.schema:
                refusals.refuse_unknown(("replace",), None, name=path)
