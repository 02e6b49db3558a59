"""The ordered settings of one program, read off its classes plus what a class cannot say."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ptyconf.arguments import expect, expect_each, misuse
from ptyconf.errors import SchemaError
from ptyconf.schema.assembly import Assembly
from ptyconf.schema.default_value import misfits
from ptyconf.schema.fields import UNSET
from ptyconf.schema.index import Alias, Index, environment_name
from ptyconf.schema.kind import Kind
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.setting import Derivation, Policy, Rule, Setting
from ptyconf.schema.tree import Slot, child
from ptyconf.schema.types import Kinds
from ptyconf.schema.view import View

if TYPE_CHECKING:
    from cattrs import Converter

T = TypeVar("T")
KEPT_PATHS = 10_000
RESERVED = ("include", "profile", "unset", "replace")


class Schema:
    """The ordered settings of one program.

    The first view that names a path defines its type and default; later views see the same setting. A class
    inside a class is a section of its own.

    Args:
        name: Name of the program, for reports.
        views: The target classes.
        settings: Settings without a class, and what the classes cannot say about theirs.
        derivations: Settings that follow from others.
        policies: Layers that are passed over, with the reason.
        rules: Conditions across settings.
        sections: Order in which a bare name is looked up; () accepts only unambiguous ones.
        kinds: The program's own kinds of values.
        converter: The program's cattrs converter with its structure hooks; the schema works on a copy.
        references: Whether texts of every layer may refer to other values, as ``${server.host}`` does.
        importable: Where the schema can be imported from, ``package.module:SCHEMA``; a resolution that was
            pickled finds it there.

    Raises:
        SchemaError: Two declarations contradict each other, derivations go round in a circle, or a type is
            one that nobody can read.
    """

    def __init__(  # noqa: PLR0913  Everything that a program can declare.
        self,
        name: str,
        views: Iterable[View[Any]] = (),
        settings: Iterable[Setting] = (),
        *,
        derivations: Iterable[Derivation] = (),
        policies: Iterable[Policy] = (),
        rules: Iterable[Rule] = (),
        sections: Iterable[str] = (),
        kinds: Iterable[Kind] = (),
        converter: Converter | None = None,
        references: bool = False,
        importable: str = "",
    ) -> None:
        expect("Schema", "name", name, str, "the name of the program", 'Schema("app", [View(App, "")])')
        call = f"Schema {name!r}"
        views = expect_each(call, "views", views, View, 'View(App, "section")')
        settings = expect_each(call, "settings", settings, Setting, 'Setting("section.name", ...)')
        self.name = name
        self.importable = importable
        self.references = references
        self.remembered: Any = None  # what the merge keeps between resolves
        self._located: dict[str, tuple[str, Segments]] = {}  # what reports asked for
        self.kinds = Kinds(expect_each(call, "kinds", kinds, Kind), converter)
        assembly = Assembly(self.kinds, views, settings, references=references)
        self.views = tuple(assembly.views)
        self.patterns: Mapping[str, Slot] = MappingProxyType(assembly.patterns)
        self._by_raw = assembly.by_raw
        self._raw = assembly.raw
        slots = assembly.slots
        self.settings: Mapping[str, Setting] = MappingProxyType(
            {path: slot.setting for path, slot in slots.items()}
        )
        _check_paths(self.settings, self._raw)
        self.rules = expect_each(call, "rules", rules, Rule)
        self.sections = expect_each(call, "sections", sections, str)
        self.policies = expect_each(call, "policies", policies, Policy)
        self.index = Index(slots, _aliases(self.settings, self.views, self.kinds), self.sections)
        self.own_variables = _own_variables({**_fixed(self.patterns), **slots})
        self.derivations = _in_order(expect_each(call, "derivations", derivations, Derivation), self)
        _check_rules(self.rules, self)
        self.passed_over = _by_layer(self.policies, self)
        restricted = [path for path, slot in slots.items() if slot.restricted]
        self.checked = {path: number for number, path in enumerate(restricted)}  # with their order
        self.checked_below = _checked_below(self)
        defaults = {**self.patterns, **slots}.items()
        doubtful = [path for path, slot in defaults if any(misfits(slot, slot.default))]
        self.doubtful = tuple(dict.fromkeys(self.locate(path)[0] for path in doubtful))
        self.secret_names = _secret_names(self)
        self.has_secrets = any(slot.setting.secret for slot in (*slots.values(), *self.patterns.values()))
        self.special = tuple(path for path, slot in slots.items() if slot.gathers)
        self.trees = {path: slot for path, slot in slots.items() if slot.node is not None}
        self.has_tables = bool(self.trees) or any(slot.free for slot in slots.values())
        self.required = tuple(path for path, setting in self.settings.items() if setting.required)
        # Of two views of one class the first is the class's own: an earlier one overwrites a later one.
        self._by_target: dict[Any, View[Any]] = {view.target: view for view in reversed(self.views)}

    def __repr__(self) -> str:
        return f"Schema({self.name!r}, {len(self.settings)} settings)"

    @property
    def converter(self) -> Converter:
        """The cattrs converter that makes instances: the program's hooks above our strict ones."""
        return self.kinds.converter

    def __getitem__(self, path: str) -> Setting:
        setting = self.settings.get(path)
        return setting if setting is not None else self.slot(path).setting

    def __contains__(self, path: object) -> bool:
        if path in self.settings:
            return True
        try:
            self.slot(path)  # type: ignore[arg-type]
        except (KeyError, TypeError, AttributeError):
            return False
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)

    def locate(self, path: str | Segments) -> tuple[str, Segments]:
        """Split a path into that of a setting and what is below it.

        Raises:
            KeyError: No setting has such a path.
        """
        if path.__class__ is str:
            if path in self.index.slots:
                return path, ()
            known = self._located.get(path)
            if known is None:
                known = self._locate(split_path(path), path)
                if len(self._located) >= KEPT_PATHS:
                    self._located.clear()
                self._located[path] = known
            return known
        expect("a path", "it", path, (str, tuple), "text, or a tuple of keys and indices")
        return self._locate(tuple(path), path)

    def _locate(self, segments: Segments, path: str | Segments) -> tuple[str, Segments]:
        for length in range(len(segments), 0, -1):
            start = join_path(segments[:length])
            slot = self.index.slots.get(start)
            if slot is not None and (length == len(segments) or slot.node is not None):
                return start, segments[length:]
        raise KeyError(path)

    def place(self, path: str | Segments) -> tuple[str, Segments]:
        """Split a path into that of a setting and what is below it, in a table of any values too.

        Raises:
            KeyError: No setting has such a path.
        """
        try:
            return self.locate(path)
        except KeyError:
            located = self.index.holder(split_path(path) if isinstance(path, str) else tuple(path))
            if located is None or not located[0].takes_any:
                raise
            return located[0].path, located[1]

    def locate_free(self, segments: Segments) -> tuple[Slot, Segments] | None:
        """Find the table of any values in which a place is a key; None where it is in no such table."""
        located = self.index.holder(segments)
        return located if located is not None and located[0].free else None

    def slot(self, path: str | Segments) -> Slot:
        """Find the slot of a setting, also below one that holds settings.

        Raises:
            KeyError: No setting has such a path.
        """
        known = self.index.slots.get(path) if isinstance(path, str) else None
        return known or self._slot_below(path)

    def find_slot(self, path: str | Segments) -> Slot | None:
        """Find the slot at a place, None where there is no setting."""
        try:
            return self.slot(path)
        except KeyError:
            return None

    def _slot_below(self, path: str | Segments) -> Slot:
        start, rest = self.locate(path)
        slot = self.index.slots[start]
        for segment in rest:
            below = (
                None
                if slot.node is None
                else child(slot.node, 0 if segment == "*" and _is_list(slot) else segment)
            )
            if below is None:
                raise KeyError(path)
            slot = below
        return slot

    def view(self, target: type[T] | View[T]) -> View[T]:
        """Find the (first) view of a target class, as the schema sees it.

        Raises:
            SchemaError: No view of the schema has this class.
        """
        if isinstance(target, View):
            return self._by_raw.get(id(target), target)
        named: Any = target
        if not isinstance(named, type) and typing.get_origin(named) is None:
            raise misuse("build", "target", target, "a class of the schema, or its View")
        view_of_target = self._by_target.get(target)
        if view_of_target is None:
            raise SchemaError(f"the schema {self.name!r} has no view of {target.__qualname__}")
        return view_of_target


