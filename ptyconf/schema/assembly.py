"""From classes to settings: every class inside a class is a section, every setting gets its slot."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Any, Literal, Union

from ptyconf.errors import SchemaError
from ptyconf.schema.annotations import (
    is_cut_to,
    is_made_of,
    is_record,
    name_of,
    optional_of,
    unwrap,
    with_class_of,
)
from ptyconf.schema.apart import tree_of
from ptyconf.schema.chosen import with_words
from ptyconf.schema.declared import as_secret, complete, refresh, with_default, with_strategy
from ptyconf.schema.default_value import kind_with_default, maker_with_default, read_default
from ptyconf.schema.fields import UNSET, fields_of, hides_secret
from ptyconf.schema.fold import without_fresh
from ptyconf.schema.given import all_views, default_instances, is_made_again, secret_views, source_of
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.path import split_path
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Choice, Items, Node, Section, Slot, Table, holds_secret
from ptyconf.schema.types import SEQUENCES, TABLES, Kinds
from ptyconf.schema.view import Attribute, View, attributes_of
from ptyconf.text.show import show

_LISTS = {
    list,
    tuple,
    *(base for base, make in SEQUENCES.items() if make is list or base.__name__ == "deque"),
}
_PLAIN = frozenset({bool, int, float, str, bytes})


class Assembly:
    """The settings of one schema on their way from views and declarations to slots.

    Args:
        kinds: The kinds of the program.
        views: The target classes, as the program gave them.
        declared: What the program says of single settings.
        references: Whether texts of defaults may refer to other values.
    """

    def __init__(
        self,
        kinds: Kinds,
        views: Iterable[View[Any]],
        declared: Iterable[Setting],
        *,
        references: bool = False,
    ) -> None:
        self.kinds = kinds
        self.references = references
        self.declared: dict[str, Setting] = {}
        for declaration in declared:
            if not all(split_path(declaration.path)):
                raise SchemaError(f"the path {declaration.path!r} of a setting is no dotted path")
            if declaration.path in self.declared:
                raise SchemaError(f"the setting {declaration.path!r} is declared twice")
            self.declared[declaration.path] = declaration
        self.slots: dict[str, Slot] = {}
        self.patterns: dict[str, Slot] = {}
        self.views: list[View[Any]] = []
        self.by_raw: dict[int, View[Any]] = {}
        given = tuple(all_views(views))
        self.raw = given  # held, so that their identities stay theirs
        self.instances = default_instances(given)
        self.secret_views = secret_views(given)
        for view in given:
            self._expand(view)
        for view in self.views:
            for attribute in view.own:
                self._add(view, attribute)
        for path, setting in self.declared.items():
            if path not in self.slots and "*" not in path:
                self._add_alone(setting)
        self._check_bindings()
        for slot in self.slots.values():
            self._walk(slot, ())
        self.kinds.finish()
        self._check_patterns()

    # Views

    def _expand(self, view: View[Any]) -> View[Any]:
        """Give a view as the schema sees it: classes inside it are views of their own."""
        known = self.by_raw.get(id(view))
        if known is not None:
            return known
        made = View.below(view.target, view.section, ())
        made.aliases, made.omitted = view.aliases, view.omitted
        self.by_raw[id(view)] = made
        self.views.append(made)
        instance, source = self.instances.get(id(view), (UNSET, ""))
        if instance is UNSET and made.omitted:
            lacking = [field.name for field in fields_of(view.target) if field.required]
            for name in made.omitted.intersection(lacking):
                raise SchemaError(f"{view!r} omits {name!r}, which {name_of(view.target)} needs")
        made.given = None if instance is UNSET or is_made_again(instance) else instance
        own = map(as_secret, view.attributes) if id(view) in self.secret_views else view.attributes
        made.attributes = tuple(
            self._expand_attribute(view, with_default(attribute, instance, source)) for attribute in own
        )
        return made

    def _expand_attribute(
        self, view: View[Any], attribute: Attribute, outer: tuple[Any, ...] = ()
    ) -> Attribute:
        if attribute.nested is not None:
            if is_cut_to(attribute.default, attribute.nested.target):
                own = name_of(type(attribute.default))
                raise SchemaError(
                    f"{source_of(view, attribute)} is a {own} by default; give it a View({own}, ...)"
                )
            return attribute._replace(nested=self._expand(attribute.nested))
        inner = self._static_section(attribute)
        if inner is None:
            return attribute
        source = attribute.source or source_of(view, attribute)
        if inner in outer:
            raise SchemaError(f"{source} holds {name_of(inner)} without end; write {name_of(inner)} | None")
        instance = UNSET if attribute.plain else attribute.default
        below = self._below(inner, attribute.bind.path, instance, source)
        if attribute.factory is not None and instance is not UNSET:
            refresh(below, instance, attribute.factory)
        below.given = None if instance is UNSET or is_made_again(instance) else instance
        if attribute.metadata.get("secret"):
            below.attributes = tuple(map(as_secret, below.attributes))
        self.views.append(below)
        below.attributes = tuple(
            self._expand_attribute(below, attribute, (*outer, inner)) for attribute in below.attributes
        )
        return attribute._replace(nested=below)

    def _static_section(self, attribute: Attribute) -> Any:
        """Give the class of an attribute that is always there and holds settings; None for any other."""
        if attribute.bind.conversion is not None or attribute.bind.path in self.declared:
            return None
        kind = unwrap(attribute.type)
        inner, optional = optional_of(kind)
        default = attribute.default
        # Where no default is known beforehand, a constructor makes it of other values, or it stays out.
        if optional or default is None or attribute.made_late or not self.kinds.is_section(inner):
            return None
        if default is UNSET or is_made_of(default, inner):
            return with_class_of(inner, default)
        return inner if is_record(inner) and isinstance(default, dict) else None

    def _below(self, target: Any, path: str, instance: Any, source: str) -> View[Any]:
        """Make the view of a class that stands inside another."""
        attributes = attributes_of(target, path).values()
        return View.below(
            target, path, tuple(with_default(attribute, instance, source) for attribute in attributes)
        )

    # Settings

    def _add(self, view: View[Any], attribute: Attribute) -> None:
        path = attribute.bind.path
        if attribute.bind.conversion is not None:
            return
        if path in self.slots:
            self._check_type(view, attribute, self.slots[path])
            return
        setting = complete(self.declared.get(path), path, attribute)
        self.slots[path] = self._slot(setting, source_of(view, attribute), attribute)

    def _check_type(self, view: View[Any], attribute: Attribute, slot: Slot) -> None:
        """Refuse an attribute that can hold no value of the setting which it shares with another."""
        if slot.node is not None or self.kinds.hook(attribute.type) is not None:
            return
        own, shared = (kind.exact - {type(None)} for kind in (self.kinds.of(attribute.type), slot.kind))
        if (
            not own
            or not shared
            or not (own | shared) <= _PLAIN
            or own & shared
            or {int, float} <= own | shared
        ):
            return
        expected = self.kinds.of(attribute.type).expected
        raise SchemaError(
            f"{source_of(view, attribute)} holds {slot.path!r} as {expected}, and another attribute as "
            f"{slot.expected}; give its Bind a Conversion"
        )

    def _add_alone(self, setting: Setting) -> None:
        if setting.type is UNSET:
            raise SchemaError(f"the setting {setting.path!r} has no type, and no class has it")
        self.slots[setting.path] = self._slot(setting, setting.path, None)

    def _check_patterns(self) -> None:
        for path, slot in self.patterns.items():
            if slot.setting.env and "*" in path:
                raise SchemaError(
                    f"{path!r}: env={slot.setting.env!r} is one variable, and there may be many such "
                    "settings; leave env out of the class, and name the variable of one setting: "
                    f'Setting("section.{path.rpartition(".")[2]}", env={slot.setting.env!r})'
                )
        unknown = [path for path in self.declared if "*" in path and path not in self.patterns]
        if unknown:
            raise SchemaError(f"{unknown[0]!r} is declared, and no setting has such a path")

    def _check_bindings(self) -> None:
        for view in self.views:
            for attribute in view.own:
                if attribute.bind.path not in self.slots:
                    where = source_of(view, attribute)
                    raise SchemaError(f"{where} holds {attribute.bind.path!r}, which nothing defines")

    def _slot(self, setting: Setting, source: str, attribute: Attribute | None) -> Slot:
        """Make the slot of a setting: its kind, what is below it, and its default as a tree."""
        kind = with_class_of(setting.type, setting.default)
        if kind is not setting.type:
            setting = setting.changed(type=kind)
        try:
            node = None
            single = self.kinds.is_single(setting.type)
            if setting.conversion is None and not single:
                node = self._node(setting.type, setting.path, setting)
            kind = self.kinds.of(setting.type, nonfinite=setting.nonfinite)
            kind = with_words(kind_with_default(kind, setting.default), setting.choices)
        except SchemaError as error:
            raise SchemaError(f"{source} ({setting.path}): {error}") from None
        if node is None and not single and not setting.secret and hides_secret(setting.type):
            setting = setting.changed(secret=True)  # as one value it can only be masked as a whole
        if single and setting.merge is UNSET:
            setting = setting.changed(merge="replace")
        else:
            setting = with_strategy(setting, node)
        origin = attribute.source if attribute is not None and attribute.source else ""
        claimed = single or setting.conversion is not None
        slot = Slot(
            setting,
            kind,
            node,
            source=origin,
            required=attribute.required if attribute is not None else False,
            free=node is None and not claimed and self.kinds.is_free(setting.type),
            loose=attribute.loose if attribute is not None else False,
        )
        if setting.default is not UNSET:
            slot.default = self._default(slot, origin or source)
            if node is not None and attribute is not None and attribute.factory:
                slot.default = without_fresh(slot, slot.default, tree_of(slot, attribute.factory()))
        if self.references:
            from ptyconf.schema.deferred import with_references

            slot.default = with_references(slot, slot.default)
        return slot

    def _default(self, slot: Slot, source: str) -> Any:
        """Give the default of a setting: as its kind has it, or as the tree of the settings below it."""
        default = slot.setting.default
        if slot.node is None:
            return read_default(slot.kind, slot.setting.type, default)
        slot.given = not is_made_again(default)
        try:
            return tree_of(slot, default, stands=True)
        except Mismatch as mismatch:
            shown = show(default, secret=holds_secret(slot))
            text = f"{source} ({slot.path}) is {shown} by default; expected {mismatch.expected}"
            raise SchemaError(text) from None

    def _node(self, kind: Any, path: str, setting: Setting) -> Node | None:
        """Find what is below a setting of a type, None where it is one value."""
        inner, optional = optional_of(kind)
        if self.kinds.is_section(inner):
            return Section(inner, path, self._members(setting), optional=optional)
        if self.kinds.hook(inner) is not None or inner in self.kinds.own:
            return None
        origin, arguments = typing.get_origin(inner), typing.get_args(inner)
        if origin in {Union, types.UnionType}:
            return self._choice(arguments, path, setting, optional=optional)
        if origin in TABLES and len(arguments) == 2 and not self.kinds.is_free(inner):
            value = self._inner(setting, f"{path}.*", arguments[1])
            keys = self.kinds.of(arguments[0])
            replaces = setting.merge == "replace"
            return Table(path, keys, value, TABLES[origin], optional=optional, replaces=replaces)
        if origin in _LISTS and arguments and (origin is not tuple or arguments[-1] is Ellipsis):
            return self._items(origin, arguments[0], path, setting, optional=optional)
        return None

    def _items(self, origin: Any, kind: Any, path: str, setting: Setting, *, optional: bool) -> Node | None:
        below = self._node(kind, f"{path}.*", setting.changed(merge=UNSET))
        if below is None or not _holds_sections(below):
            return None
        item = self._inner(setting, f"{path}.*", kind)
        make = maker_with_default(tuple if origin is tuple else SEQUENCES[origin], setting.default)
        strategy = setting.merge if setting.merge in ("append", "union") else "replace"
        return Items(path, item, make, strategy, optional=optional)

    def _choice(
        self, members: tuple[Any, ...], path: str, setting: Setting, *, optional: bool
    ) -> Choice | None:
        kinds = [unwrap(member) for member in members if member is not type(None)]
        if not all(self.kinds.is_section(kind) for kind in kinds):
            return None
        sections = tuple(Section(kind, path, self._members(setting), optional=False) for kind in kinds)
        return Choice(path, sections, _tag_of(kinds), optional=optional)

    def _inner(self, outer: Setting, path: str, kind: Any) -> Slot:
        """Make the slot of what stands under a key or index."""
        declaration = self.declared.get(path, Setting(path))
        setting = declaration.changed(
            type=kind,
            secret=declaration.secret or outer.secret,
            nonfinite=declaration.nonfinite or outer.nonfinite,
        )
        return self._slot(setting, path, None)

    def _members(self, outer: Setting) -> Any:
        """Give what makes the members of a section, when they are first asked for."""

        def make(section: Section) -> dict[str, Slot]:
            attributes = attributes_of(section.target, section.path).values()
            owner = getattr(section.target, "__qualname__", str(section.target))
            members: dict[str, Slot] = {}
            bound = []
            for attribute in attributes:
                setting = complete(self.declared.get(attribute.bind.path), attribute.bind.path, attribute)
                if outer.secret and not setting.secret:
                    setting = setting.changed(secret=True)
                slot = self._slot(setting, f"{owner}.{attribute.name}", attribute)
                slot.source = slot.source or f"{owner}.{attribute.name}"
                _refuse_joining(slot)
                members[attribute.argument] = slot
                bound.append(
                    attribute._replace(slot=slot, bind=attribute.bind._replace(path=attribute.argument))
                )
            section.view = View.below(section.target, section.path, tuple(bound))
            return members

        return make

    def _walk(self, slot: Slot, classes: tuple[Any, ...]) -> None:
        """Look at everything below a setting once, so that what is wrong is told when the schema is made."""
        node = slot.node
        if node is None:
            return
        for section in _sections_of(node):
            if section.target not in classes:
                for member in section.members.values():
                    self.patterns.setdefault(member.path, member)
                    self._walk(member, (*classes, section.target))
        if isinstance(node, (Table, Items)):
            inner = node.value if isinstance(node, Table) else node.item
            self.patterns.setdefault(inner.path, inner)
            self._walk(inner, classes)


def _refuse_joining(slot: Slot) -> None:
    """Refuse a list that gathers from all layers where it may be absent: below a table, a list, an option."""
    if slot.setting.merge in ("append", "union"):
        raise SchemaError(
            f"{slot.path!r}: merge {slot.setting.merge!r} is for a setting that is always there; below a "
            "table, a list, a union or an optional section a higher list replaces: leave merge out"
        )


def _sections_of(node: Node) -> tuple[Section, ...]:
    if isinstance(node, Section):
        return (node,)
    return node.sections if isinstance(node, Choice) else ()


def _holds_sections(node: Node) -> bool:
    """Tell whether sections stand somewhere below a node."""
    if isinstance(node, Table):
        return node.value.node is not None and _holds_sections(node.value.node)
    return True


def _tag_of(kinds: list[Any]) -> str:
    """Find the field by which a union is told apart: a Literal in each class, with no value in common."""
    candidates: dict[str, list[set[Any]]] = {}
    for kind in kinds:
        for attribute in attributes_of(kind, "").values():
            inner = unwrap(attribute.type)
            if typing.get_origin(inner) is Literal:
                candidates.setdefault(attribute.argument, []).append(set(typing.get_args(inner)))
    for name, values in candidates.items():
        if len(values) == len(kinds) and len(set().union(*values)) == sum(map(len, values)):
            return name
    return ""


def tags_of(section: Section, tag: str) -> tuple[Any, ...]:
    """List the values of its tag that choose a section."""
    return typing.get_args(unwrap(section.members[tag].setting.type))
