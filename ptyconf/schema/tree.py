"""Settings that hold settings: sections that may be absent, tables by key, lists and unions of sections.

A value of such a setting is a tree: tables are dicts, lists are lists, what stands at the end of a branch
is a value that its kind has read. Trees hold what was written, and no defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, final

from ptyconf.schema.fields import UNSET
from ptyconf.schema.kind import Kind, Limits
from ptyconf.schema.path import Segments
from ptyconf.schema.setting import Setting
from ptyconf.schema.tables import Variant

Tree = Any


class Slot:
    """The place of one setting, with its kind; ``node`` says what is below it, if it holds settings."""

    __slots__ = (
        "as_is",
        "default",
        "exact",
        "finite",
        "free",
        "given",
        "kind",
        "loose",
        "node",
        "path",
        "required",
        "setting",
        "source",
    )

    def __init__(
        self,
        setting: Setting,
        kind: Kind,
        node: Node | None = None,
        *,
        default: Any = UNSET,
        source: str = "",
        required: bool = False,
        free: bool = False,
        loose: bool = False,
    ) -> None:
        self.setting = setting
        self.path = setting.path
        self.kind = kind
        self.node = node
        plain = setting.conversion is None and node is None
        self.exact: frozenset[type] = kind.exact if plain else frozenset()
        self.finite = plain and kind.finite
        self.as_is = frozenset() if kind.paths else self.exact  # taken so in every folder
        self.default = default
        self.source = source  # what gives the default: "App.tls"
        self.required = required
        self.given = False  # whether the default counts as it is, for constructors do not make it again
        self.loose = loose  # whether code of its class decides what a default is worth
        self.free = free  # a table of any values: it has keys, and no settings below it

    @property
    def expected(self) -> str:
        """What a value is, in words."""
        return self.kind.expected

    @property
    def limits(self) -> Limits:
        """What is asked of the merged value, where no layer gives all of it: its length."""
        return () if self.node is None else self.kind.limits

    @property
    def restricted(self) -> bool:
        """Whether a check, choices or limits look at its value."""
        return self.setting.restricted or bool(self.limits)

    @property
    def gathers(self) -> bool:
        """Whether more than the highest layer gives its value something."""
        return self.setting.merge != "replace" or self.node is not None

    @property
    def takes_any(self) -> bool:
        """Whether a table of any values may stand there, under no keys of its own."""
        return self.free or self.kind.type in (Any, object)


@final
class Section:
    """The settings of a class, as members by name.

    Args:
        target: The class.
        path: Path, with ``*`` for a key or an index.
        make: Makes the members, when they are first asked for: a class may hold itself.
        optional: Whether None is a value.
    """

    strategy = "deep"

    def __init__(
        self, target: Any, path: str, make: Callable[[Section], dict[str, Slot]], *, optional: bool
    ) -> None:
        self.target = target
        self.path = path
        self.optional = optional
        self._make = make
        self.view: Any = None  # the view of the class below this path, set with the members

    @cached_property
    def members(self) -> dict[str, Slot]:
        """The members, by the name under which they are written."""
        return self._make(self)

    @cached_property
    def composed(self) -> frozenset[str]:
        """The names of the members that hold settings themselves."""
        return frozenset(name for name, slot in self.members.items() if slot.node is not None)

    @cached_property
    def flat(self) -> bool:
        """Whether all members are ends that replace each other, so that its tables are merged as they are."""
        return all(slot.node is None and slot.setting.merge != "deep" for slot in self.members.values())

    @cached_property
    def template(self) -> dict[str, Any]:
        """The default of each member, in their order; UNSET where there is none."""
        return {name: slot.default for name, slot in self.members.items()}

    @cached_property
    def lacking(self) -> frozenset[str]:
        """The names of the members without a default."""
        return frozenset(name for name, default in self.template.items() if default is UNSET)

    @cached_property
    def names(self) -> dict[str, str]:
        """Every name of a member, aliases too."""
        members = {name: name for name in self.members}
        for name, slot in self.members.items():
            for alias in (*slot.setting.aliases, *slot.setting.deprecated):
                members.setdefault(alias.rpartition(".")[2], name)
        return members

    @property
    def expected(self) -> str:
        """What a value is, in words."""
        return f"a table that makes a {getattr(self.target, '__qualname__', str(self.target))}"


@final
class Table:
    """A mapping whose keys are settings of their own."""

    def __init__(
        self, path: str, keys: Kind, value: Slot, make: type, *, optional: bool, replaces: bool
    ) -> None:
        self.path = path
        self.keys = keys
        self.value = value
        self.make = make
        self.optional = optional
        self.strategy = "replace" if replaces else "deep"

    @property
    def expected(self) -> str:
        """What a value is, in words."""
        return "a table"


@final
class Items:
    """A list of sections; a layer's list stands for itself, or is joined to those below it."""

    def __init__(
        self, path: str, item: Slot, make: Callable[[list[Any]], Any], strategy: str, *, optional: bool
    ) -> None:
        self.path = path
        self.item = item
        self.make = make
        self.strategy = strategy
        self.optional = optional

    @property
    def expected(self) -> str:
        """What a value is, in words."""
        return "a list of tables"


