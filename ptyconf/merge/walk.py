"""The walk over one layer's keys: the settings' own, then their other names, then what is unset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ptyconf.merge.columns import Rest, take_plain
from ptyconf.merge.fault import Keys
from ptyconf.merge.marks import Marks
from ptyconf.merge.numbered import as_array
from ptyconf.merge.refusals import Refusals
from ptyconf.merge.same import join_tables
from ptyconf.merge.same import same as is_same
from ptyconf.merge.single_values import read_later, read_value
from ptyconf.schema.annotations import is_cut_to, is_made_of, named_table
from ptyconf.schema.fields import UNSET, attribute_value
from ptyconf.schema.fold import joined
from ptyconf.schema.given import is_made_again
from ptyconf.schema.index import Alias, AmbiguousKey
from ptyconf.schema.kind import Mismatch, parsed, same
from ptyconf.schema.path import Segments, join_path, lacks_key, split_path
from ptyconf.schema.pieces import put_piece, removed_and_written
from ptyconf.schema.reference import Deferred, has_reference
from ptyconf.schema.tree import Slot, Tree, ends_of, holds_secret, leaves, meets_union, section_in
from ptyconf.schema.view import View
from ptyconf.text.show import show
from ptyconf.tracking import is_tracked, set_fields

if TYPE_CHECKING:
    from ptyconf.merge.branches import Branches
    from ptyconf.merge.layer import Layer
    from ptyconf.merge.layer_values import LayerValues


class Walk:
    """The walk over one layer's keys."""

    def __init__(self, layer_values: LayerValues, layer: Layer) -> None:
        self.layer_values = layer_values
        self.spelled = dict(layer_values.spelled)
        layer_values.spelled = self.spelled
        self.layer = layer
        self.refusals = Refusals(layer_values, layer)
        self.schema = layer_values.schema
        self.index = self.schema.index
        self.sections = self.refusals.sections
        self.refers = layer.refers(self.schema)
        self.aliased: list[tuple[Alias, Any, Keys]] = []
        self.roots: dict[Segments, Keys] = {}
        self.wholes: set[Segments] = set()  # settings that are written in one piece, under their own keys
        self.marks = Marks(self.schema, layer)
        self.of_unions: dict[str, dict[Any, Any]] = {}
        self.places_of_unions: dict[str, dict[Segments, Keys]] = {}

    @cached_property
    def branches(self) -> Branches:
        """How trees are read."""
        from ptyconf.merge.branches import Branches

        return Branches(self.refusals, self.roots, self.layer.folder, refers=self.refers)

    def read(self, rest: Iterable[Rest]) -> None:
        """Take what needs a closer look: the settings' own keys, then their aliases, then what is unset."""
        if self.layer.kind == "environment":
            self.read_environment()
        self.take_rest(rest)
        self.settle_aliases()
        for path, keys in self.layer.unset:
            self.unset(path, keys)
        self.marks.empty_unwritten(self.layer_values.values, self.take)
        for path, table in self.of_unions.items():
            self.take(self.index.slots[path], table, split_path(path))
        self.marks.refuse_missed(self.refusals)
        self.refusals.finish()

    def take_rest(self, rest: Iterable[Rest]) -> None:
        """Take keys one by one."""
        for key, entry, value, node, at in rest:
            if entry.__class__ is Slot:
                self.take(entry, value, (*at, key))
            else:
                self.look_up(key, entry, value, node, at)

    def look_up(self, key: Any, entry: Any, value: Any, node: dict[str, Any], at: Keys) -> None:
        """Take a key that is no plain setting of its section: alias, whole path, bare name, or unknown."""
        keys = (*at, key)
        meant: Slot | Alias | AmbiguousKey | None = None
        if entry.__class__ is tuple:
            meant = self.index.choose(entry, self.sections)
        elif entry.__class__ is dict:
            self.take_section(keys, value)
            return
        elif self.layer.dotted and "." in str(key):
            self.walk_dotted(key, value, node, at)
            return
        elif self.layer.dotted and not at:
            meant = self.index.find_bare(key, self.sections)
        if meant is None and any(
            view.section == join_path(keys) and is_made_of(value, view.target) for view in self.schema.views
        ):
            self.take_section(keys, value)  # of a class without settings
        else:
            self.take_meant(meant, value, keys)

    def take_meant(self, meant: Slot | Alias | AmbiguousKey | None, value: Any, keys: Keys) -> None:
        """Take a value for what its key means."""
        if meant is None:
            self.refusals.refuse_unknown(keys, value)
        elif isinstance(meant, AmbiguousKey):
            self.refusals.refuse_ambiguous(keys, meant)
        elif isinstance(meant, Slot):
            self.take(meant, value, keys)
        else:
            self.aliased.append((meant, value, keys))

    def take_section(self, keys: Keys, value: Any, path: str = "") -> None:
        """Take what is written in one piece where a section is: an instance, or the text of a table."""
        path = path or join_path(keys)
        view = next((view for view in self.schema.views if view.section == path), None)
        if view is not None:
            value = named_table(value, view.target)
            if is_cut_to(value, view.target):
                from ptyconf.merge.branches import exactly

                shown = self.refusals.shown_section(path, value)
                self.refusals.fault(f"{path!r} is {shown}; expected {exactly(view.target)}", path, keys)
                return
            if is_made_of(value, view.target):
                self.take_instance(view, value, keys)
                return
        text = self.layer.text and isinstance(value, str)
        if text:
            try:
                value = parsed("a table of settings", same)(value)
            except Mismatch:
                text = False
        if not isinstance(value, Mapping):
            self.refusals.refuse_table(keys, value, path)
        else:
            self.take_table(self.node_of(path), value, keys, inside=not text)

    def node_of(self, path: str) -> dict[str, Any]:
        """Give the part of the tree of keys that a section has."""
        node: Any = self.index.tree
        for segment in split_path(path):
            node = node[segment]
        return node  # type: ignore[no-any-return]

    def take_table(self, node: dict[str, Any], table: Mapping[Any, Any], keys: Keys, *, inside: bool) -> None:
        """Take a table key by key; one that is a single text has its place for all of them."""
        for key, value in table.items():
            entry = node.get(key)
            below = (*keys, key) if inside else keys
            if entry.__class__ is Slot:
                self.take(entry, value, below, text=False)
            elif entry.__class__ is dict and isinstance(value, Mapping):
                self.take_table(entry, value, below, inside=inside)
            else:
                self.look_up(key, entry, value, node, keys)

    def take_instance(self, view: View[Any], value: Any, keys: Keys) -> None:
        """Take an instance apart: what its caller set where the class knows it, else all."""
        only = set_fields(value) if is_tracked(type(value)) else None
        if only is None and not is_made_again(value):
            self.layer_values.note_instance(view.section, value)
        for attribute in view.attributes:
            if only is not None and attribute.name not in only:
                continue
            inner = attribute_value(value, attribute.name)
            if inner is UNSET:
                continue
            if attribute.nested is not None:
                if inner is not None:
                    self.take_instance(attribute.nested, inner, (*keys, attribute.argument))
                continue
            slot = self.index.slots[attribute.bind.path]
            try:
                read = view.read(attribute, value)
            except Exception as error:  # noqa: BLE001  The code of the program's conversion.
                at = (*keys, attribute.argument)
                self.refusals.refuse_words(slot, error, inner, at, slot.path, by_conversion=True)
                continue
            self.take(slot, read, (*keys, attribute.argument), text=False)

    def walk_dotted(self, key: str, value: Any, node: dict[str, Any], at: Keys) -> None:
        """Take a key that is a whole path, written in one piece."""
        meant = self.index.find(".".join((*at, key)), self.sections)
        keys = (*at, key)
        if meant is not None:
            self.take_meant(meant, value, keys)
            return
        inner: Any = node
        for part in key.split("."):
            inner = inner.get(part) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and isinstance(value, Mapping):
            rest: list[Rest] = []
            take_plain(value, inner, keys, None, rest)
            self.take_rest(rest)
        elif isinstance(inner, dict):
            self.take_section((*at, *key.split(".")), value)
        elif lacks_key(key) or not self.take_below((*at, *split_path(key)), value, keys):
            self.refusals.refuse_unknown(keys, value)

    def take_below(self, segments: Segments, value: Any, keys: Keys) -> bool:
        """Take a value for a place below a setting that holds settings; False where there is none."""
        try:
            path, below = self.schema.locate(segments)
        except KeyError:
            return self.take_free(segments, value, keys)
        slot = self.index.slots[path]
        if slot.node is None or any(isinstance(segment, int) for segment in below):
            return False
        at = split_path(path)
        if at in self.wholes:
            self.roots.setdefault(at, at)
        self.roots[tuple(segments)] = keys
        if meets_union(slot, below):  # which section is meant, all its parts say together
            value = dict(value) if value.__class__ is dict else value  # the caller's own
            known = self.places_of_unions.setdefault(path, {})
            put_piece(self.of_unions.setdefault(path, {}), below, value, keys, known)
            return True
        for segment in reversed(below):
            value = {segment: value}
        self.take(slot, value, split_path(path), part=keys)
        return True

    def take_free(self, segments: Segments, value: Any, keys: Keys) -> bool:
        """Take a value for a key in a table of any values; False where there is none."""
        located = self.schema.locate_free(segments)
        if located is None or any(isinstance(segment, int) for segment in segments):
            return False
        slot, below = located
        for segment in reversed(below):
            value = {segment: value}
        self.spelled[join_path(segments)] = (keys, "")
        self.take(slot, value, keys)
        return True

    def read_environment(self) -> None:
        """Take every variable below the prefix; what just missed it is told what it would be here."""
        faults = self.refusals.faults
        faults[:] = [self.refusals.hints.correct_variable(fault) for fault in faults]
        below: list[tuple[str, str]] = []
        for name, text in self.layer.values.items():
            key = self.index.environment.get(name.upper())
            if key is None and name.upper() in self.index.section_variables:
                self.take_section((name,), text, self.index.section_variables[name.upper()])
            elif key is None:
                below.append((name, text))
            else:
                self.take_meant(self.index.find(key, self.sections), text, (name,))
        if not below:
            return
        from ptyconf.merge.variables import settings_of_variables

        for slot, value, roots in settings_of_variables(self.index, below, self.refusals):
            self.roots.update(roots)
            at = split_path(slot.path)
            if slot.free:
                for place, written in roots.items():
                    self.spelled.setdefault(join_path(place), (written, ""))
            first = next(iter(roots.values()))
            self.take(slot, value, at if slot.node is not None else roots[at], part=first)

    def take(
        self,
        slot: Slot,
        value: Any,
        keys: Keys,
        bind: Alias | None = None,
        *,
        text: bool | None = None,
        part: Keys = (),
    ) -> None:
        """Read one value strictly and keep it; written twice in one layer, it must agree with itself.

        ``part`` are the keys of a place below the setting, where only that is written.
        """
        text = self.layer.text if text is None else text
        if slot.node is not None:
            at = split_path(slot.path)
            if keys != at or (not part and any(place[: len(at)] == at for place in self.roots)):
                self.roots[at] = keys
            elif not part:
                self.wholes.add(at)
            value = self.marks.put(slot.path, value, self.roots)
            tree = self.branches.read(slot, value, at, text=text)
            if tree is not self.branches.missing:
                self.keep_tree(slot, tree, at, part or keys)
            return
        if text and (slot.setting.text or not isinstance(value, str)):
            value = as_array(self.refusals, slot, value, split_path(slot.path), keys)
            if value is UNSET:
                return
        if self.refers and has_reference(value):
            self.defer(slot, value, keys, bind, text=text)
            return
        try:
            read, spelled = read_value(slot, value, bind, self.layer.folder, text=text)
        except Mismatch as mismatch:
            self.refusals.refuse_value(slot, value, keys, mismatch)
            return
        except Exception as error:  # noqa: BLE001  The code of the program's kinds, hooks and conversions.
            bound = bind is not None and bind.bind is not None and bind.bind.conversion is not None
            converts = bound or slot.setting.conversion is not None
            self.refusals.refuse_words(slot, error, value, keys, slot.path, by_conversion=converts)
            return
        self.keep(slot, read, keys, spelled)

    def defer(self, slot: Slot, value: Any, keys: Keys, bind: Alias | None, *, text: bool) -> None:
        """Keep a value with references as it is written; it is read when they are known."""
        folder = self.layer.folder
        names = (None if bind is None or bind.bind is None else bind.bind.conversion, slot.setting.conversion)
        spelled = ", ".join(str(conversion) for conversion in names if conversion is not None)
        read = partial(read_later, slot, bind)
        self.layer_values.refers = True
        self.keep(slot, Deferred(value, text, folder, read), keys, spelled)

    def keep(self, slot: Slot, value: Any, keys: Keys, conversion: str) -> None:
        """Put a value where it belongs, unless the layer already has another one for it."""
        path = slot.path
        values = self.layer_values.values
        if path in values and slot.free and (parts := join_tables(values[path], value)) is not None:
            values[path] = parts
            return
        if path in values:
            self.compare(path, values[path], value, keys, secret=slot.setting.secret)
            return
        values[path] = value
        if conversion or slot.free or keys != split_path(path):  # a table may be given in parts, too
            self.spelled[path] = (keys, conversion)

    def keep_tree(self, slot: Slot, tree: Tree, at: Segments, keys: Keys) -> None:
        """Put a tree where it belongs; parts of it may be written under several keys."""
        values, path = self.layer_values.values, slot.path
        if path not in values:
            values[path] = tree
        else:
            self.join(slot, values[path], tree, keys)
        for root, root_keys in self.roots.items():
            if root[: len(at)] == at:
                self.spelled.setdefault(join_path(root), (root_keys, ""))

    def join(self, slot: Slot, earlier: Tree, tree: Tree, keys: Keys) -> None:
        """Put what one layer writes of a setting together; what it writes twice must agree."""
        values, path, at = self.layer_values.values, slot.path, split_path(slot.path)
        tables = isinstance(earlier, dict) and isinstance(tree, dict)
        if tables and (section_in(slot.node, earlier) is section_in(slot.node, tree)):
            known = ends_of(slot, earlier)
            for removed, written in removed_and_written(known, ends_of(slot, tree)):
                places = ((*at, *removed), (*at, *written))
                self.refusals.refuse_twice(join_path(places[0]), *map(self.branches.keys, places))
            for below, leaf, value in leaves(slot, tree):
                if below in known and not (leaf.free and join_tables(known[below], value) is not None):
                    place, secret = (*at, *below), leaf.setting.secret
                    again = self.branches.keys(place, keys)
                    self.compare(join_path(place), known[below], value, again, secret=secret)
            values[path] = joined(slot, earlier, tree)
        else:
            self.compare(path, earlier, tree, keys, secret=holds_secret(slot))

    def compare(self, path: str, earlier: Any, value: Any, keys: Keys, *, secret: bool) -> None:
        """Note what one layer writes twice: a warning where it agrees with itself, else a fault."""
        first = self.layer_values.origin(path)
        second = self.layer.origins(keys)
        # Of any values, 1 is not true; what a type has read is that type's.
        if earlier != value or (earlier.__class__ is dict is value.__class__ and not is_same(earlier, value)):
            both = dict.fromkeys([first.key, second.key])
            both = both if len(both) > 1 else dict.fromkeys([str(first), str(second)])
            self.refusals.fault(
                f"{path!r} is written twice with different values: {show(earlier, secret=secret)} as "
                f"{first} and {show(value, secret=secret)} as {second}",
                path,
                keys,
                hint=f"keep one of {' and '.join(both)}" if len(both) > 1 else f"write {first.key} once",
            )
        elif first != second:
            text = f"{path!r} is written twice with the same value: as {first} and as {second}"
            self.refusals.notices.append((UserWarning, text))

    def settle_aliases(self) -> None:
        """Take what was written under other names, after the settings' own."""
        for alias, value, keys in self.aliased:
            self.take(self.index.slots[alias.path], value, keys, alias)
            if alias.deprecated:
                origin = self.layer.origins(keys)
                text = f"{origin.key} is deprecated, use {alias.path}; written in {origin.where}"
                self.refusals.notices.append((DeprecationWarning, text))

    def unset(self, path: str, keys: Keys) -> None:
        """Set a setting to None."""
        slot = self.index.slots.get(join_path(split_path(path)))
        inside = self.marks.speaks_of(keys) and not self.marks.stands_alone(keys)
        if slot is not None:
            self.take(slot, None, keys)
        elif not inside and not self.take_below(split_path(path), None, keys):  # else read with its list
            self.refusals.refuse_unknown(keys, None, name=path)
