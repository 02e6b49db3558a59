"""What two resolutions disagree on: values, and where the same value came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from ptyconf.merge.resolution import Resolution, expect_resolution
from ptyconf.merge.same import same
from ptyconf.merge.standing import is_below
from ptyconf.merge.trace import Trace
from ptyconf.report.table import value_of
from ptyconf.schema.path import split_path

Kind = Literal["value", "source", "added", "removed"]


class Change(NamedTuple):
    """One setting that differs: in value, or only in the layer or place that it comes from."""

    path: str
    kind: Kind
    before: Trace | None
    after: Trace | None

    def __str__(self) -> str:
        return f"{self.path}\n  before  {_side(self.before)}\n  after   {_side(self.after)}"

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        from ptyconf.report.json import trace_as_dict

        sides = {"before": self.before, "after": self.after}
        traces = {name: None if side is None else trace_as_dict(side) for name, side in sides.items()}
        return {"path": self.path, "kind": self.kind, **traces}


def _side(trace: Trace | None) -> str:
    if trace is None:
        return "not set"
    return f"{value_of(trace)}  ({trace.winner.layer}: {trace.winner.origin})"


@dataclass(frozen=True, slots=True)
class Difference:
    """Every setting that differs between two resolutions; empty, and false, when none does."""

    changes: tuple[Change, ...]

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __len__(self) -> int:
        return len(self.changes)

    def __iter__(self) -> Iterator[Change]:
        return iter(self.changes)

    @property
    def values(self) -> tuple[Change, ...]:
        """The changes of value."""
        return tuple(change for change in self.changes if change.kind != "source")

    @property
    def sources(self) -> tuple[Change, ...]:
        """The settings with the same value from another place."""
        return tuple(change for change in self.changes if change.kind == "source")

    def __str__(self) -> str:
        return "\n".join(
            f"{change}\n  same value, other source" if change.kind == "source" else str(change)
            for change in self.changes
        )

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {"version": 1, "changes": [change.as_dict() for change in self.changes]}


def diff(before: Resolution, after: Resolution) -> Difference:
    """Compare two resolutions, setting by setting; what is empty or none on one side is told as a whole."""
    expect_resolution("diff", before)
    expect_resolution("diff", after)
    alike = before.alike(after)
    changes: list[Change] = []
    ours, theirs = (dict.fromkeys(_paths(side, alike)) for side in (before, after))
    wholes = {*map(split_path, ours.keys() ^ theirs.keys())}
    for path in ours | theirs:
        if wholes and is_below(split_path(path)[:-1], wholes):
            continue
        old = before.trace(path) if path in before else None
        new = after.trace(path) if path in after else None
        kind = _kind(before, after, path, old, new)
        if kind is not None:
            changes.append(Change(path, kind, old, new))
    return Difference(tuple(changes))


def _paths(resolution: Resolution, alike: frozenset[str]) -> Iterable[str]:
    """Walk the paths of a resolution but for those of some declared settings."""
    return (path for path, _, _ in resolution.leaves(alike)) if alike else resolution


def _kind(
    before: Resolution, after: Resolution, path: str, old: Trace | None, new: Trace | None
) -> Kind | None:
    if old is None or new is None:
        return "added" if old is None else "removed"
    if not same(before.value(path), after.value(path)):
        return "value"
    alike = old.winner.layer == new.winner.layer and old.winner.origin == new.winner.origin
    return None if alike else "source"
