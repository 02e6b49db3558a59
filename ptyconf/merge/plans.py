"""Plans: where the values of each setting stand among the leaves of a shape, and how its tree is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from ptyconf.merge.columns import ColumnLayout, Columns, table_of
from ptyconf.merge.fault import Keys
from ptyconf.schema.deferred import read_end
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.tree import Items, Node, Section, Slot, Table, Tree, child

if TYPE_CHECKING:
    from ptyconf.merge.layer import Layer
    from ptyconf.merge.layer_values import LayerValues
    from ptyconf.merge.refusals import Refusals

Spot = Any  # where a value stands among the leaves: its number, or a table of spots by name
Recipe = Any  # how a tree is made: the number of a leaf, an End, an Elements, or a table of recipes by key


class End(NamedTuple):
    """A value that is read each time; ``removable`` where the text "none" takes a key away."""

    spot: Spot
    slot: Slot
    removable: bool


class Elements(NamedTuple):
    """A list of sections, which is taken as it is where all in it is plain."""

    spot: int
    slot: Slot


class Composed(NamedTuple):
    """A setting at a place, with the spot of its value and the keys of places below it.

    ``recipe`` says how its tree is made, None where it is read key by key.
    """

    slot: Slot
    at: Segments
    spot: Spot
    roots: Mapping[Segments, Keys]
    recipe: Recipe


def make_plan(
    columns: Columns,
    taken: Mapping[Keys, Slot],
    spelled: Mapping[str, tuple[Keys, str]],
    *,
    text: bool = False,
) -> ColumnLayout | None:
    """Keep what a reading found out about a shape; None where it also depends on the values.

    Args:
        columns: The table that was read.
        taken: The setting of each key that was taken, in that order.
        spelled: Keys that differ from the path, by path.
        text: Values are text, which is read each time.
    """
    names, sizes, types, _ = columns
    if not all(name.__class__ is str for name in names):
        return None  # 1 and true are one name of a shape, and two of a table
    spots = table_of((names, sizes, types, list(range(len(types)))))
    plain: list[int] = []
    floats: list[int] = []
    composed: list[Composed] = []
    covered = 0
    for keys, slot in taken.items():
        if slot.setting.conversion is not None or (slot.free and keys != split_path(slot.path)):
            return None
        roots = {} if slot.node is None else _roots(slot, spelled)
        spot = together(slot, roots, spots) if roots else spot_of(spots, keys)
        if spot is None or (roots and spot_of(spots, split_path(slot.path)) is not None):
            return None
        covered += count_leaves(spot)
        kind = types[spot] if spot.__class__ is int and not text else None
        if (kind in slot.exact or (kind is float and slot.finite)) and not composed:
            plain.append(spot)
            if kind not in slot.exact:
                floats.append(spot)
        else:
            recipe = recipe_of(slot, spot, types, text=text)
            composed.append(Composed(slot, split_path(slot.path), spot, roots, recipe))
    if covered != len(types):
        return None
    paths = tuple([slot.path for slot in taken.values()])
    in_order = plain == list(range(len(types)))
    below = {join_path(place) for part in composed for place in part.roots}
    own = {path: item for path, item in spelled.items() if path in paths or path in below}
    pick = None if in_order else _getter(plain)
    finite = _getter(floats) if floats else None
    read = partial(read_composed, tuple(composed)) if composed else None
    gathered = tuple([(slot.path, number) for number, slot in enumerate(taken.values()) if slot.gathers])
    return ColumnLayout(columns[:3], paths, own, pick=pick, floats=finite, read=read, gathered=gathered)


def _roots(slot: Slot, spelled: Mapping[str, tuple[Keys, str]]) -> dict[Segments, Keys]:
    """Find the places of a setting that are written under keys of their own."""
    at = split_path(slot.path)
    places = ((split_path(path), keys) for path, (keys, _) in spelled.items() if path.startswith(slot.path))
    return {place: keys for place, keys in places if place[: len(at)] == at}


def _getter(numbers: list[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    if len(numbers) > 1:
        return itemgetter(*numbers)
    return lambda leaves: tuple([leaves[number] for number in numbers])


def together(slot: Slot, roots: Mapping[Segments, Keys], spots: dict[str, Any]) -> Spot:
    """Put the spots of places below a setting together; None where one of them is no key of a table."""
    start = len(split_path(slot.path))
    if len(roots) == 1 and len(next(iter(roots))) == start:
        return spot_of(spots, next(iter(roots.values())))
    table: dict[Any, Any] = {}
    for place, keys in roots.items():
        spot, node = spot_of(spots, keys), table
        if spot is None or len(place) == start or not all(key.__class__ is str for key in place):
            return None
        for key in place[start:-1]:
            node = node.setdefault(key, {})
            if node.__class__ is not dict:
                return None
        if place[-1] in node:
            return None
        node[place[-1]] = spot
    return table


def spot_of(spots: dict[str, Any], keys: Keys) -> Spot:
    """Find the spot of some keys; None where there is none."""
    spot: Spot = spots
    for key in keys:
        spot = spot.get(key) if spot.__class__ is dict else None
    return spot


def count_leaves(spot: Spot) -> int:
    """Count the leaves that stand at a spot."""
    return sum(map(count_leaves, spot.values())) if spot.__class__ is dict else 1


def value_at(spot: Spot, leaves: list[Any]) -> Any:
    """Give what stands at a spot; a table is made anew."""
    if spot.__class__ is int:
        return leaves[spot]
    return {name: value_at(inner, leaves) for name, inner in spot.items()}


def recipe_of(
    slot: Slot, spot: Spot, types: tuple[type, ...], *, text: bool, holder: Node | None = None
) -> Recipe:
    """Settle how the tree of a setting is made of the leaves of a shape; None where that needs a closer look.

    Args:
        slot: The setting, or what is below it.
        spot: Where it stands.
        types: The kinds of the leaves.
        text: Values are text.
        holder: What the slot is a part of, None for the setting itself.
    """
    node = slot.node
    if node is None:
        return _end(slot, spot, types, text=text, holder=holder)
    if spot.__class__ is int:
        listed = isinstance(node, Items) and types[spot] is list
        return Elements(spot, slot) if listed and not text else None  # each text in a list is read
    if not isinstance(node, (Section, Table)):
        return None
    table: dict[Any, Recipe] = {}
    for key, below in spot.items():
        inner = child(node, key)
        name = node.keys.text(key) if isinstance(node, Table) else key
        recipe = None if inner is None else recipe_of(inner, below, types, text=text, holder=node)
        if recipe is None or name in table:
            return None
        table[name] = recipe
    return table


def _end(slot: Slot, spot: Spot, types: tuple[type, ...], *, text: bool, holder: Node | None) -> Recipe:
    kind = types[spot] if spot.__class__ is int else dict
    if text and (slot.setting.text or kind is not str):
        return None  # a list, the elements of which stand by number or with separators
    if not text and kind in slot.as_is:
        return spot
    removable = isinstance(holder, Table)
    return None if removable and kind is type(None) else End(spot, slot, removable and text)


def made_of(recipe: Recipe, leaves: list[Any], folder: str | None, *, text: bool) -> Tree:
    """Make a tree of the leaves of a table.

    Raises:
        Exception: A value does not fit, or is one for the plain reading.
    """
    kind = recipe.__class__
    if recipe is None:
        raise Mismatch("a closer look")
    if kind is int:
        return leaves[recipe]
    if kind is dict:
        return {
            key: leaves[below] if below.__class__ is int else made_of(below, leaves, folder, text=text)
            for key, below in recipe.items()
        }
    written = value_at(recipe.spot, leaves)
    if kind is Elements:
        if not is_as_written(recipe.slot, written):
            raise Mismatch(recipe.slot.expected)
        return written
    if recipe.removable and written == "none":
        raise Mismatch(recipe.slot.expected)
    return read_end(recipe.slot, written, folder, text=text)


def is_as_written(slot: Slot, value: Any) -> bool:
    """Tell whether reading a value would give just that."""
    node = slot.node
    if node is None:
        fits = slot.finite and value.__class__ is float and value - value == 0.0
        return value.__class__ in slot.as_is or (fits and not slot.kind.paths)
    if isinstance(node, Items):
        item = node.item
        return value.__class__ is list and all(is_as_written(item, element) for element in value)
    if value.__class__ is not dict or not isinstance(node, Section):
        return False
    members = node.members
    for key, below in value.items():
        member = members.get(key)
        if member is None or (below.__class__ not in member.as_is and not is_as_written(member, below)):
            return False
    return True


def read_composed(
    composed: Iterable[Composed], layer_values: LayerValues, layer: Layer, leaves: list[Any]
) -> list[Any] | None:
    """Read the settings of a layer that need more than a look at their kind; None where one is wrong."""
    refusals: Refusals | None = None
    text, folder = layer.text, layer.folder
    values: list[Any] = []
    for slot, at, spot, roots, recipe in composed:
        try:
            values.append(made_of(recipe, leaves, folder, text=text))
            continue
        except Exception:  # noqa: BLE001  The plain reading says what is wrong, in the words of the source.
            if slot.node is None and recipe is not None:
                return None
        from ptyconf.merge.branches import Branches
        from ptyconf.merge.refusals import Refusals

        if refusals is None:
            refusals = Refusals(layer_values, layer)
        branches = Branches(refusals, dict(roots), folder)
        values.append(branches.read(slot, value_at(spot, leaves), at, text=text))
        if len(branches.roots) > len(roots):
            return None
    known = len(layer.faults)
    return None if refusals is not None and (len(refusals.faults) > known or refusals.notices) else values
