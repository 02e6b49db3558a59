"""How the story of one setting is told from the histories of the merge; nothing is resolved again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ptyconf.merge.combine import live_entries
from ptyconf.merge.elements import (
    ASSIGNED_KIND,
    OWN,
    Given,
    free_elements,
    free_leaves,
    numbered_elements,
    stands_for_all,
)
from ptyconf.merge.law import STRATEGIES, entries
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.origin import Origin
from ptyconf.merge.plain import nested, plain_tree
from ptyconf.merge.problems import ABSENT, default_source, part
from ptyconf.merge.trace import Applied, Derived, Element, Entry, Referred, Trace
from ptyconf.schema.fold import Barred
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.reference import Deferred
from ptyconf.schema.tree import Items, Slot, Tree, branch, holds_secret, leaves
from ptyconf.schema.view import copied
from ptyconf.text.show import MASK

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution
    from ptyconf.merge.state import State


class Stories:
    """The stories of one resolution's settings."""

    __slots__ = ("reveal", "state")

    def __init__(self, state: State, reveal: bool = False) -> None:
        self.state = state
        self.reveal = reveal

    def of(self, path: str | Segments) -> Trace:
        """Tell the story of a setting, a section, a container or an element.

        Raises:
            KeyError: There is no such setting, or nothing gives it a value.
        """
        state = self.state
        name = path if isinstance(path, str) else join_path(path)
        if name in state.made:
            return self.made(name)
        if isinstance(path, str):
            slot = state.schema.index.slots.get(path)
            if slot is not None and slot.node is None:
                return self.plain(path, slot)
        try:
            root, below = state.schema.place(path)
        except KeyError:
            return self.section(name)
        outer = state.schema.index.slots[root]
        if outer.node is None and not below:
            return self.plain(root, outer)
        inner, tree = branch(outer, state.tree(root), below)
        place = (*split_path(root), *below)
        if inner.node is not None and tree:
            return self.container(root, outer, inner, below, tree)
        return self.end(join_path(place), root, outer, inner, below, tree)

    # One setting by itself

    def plain(self, path: str, slot: Slot) -> Trace:
        """Tell the story of a setting that holds one value."""
        state = self.state
        derivation = state.derived.get(path) if state.derived else None
        hidden = not self.reveal and (slot.setting.secret or path in state.hidden)
        raw = state.values[path]
        value = MASK if hidden else raw if raw.__class__ in _PLAIN else copied(raw)
        written, passing = self.entries(path, hidden=hidden)
        simple = slot.setting.merge == "replace" and not (passing or state.links) and derivation is None
        if simple and written:
            return _new(Trace, (path, value, written[0], tuple(written[1:]), None, (), (), ()))  # type: ignore[no-any-return]
        winner = (
            None
            if derivation is not None
            else next((entry for entry in written if entry.passed is None), None)
        )
        elements = () if hidden else tuple(self.elements(path, slot, self.live(path)))
        return self.finish(path, value, winner, written, derivation, elements)

    def made(self, path: str) -> Trace:
        """Tell what the constructor of a class made of other values."""
        slot = self.state.schema.slot(path)
        value = MASK if self.is_secret(path) and not self.reveal else copied(self.state.made[path])
        origin = Origin("defaults", self.state.schema.name, f"default of {slot.source or path}")
        return Trace(path, value, Entry(OWN, value, origin), ())

    def entries(self, path: str, *, hidden: bool) -> tuple[list[Entry], bool]:
        """List what every layer wrote of a setting, high to low, and tell whether one is passed over."""
        written: list[Entry] = []
        passing = False
        link = self.state.histories.get(path)
        # As `law.entries` walks, without a generator and the constructor of Entry: this is the loop of every
        # report, and takes three fifths of the time so.
        while link is not None:
            source, entry, link = link
            shown = MASK if hidden else entry if entry.__class__ in _PLAIN else copied(self.read(entry))
            passed = source.passed.get(path) if source.passed else None
            passing = passing or passed is not None
            conversion = source.conversion(path) if source.spelled else ""
            origin = source.known_origins.get(path) or source.origin(path)
            written.append(_new(Entry, (source.name, shown, origin, conversion, passed)))
        return written, passing

    def live(self, path: str) -> list[tuple[LayerValues, Any]]:
        """List the layers that count where a setting gathers from all, with what they wrote."""
        live = live_entries(path, self.state.histories.get(path), self.state.repeated)
        return [(source, self.read(value)) for source, value in live]

    def finish(
        self,
        path: str,
        value: Any,
        winner: Entry | None,
        written: list[Entry],
        derivation: Derived | None,
        elements: tuple[Element, ...],
    ) -> Trace:
        """Put a trace together."""
        if derivation is not None:
            key = f"{derivation.function}({', '.join(derivation.inputs)})"
            winner = Entry("derived", value, Origin("derived", derivation.function, key))
            derivation = Derived(derivation.function, self.masked(derivation.inputs), derivation.reason)
        if winner is None:
            raise KeyError(path)
        losers = tuple([entry for entry in written if entry is not winner])
        passed = [Applied(entry.layer, entry.passed) for entry in written if entry.passed is not None]
        references = tuple(self.references(path)) if self.state.links else ()
        return Trace(path, value, winner, losers, derivation, tuple(passed), elements, references)

    def masked(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Hide the secrets among the inputs of a derivation."""
        return {
            path: MASK if not self.reveal and self.is_secret(path) else copied(value)
            for path, value in inputs.items()
        }

    def is_secret(self, path: str) -> bool:
        """Tell whether a setting is a secret, by itself or because it follows from one."""
        slot = self.state.schema.find_slot(path)
        return slot is not None and (path in self.state.hidden or holds_secret(slot))

    def follows_from_secret(self, path: str) -> bool:
        """Tell whether what stands at a place, or what holds it, follows from a secret."""
        if not self.state.hidden:
            return False
        place = split_path(path)
        return any(join_path(place[:length]) in self.state.hidden for length in range(len(place), 0, -1))

    def read(self, value: Any) -> Any:
        """Give a value with references as it was read; one that lost, as it was written."""
        if not isinstance(value, Deferred):
            return value
        return self.state.finished[id(value)][0] if id(value) in self.state.finished else value.raw

    def references(self, path: str) -> Iterator[Referred]:
        """Say what the references in a setting lead to, step by step."""
        for reference, value in self.state.links.get(path, ()):
            if reference.kind == "setting":
                shown = MASK if not self.reveal and self.is_secret(reference.name) else copied(value)
                steps = tuple(self.references(reference.name))
                origin = self.of(reference.name).winner.origin
                yield Referred(str(reference), reference.name, shown, origin, steps)
            else:
                hidden = not self.reveal and self.is_secret(path)
                origin = Origin(reference.kind, reference.kind, reference.name)
                yield Referred(str(reference), "", MASK if hidden else value, origin)

    def elements(self, path: str, slot: Slot, live: list[tuple[LayerValues, Any]]) -> Iterator[Element]:
        """Say which layer gave each element of a joined list or a merged free table."""
        strategy = slot.setting.merge
        if strategy == "replace" or not live or live[0][1] is None:
            return
        if strategy == "deep":
            for keys, value, source in free_leaves(*STRATEGIES[strategy](live)):
                yield Element(join_path(keys), value, source.name, source.inner_origin(path, *keys))
            return
        ordered = not isinstance(live[0][1], (set, frozenset))  # else a number is none of the file's
        for number, (source, listed, index) in enumerate(numbered_elements(strategy, live)):
            origin = source.inner_origin(path, index) if ordered else source.origin(path)
            yield Element(number, listed[index], source.name, origin)

    # What is below a setting

    def end(self, path: str, root: str, outer: Slot, inner: Slot, below: Segments, value: Any) -> Trace:
        """Tell the story of what stands at the end of a branch."""
        state = self.state
        hidden = not self.reveal and (_hides(inner, value) or self.follows_from_secret(path))
        written, winner, live = self.written(path, root, outer, inner, below, value, hidden=hidden)
        shown = MASK if hidden and value is not None else copied(value)
        elements: tuple[Element, ...] = ()
        if inner.setting.merge == "deep" and isinstance(shown, dict):
            # What no layer gave is some default's: the class's own, or that of an instance around it.
            default = self.class_default(inner, root, below, hidden=hidden)._replace(value=shown)
            elements = tuple(free_elements(live, default, shown))
        return self.finish(path, shown, winner, written, state.derived.get(path), elements)

    def written(
        self, path: str, root: str, outer: Slot, inner: Slot, below: Segments, now: Tree, *, hidden: bool
    ) -> tuple[list[Entry], Entry, list[Given]]:
        """List what layers wrote at a place, the winner, and those of which a part may be in force.

        A class's own default stands above a None.
        """
        live: list[Given] = []
        whole = False  # whether a layer gave all of what holds the place
        entries_written: list[Entry] = []
        winner: Entry | None = None
        barred = False
        for source, tree, place in self.sources(root, outer, below):
            value = part(outer, tree, place)
            if value is ABSENT:
                barred = barred or stands_for_all(outer, place, tree) or root in source.replaces
                continue
            reason = source.passed_reason(path, root) if source.passed or source.passed_below else None
            shown = MASK if hidden and value is not None else _shown(inner, self.read(value))
            where = path if place is below else join_path((*split_path(root), *place))
            origin = source.known_origins.get(where) or source.origin(where)
            conversion = source.conversion(where) if source.spelled else ""
            entry = _new(Entry, (source.name, shown, origin, conversion, reason))
            entries_written.append(entry)
            if reason is None and value is not None and not (barred or whole):
                live.append(Given(entry, source, where))
            gives_all = isinstance(value, Barred) or value is None or stands_for_all(outer, place, tree)
            whole = whole or gives_all or root in source.replaces
            if reason is None and winner is None and not barred:
                if value is None and now is not None:
                    barred = True  # nothing below it wins
                else:
                    winner = entry
        if winner is None:
            winner = self.class_default(inner, root, below, hidden=hidden)
            return [winner, *entries_written], winner, live
        return entries_written, winner, live

    def sources(
        self, root: str, outer: Slot, below: Segments
    ) -> Iterator[tuple[LayerValues, Tree, Segments]]:
        """Walk the layers that wrote a setting, with the place of an element in the layer's own list."""
        link = self.state.histories.get(root)
        node = outer.node
        if isinstance(node, Items) and below and isinstance(below[0], int):
            live = live_entries(root, link, self.state.repeated)
            gathers = node.strategy in STRATEGIES
            if gathers or (live and live[0][0].kind == ASSIGNED_KIND):
                marks = self.state.numbered.get(root)
                if marks is None:
                    marks = numbered_elements(node.strategy, live, node.item)
                    self.state.numbered[root] = marks
                if below[0] < len(marks):
                    source, tree, index = marks[below[0]]
                    yield source, tree, (index, *below[1:])
                if gathers:
                    return
                link = link[2] if link is not None else None
        for source, tree in entries(link):
            yield source, tree, below

    def class_default(self, inner: Slot, root: str, below: Segments, *, hidden: bool) -> Entry:
        """Give the entry of a class's own default, where no layer says otherwise."""
        slot = self.state.schema.index.slots[root]
        _, value = branch(slot, self.state.tree(root), below)
        source = default_source(slot, self.state.tree(root), below, value)
        source = source or inner.source or join_path((*split_path(root), *below))
        origin = Origin("defaults", self.state.schema.name, f"default of {source}")
        return Entry(OWN, MASK if hidden and value is not None else _shown(inner, value), origin)

    # Sections and containers

    def container(self, root: str, outer: Slot, inner: Slot, below: Segments, tree: Tree) -> Trace:
        """Tell the story of a container: its value as a plain table, and every end below it as an element."""
        place = (*split_path(root), *below)
        path = join_path(place)
        elements = []
        for inside, leaf, value in leaves(inner, tree):
            where = join_path((*place, *inside))
            trace = self.end(where, root, outer, leaf, (*below, *inside), value)
            key: str | int = (
                inside[0] if len(inside) == 1 and isinstance(inside[0], int) else join_path(inside)
            )
            elements.append(Element(key, trace.value, trace.winner.layer, trace.winner.origin))
        written = []
        for source, written_tree in entries(self.state.histories.get(root)):
            value = part(outer, written_tree, below)
            if value is not ABSENT:
                if source.kind == ASSIGNED_KIND and isinstance(inner.node, Items):
                    value = tree
                shown = self.plain_tree(inner, value, place)
                reason = source.passed_reason(path, root)
                written.append(
                    Entry(source.name, shown, source.origin(path), source.conversion(path), reason)
                )
        winner = next((entry for entry in written if entry.passed is None), None)
        if winner is None or winner.value is None:  # all in it is of the class, above that None
            winner = self.class_default(inner, root, below, hidden=not self.reveal and holds_secret(inner))
        value = self.plain_tree(inner, tree, place)
        return self.finish(path, value, winner, written, None, tuple(elements))

    def plain_tree(self, slot: Slot, tree: Tree, at: Segments) -> Any:
        """Give a tree as plain tables and lists, secrets masked."""
        hide = not self.reveal

        def end(slot: Slot, value: Any, at: Segments) -> Any:
            hidden = (
                hide and value is not None and (_hides(slot, value) or join_path(at) in self.state.hidden)
            )
            return MASK if hidden else copied(self.read(value))

        return plain_tree(slot, tree, at, end, textual=hide)

    def section(self, path: str) -> Trace:
        """Tell the story of a section: of all settings below it."""
        start = f"{path}."
        state = self.state
        elements = []
        values: dict[Segments, Any] = {}
        for key in state.values:
            if not key.startswith(start):
                continue
            trace = self.of(key)
            inside = key[len(start) :]
            values[split_path(inside)] = trace.value
            elements.append(Element(inside, trace.value, trace.winner.layer, trace.winner.origin))
        if not elements:
            raise KeyError(path)
        written = [share for source in state.layer_values if (share := self.share(source, start))]
        table = nested(values)
        winner = Entry(written[0].layer, table, written[0].origin)
        return self.finish(path, table, winner, written[1:], None, tuple(elements))

    def share(self, source: LayerValues, start: str) -> Entry | None:
        """Give what one layer wrote below a section, as a table, at the place of the first of it."""
        values: dict[Segments, Any] = {}
        first = ""
        for key, value in source.values.items():
            if key.startswith(start):
                first = first or key
                slot = self.state.schema.index.slots[key]
                hidden = not self.reveal and value is not None and self.is_secret(key)
                values[split_path(key[len(start) :])] = MASK if hidden else self.shown(slot, key, value)
        return Entry(source.name, nested(values), source.origin(first)) if first else None

    def shown(self, slot: Slot, path: str, value: Any) -> Any:
        """Give what a layer wrote of one setting as plain tables, lists and values."""
        if slot.node is not None and not isinstance(value, Barred):
            return self.plain_tree(slot, value, split_path(path))
        return _shown(slot, self.read(value))


_PLAIN = frozenset({int, float, str, bool, type(None)})
_new: Any = tuple.__new__


def _hides(slot: Slot, value: Any) -> bool:
    """Tell whether an end is a secret: of another shape than its type, one that may hold one."""
    return slot.setting.secret or bool(slot.node is not None and value and holds_secret(slot))


def is_secret(resolution: Resolution, path: str | Segments) -> bool:
    """Tell whether a setting is a secret, by itself or because it follows from one."""
    state = resolution._state  # noqa: SLF001  The halves of one room.
    if not state.hidden and not state.schema.has_secrets:
        return False
    stories = Stories(state)
    return stories.is_secret(path if isinstance(path, str) else join_path(path))


def _shown(slot: Slot, value: Any) -> Any:
    if value.__class__ in _PLAIN:
        return value
    return plain_tree(slot, value) if slot.node is not None else copied(value)