@final
class Choice:
    """A union of sections: one value, chosen by its tag, else by its keys."""

    strategy = "replace"

    def __init__(self, path: str, sections: tuple[Section, ...], tag: str, *, optional: bool) -> None:
        self.path = path
        self.sections = sections
        self.tag = tag
        self.optional = optional

    @property
    def expected(self) -> str:
        """What a value is, in words."""
        names = " or ".join(
            getattr(section.target, "__qualname__", str(section.target)) for section in self.sections
        )
        return f"a table that makes a {names}"


Node = Section | Table | Items | Choice


def child(node: Node, segment: str | int, tree: Tree = None) -> Slot | None:
    """Find the slot below a node; of a union, that of the section which the tree has chosen."""
    # Half the cost of isinstance, and a report asks several times for each setting.
    if type(node) is Section:
        return node.members.get(segment if segment.__class__ is str else str(segment))
    if type(node) is Table:
        return node.value
    if type(node) is Items:
        return node.item if isinstance(segment, int) else None
    sections = (tree.section,) if isinstance(tree, Variant) else node.sections
    return next(
        (section.members[str(segment)] for section in sections if str(segment) in section.members), None
    )


def meets_union(slot: Slot, below: Segments) -> bool:
    """Tell whether the way to a place leads through a union of sections."""
    inner: Slot | None = slot
    for segment in below:
        node = None if inner is None else inner.node
        if node is None or isinstance(node, Choice):
            return node is not None
        inner = child(node, segment)
    return False


def section_in(node: Node | None, tree: Tree) -> Section | None:
    """Give the section that a tree's names are members of, or None."""
    if isinstance(node, Choice):
        return tree.section if isinstance(tree, Variant) else None
    return node if isinstance(node, Section) else None


def is_end(node: Node | None, tree: Tree) -> bool:
    """Tell whether nothing stands below a place: in an empty or absent container, or a value of other shape.

    Such a one may be assigned to an instance, where nobody reads it.
    """
    return node is None or not tree or not isinstance(tree, list if type(node) is Items else dict)


def leaves(slot: Slot, tree: Tree, at: Segments = ()) -> Iterator[tuple[Segments, Slot, Any]]:
    """Walk the ends of a tree; an empty or absent container is an end itself."""
    node = slot.node
    if node is None or is_end(node, tree):
        yield at, slot, tree
        return
    pairs: Any = enumerate(tree) if isinstance(node, Items) else tree.items()
    for key, value in pairs:
        below = child(node, key, tree)
        if below is not None:
            yield from leaves(below, value, (*at, key_text(node, key)))


def end_as_made(slot: Slot, value: Any) -> Any:
    """Give the end of a branch as its type has it: a container that is one is empty, or absent."""
    return slot.node.make(value) if isinstance(slot.node, (Table, Items)) and value is not None else value


def ends_of(slot: Slot, tree: Tree) -> dict[Segments, Any]:
    """Give the ends of a tree by place."""
    return {at: value for at, _, value in leaves(slot, tree)}


def branch(slot: Slot, tree: Tree, segments: Segments) -> tuple[Slot, Tree]:
    """Go down a tree; what stands in a table of any values has no setting but that.

    Raises:
        KeyError: There is no such branch.
    """
    for segment in segments:
        if slot.takes_any and slot.node is None:
            tree = inside_any(tree, segment)
            continue
        if slot.node is None or tree is None:
            raise KeyError(segment)
        key = key_of(slot.node, segment)
        below = child(slot.node, key, tree)
        if below is None:
            raise KeyError(segment)
        try:
            tree = tree[key]
        except (IndexError, TypeError):
            raise KeyError(segment) from None
        slot = below
    return slot, tree


def inside_any(value: Any, segment: str | int) -> Any:
    """Give what stands under a key or an index of a table or list of any values.

    Raises:
        KeyError: There is none.
    """
    if isinstance(segment, str) and isinstance(value, Mapping):
        return value[next((key for key in value if str(key) == segment), segment)]
    if isinstance(segment, int) and isinstance(value, (list, tuple)) and segment < len(value):
        return value[segment]
    raise KeyError(segment)


def holds_secret(slot: Slot, seen: tuple[Any, ...] = ()) -> bool:
    """Tell whether a setting is a secret or has one below it."""
    if slot.setting.secret:
        return True
    node = slot.node
    if node is None:
        return False
    if isinstance(node, (Section, Choice)):
        sections = (node,) if isinstance(node, Section) else node.sections
        return any(
            holds_secret(member, (*seen, section.target))
            for section in sections
            if section.target not in seen
            for member in section.members.values()
        )
    return holds_secret(getattr(node, "value", None) or node.item, seen)  # type: ignore[union-attr]


def key_of(node: Node, segment: str | int) -> Any:
    """Read a segment of a path as a key of a table: ``ports.80`` has the key 80 where keys are numbers."""
    if isinstance(node, Table) and isinstance(segment, str):
        try:
            return node.keys.text(segment)
        except ValueError:
            raise KeyError(segment) from None
    return segment


def key_text(node: Node, key: Any) -> str | int:
    """Write a key of a node as a segment of a path."""
    if isinstance(node, Table) and key.__class__ is not str:  # an enum of texts, too
        return node.keys.written(key)
    return key  # type: ignore[no-any-return]
