"""Values as files have them: every leaf by its own kind, for TOML or for the JSON of a frozen file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.same import same
from ptyconf.schema.fields import UNSET
from ptyconf.schema.fold import Barred, completed, like, may_lack_keys
from ptyconf.schema.path import Segments, join_path
from ptyconf.schema.tree import Choice, Items, Section, Slot, Table, Tree, child, key_of, key_text

LEFT_OUT: Any = object()
Leaf = Callable[[Slot, Any, Segments], Any]


def written(slot: Slot, tree: Tree, at: Segments, leaf: Leaf) -> Any:
    """Write what a setting holds as plain tables and lists.

    Args:
        slot: The setting.
        tree: What it holds, with the defaults of its classes.
        at: Its path.
        leaf: Writes one value of a slot at a path; LEFT_OUT takes its key out of the table.
    """
    node = slot.node
    if node is None or tree is None or slot.setting.secret:
        return leaf(slot, tree, at)
    if isinstance(node, Items):
        return [written(node.item, item, (*at, index), leaf) for index, item in enumerate(tree)]
    table = {}
    for key, item in tree.items():
        name = str(key_text(node, key))
        below = child(node, key, tree)
        value = LEFT_OUT if below is None else written(below, item, (*at, name), leaf)
        if value is not LEFT_OUT:
            table[name] = value
    return table


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


def _itself(value: Any) -> Any:
    return value


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


def frozen_leaf(slot: Slot, value: Any) -> Any:
    """Write one value as JSON has it, so that ``thawed`` gives an equal one back."""
    return None if value is None else slot.kind.frozen(value)


def thawed(slot: Slot, data: Any, at: Segments) -> Any:
    """Read what ``written`` wrote with ``frozen_leaf``; what does not fit is left for the layer to refuse."""
    node = slot.node
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
        return [thawed(node.item, item, (*at, index)) for index, item in enumerate(data)]
    if not isinstance(data, dict):
        return data
    table = {}
    for key, item in data.items():
        below = child(node, key, data)
        table[key] = item if below is None else _whole(below, thawed(below, item, (*at, key)))
    return table


def _whole(slot: Slot, data: Any) -> Any:
    """Keep the default of a class away from a table that was written whole."""
    return Barred(data) if isinstance(data, dict) and may_lack_keys(slot) else data


def refuse(at: Segments, text: str) -> ConfigError:
    """Make the error of a value that a file cannot hold."""
    path = join_path(at)
    return ConfigError([Problem(f"{path!r} {text}", path=path)])