def _checked_below(schema: Schema) -> tuple[str, ...]:
    """Name the settings below which checks look at what stands under a key or an index."""
    patterns = [path for path, slot in schema.patterns.items() if slot.restricted or slot.setting.required]
    return tuple(dict.fromkeys(schema.locate(path)[0] for path in patterns))


def _fixed(patterns: Mapping[str, Slot]) -> dict[str, Slot]:
    return {path: slot for path, slot in patterns.items() if "*" not in path}


def _own_variables(slots: Mapping[str, Slot]) -> Mapping[str, str]:
    """Give the variables that settings declare as their own, each with its name below a prefix.

    Raises:
        SchemaError: Another setting has the same, as its own or below some prefix.
    """
    names = {environment_name(path): path for path in slots}
    owners: dict[str, str] = {}
    for path, slot in slots.items():
        own = slot.setting.env
        for variable in (own, f"{own}_FILE") if own and slot.setting.secret else (own,) if own else ():
            other = owners.setdefault(variable, path)
            if other == path:
                other = names.get(variable.partition("__")[2].upper(), path)
            if other != path:
                advice = "rename one of them"
                if other in slots and slots[other].setting.metadata is slots[path].setting.metadata:
                    advice = (
                        "they are one field of one class: leave env out there, or name another variable: "
                        f'Schema(..., settings=[Setting({path!r}, env="ANOTHER_NAME")])'
                    )
                raise SchemaError(f"{other!r} and {path!r} would share the variable {variable}; {advice}")
    return {slot.setting.env: environment_name(path) for path, slot in slots.items() if slot.setting.env}


def _is_list(slot: Slot) -> bool:
    from ptyconf.schema.tree import Items

    return isinstance(slot.node, Items)


