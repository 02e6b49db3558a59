"""The ordered settings of one program, read off its classes plus what a class cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from ptyconf.errors import SchemaError
from ptyconf.schema.index import Alias, Index
from ptyconf.schema.setting import Derivation, Policy, Rule, Setting
from ptyconf.schema.view import UNSET, Attribute, View

T = TypeVar("T")
RESERVED = ("include", "profile", "unset")
DESCRIBED = (
    "help",
    "unit",
    "choices",
    "aliases",
    "deprecated",
    "merge",
    "secret",
    "nonfinite",
    "check",
    "conversion",
    "env",
    "text",
)


class Schema:
    """The ordered settings of one program.

    The first view that names a path defines its type and default; later views see the same setting.

    Args:
        name: Name of the program, for reports.
        views: The target classes.
        settings: Settings without a class, and what the classes cannot say about theirs.
        derivations: Settings that follow from others.
        policies: Layers that are passed over, with the reason.
        rules: Conditions across settings.
        sections: Order in which a bare name is looked up; () accepts only unambiguous ones.

    Raises:
        SchemaError: Two declarations contradict each other, or derivations go round in a circle.
    """

    def __init__(
        self,
        name: str,
        views: Iterable[View[Any]] = (),
        settings: Iterable[Setting] = (),
        *,
        derivations: Iterable[Derivation] = (),
        policies: Iterable[Policy] = (),
        rules: Iterable[Rule] = (),
        sections: Iterable[str] = (),
    ) -> None:
        self.name = name
        self.views = tuple(_all_views(views))
        self.settings: Mapping[str, Setting] = MappingProxyType(_gather(self.views, settings))
        _check_paths(self.settings)
        self.rules = tuple(rules)
        self.sections = tuple(sections)
        self.policies = tuple(policies)
        self.derivations = _in_order(tuple(derivations), self.settings)
        self.passed_over = _by_path(self.policies, self.settings)
        self.index = Index(self.settings, _aliases(self.settings, self.views), self.sections)
        self.checked = tuple(each for each in self.settings.values() if each.restricted)
        self.secret_names = _secret_names(self.index)
        self.special = tuple(path for path, each in self.settings.items() if each.merge != "replace")
        self.required = tuple(path for path, each in self.settings.items() if each.required)
        self._by_target: dict[type, View[Any]] = {}
        for view in self.views:
            self._by_target.setdefault(view.target, view)

    def __repr__(self) -> str:
        return f"Schema({self.name!r}, {len(self.settings)} settings)"

    def __getitem__(self, path: str) -> Setting:
        return self.settings[path]

    def __contains__(self, path: object) -> bool:
        return path in self.settings

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def __len__(self) -> int:
        return len(self.settings)

    def view(self, target: type[T] | View[T]) -> View[T]:
        """Find the (first) view of a target class.

        Raises:
            SchemaError: No view of the schema has this class.
        """
        if isinstance(target, View):
            return target
        found = self._by_target.get(target)
        if found is None:
            raise SchemaError(f"the schema {self.name!r} has no view of {target.__qualname__}")
        return found


def _all_views(views: Iterable[View[Any]]) -> Iterator[View[Any]]:
    """Give every view once, an outer one before the views inside it."""
    seen: set[int] = set()
    waiting = list(views)
    while waiting:
        view = waiting.pop(0)
        if id(view) not in seen:
            seen.add(id(view))
            yield view
            waiting.extend(view.nested)


def _gather(views: tuple[View[Any], ...], declared: Iterable[Setting]) -> dict[str, Setting]:
    """Read the settings off the views in order, then add those that no class has."""
    said: dict[str, Setting] = {}
    for setting in declared:
        if setting.path in said:
            raise SchemaError(f"the setting {setting.path!r} is declared twice")
        said[setting.path] = setting
    found: dict[str, Setting] = {}
    attributes = [(view, attribute) for view in views for attribute in view.own]
    for _, attribute in attributes:
        path = attribute.bind.path
        if path not in found and attribute.bind.conversion is None:
            found[path] = _complete(said.get(path), path, attribute)
    found.update({path: _alone(setting) for path, setting in said.items() if path not in found})
    for view, attribute in attributes:
        if attribute.bind.path not in found:
            where = f"{view.target.__qualname__}.{attribute.name}"
            raise SchemaError(f"{where} holds {attribute.bind.path!r}, which nothing defines")
    return found


def _complete(said: Setting | None, path: str, attribute: Attribute) -> Setting:
    """Fill what the declaration leaves out from the attribute and its metadata."""
    base = said or Setting(path)
    metadata = attribute.metadata
    blank = Setting(path)
    read = {
        name: metadata[name]
        for name in DESCRIBED
        if name in metadata and getattr(base, name) == getattr(blank, name)
    }
    if base.type is UNSET:
        read["type"] = attribute.type
    if base.default is UNSET and attribute.default is not UNSET:
        read["default"] = _spelled_default(base, attribute)
    return _with_strategy(replace(base, **read, metadata=metadata))


def _spelled_default(setting: Setting, attribute: Attribute) -> Any:
    return (
        attribute.default if setting.conversion is None else setting.conversion.to_setting(attribute.default)
    )


def _alone(setting: Setting) -> Setting:
    if setting.type is UNSET:
        raise SchemaError(f"the setting {setting.path!r} has no type, and no class has it")
    return _with_strategy(setting)


def _with_strategy(setting: Setting) -> Setting:
    if setting.merge is not UNSET:
        return setting
    table = setting.make_reader().expected.startswith("a table of") or setting.type is dict
    return replace(setting, merge="deep" if table else "replace")


def _check_paths(settings: Mapping[str, Setting]) -> None:
    for path in settings:
        if path.split(".")[0] in RESERVED:
            raise SchemaError(f"{path!r}: {', '.join(RESERVED)} have a meaning of their own in a file")
        parent = path.rpartition(".")[0]
        while parent:
            if parent in settings:
                raise SchemaError(f"{parent!r} is a setting and a section ({path!r})")
            parent = parent.rpartition(".")[0]


def _aliases(settings: Mapping[str, Setting], views: tuple[View[Any], ...]) -> Iterator[Alias]:
    for path, setting in settings.items():
        for key in setting.aliases:
            yield Alias(key, path)
        for key in setting.deprecated:
            yield Alias(key, path, deprecated=True)
    for view in views:
        if view.aliases:
            for each in view.own:
                key = f"{view.section}.{each.argument}"
                if key != each.bind.path and key not in settings:
                    kind = each.type
                    if each.bind.conversion is not None and each.bind.conversion.type is not UNSET:
                        kind = each.bind.conversion.type
                    yield Alias(key, each.bind.path, bind=each.bind, type=kind)


def _secret_names(index: Index) -> frozenset[str]:
    """List every last name under which a secret may be written."""
    found: set[str] = set()
    for key, entry in index.keys.items():
        paths = [each.path for each in entry] if isinstance(entry, tuple) else [entry.path]
        if any(index.slots[path].setting.secret for path in paths):
            found.add(key.rpartition(".")[2])
    return frozenset(found)


def _by_path(
    policies: tuple[Policy, ...], settings: Mapping[str, Setting]
) -> Mapping[str, tuple[Policy, ...]]:
    found: dict[str, tuple[Policy, ...]] = {}
    for policy in policies:
        covered = [path for path in settings if policy.covers(path)]
        if not covered:
            raise SchemaError(f"a policy speaks of {policy.path!r}, which is no setting")
        for path in covered:
            found[path] = (*found.get(path, ()), policy)
    return found


def _in_order(derivations: tuple[Derivation, ...], settings: Mapping[str, Setting]) -> tuple[Derivation, ...]:
    """Put derivations so that each comes after its inputs; refuse circles."""
    by_target: dict[str, Derivation] = {}
    for each in derivations:
        for path in (each.target, *each.inputs):
            if path not in settings:
                raise SchemaError(f"a derivation speaks of {path!r}, which is no setting")
        if each.target in by_target:
            raise SchemaError(f"{each.target!r} is derived twice")
        by_target[each.target] = each
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
