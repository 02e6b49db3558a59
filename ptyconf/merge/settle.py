"""What comes after the merge: values that gather, values that follow from others, and what checks say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ptyconf.errors import Problem
from ptyconf.merge.checks import Checks
from ptyconf.merge.combine import Repeated, joined, live_entries, merge_trees
from ptyconf.merge.law import STRATEGIES, entries
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.trace import Derived
from ptyconf.schema.fold import completed, like
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.reference import Deferred
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Derivation
from ptyconf.schema.tree import Items, Slot, Table, Tree, branch, child, holds_secret, key_text
from ptyconf.text.show import show

if TYPE_CHECKING:
    from ptyconf.merge.problems import SettingPlaces


class Settling:
    """The settling of one resolve's values, in place."""

    def __init__(
        self,
        schema: Schema,
        places: Callable[[], SettingPlaces],
        values: dict[str, Any],
        histories: Mapping[str, Any],
        problems: list[Problem],
        touched: set[str],
        *,
        refers: bool,
    ) -> None:
        self.schema = schema
        self._places = places
        self.values = values
        self.histories = histories
        self.problems = problems
        self.touched = touched
        self.refers = refers  # whether a layer has a value that refers to another one
        self.derived: dict[str, Derived] = {}
        self.repeated: Repeated = frozenset()
        self.hidden: set[str] = set()  # what follows from a secret, or refers to one
        self.trees: dict[str, Tree] = {}  # filled with the defaults of their classes
        self.links: Mapping[str, Any] = {}  # what references lead to, by path
        self.finished: Mapping[int, Any] = {}  # what was read late, by identity as written

    @property
    def places(self) -> SettingPlaces:
        """Where values stand, for what is wrong with them."""
        return self._places()

    def results(self) -> dict[str, Any]:
        """Give what was found out besides the values."""
        return {
            "derived": self.derived,
            "repeated": self.repeated,
            "trees": self.trees,
            "hidden": self.hidden,
            "links": self.links,
            "finished": self.finished,
        }

    # Values that gather

    def combine(self, tied: list[list[LayerValues]]) -> None:
        """Combine the layers' values where the setting says that they do not replace each other."""
        slots = self.schema.index.slots
        self.repeated = frozenset(self._repeats(tied))
        for path in self.schema.special:
            link = self.histories.get(path)
            slot = slots[path]
            if link is None or path not in self.values:
                continue
            if slot.node is not None:
                replaces = slot.node.strategy == "replace" and path not in link[0].passed
                if not replaces or link[1] is None or link[0].passed_below:
                    self.values[path] = merge_trees(slot, self.live(path))
            elif link[2] is not None and self.values[path] is not None:
                live = self.live(path)
                if not any(isinstance(value, Deferred) for _, value in live):
                    self.join(path, slot, live)
        if self.schema.references or self.refers:
            from ptyconf.merge.references import References

            references = References(self)
            references.settle()
            self.links, self.finished = references.links, references.finished

    def join(self, path: str, slot: Slot, live: list[tuple[LayerValues, Any]]) -> None:
        """Combine the values of all layers; together they may be more than the type allows."""
        try:
            self.values[path] = joined(slot, live)
        except Mismatch as mismatch:
            together, _ = STRATEGIES[slot.setting.merge](live)
            shown = show(together, secret=self.places.is_secret(path, slot))
            self.problems.append(self.places.complaint(mismatch.told(path, shown), path))

    def live(self, path: str) -> list[tuple[LayerValues, Any]]:
        """List the entries of a setting that count, high to low."""
        return live_entries(path, self.histories.get(path), self.repeated)

    def tree(self, path: str) -> Tree:
        """Give what a setting holds, filled with the defaults of its classes."""
        if path not in self.trees:
            self.trees[path] = completed(self.schema.index.slots[path], self.values[path])
        return self.trees[path]

    def _repeats(self, tied: list[list[LayerValues]]) -> Iterator[tuple[int, str]]:
        """Find what layers of one rank say alike where lists are joined: it counts once."""
        joined = [
            path for path in self.schema.special if self.schema.settings[path].merge in ("append", "union")
        ]
        for group in tied if joined else ():
            for path in joined:
                writing = [layer_values for layer_values in group if path in layer_values.values]
                yield from ((id(writer), path) for writer in writing[1:])

    # Values that follow

    def derive_all(self) -> None:
        """Compute the derived settings, each after its inputs; one with ``*`` for every key that there is."""
        for derivation in self.schema.derivations:
            if "*" not in derivation.target:
                self.derive(derivation, derivation.target, derivation.inputs)
                continue
            pattern = split_path(derivation.target)
            for stars in self._keys_under(pattern):
                target = _filled(pattern, stars)
                inputs = tuple(join_path(_filled(split_path(path), stars)) for path in derivation.inputs)
                self.derive(derivation, join_path(target), inputs)

    def _keys_under(self, pattern: Segments) -> list[tuple[Any, ...]]:
        """List the keys that stand for the stars of a pattern, in the merged values."""
        root, _ = self.schema.locate(pattern)
        slot = self.schema.index.slots[root]
        start = len(split_path(root))
        keys: list[tuple[Any, ...]] = []

        def descend(slot: Slot, tree: Tree, rest: Segments, stars: tuple[Any, ...]) -> None:
            if "*" not in rest:
                keys.append(stars)
            elif slot.node is None or tree is None:
                return
            elif rest[0] == "*":
                pairs = enumerate(tree) if isinstance(slot.node, Items) else tree.items()
                for key, below in list(pairs):
                    inner = child(slot.node, key, tree)
                    if inner is not None:
                        descend(inner, below, rest[1:], (*stars, key_text(slot.node, key)))
            else:
                inner = child(slot.node, rest[0], tree)
                if inner is not None and rest[0] in tree:
                    descend(inner, tree[rest[0]], rest[1:], stars)

        if root in self.values:
            descend(slot, self.tree(root), pattern[start:], ())
        return keys

    def value_at(self, path: str) -> Any:
        """Give the value in force at any path.

        Raises:
            KeyError: There is none.
        """
        if path in self.values:
            return self.values[path]
        root, below = self.schema.locate(path)
        slot = self.schema.index.slots[root]
        return branch(slot, self.tree(root), below)[1]

    def derive(self, derivation: Derivation, path: str, names: tuple[str, ...]) -> None:
        """Compute one derived setting; a layer that says otherwise is wrong, a default merely loses."""
        try:
            inputs = {name: self.value_at(name) for name in names}
        except KeyError:
            return
        root, below = self.schema.locate(path)
        slot = self.schema.slot(path) if below else self.schema.index.slots[path]
        if derivation.when == "missing" and self._value_or_none(path) is not None:
            return
        place = next(iter(inputs), path)
        given = f"{derivation.shown} of {self._told(inputs)}"
        try:
            derived = derivation.function(*inputs.values())
            value = slot.kind.typed(derived)
        except Mismatch as mismatch:
            secret = holds_secret(slot) or self.from_secret(inputs)
            told = mismatch.told(path, show(derived, secret=secret)).removeprefix(f"{path!r} is ")
            self.problems.append(
                self.places.complaint(f"{path!r} was derived wrongly by {given}: {told}", path)
            )
            return
        except Exception as error:  # noqa: BLE001  The program's own function.
            self.problems.append(self.places.fails(error, f"{path!r} cannot be made by {given}", place))
            return
        self._put(root, below, value)
        self.trees.pop(root, None)
        if self.from_secret(inputs):
            self.hidden.add(path)
        self.derived[path] = Derived(derivation.shown, inputs, derivation.reason)
        self.touched.add(root)
        written_by = entries(self.histories.get(path)) if not below else self.places.written(path)
        for layer_values, written in written_by:
            if layer_values.kind != "defaults" and written is not None and not _same(written, value):
                self.refuse_derived(path, inputs, value, layer_values, written)

    def _value_or_none(self, path: str) -> Any:
        if path in self.schema.index.slots:
            return self.values.get(path)
        try:
            return self.value_at(path)
        except KeyError:
            return None

    def _put(self, root: str, below: Segments, value: Any) -> None:
        """Put a value into the merged ones; a tree is copied on the way, for layers share theirs."""
        if not below:
            self.values[root] = value
            return
        slot = self.schema.index.slots[root]

        def put(slot: Slot, tree: Tree, rest: Segments) -> Tree:
            if not rest:
                return value
            node = slot.node
            inner = None if node is None else child(node, rest[0], tree)
            if inner is None or tree is None:
                return tree
            if isinstance(tree, list):
                return [
                    put(inner, item, rest[1:]) if index == rest[0] else item
                    for index, item in enumerate(tree)
                ]
            key = node.keys.text(rest[0]) if isinstance(node, Table) and isinstance(rest[0], str) else rest[0]
            return like(tree, {**tree, key: put(inner, tree.get(key, {}), rest[1:])})

        self.values[root] = put(slot, self.values[root], below)

    def refuse_derived(
        self, path: str, inputs: Mapping[str, Any], value: Any, layer_values: LayerValues, written: Any
    ) -> None:
        """Note that a layer sets a derived setting to something else."""
        secret = holds_secret(self.schema.slot(path)) or self.from_secret(inputs)
        right = show(value, secret=secret)
        given, now = self._told(inputs), show(written, secret=secret)
        text = f"{path!r} is {now}, but it follows from {given} and is {right}"
        self.problems.append(
            Problem(text, path=path, origin=layer_values.origin(path), hint=f"remove {path}")
        )

    def _told(self, inputs: Mapping[str, Any]) -> str:
        """Write the inputs of a derivation, secrets masked."""
        return ", ".join(
            f"{name} = {show(value, secret=name in self.hidden or holds_secret(self.schema.slot(name)))}"
            for name, value in inputs.items()
        )

    def from_secret(self, inputs: Mapping[str, Any]) -> bool:
        """Tell whether one of the inputs of a derivation is a secret."""
        if not self.hidden and not self.schema.has_secrets:
            return False

        return any(name in self.hidden or holds_secret(self.schema.slot(name)) for name in inputs)

    def check_all(self) -> None:
        """Ask for what must be set, then every check about the values that layers brought."""
        Checks(self).check_all()


def _same(one: Any, two: Any) -> bool:
    if one.__class__ is two.__class__ and one.__class__ in (int, str, bool):
        return bool(one == two)
    from ptyconf.merge.same import same

    return same(one, two)


def _filled(pattern: Segments, stars: tuple[Any, ...]) -> Segments:
    """Put keys in the place of a pattern's stars."""
    turn = iter(stars)
    return tuple(next(turn, key) if key == "*" else key for key in pattern)
