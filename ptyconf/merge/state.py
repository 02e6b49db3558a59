"""What a resolve found out, as its resolution holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ptyconf.merge.combine import live_entries
from ptyconf.merge.elements import OWN
from ptyconf.merge.histories import Histories
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.trace import Derived
from ptyconf.schema.fields import UNSET
from ptyconf.schema.fold import completed
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Tree

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution


class State(NamedTuple):
    """What a resolve found out; read only."""

    schema: Schema
    precedence: Precedence
    layers: tuple[Layer, ...]
    layer_values: tuple[LayerValues, ...]
    outspoken: Sequence[LayerValues]  # those that have more to say than plain values
    histories: Histories
    values: Mapping[str, Any]
    derived: Mapping[str, Derived]
    again: Callable[[tuple[Layer, ...]], Resolution]  # the same resolve with other layers
    reduced: Callable[[Resolution], Any]  # how it is pickled
    repeated: frozenset[tuple[int, str]]
    trees: dict[str, Tree]  # completed, once somebody looks
    numbered: dict[str, list[Any]]  # who gave each element of a list of sections, once somebody looks
    hidden: Set[str]  # paths of what follows from a secret, or refers to one
    links: Mapping[str, Any]  # what references lead to, by path
    finished: Mapping[int, Any]  # what was read late, by identity as written
    made: Mapping[str, Any] = MappingProxyType({})  # what an instance's constructor made of others, by path

    def tree(self, path: str) -> Tree:
        """Give what a setting holds, filled with the defaults of its classes."""
        slot = self.schema.index.slots[path]
        if slot.node is None:
            return self.values[path]
        if path not in self.trees:
            self.trees[path] = completed(slot, self.values[path])
        return self.trees[path]

    def live(self, path: str) -> list[tuple[LayerValues, Any]]:
        """Give what the layers that count say of a setting, high to low."""
        return live_entries(path, self.histories.get(path))

    def is_default(self, path: str) -> bool:
        """Tell whether nothing but the schema's own default gives a setting its value."""
        own = all(source.name == OWN and source.kind == "defaults" for source, _ in self.live(path))
        return own and path not in self.derived

    def instance(self, place: str, paths: Iterable[str]) -> Any:
        """Give the instance that a layer gave for a place, if all settings below are from there, else UNSET.

        Args:
            place: The section or setting.
            paths: The settings below it.
        """
        for layer_values in self.outspoken:
            if place in layer_values.instances:
                tops = [self.live(path)[:1] for path in paths]
                same = all(top and top[0][0] is layer_values for top in tops)
                return (
                    layer_values.instances[place] if same and self.derived.keys().isdisjoint(paths) else UNSET
                )
        return UNSET
