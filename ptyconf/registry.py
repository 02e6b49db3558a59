"""Open registries: entries by name, one module each, of this program or of plugins."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, KeysView, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, Generic, TypeVar, cast

from ptyconf.errors import error_text

T = TypeVar("T")


class UnknownEntryError(LookupError, ValueError):
    """A registry has no entry of that name; the message lists those that it has."""


@lru_cache(maxsize=1)
def _entry_points(path: tuple[str, ...]) -> Any:  # noqa: ARG001  The search path: what the answer hangs on.
    """Read the entry points of every distribution once for all registries: it takes milliseconds."""
    from importlib.metadata import entry_points

    return entry_points()


class EntryError(TypeError):
    """An entry of a registry is not made as the registry needs it; a mistake of its author."""


class Registry(Collection[str], Generic[T]):
    """Entries by name; as a collection it is the live set of names, so that it can be a setting's choices.

    A name is looked up among the entries added at run time, then among the modules of `package` (only the
    module of that name is imported), then among the entry points of other distributions. These are read when
    a name is not found before, or when all names are asked for: reading them takes milliseconds.

    An entry is named like its module, unless the package's constant NAMES says otherwise: a dict from module
    names to entry names, for names that no module can have ("ReduceLROnPlateau"). Modules that begin with an
    underscore are no entries, but what entries share.

    Args:
        what: What an entry is, in the singular: "scan format".
        package: Package whose modules are the built-in entries, each named like its entry.
        attribute: The constant of such a module that is the entry.
        entry_points: Group of the entry points of other distributions; "" for none.
        setting: Path of the setting that chooses an entry, for the hint; "" for none.
        apart: Modules of the package that are no entries.
    """

    def __init__(
        self,
        what: str,
        *,
        package: str = "",
        attribute: str = "",
        entry_points: str = "",
        setting: str = "",
        apart: Collection[str] = (),
    ) -> None:
        self.what = what
        self._package = package
        self._attribute = attribute
        self.group = entry_points
        self._setting = setting
        self._apart = apart
        self._entries: dict[str, T] = {}
        self._loaded: dict[str, T] = {}  # built-in entries that somebody has looked up
        self._modules: dict[str, str] | None = None
        self._plugins: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Registry({self.what!r}: {', '.join(self)})"

    def add(self, name: str, entry: T) -> T:
        """Add an entry for the life of the process.

        Raises:
            ValueError: The name is taken.
            EntryError: The entry calls itself otherwise.
        """
        if name in self:
            raise ValueError(
                error_text(
                    f"there is a {self.what} {name!r} already",
                    known=", ".join(self),
                    hint="another name, or remove() first",
                )
            )
        self._entries[name] = self._of_that_name(name, entry, "the call of add()")
        return entry

    @property
    def added(self) -> KeysView[str]:
        """The names of the entries that `add` brought in."""
        return self._entries.keys()

    def remove(self, name: str) -> T:
        """Take an entry out that `add` brought in.

        Raises:
            UnknownEntryError: It was not added at run time.
        """
        if name not in self._entries:
            raise self._unknown(name)
        return self._entries.pop(name)

    def __getitem__(self, name: str) -> T:
        entry = self._find(name)
        if entry is None:
            raise self._unknown(name)
        return entry

    def get(self, name: str) -> T | None:
        """Give an entry, or None."""
        return self._find(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            name in self._entries or name in self._built_in() or name in self._from_plugins()
        )

    def __iter__(self) -> Iterator[str]:
        known: set[str] = set()
        # One after the other: who finds what is looked for never pays for reading the entry points.
        for names in (self._built_in, lambda: self._entries, self._from_plugins):
            for name in tuple(names()):
                if name not in known:
                    known.add(name)
                    yield name

    def __bool__(self) -> bool:
        return any(True for _ in self)

    def __len__(self) -> int:
        return len(tuple(iter(self)))

    def entries(self) -> Iterator[T]:
        """Give every entry; imports every module that holds one."""
        return (self[name] for name in self)

    def _find(self, name: str) -> T | None:
        for known in (self._entries, self._loaded):
            if name in known:
                return known[name]
        if name in self._built_in():
            module = self._built_in()[name]
            entry = getattr(import_module(module), self._attribute, None)
            if entry is None:
                raise EntryError(
                    error_text(
                        f"the module {module} has no {self._attribute}, the {self.what} {name!r}",
                        hint=f"{self._attribute} = ... in it, or a name that starts with an underscore",
                    )
                )
            self._loaded[name] = self._of_that_name(name, entry, module)
            return self._loaded[name]
        plugin = self._from_plugins().get(name)
        if plugin is None:
            return None
        self._loaded[name] = self._of_that_name(name, plugin.load(), plugin.value)
        return self._loaded[name]

    def _of_that_name(self, name: str, entry: Any, place: str) -> T:
        """Accept an entry that calls itself what it is looked up by: else one of the names does nothing."""
        own = getattr(entry, "name", name)
        if own != name:
            raise EntryError(
                error_text(
                    f"the {self.what} {name!r} calls itself {own!r}",
                    written_in=place,
                    expected="one name",
                    hint=f"name = {name!r}",
                )
            )
        return cast("T", entry)

    def _built_in(self) -> dict[str, str]:
        if self._modules is None:
            self._modules = {}
            if self._package:
                from pkgutil import iter_modules

                package = import_module(self._package)
                names: Mapping[str, str] = getattr(package, "NAMES", {})
                self._modules = {
                    names.get(module.name, module.name): f"{self._package}.{module.name}"
                    for module in iter_modules(package.__path__)
                    if not module.name.startswith("_") and module.name not in self._apart
                }
        return self._modules

    def _from_plugins(self) -> dict[str, Any]:
        if self._plugins is None:
            self._plugins = {}
            if self.group:
                points = _entry_points(tuple(sys.path)).select(group=self.group)
                self._plugins = {point.name: point for point in points}
        return self._plugins

    def _unknown(self, name: str) -> UnknownEntryError:
        import difflib  # an error alone needs it

        near = difflib.get_close_matches(str(name), list(self), 1)
        likely = (near or list(self)[:1] or [""])[0]
        hint = f'{self._setting} = "{likely}"' if self._setting else likely
        return UnknownEntryError(
            error_text(f"unknown {self.what} {name!r}", known=", ".join(self), hint=hint)
        )
