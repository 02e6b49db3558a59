"""How the value of a setting that holds settings is read: every key and end of it by its own kind."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ptyconf.merge.fault import Keys
from ptyconf.merge.numbered import as_array, refuse_gap
from ptyconf.merge.refusals import Refusals
from ptyconf.merge.same import join_tables
from ptyconf.merge.same import same as is_same
from ptyconf.schema.annotations import is_cut_to, is_made_of, made_of, name_of, named_table
from ptyconf.schema.assembly import tags_of
from ptyconf.schema.choices import one_of
from ptyconf.schema.deferred import deferred, read_end
from ptyconf.schema.fields import UNSET
from ptyconf.schema.fold import Barred, as_whole, joined, like
from ptyconf.schema.given import is_made_again
from ptyconf.schema.kind import Mismatch, parsed, same
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.pieces import Pieces, removed_and_written
from ptyconf.schema.reference import has_reference
from ptyconf.schema.tables import InstanceTable, Variant, instance_in
from ptyconf.schema.tree import (
    Choice,
    Items,
    Section,
    Slot,
    Table,
    Tree,
    ends_of,
    holds_secret,
    key_text,
    leaves,
    section_in,
)
from ptyconf.text.show import close_matches, show
from ptyconf.tracking import is_tracked, set_fields

MISSING: Any = object()


def exactly(target: Any) -> str:
    """Say what may stand for a section: no subclass, for what that has of its own would be lost."""
    return f"a {name_of(target)} itself or its table, for what a subclass has of its own would be lost"


def _as_table(value: Any, *, text: bool) -> Any:
    """Read the text of a table; what is none stays, to be refused."""
    if not text or not isinstance(value, str):
        return value
    try:
        return parsed("a table", same)(value)
    except Mismatch:
        return value


def _clashes(slot: Slot, one: Tree, other: Tree) -> list[Segments]:
    """List the places of which two tables of one layer say different things.

    One may take away what the other writes in; of tables of any values each may give its part.
    """
    known = ends_of(slot, one)
    clashes = [removed for removed, _ in removed_and_written(known, ends_of(slot, other))]
    for place, leaf, value in leaves(slot, other):
        if place in known and not is_same(known[place], value):
            parts = join_tables(known[place], value) if leaf.free else None
            clashes += [place] if parts is None else []
    return clashes


class Branches:
    """The reading of trees in one layer.

    Args:
        refusals: Where faults go.
        roots: The keys of the places that the layer spells in its own way.
        folder: Folder of relative paths.
        refers: Whether texts may refer to other values.
    """

    missing = MISSING

    def __init__(
        self, refusals: Refusals, roots: dict[Segments, Keys], folder: str | None, *, refers: bool = False
    ) -> None:
        self.refusals = refusals
        self.roots = roots
        self.folder = folder
        self.refers = refers
        self.dotted = refusals.layer.dotted

    def keys(self, at: Segments, writing: Keys = ()) -> Keys:
        """Spell a place as the layer does: as that one of its writings where it has several of the place."""
        # The variables of one setting are put together before they are read: they are no several writings.
        if writing and self.refusals.layer.kind != "environment":
            start = next((place for place, keys in self.roots.items() if keys == writing), at)
            if at[: len(start)] == start != at:
                return (*writing, *at[len(start) :])
        for length in range(len(at), 0, -1):
            root = self.roots.get(at[:length])
            if root is not None:
                return (*root, *at[length:])
        # What is written in parts alone has the place of the first of them.
        return next((keys for place, keys in self.roots.items() if place[: len(at)] == at), at)

    def read(self, slot: Slot, value: Any, at: Segments, *, text: bool, removable: bool = False) -> Tree:
        """Read what is written for a slot; MISSING where something is wrong, which is noted."""
        node = slot.node
        if value.__class__ is Pieces:
            return self._joined(slot, value, at, text=text, removable=removable)
        if node is None:
            return self._end(slot, value, at, text=text, removable=removable)
        if text and isinstance(value, str):
            try:
                value = None if value.strip() == "none" else parsed(node.expected, same)(value)
            except Mismatch as mismatch:
                return self._refuse(slot, value, at, mismatch)
            text = False
        if value is None:
            if node.optional or removable or isinstance(node, Table):
                return None
            return self._refuse(slot, value, at, Mismatch(node.expected))
        if isinstance(node, Table):
            return self._table(slot, node, value, at, text=text)
        if isinstance(node, Items):
            return self._items(slot, node, value, at, text=text)
        return self._section(slot, node, value, at, text=text)

    def _joined(self, slot: Slot, pieces: Pieces, at: Segments, *, text: bool, removable: bool) -> Tree:
        """Read what is written of one place as a whole and in pieces; both must agree."""
        first, second = pieces.first, pieces.second
        if isinstance(slot.node, Choice):
            first = _as_table(first, text=text)
            if isinstance(first, Mapping) and isinstance(second, Mapping):
                section = self._chosen(slot, slot.node, {**first, **second}, at)
                if section is None:
                    return MISSING
                one: Tree = Variant(section, self._members(section, first, at, text=False))
                other: Tree = Variant(section, self._members(section, second, at, text=text))
                return self._agreed(slot, one, other, at, pieces)
        one = self.read(slot, first, at, text=text, removable=removable)
        other = self.read(slot, second, at, text=text, removable=removable)
        if one is MISSING or other is MISSING:
            return MISSING
        if slot.node is not None and isinstance(one, dict) and isinstance(other, dict):
            return self._agreed(slot, one, other, at, pieces)
        parts = join_tables(one, other) if slot.free else one if is_same(one, other) else None
        if parts is None and one is not other:
            self.refusals.refuse_twice(join_path(at), pieces.first_keys, pieces.second_keys)
        return parts

    def _agreed(self, slot: Slot, one: Tree, other: Tree, at: Segments, pieces: Pieces) -> dict[Any, Tree]:
        """Join two tables of one layer, and say where they differ."""
        for place in _clashes(slot, one, other):
            self.refusals.refuse_twice(join_path((*at, *place)), pieces.first_keys, pieces.second_keys)
        return joined(slot, one, other)  # type: ignore[no-any-return]

    def _refuse(self, slot: Slot, value: Any, at: Segments, mismatch: Mismatch) -> Any:
        self.refusals.refuse_value(slot, value, self.keys(at), mismatch, path=join_path(at))
        return MISSING

    def _end(self, slot: Slot, value: Any, at: Segments, *, text: bool, removable: bool) -> Any:
        kind = slot.kind
        if (
            removable
            and not kind.optional
            and (value is None or (text and value == "none" and kind.type is not str))
        ):
            return None
        if text and (slot.setting.text or not isinstance(value, str)):
            value = as_array(self.refusals, slot, value, at, self.keys(at))
            if value is UNSET:
                return MISSING
        if self.refers and has_reference(value):
            self.refusals.refer()
            return deferred(slot, value, self.folder, text=text)
        try:
            end = read_end(slot, value, self.folder, text=text)
            return Barred(end) if isinstance(value, Barred) and isinstance(end, dict) else end
        except Mismatch as mismatch:
            return self._refuse(slot, value, at, mismatch)
        except Exception as error:  # noqa: BLE001  The code of the program's kinds, hooks and conversions.
            converts = slot.setting.conversion is not None
            self.refusals.refuse_words(
                slot, error, value, self.keys(at), join_path(at), by_conversion=converts
            )
            return MISSING

    def _table(self, slot: Slot, node: Table, value: Any, at: Segments, *, text: bool) -> Tree:
        if not isinstance(value, Mapping):
            return self._refuse(slot, value, at, Mismatch(slot.kind.expected))
        tree: dict[Any, Tree] = {}
        for written, item in value.items():
            try:
                key = node.keys.text(written) if isinstance(written, str) else node.keys.typed(written)
            except Mismatch as mismatch:
                text_of = (
                    f"the key {show(written)} of {join_path(at)!r} is wrong; expected {mismatch.expected}"
                )
                self.refusals.fault(text_of, join_path((*at, str(written))), self.keys((*at, written)))
                continue
            segment = key_text(node, key)
            if segment != written and written.__class__ is str:
                self.roots[(*at, segment)] = self.keys((*at, written))
            branch = self.read(node.value, item, (*at, segment), text=text, removable=True)
            if branch is not MISSING:
                tree[key] = branch
        return like(value, tree)

    def _items(self, slot: Slot, node: Items, value: Any, at: Segments, *, text: bool) -> Tree:
        if isinstance(value, dict) and value and all(isinstance(key, int) for key in value):
            refuse_gap(self.refusals, value, at, self.keys((*at, next(iter(value)))))
            return MISSING
        if not isinstance(value, (list, tuple)) and type(value).__name__ != "deque":
            return self._refuse(slot, value, at, Mismatch(slot.kind.expected))
        branches = [self.read(node.item, item, (*at, index), text=text) for index, item in enumerate(value)]
        return [branch for branch in branches if branch is not MISSING]

    def _section(self, slot: Slot, node: Section | Choice, value: Any, at: Segments, *, text: bool) -> Tree:
        if node.__class__ is Section and value.__class__ is dict:
            return self._members(node, value, at, text=text)
        section = self._chosen(slot, node, value, at) if isinstance(node, Choice) else node
        if section is None:
            return MISSING
        value = named_table(value, section.target)
        if is_cut_to(value, section.target):
            return self._refuse(slot, value, at, Mismatch(exactly(section.target)))
        if is_made_of(value, section.target):
            tree = self._instance(section, value, at)
        elif isinstance(value, Mapping):
            tree = self._members(section, value, at, text=text)
        else:
            return self._refuse(slot, value, at, Mismatch(section.expected))
        return Variant(section, tree, instance_in(tree)) if isinstance(node, Choice) else tree

    def _instance(self, section: Section, value: Any, at: Segments) -> dict[str, Tree]:
        """Take an instance apart: what its caller set where the class knows it, else all."""
        only = set_fields(value) if is_tracked(type(value)) else None
        tree: dict[str, Tree] = {}
        members = section.members
        for attribute in section.view.attributes:
            if only is None or attribute.name in only:
                member = members[attribute.argument]
                inner = getattr(value, attribute.name)
                branch = self.read(member, inner, (*at, attribute.argument), text=False)
                if branch is not MISSING:
                    partial = is_tracked(type(inner))  # it gives only what its caller set
                    tree[attribute.argument] = branch if partial else as_whole(member, branch)
        stands = only is None and not is_made_again(value)
        return InstanceTable(tree, copy.deepcopy(value)) if stands else tree

    def _members(
        self, section: Section, value: Mapping[Any, Any], at: Segments, *, text: bool
    ) -> dict[str, Tree]:
        tree: dict[str, Tree] = {}
        names, members = section.names, section.members
        typed = not (text or self.refers)
        for written, item in value.items():
            name = names.get(written)
            usual = typed and name is not None and name == written and name not in tree
            if usual and item.__class__ in members[written].as_is:
                tree[written] = item
                continue
            below = (*at, written)
            if name is None and self.dotted and "." in str(written):
                first, *rest = split_path(written)
                name = names.get(str(first))
                self.roots[(*at, first, *rest)] = self.keys(below)
                below = (*at, first)
                for segment in reversed(rest):
                    item = {segment: item}  # noqa: PLW2901  One key is taken apart.
            if name is None:
                self.refusals.refuse_member(section, at, written, item, self.keys((*at, str(written))))
                continue
            member = members[name]
            if name != written and below[-1] != name:
                self.roots[(*at, name)] = self.keys(below)
                below = (*at, name)
            branch = self.read(member, item, below, text=text)
            if branch is not MISSING:
                tree[name] = self._once(member, tree, name, branch, below)
        return like(value, tree)

    def _once(self, member: Slot, tree: dict[str, Tree], name: str, branch: Tree, at: Segments) -> Tree:
        """Join what one layer writes twice, under two names or in parts; it must agree with itself."""
        if name not in tree:
            return branch
        earlier = tree[name]
        tables = member.node is not None and isinstance(earlier, dict) and isinstance(branch, dict)
        one_section = tables and section_in(member.node, earlier) is section_in(member.node, branch)
        if one_section and not _clashes(member, earlier, branch):
            return joined(member, earlier, branch)
        parts = join_tables(earlier, branch) if member.free else None
        if parts is not None:
            return parts
        if tables or earlier != branch:
            secret = holds_secret(member)
            path = join_path(at)
            self.refusals.fault(
                f"{path!r} is written twice with different values: {show(earlier, secret=secret)} and "
                f"{show(branch, secret=secret)}",
                path,
                self.keys(at),
            )
        return earlier

    def _chosen(self, slot: Slot, node: Choice, value: Any, at: Segments) -> Section | None:
        """Choose the section of a union: by instance, by tag, else the only one that has all keys."""
        if isinstance(value, Variant):
            return value.section
        number = made_of(value, [section.target for section in node.sections])
        if number is not None:
            return node.sections[number]
        if not isinstance(value, Mapping):
            self._refuse(slot, value, at, Mismatch(node.expected))
            return None
        if node.tag and node.tag in value:
            tag = value[node.tag]
            for section in node.sections:
                if any(
                    tag == candidate and type(tag) is type(candidate)
                    for candidate in tags_of(section, node.tag)
                ):
                    return section
            below = (*at, node.tag)
            tags = [candidate for section in node.sections for candidate in tags_of(section, node.tag)]
            text = f"{join_path(below)!r} is {show(tag, secret=slot.setting.secret)}; expected {one_of(tags)}"
            by_text = {str(candidate): candidate for candidate in tags}
            near = close_matches(str(tag), by_text, count=1)
            hint = self._tag_hints(node, at, [by_text[text] for text in near] or tags)
            self.refusals.fault(text, join_path(below), self.keys(below), hint=hint)
            return None
        fitting = [section for section in node.sections if all(key in section.names for key in value)]
        if len(fitting) == 1:
            return fitting[0]
        self._refuse_choice(node, value, at, fitting)
        return None

    def _tag_hints(self, node: Choice, at: Segments, tags: list[Any]) -> str:
        """Write the tags of a union in the language of the source."""
        keys, path, hints = self.keys(at), join_path((*at, node.tag)), self.refusals.hints
        return " or ".join(hints.written(keys, path, node.tag, show(tag)) for tag in tags)

    def _key_hints(self, sections: list[Section], at: Segments) -> str:
        """Write, for each member of a union that has one, a key that no other has, with its default."""
        hints = []
        for section in sections:
            others = {name for other in sections if other is not section for name in other.names}
            own = [slot for name, slot in section.members.items() if name not in others]
            own = [slot for slot in own if not holds_secret(slot)]
            known = (slot for slot in own if slot.node is None and slot.default is not UNSET)
            slot = next((slot for slot in known if slot.default is not None), None)
            if slot is not None:
                name = str(split_path(slot.path)[-1])
                path = join_path((*at, name))
                hints.append(self.refusals.hints.written(self.keys(at), path, name, show(slot.default)))
        return " or ".join(hints)

    def _refuse_choice(
        self, node: Choice, value: Mapping[Any, Any], at: Segments, fitting: list[Section]
    ) -> None:
        names = " or ".join(
            getattr(section.target, "__qualname__", "") for section in fitting or node.sections
        )
        path = join_path(at)
        what = (
            f"{path!r} may be {names}" if fitting else f"{path!r} is none of {names}: no one has all its keys"
        )
        hint = ""
        if node.tag:
            what += f"; {node.tag} says which"
            tags = [tag for section in fitting or node.sections for tag in tags_of(section, node.tag)]
            hint = self._tag_hints(node, at, tags)
        elif fitting:
            hint = self._key_hints(fitting, at)
        known = ", ".join(
            f"{getattr(section.target, '__qualname__', '')} ({', '.join(section.members)})"
            for section in node.sections
        )
        unknown = next(
            (key for key in value if all(key not in section.names for section in node.sections)), None
        )
        place = at if unknown is None else (*at, unknown)
        self.refusals.fault(what, path, self.keys(place), known=known, hint=hint)
