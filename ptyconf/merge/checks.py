"""What must be set, what types have against defaults, and what checks say of the values in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ptyconf.errors import Complaint, Problem
from ptyconf.merge.elements import OWN
from ptyconf.schema.default_value import misfits
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Items, Slot, Tree, child, holds_secret, key_text
from ptyconf.text.show import show, toml_text, words_of

if TYPE_CHECKING:
    from ptyconf.merge.problems import SettingPlaces
    from ptyconf.merge.settle import Settling


class Checks:
    """The checks of one resolve's values."""

    def __init__(self, settling: Settling) -> None:
        self.settling = settling
        self.schema = settling.schema
        self.values = settling.values
        self.problems = settling.problems
        self.touched = settling.touched
        self.tree = settling.tree

    @property
    def places(self) -> SettingPlaces:
        """Where values stand, for what is wrong with them."""
        return self.settling.places

    def check_all(self) -> None:
        """Ask for what must be set, then every check about the values that layers brought."""
        self._refuse_defaults()
        faulty = {problem.path for problem in self.problems}
        for path in self.schema.required:
            if path not in faulty and (self.values.get(path) is None or not self._is_set(path)):
                self.problems.append(self.missing(path))
        checked = self.schema.checked
        for path in sorted(checked.keys() & self.touched, key=checked.__getitem__):
            if path not in faulty and path in self.values:
                plain = self.schema.index.slots[path].node is None
                self.check(
                    self.schema.settings[path],
                    path,
                    self.values[path] if plain else self.tree(path),
                )
        for root in self.schema.checked_below:
            if root in self.values and root not in faulty:
                slot = self.schema.index.slots[root]
                self._check_below(slot, self.tree(root), split_path(root), faulty)

    def _is_set(self, path: str) -> bool:
        """Tell whether a value comes from more than the classes alone: from a layer, or of other settings."""
        return path in self.settling.derived or any(
            writer.name != OWN for writer, _ in self.places.written(path)
        )

    def _refuse_defaults(self) -> None:
        """Refuse the defaults in force that their own types refuse: what layers wrote was read already."""
        faulty = {problem.path for problem in self.problems}
        for root in self.schema.doubtful:
            if root not in self.values or root in faulty:
                continue
            slot = self.schema.index.slots[root]
            tree = self.values[root] if slot.node is None else self.tree(root)
            for below, mismatch in misfits(slot, tree):
                path = join_path((*split_path(root), *below))
                if path not in faulty:
                    self.problems.append(self.places.wrong_default(path, slot, tree, below, mismatch))

    def _check_below(self, slot: Slot, tree: Tree, at: Segments, faulty: set[str]) -> None:
        path = join_path(at)
        if slot.restricted and path not in faulty and path not in self.values:
            self.check(slot.setting, path, tree, slot)
        below_a_table = slot.setting.required and path not in self.schema.settings
        if below_a_table and path not in faulty and not self._is_set(path):
            self.problems.append(self.missing(path))
        if slot.node is None or not tree:
            return
        pairs = enumerate(tree) if isinstance(slot.node, Items) else tree.items()
        for key, below in pairs:
            inner = child(slot.node, key, tree)
            if inner is not None:
                self._check_below(inner, below, (*at, key_text(slot.node, key)), faulty)

    def missing(self, path: str) -> Problem:
        """Say that a setting which must be set is not."""
        slot = self.schema.slot(path)
        setting = slot.setting
        text = (
            setting.required
            if isinstance(setting.required, str)
            else f"{path!r} is required, and no layer sets it"
        )
        example = toml_text(next(iter(setting.choices))) if setting.choices else "..."
        return Problem(
            text,
            path=path,
            expected=slot.expected,
            hint=f"{path} = {example}",
        )

    def check(self, setting: Setting, path: str, tree: Tree, slot: Slot | None = None) -> None:
        """Ask a setting's own check, then its choices, about the winning value."""
        slot = slot or self.schema.index.slots[path]
        complaint, value = self._ask(setting, path, slot, tree)
        if not complaint:
            return
        place = path
        if isinstance(tree, (dict, list, tuple)):
            from ptyconf.merge.blame import part_to_blame

            def words(other: Tree) -> str:
                said = self._ask(setting, path, slot, other)[0]
                return words_of(said, repr) if said else ""

            below = part_to_blame(slot, tree, words)
            place = join_path((*split_path(path), *below))
        if isinstance(complaint, Exception):
            self.problems.append(self.places.raised(complaint, path, value, place))
        else:
            self.problems.append(self.places.complaint(_as_complaint(complaint), path, value, place))

    def _ask(self, setting: Setting, path: str, slot: Slot, tree: Tree) -> tuple[Any, Any]:
        """Give what a setting's check says or raises of a value, None where it is content, and the value."""
        value = tree
        try:
            if slot.node is not None:
                value, whole = self._instances(slot, tree, path)
                if not whole:
                    return None, value  # what the class has against it is told when it is built
            complaint = setting.check(value) if setting.check is not None else None
            complaint = complaint or self._refused(slot, path, tree, value)
        except Exception as error:  # noqa: BLE001  The program's own check.
            return error, value
        return complaint, value

    def _refused(self, slot: Slot, path: str, tree: Tree, value: Any) -> str | None:
        """Say what of a value is none of its setting's choices, or beyond its limits."""
        if value is None:
            return None
        mismatch = None
        if slot.setting.choices != ():
            from ptyconf.schema.chosen import mismatch_of

            mismatch = mismatch_of(value, slot.setting)
        if mismatch is None and not all(test(tree) for _, test in slot.limits):
            mismatch = Mismatch(slot.expected)
        return None if mismatch is None else mismatch.told(path, show(tree, secret=holds_secret(slot)))

    def _instances(self, slot: Slot, tree: Tree, path: str) -> tuple[Any, bool]:
        """Make what a tree stands for, and tell whether its classes take it."""
        from ptyconf.merge.build import Building

        building = Building(
            self.schema,
            self.values,
            lambda root: self.values[root],
            lambda *_: None,
        )
        return building.tree(slot, tree, split_path(path)), not building.failures


def _as_complaint(complaint: Any) -> str | Complaint:
    return complaint if isinstance(complaint, (str, Complaint)) else str(complaint)
