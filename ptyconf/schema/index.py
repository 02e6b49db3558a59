"""How a written key finds its setting: by path, by alias, by bare name, by environment spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from ptyconf.errors import SchemaError
from ptyconf.schema.kind import Kind
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.tree import Slot
from ptyconf.schema.view import Bind


class Alias(NamedTuple):
    """Another key of a setting, with the conversion that its spelling needs."""

    key: str
    path: str
    bind: Bind | None = None
    deprecated: bool = False
    kind: Kind | None = None

    @property
    def section(self) -> str:
        """Section of the setting that is meant."""
        return self.path.rpartition(".")[0]

    def read(self, value: Any, *, text: bool) -> Any:
        """Translate a value written under this key to the setting's own spelling.

        Raises:
            Mismatch: The value does not fit the alias's own type.
            ValueError: The conversion refuses it.
        """
        conversion = self.bind.conversion if self.bind is not None else None
        if conversion is None:
            return value
        if self.kind is None:
            return conversion.to_setting(value)
        return conversion.to_setting(self.kind.text(value) if text else self.kind.typed(value))


class AmbiguousKey:
    """The settings that an ambiguous key may mean."""

    __slots__ = ("keys",)

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys


Node = dict[str, Any]


class Index:
    """The tree of keys of one schema: nested dicts that end in a Slot or in a tuple of aliases."""

    def __init__(
        self, slots: Mapping[str, Slot], aliases: Iterable[Alias], sections: tuple[str, ...]
    ) -> None:
        self.sections = sections
        self.tree: Node = {}
        self.slots: dict[str, Slot] = {}
        self.keys: dict[str, Slot | tuple[Alias, ...]] = {}
        for path, slot in slots.items():
            self.slots[path] = self.keys[path] = slot
        for alias in aliases:
            self._add(alias)
        for key, entry in self.keys.items():
            self._plant(key, entry)
        self.bare: dict[str, tuple[str, ...]] = {}
        for key in self.keys:
            name = key.rpartition(".")[2]
            self.bare[name] = (*self.bare.get(name, ()), key)
        self.environment = {environment_name(key): key for key in self.keys}
        self._refuse_shared_variables()

    def holder(self, segments: Segments) -> tuple[Slot, Segments] | None:
        """Find the setting below which a place stands, and the rest of the way; None for none."""
        for length in range(len(segments) - 1, 0, -1):
            slot = self.slots.get(join_path(segments[:length]))
            if slot is not None:
                return slot, segments[length:]
        return None

    def _refuse_shared_variables(self) -> None:
        """Refuse two settings that one variable of the environment would mean."""
        names: dict[str, str] = {}
        for path in self.slots:
            name = environment_name(path)
            if name in names:
                raise SchemaError(
                    f"{names[name]!r} and {path!r} would share the variable {name}; rename one of them"
                )
            names[name] = path
            self.environment[name] = path
        for path, slot in self.slots.items():
            other = self.slots.get(join_path((*split_path(path)[:-1], f"no_{split_path(path)[-1]}")))
            if other is not None and {slot.kind.type, other.kind.type} == {bool}:
                flag = f"--no-{path}"
                raise SchemaError(
                    f"{path!r} and {other.path!r} would share the flag {flag}; rename one of them"
                )

    @cached_property
    def section_variables(self) -> dict[str, str]:
        """The sections by the variable that means the whole of each."""
        sections: dict[str, str] = {}
        for path in self.slots:
            segments = split_path(path)
            for length in range(1, len(segments)):
                section = join_path(segments[:length])
                sections.setdefault(environment_name(section), section)
        return sections

    def _add(self, alias: Alias) -> None:
        there = self.keys.get(alias.key, ())
        if isinstance(there, Slot):
            raise SchemaError(f"{alias.key!r} is a setting and an alias of {alias.path!r}")
        if not any(known.path == alias.path for known in there):
            self.keys[alias.key] = (*there, alias)

    def _plant(self, key: str, entry: Slot | tuple[Alias, ...]) -> None:
        node = self.tree
        *sections, name = key.split(".")
        for section in sections:
            inner = node.setdefault(section, {})
            if not isinstance(inner, dict):
                raise SchemaError(f"{key!r}: {section!r} is no section")
            node = inner
        if isinstance(node.get(name), dict):
            raise SchemaError(f"{key!r} is a name and a section")
        node[name] = entry

    def choose(self, candidates: Iterable[Alias], sections: tuple[str, ...]) -> Alias | AmbiguousKey:
        """Settle which setting an alias means: the only one, or the first in the order of sections."""
        aliases = tuple(candidates)
        if len(aliases) == 1:
            return aliases[0]
        ranked = sorted(
            (alias for alias in aliases if alias.section in sections), key=lambda a: sections.index(a.section)
        )
        return ranked[0] if ranked else AmbiguousKey(tuple(alias.path for alias in aliases))

    def find_bare(self, name: str, sections: tuple[str, ...]) -> Slot | Alias | AmbiguousKey | None:
        """Find what a name without its section means."""
        keys = self.bare.get(name, ())
        if not keys:
            return None
        ranked = sorted(
            (k for k in keys if section_of(k) in sections), key=lambda k: sections.index(section_of(k))
        )
        if ranked:
            return self._settle(ranked[0], sections)
        targets = {self._target(key) for key in keys}
        if len(targets) == 1:
            own = [key for key in keys if isinstance(self.keys[key], Slot)]
            return self._settle((own or list(keys))[0], sections)
        return AmbiguousKey(tuple(dict.fromkeys(key for key in keys)))

    def is_secret(self, key: str) -> bool:
        """Tell whether a full key means a secret setting."""
        return any(self.slots[path].setting.secret for path in self._target(key).split(" "))

    def _settle(self, key: str, sections: tuple[str, ...]) -> Slot | Alias | AmbiguousKey:
        entry = self.keys[key]
        return entry if isinstance(entry, Slot) else self.choose(entry, sections)

    def _target(self, key: str) -> str:
        entry = self.keys[key]
        return entry.path if isinstance(entry, Slot) else " ".join(alias.path for alias in entry)

    def find(self, key: str, sections: tuple[str, ...] | None = None) -> Slot | Alias | AmbiguousKey | None:
        """Find what a full or bare key means."""
        order = self.sections if sections is None else sections
        if key in self.keys:
            return self._settle(key, order)
        return self.find_bare(key, order) if "." not in key else None


def section_of(key: str) -> str:
    """All of a key but its last name."""
    return key.rpartition(".")[0]


def environment_name(key: str) -> str:
    """Spell a key as the environment does, without the prefix: MODEL__GRIDSIZE."""
    name = key.replace(".", "__").upper()
    if "[" in name:
        name = re.sub(r"\[(\d+)\]", r"__\1", name)
    return name if name.isidentifier() and name.isascii() else re.sub(r"[^A-Z0-9_]", "_", name)
