"""The law of the merge: for each setting the highest layer that has it wins; the others follow, in order.

A history is one setting's entries, high to low, as a chain of links ``(source, value, rest)``. Merging puts
one chain on top of another and shares what lies below, so the record of who lost is the merge itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

S = TypeVar("S")
Columns = tuple[Iterable[str], Iterable[Any]]  # paths, each once, and values
Link = tuple[S, Any, Any]  # source, value, and the Link below or None
Links = dict[str, Any]  # path -> Link


def push(source: S, values: Mapping[str, Any], below: Mapping[str, Any]) -> Links:
    """Put one layer's values on top of merged histories; what was below is shared, not changed."""
    return pile([(source, (values, values.values()))], below)


def over(high: Mapping[str, Any], low: Mapping[str, Any]) -> Links:
    """Merge two stacks of layers: associative, with the empty stack as identity."""
    merged = dict(low)
    for path, link in high.items():
        merged[path] = _onto(link, low.get(path))
    return merged


def _onto(link: Any, below: Any) -> Any:
    """Lay one chain on another."""
    if below is None:
        return link
    for source, value in reversed(list(entries(link))):
        below = (source, value, below)
    return below


def stack(layers: Iterable[tuple[S, Mapping[str, Any]]]) -> Links:
    """Merge layers given low to high."""
    return pile([(source, (values, values.values())) for source, values in layers], {})


def pile(layers: Iterable[tuple[S, Columns]], below: Mapping[str, Any]) -> Links:
    """Put layers, as columns of paths and values and low to high, on merged histories: as push for each."""
    merged = dict(below)
    under = merged.get
    for source, (paths, values) in layers:
        for path, value in zip(paths, values):  # noqa: B905  They are of one length; asking costs 5 %.
            merged[path] = (source, value, under(path))
    return merged


def entries(link: Any) -> Iterator[tuple[Any, Any]]:
    """Walk a history, high to low, as pairs of source and value."""
    while link is not None:
        source, value, link = link
        yield source, value


def winner(link: Any, passes: Callable[[Any], bool] = lambda _: True) -> tuple[Any, Any] | None:
    """Find the highest entry whose source is not passed over."""
    return next(((source, value) for source, value in entries(link) if passes(source)), None)


# How values combine. Each takes (source, value) pairs, high to low, and gives the value with the contributor
# of each element; None stops what lies below it.


def _live(pairs: Iterable[tuple[S, Any]]) -> list[tuple[S, Any]]:
    """Keep the entries above the first None, low to high."""
    live: list[tuple[S, Any]] = []
    for source, value in pairs:
        if value is None:
            break
        live.append((source, value))
    return live[::-1]


def append(pairs: Iterable[tuple[S, Any]]) -> tuple[list[Any], list[S]]:
    """Join lists, the lower layer's elements first."""
    elements = [(element, source) for source, value in _live(pairs) for element in value]
    return [element for element, _ in elements], [source for _, source in elements]


def union(pairs: Iterable[tuple[S, Any]]) -> tuple[list[Any], list[S]]:
    """Join lists and keep the first of equal elements; one list by itself stands as it is."""
    live = _live(pairs)
    if len(live) == 1:
        return list(live[0][1]), [live[0][0]] * len(live[0][1])
    values: list[Any] = []
    sources: list[S] = []
    for source, value in live:
        for element in value:
            if element not in values:
                values.append(element)
                sources.append(source)
    return values, sources


def deep(pairs: Iterable[tuple[S, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Merge tables key by key, at every depth; each leaf keeps its contributor."""
    values: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for source, value in _live(pairs):
        _deepen(values, sources, value, source)
    return values, sources


def _deepen(values: dict[str, Any], sources: dict[str, Any], table: Mapping[str, Any], source: Any) -> None:
    for key, item in table.items():
        if isinstance(item, Mapping):
            if not isinstance(values.get(key), dict):
                values[key], sources[key] = {}, {}
            _deepen(values[key], sources[key], item, source)
        else:
            values[key], sources[key] = item, source


STRATEGIES: dict[str, Callable[[Any], tuple[Any, Any]]] = {"append": append, "union": union, "deep": deep}
