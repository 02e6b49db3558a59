"""The immutable result of a resolve: values, and for each the whole story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from ptyconf.arguments import expect
from ptyconf.errors import ConfigError, Problem, SchemaError
from ptyconf.merge.built import BUILT
from ptyconf.merge.law import entries
from ptyconf.merge.layer import Layer
from ptyconf.merge.plain import nested, plain_tree
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.state import State
from ptyconf.merge.trace import Trace
from ptyconf.merge.unknown import UnknownPathError
from ptyconf.merge.watched import WATCHERS
from ptyconf.schema.path import Segments, join_path, matches, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Tree, branch, leaves
from ptyconf.schema.view import View, copied
from ptyconf.text.show import show
from ptyconf.tracking import is_tracked, mark_set

if TYPE_CHECKING:
    from ptyconf.merge.build import Building, Failure
    from ptyconf.merge.problems import SettingPlaces
    from ptyconf.merge.story import Stories

T = TypeVar("T")
Path = str | Segments


@cache
def _stories() -> type[Stories]:
    """Bring in what tells stories, for those who ask for one."""
    from ptyconf.merge.story import Stories

    return Stories


class Resolution(Mapping[str, Any]):
    """The settings of one run, each with its value, its winner and every loser; never changes."""

    __slots__ = ("__weakref__", "_state")

    def __init__(self, state: State) -> None:
        object.__setattr__(self, "_state", state)
        for watch in WATCHERS:
            watch(self)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a resolution does not change; make a new one with with_layer ({name})")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a resolution does not change ({name})")

    _state: State

    @property
    def schema(self) -> Schema:
        """The settings of the program."""
        return self._state.schema

    @property
    def precedence(self) -> Precedence:
        """The declared order of the layers."""
        return self._state.precedence

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, as they were given."""
        return self._state.layers

    def value(self, path: Path) -> Any:
        """Give the plain value of a setting, a section, a container or an element; containers are copies.

        Raises:
            UnknownPathError: A KeyError: there is no such setting, or nothing gives it a value.
        """
        state = self._state
        if path.__class__ is str and path in state.values and path not in state.schema.trees:
            return copied(state.values[path])
        try:
            return self._value_below(path)
        except KeyError:  # of a part of the path
            raise UnknownPathError(path, self) from None

    __getitem__ = value

    def _value_below(self, path: Path) -> Any:
        state = self._state
        if state.made and (name := path if isinstance(path, str) else join_path(path)) in state.made:
            return copied(state.made[name])
        try:
            root, below = state.schema.place(path)
        except KeyError:
            return self._section_value(path)
        slot = state.schema.index.slots[root]
        inner, tree = branch(slot, state.tree(root), below)
        if inner.node is None:
            return copied(tree)
        from ptyconf.merge.build import FAILED

        building = self._building()
        value = building.tree(inner, tree, (*split_path(root), *below)) if below else building.setting(slot)
        if value is FAILED:
            raise ConfigError(self._problems(building.failures))
        return value

    def _section_value(self, path: Path) -> Any:
        """Give an instance for a section that a view has, else a table of what is below it."""
        name = path if isinstance(path, str) else join_path(path)
        view = next((view for view in self.schema.views if view.section == name and name), None)
        if view is not None:
            return self.build(view)
        below = {
            split_path(key)[len(split_path(name)) :]: self.value(key)
            for key in self._state.values
            if key.startswith(f"{name}.")
        }
        if not below:
            raise KeyError(path)
        return nested(below)

    def settings(self) -> Iterator[tuple[str, Any]]:
        """Walk the declared settings that have a value, a container as one tree of plain values."""
        state = self._state
        for path, slot in state.schema.index.slots.items():
            if path in state.values:
                if slot.node is None:
                    yield path, copied(state.values[path])
                else:
                    yield path, plain_tree(slot, state.tree(path))

    def tree(self, path: str) -> Tree:
        """Give what a declared setting holds: its value, or the tree of the settings below it."""
        return self._state.tree(path)

    def leaves(self, apart: Set[str] = frozenset()) -> Iterator[tuple[str, Any, Any]]:
        """Walk the ends of all settings: path, slot and value; an empty container is an end itself.

        Args:
            apart: Declared settings that are left out.
        """
        state = self._state
        for path, slot in state.schema.index.slots.items():
            if path not in state.values or path in apart:
                continue
            if slot.node is None:
                yield path, slot, state.values[path]
            else:
                start = split_path(path)
                for below, leaf, value in leaves(slot, state.tree(path)):
                    yield (join_path((*start, *below)) if below else path), leaf, value

    def __iter__(self) -> Iterator[str]:
        state = self._state
        values = state.values
        if not state.schema.trees:
            return (path for path in state.schema.settings if path in values)
        return (path for path, _, _ in self.leaves())

    def __len__(self) -> int:
        if not self._state.schema.trees:
            return len(self._state.values)
        return sum(1 for _ in self.leaves())

    def __contains__(self, path: object) -> bool:
        state = self._state
        if path.__class__ is str and (path in state.values or path in state.made):
            return True
        try:
            root, below = state.schema.place(path)  # type: ignore[arg-type]
            branch(state.schema.index.slots[root], state.tree(root), below)
        except (KeyError, TypeError, AttributeError):
            return self._is_section(path)
        return True

    def _is_section(self, path: object) -> bool:
        if not isinstance(path, (str, tuple)) or not path:
            return False
        start = f"{path if isinstance(path, str) else join_path(path)}."
        return any(key.startswith(start) for key in self._state.values)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __copy__(self) -> Resolution:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Resolution:
        return self  # It never changes, so that a copy could not differ.

    def __reduce__(self) -> Any:
        return self._state.reduced(self)

    def __repr__(self) -> str:
        places = self._places()
        shown = ", ".join(
            f"{path}={show(self.tree(path), secret=places.hides(path, slot))}"
            for path, slot in list(self.schema.index.slots.items())[:6]
            if path in self._state.values
        )
        more = ", ..." if len(self._state.values) > 6 else ""
        return f"<Resolution of {self.schema.name}: {shown}{more}>"

    def _repr_html_(self) -> str:
        """Show every setting in a notebook: value, layer, place and what it beat."""
        from ptyconf.merge.notebook import to_html

        return to_html(self)

    def build(self, target: type[T] | View[T]) -> T:
        """Make a plain instance of a target class, as if it had been written by hand.

        Raises:
            ConfigError: A setting that the class needs has no value, or a class refuses its values.
            SchemaError: The schema has no view of the class.
        """
        building = self._building()
        instance = building.view(self._state.schema.view(target))
        if building.failures:
            cause = self._places().cause(building.failures[0].error)
            error = ConfigError(self._problems(building.failures))
            error.resolution = self
            raise error from cause
        if building.own_code:
            from ptyconf.merge.own_values import remember_own

            for view, made, _ in building.instances:
                remember_own(self, view, made)
        return instance  # type: ignore[no-any-return]

    def _building(self) -> Building:
        from ptyconf.merge.build import Building

        state = self._state
        return Building(state.schema, state.values, state.tree, self._made, self.is_present, state)

    def check_classes(self) -> list[Problem]:
        """Build every class that stands at the top of the schema, and give what the classes refuse."""
        building = self._building()
        inner = {id(inner) for view in self.schema.views for inner in view.nested}
        for view in self.schema.views:
            if id(view) not in inner:
                building.view(view)
        return self._problems(building.failures)

    def _made(self, view: View[Any], instance: Any, at: Segments) -> None:
        kind = type(instance)
        if kind.__weakrefoffset__:
            BUILT.put(instance, (self, view, at))
        if is_tracked(kind):
            histories = self._state.histories
            overwritten, below = histories.overwritten(), histories.below
            written = [
                name
                for name, path in view.places(at)
                if path in overwritten
                or (path not in below and path in self and self.trace(path).winner.origin.kind != "defaults")
            ]
            mark_set(instance, written)

    def is_present(self, view: View[Any]) -> bool:
        """Tell whether a layer other than defaults wrote into a view that may be absent."""
        histories = self._state.histories
        for attribute in view.attributes:
            if attribute.nested is not None:
                if self.is_present(attribute.nested):
                    return True
            elif any(
                source.kind != "defaults" and value is not None
                for source, value in entries(histories.get(attribute.bind.path))
            ):
                return True
        return False

    def _problems(self, failures: list[Failure]) -> list[Problem]:
        return list(map(self._places().failed, failures))

    def _places(self) -> SettingPlaces:
        from ptyconf.merge.problems import SettingPlaces

        state = self._state
        return SettingPlaces(
            state.schema, state.layer_values, state.histories, state.values, lambda: state.hidden
        )

    # Provenance

    def alike(self, other: Resolution) -> frozenset[str]:
        """Name declared settings that have the same value from the same places in another resolution."""
        if type(other) is not type(self):
            return frozenset()
        from ptyconf.merge.alike import alike_settings

        return alike_settings(self._state, other._state)

    def winner_layer(self, path: str) -> str:
        """Name the layer whose value is in force; "derived" for a derived setting."""
        state = self._state
        if path in state.derived:
            return "derived"
        if path in state.schema.trees or path not in state.histories:
            return self.trace(path).winner.layer
        link = state.histories[path]
        live = (layer_values for layer_values, _ in entries(link) if path not in layer_values.passed)
        return str(next(live, link[0]).name)

    def secrets(self) -> Iterator[Any]:
        """Give every secret, those that lost and those that follow from others too, for masks."""
        yield from self._places().secrets()
        yield from (self._state.values[path] for path in self._state.hidden if path in self._state.values)

    def has(self, path: str, *layers: str) -> bool:
        """Tell whether one of these layers (any layer, without names) wrote a setting."""
        writers = (*self._places().written(path), *entries(self._state.histories.get(path)))
        return any(not layers or layer_values.name in layers for layer_values, _ in writers)

    def trace(self, path: Path, *, reveal: bool = False) -> Trace:
        """Tell one setting's whole story; that of a section or container has the ends below it as elements.

        Args:
            path: The setting.
            reveal: Show secrets instead of masking them.

        Raises:
            UnknownPathError: A KeyError: there is no such setting, or nothing gives it a value.
        """
        try:
            return _stories()(self._state, reveal).of(path)
        except KeyError:
            raise UnknownPathError(path, self) from None

    def traces(self) -> Iterator[Trace]:
        """Tell the story of every setting, secrets masked."""
        return map(_stories()(self._state).of, self)

    def matching(self, pattern: str) -> list[str]:
        """List the paths that a pattern with ``*`` speaks of, of containers too."""
        wanted = split_path(pattern)
        paths = dict.fromkeys(
            join_path(segments[: len(wanted)])
            for segments in map(split_path, self)
            if matches(wanted, segments[: len(wanted)])
        )
        return list(paths)

    def first_match(self, pattern: str) -> str:
        """Give the first path that a pattern speaks of; the pattern itself where none does."""
        return next(iter(self.matching(pattern)), pattern) if "*" in pattern else pattern

    def with_layer(self, *layers: Layer) -> Resolution:
        """Give a new resolution with one more layer, or with several, where the precedence puts them.

        Raises:
            ConfigError: The layers bring problems.
            SchemaError: The precedence does not know a layer's name.
        """
        return self._state.again((*self._state.layers, *layers))

    def replace_layer(self, layer: Layer) -> Resolution:
        """Give a new resolution in which a layer stands in the place of that of the same name and source.

        Raises:
            ConfigError: The layer brings problems.
            SchemaError: There is no such layer, or several that it might replace.
        """
        expect("replace_layer", "layer", layer, Layer, "one Layer")
        layers = self._state.layers
        named = [present for present in layers if present.name == layer.name]
        source = (layer.label, layer.kind)
        alike = [present for present in named if (present.label, present.kind) == source] or named
        if len(alike) != 1:
            several = f"are several layers {layer.name!r} of {layer.label!r}"
            raise SchemaError(f"there {several if alike else f'is no layer {layer.name!r}'} to replace")
        old = alike[0]
        new = layer if layer.within == old.within else replace(layer, within=old.within)
        return self._state.again(tuple(new if layer is old else layer for layer in layers))


def expect_resolution(call: str, given: Any) -> None:
    """Refuse what is no resolution.

    Raises:
        SchemaError: It is something else, such as an instance that was built.
    """
    expect(call, "resolution", given, Resolution, "a Resolution", "provenance_of(config)")