def _check_paths(settings: Mapping[str, Setting], views: Iterable[View[Any]]) -> None:
    for path in settings:
        name = path.split(".")[0]
        if name in RESERVED:
            raise SchemaError(
                f"{path!r}: {', '.join(RESERVED)} have a meaning of their own in a file; "
                f"{_renamed(name, views)}"
            )
        parent = path.rpartition(".")[0]
        while parent:
            if parent in settings:
                raise SchemaError(f"{parent!r} is a setting and a section ({path!r})")
            parent = parent.rpartition(".")[0]


def _renamed(name: str, views: Iterable[View[Any]]) -> str:
    """Say how what stands at the root under a reserved name gets another one."""
    for view in views:
        owner = getattr(view.target, "__qualname__", str(view.target))
        if split_path(view.section)[0] == name:
            return f'give the view another section: View({owner}, "{name}_")'
        named = {
            attribute.name: first
            for attribute in view.attributes
            if (first := split_path(attribute.bind.path)[0]) in RESERVED and not view.section
        }
        if name in named.values():
            names = ", ".join(f'"{attribute}": "{first}_"' for attribute, first in named.items())
            fields = " and ".join(f"{owner}.{attribute}" for attribute in named)
            return (
                f"rename {fields}, or give other names in files alone: "
                f'Schema("{owner}", [View({owner}, "", {{{names}}})])'
            )
    return "rename it"


def _aliases(settings: Mapping[str, Setting], views: tuple[View[Any], ...], kinds: Kinds) -> Iterator[Alias]:
    for path, setting in settings.items():
        for key in setting.aliases:
            yield Alias(key, path)
        for key in setting.deprecated:
            yield Alias(key, path, deprecated=True)
    for view in views:
        if view.aliases:
            for attribute in view.own:
                key = f"{view.section}.{attribute.argument}" if view.section else attribute.argument
                if key != attribute.bind.path and key not in settings:
                    kind = attribute.type
                    if attribute.bind.conversion is not None and attribute.bind.conversion.type is not UNSET:
                        kind = attribute.bind.conversion.type
                    yield Alias(key, attribute.bind.path, bind=attribute.bind, kind=kinds.of(kind))


def _secret_names(schema: Schema) -> frozenset[str]:
    """List every last name under which a secret may be written."""
    index = schema.index
    names: set[str] = set()
    for key, entry in index.keys.items():
        paths = [section.path for section in entry] if isinstance(entry, tuple) else [entry.path]
        if any(index.slots[path].setting.secret for path in paths):
            names.add(key.rpartition(".")[2])
    for path, slot in schema.patterns.items():
        if slot.setting.secret:
            names |= {
                key.rpartition(".")[2] for key in (path, *slot.setting.aliases, *slot.setting.deprecated)
            }
    return frozenset(names - {"*"})


def _by_layer(policies: tuple[Policy, ...], schema: Schema) -> Mapping[str, Mapping[str, tuple[Policy, ...]]]:
    """Sort policies by layer and setting; one that speaks of what is below a setting stands with that."""
    by_layer: dict[str, dict[str, tuple[Policy, ...]]] = {}
    expect_each("Policy", "its words", [word for policy in policies for word in policy], str)
    for policy in policies:
        covered = [path for path in schema.settings if policy.covers(path)]
        if not covered and policy.path in schema:
            covered = [schema.locate(policy.path)[0]]
        if not covered:
            raise SchemaError(f"a policy speaks of {policy.path!r}, which is no setting")
        by_path = by_layer.setdefault(policy.layer, {})
        for path in covered:
            by_path[path] = (*by_path.get(path, ()), policy)
    return by_layer


def _check_rules(rules: tuple[Rule, ...], schema: Schema) -> None:
    """Refuse a rule about what is no setting: one that is asked where that is written never would be."""
    for rule in rules:
        for path in rule.paths:
            start = f"{path}."
            if path not in schema and not any(known.startswith(start) for known in schema.settings):
                raise SchemaError(f"a rule speaks of {path!r}, which is no setting")


def _in_order(derivations: tuple[Derivation, ...], schema: Schema) -> tuple[Derivation, ...]:
    """Put derivations so that each comes after its inputs; refuse circles."""
    by_target: dict[str, Derivation] = {}
    for derivation in derivations:
        for path in (derivation.target, *derivation.inputs):
            if path not in schema:
                raise SchemaError(f"a derivation speaks of {path!r}, which is no setting")
        if derivation.target in by_target:
            raise SchemaError(f"{derivation.target!r} is derived twice")
        by_target[derivation.target] = derivation
    ordered: dict[str, Derivation] = {}

    def visit(path: str, trail: tuple[str, ...]) -> None:
        if path in trail:
            circle = " <- ".join((*trail[trail.index(path) :], path))
            raise SchemaError(f"derivations go round in a circle: {circle}")
        if path in by_target and path not in ordered:
            for needed in by_target[path].inputs:
                visit(needed, (*trail, path))
            ordered[path] = by_target[path]

    for path in by_target:
        visit(path, ())
    return tuple(ordered.values())
