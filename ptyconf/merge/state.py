"""What a resolve found out, as its resolution holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import TYPE_CHECKING, Any, NamedTuple

from ptyconf.merge.elements import OWN
from ptyconf.merge.law import entries
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.trace import Derived
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
    histories: Mapping[str, Any]
    values: Mapping[str, Any]
    derived: Mapping[str, Derived]
    again: Callable[[tuple[Layer, ...]], Resolution]  # the same resolve with other layers
    reduced: Callable[[Resolution], Any]  # how it is pickled
    repeated: frozenset[tuple[int, str]]
    trees: dict[str, Tree]  # completed, once somebody looks
    hidden: Set[str]  # paths of what follows from a secret, or refers to one
    links: Mapping[str, Any]  # what references lead to, by path
    finished: Mapping[int, Any]  # what was read late, by identity as written

    def tree(self, path: str) -> Tree:
        """Give what a setting holds, filled with the defaults of its classes."""
        if path not in self.trees:
            self.trees[path] = completed(self.schema.index.slots[path], self.values[path])
        return self.trees[path]

    def is_default(self, path: str) -> bool:
        """Tell whether nothing but the schema's own default gives a setting its value."""
        live = [source for source, _ in entries(self.histories.get(path)) if path not in source.passed]
        own = all(source.name == OWN and source.kind == "defaults" for source in live)
        return own and path not in self.derived
