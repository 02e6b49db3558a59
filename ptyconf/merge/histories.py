"""The history of every setting: the layers of a merge in their order, piled up when somebody asks.

The values of a merge are what each layer leaves of those below it: one update of a dict a layer. Who lost
stands in the same columns in the same order, so that nothing needs to be written down for it: the tops of the
histories are those values, as the law of ``ptyconf.merge.law`` says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ptyconf.merge.law import pile
from ptyconf.merge.layer_values import LayerValues


class Histories(Mapping[str, Any]):
    """Links by path: those that must be known for the values at once, all others when one is asked for.

    Args:
        above: Layers, low to high.
        below: The histories of what stands below them.
        gathered: The links that are known, of settings to which more than the highest layer gives something.
    """

    __slots__ = ("_above", "_gathered", "_overwritten", "_piled", "_tops", "below")

    def __init__(
        self, above: Sequence[LayerValues], below: Mapping[str, Any], gathered: Mapping[str, Any]
    ) -> None:
        self._above = above
        self.below = below
        self._gathered = gathered
        self._overwritten: frozenset[str] | None = None
        self._tops: dict[str, LayerValues] | None = None
        self._piled: dict[str, Any] | None = None

    def __getitem__(self, path: str) -> Any:
        return self.links()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.links())

    def __len__(self) -> int:
        return len(self.links())

    def get(self, path: str, default: Any = None) -> Any:
        """Give the history of a setting; what none of the layers has needs no piling."""
        piled = self._piled
        if piled is None:
            if path in self._gathered:
                return self._gathered[path]
            if path not in self.tops():
                return self.below.get(path, default)
            piled = self.links()
        return piled.get(path, default)

    def top(self, path: str) -> LayerValues | None:
        """Give the highest layer of all that has a path, passed over or not."""
        top = self.tops().get(path)
        if top is None and path in self.below:
            top = self.below[path][0]
        return top

    def links(self) -> dict[str, Any]:
        """Give all of them."""
        if self._piled is None:
            columns = [(layer_values, layer_values.columns) for layer_values in self._above]
            self._piled = pile(columns, self.below)
        return self._piled

    def overwritten(self) -> frozenset[str]:
        """Give the paths of which the highest layer is none of defaults."""
        if self._overwritten is None:
            tops = self.tops().items()
            written = [path for path, layer_values in tops if layer_values.kind != "defaults"]
            self._overwritten = frozenset(written)
        return self._overwritten

    def tops(self) -> dict[str, LayerValues]:
        """Give the highest of the layers that has each path."""
        if self._tops is None:
            tops: dict[str, LayerValues] = {}
            for layer_values in self._above:
                tops.update(dict.fromkeys(layer_values.columns[0], layer_values))
            self._tops = tops
        return self._tops
