"""Values as files have them: every leaf by its own kind, for TOML or for the JSON of a frozen file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.same import same
from ptyconf.schema.annotations import name_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.fold import Barred, completed, like, may_lack_keys
from ptyconf.schema.path import Segments, join_path
from ptyconf.schema.tables import Variant, instance_in
from ptyconf.schema.tree import Choice, Items, Section, Slot, Table, Tree, child, key_of, key_text

LEFT_OUT: Any = object()
Leaf = Callable[[Slot, Any, Segments], Any]


def _itself(value: Any) -> Any:
    return value


def written(slot: Slot, tree: Tree, at: Segments, leaf: Leaf, escape: Callable[[Any], Any] = _itself) -> Any:
    """Write what a setting holds as plain tables and lists.

    Args:
        slot: The setting.
        tree: What it holds, with the defaults of its classes.
        at: Its path.
        leaf: Writes one value of a slot at a path; LEFT_OUT takes its key out of the table.
        escape: Writes a finished table so that it is not taken for a mark.
    """
    node = slot.node
    if node is None or tree is None or slot.setting.secret:
        return leaf(slot, tree, at)
    if isinstance(node, Items):
        return [written(node.item, item, (*at, index), leaf, escape) for index, item in enumerate(tree)]
    table = {}
    for key, item in tree.items():
        name = str(key_text(node, key))
        below = child(node, key, tree)
        value = LEFT_OUT if below is None else written(below, item, (*at, name), leaf, escape)
        if value is not LEFT_OUT:
            table[name] = value
    return escape(table)


def default_tables(slot: Slot, tree: Tree, at: Segments, by_itself: Any = UNSET) -> Iterator[Segments]:
    """Walk the tables below a setting that the default of a class would change when they are read back.

    Args:
        slot: The setting.
        tree: What it holds.
        at: Its path.
        by_itself: What would stand there if nothing was written, where the class around it says so.
    """
    node = slot.node
    if node is None or not tree or slot.setting.secret:
        return
    defaults: Mapping[Any, Any] = {}
    if isinstance(node, (Section, Choice)):
        defaults = by_itself if isinstance(by_itself, dict) else completed(slot, like(tree, {}))
    pairs: Any = enumerate(tree) if isinstance(node, Items) else tree.items()
    for key, item in pairs:
        below = child(node, key, tree)
        if below is None:
            continue
        place, default = (*at, key_text(node, key)), defaults.get(key, UNSET)
        mergeable = isinstance(item, dict) and may_lack_keys(below) and below.setting.merge == "deep"
        if mergeable and isinstance(default, dict) and default:
            sections = isinstance(below.node, Table) and below.node.value.node is not None
            if sections or _is_changed(item, default):
                yield place
        yield from default_tables(below, item, place, default)


def _is_changed(table: dict[Any, Any], default: Any) -> bool:
    """Tell whether a default below a table would add a key to it, or move one."""
    if list(default) != list(table)[: len(default)]:
        return True
    inner = [(table[key], item) for key, item in default.items() if isinstance(item, dict)]
    return any(isinstance(ours, dict) and _is_changed(ours, theirs) for ours, theirs in inner)


def is_none_unwritten(slot: Slot, tree: Tree, below: Segments) -> bool:
    """Tell whether a None inside a list is what its class has by itself, so that it need not be written."""
    by_itself: Any = UNSET
    for segment in below:
        node, key = slot.node, segment if slot.node is None else key_of(slot.node, segment)
        inner = None if node is None else child(node, key, tree)
        if inner is None:
            return False
        known = isinstance(by_itself, dict) and not isinstance(node, (Table, Items))
        by_itself = by_itself.get(key, UNSET) if known else UNSET
        slot, tree = inner, tree[key]
        if isinstance(slot.node, (Section, Choice)) and tree is not None and not isinstance(by_itself, dict):
            by_itself = completed(slot, like(tree, {}))
    return by_itself is None


def written_settings(resolution: Resolution) -> Iterator[tuple[str, Slot, Tree]]:
    """Walk the declared settings that have a value: path, slot, and what it holds.

    What a factory makes anew at each call is none: it would be another one in the next run.
    """
    values = resolution._state.values  # noqa: SLF001  The two halves of one thing.
    for path, slot in resolution.schema.index.slots.items():
        if path in values:
            yield path, slot, resolution.tree(path)


def respelled(slot: Slot, value: Any) -> Any:
    """Give what has to be written so that a setting with a conversion reads the same value again."""
    conversion = slot.setting.conversion
    if conversion is None or slot.node is not None or value is None:
        return value
    for spell in (_itself, slot.kind.toml, conversion.to_target):
        try:
            text = spell(value)
            if same(slot.kind.typed(conversion.to_setting(text)), value):
                return text
        except Exception:  # noqa: BLE001  The program's own conversion.
            continue
    return value


LEFT_OUT_SECRET = {"$secret": "left out"}


def escaped_mark(table: dict[str, Any], more: int = 1) -> dict[str, Any]:
    """Write a table of data that looks like the mark of a secret with one ``$`` more; -1 takes it away."""
    key, value = next(iter(table.items())) if len(table) == 1 else ("", None)
    name = str(key).lstrip("$")
    signs = len(str(key)) - len(name) + more
    if value != LEFT_OUT_SECRET["$secret"] or f"${name}" not in LEFT_OUT_SECRET or signs < 1 or key == name:
        return table
    return {"$" * signs + name: value}


def frozen_leaf(slot: Slot, value: Any) -> Any:
    """Write one value as JSON has it, so that ``thawed`` gives an equal one back."""
    return None if value is None else slot.kind.frozen(value)


class Thawing:
    """The reading of what ``written`` wrote with ``frozen_leaf``.

    Args:
        members: The classes of unions that no key tells, by place.
    """

    def __init__(self, members: Mapping[Segments, str]) -> None:
        self.members = members
        self.instances: list[Segments] = []  # places where the default instance stands again

    def read(self, slot: Slot, data: Any, at: Segments, default: Tree = UNSET) -> Any:
        """Read one place; what does not fit is left for the layer to refuse.

        A table that says what a default instance says is that instance, where no constructor makes it again.
        """
        node = slot.node
        instance = instance_in(default)
        if instance is not UNSET and data == as_frozen(slot, default, at):
            self.instances.append(at)
            return instance
        if data is None:
            return None
        if node is None:
            try:
                return slot.kind.thawed(data)
            except (ValueError, TypeError, KeyError, ArithmeticError):
                return data
        if isinstance(node, Items):
            if not isinstance(data, list):
                return data
            same = isinstance(default, list) and len(default) == len(data)
            pairs = enumerate(zip(data, default if same else [UNSET] * len(data), strict=True))
            return [self.read(node.item, item, (*at, index), below) for index, (item, below) in pairs]
        return self._table(slot, data, at, default) if isinstance(data, dict) else data

    def _table(self, slot: Slot, data: dict[str, Any], at: Segments, default: Tree) -> Any:
        node: Any = slot.node
        data = escaped_mark(data, -1)
        member = self._member(node, at)
        inside = data if member is None else Variant(member, data)
        table = {}
        for key, item in data.items():
            below = child(node, key, inside)
            if below is None:
                table[key] = item
            else:
                held = _default_under(node, key, default, below)
                table[key] = _whole(below, self.read(below, item, (*at, key), held))
        return table if member is None else Variant(member, table)

    def _member(self, node: Any, at: Segments) -> Section | None:
        """Give the member of a union that a frozen file names for a place."""
        sections = node.sections if isinstance(node, Choice) and at in self.members else ()
        return next((section for section in sections if name_of(section.target) == self.members[at]), None)


def thawed(slot: Slot, data: Any, at: Segments) -> Any:
    """Read what ``written`` wrote with ``frozen_leaf``; what does not fit is left for the layer to refuse."""
    return Thawing({}).read(slot, data, at)


def _default_under(node: Any, key: str, default: Tree, below: Slot) -> Tree:
    """Give what a default has under a key; what the class has where it says nothing."""
    try:
        return default[key_of(node, key)] if isinstance(default, dict) else below.default
    except KeyError:
        return below.default


def as_frozen(slot: Slot, tree: Tree, at: Segments) -> Any:
    """Write a default as a frozen file has it, without the secrets in it."""

    def leaf(inner: Slot, value: Any, _: Segments) -> Any:
        return LEFT_OUT if value is not None and inner.setting.secret else frozen_leaf(inner, value)

    return written(slot, completed(slot, tree), at, leaf, escaped_mark)


def _whole(slot: Slot, data: Any) -> Any:
    """Keep the default of a class away from a table that was written whole."""
    plain = isinstance(data, dict) and not isinstance(data, Variant)
    return Barred(data) if plain and may_lack_keys(slot) else data


def refuse(at: Segments, text: str) -> ConfigError:
    """Make the error of a value that a file cannot hold."""
    path = join_path(at)
    return ConfigError([Problem(f"{path!r} {text}", path=path)])
