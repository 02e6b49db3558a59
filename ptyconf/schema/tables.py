"""Tables in trees that say more than their keys: of which class, and which instance stands for them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ptyconf.schema.fields import UNSET

if TYPE_CHECKING:
    from ptyconf.schema.tree import Section, Tree


class InstanceTable(dict[Any, Any]):
    """The table of an instance that no constructor makes again: that stands where nothing is merged with it.

    Args:
        table: What the instance holds.
        instance: A copy that nobody changes.
        whole: Whether the default that a class has for it adds nothing.
    """

    __slots__ = ("instance", "whole")

    def __init__(self, table: Mapping[Any, Any], instance: Any, *, whole: bool = False) -> None:
        super().__init__(table)
        self.instance = instance
        self.whole = whole

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[Any, Any]:
        # Whoever is handed a copy gets a plain table.
        return copy.deepcopy(dict(self), memo)


class Variant(dict[str, Any]):
    """The table of a union, with the section that was chosen for it.

    ``instance`` is the one that the table was taken of, where no constructor makes that again, else UNSET.
    """

    __slots__ = ("instance", "section")

    def __init__(self, section: Section, table: Mapping[str, Any], instance: Any = UNSET) -> None:
        super().__init__(table)
        self.section = section
        self.instance = instance

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Variant) and other.section is self.section and dict.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None


def instance_in(tree: Tree) -> Any:
    """Give the instance that stands for a tree, UNSET for none."""
    return tree.instance if isinstance(tree, (InstanceTable, Variant)) else UNSET
