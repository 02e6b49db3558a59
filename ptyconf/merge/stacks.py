"""Default layers, merged once and remembered; the schema's own defaults stand at the bottom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from ptyconf.merge.cache import cache_of
from ptyconf.merge.elements import OWN
from ptyconf.merge.fault import Keys
from ptyconf.merge.law import stack
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.origin import Origin
from ptyconf.schema.fields import UNSET
from ptyconf.schema.path import join_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Slot

KEPT_STACKS = 64


class Base(NamedTuple):
    """The merged default layers at the bottom of a stack."""

    layers: tuple[LayerValues, ...]  # held, so that their identities stay theirs
    histories: dict[str, Any]
    gathered: dict[str, Any]  # the histories of settings to which more than the highest layer gives something
    values: dict[str, Any]
    dubious: frozenset[str]  # paths of defaults that their own checks may refuse
    passing: frozenset[str]  # paths of which some layer is passed over


def base_of(schema: Schema, layers: tuple[LayerValues, ...]) -> Base:
    """Merge the default layers, or find them merged."""
    key = tuple(id(layer_values) for layer_values in layers)
    stacks = cache_of(schema).stacks
    known: Base | None = stacks.get(key)
    if known is not None:
        return known
    rest = schema_defaults(schema, {path for layer_values in layers for path in layer_values.values})
    together = (*layers, rest)
    histories = stack((layer_values, layer_values.values) for layer_values in reversed(together))
    values = {path: link[1] for path, link in histories.items()}
    passing = frozenset(chain.from_iterable(layer_values.passed for layer_values in together))
    gathered = {path: histories.get(path) for path in schema.special}
    base = Base(together, histories, gathered, values, frozenset(_dubious(schema, values)), passing)
    if len(stacks) >= KEPT_STACKS:
        stacks.clear()
    stacks[key] = base
    return base


def _dubious(schema: Schema, values: Mapping[str, Any]) -> Iterator[str]:
    """Find the defaults that their own checks may refuse; they are wrong if nothing stands above."""
    for path in schema.checked:
        value = values.get(path)
        if value is not None and not passes(schema.index.slots[path], value):
            yield path


def passes(slot: Slot, value: Any) -> bool:
    """Tell whether a default passes the check, choices and limits of its setting.

    What a check raises, and what it says of a value that is to be built first, is asked again later.
    """
    setting = slot.setting
    try:
        refused = setting.check is not None and setting.check(value)
        legal = value in setting.choices if setting.choices else True
    except Exception:  # noqa: BLE001  The check of the program; what it raises is told where it counts.
        return False
    return not refused and legal and all(test(value) for _, test in slot.limits)


def schema_defaults(schema: Schema, known: set[str]) -> LayerValues:
    """Give the schema's own defaults, the lowest layer, for the settings that no default layer has."""
    sources = {path: slot.source for path, slot in schema.index.slots.items() if slot.source}

    def origins(keys: Keys) -> Origin:
        path = join_path(keys)
        return Origin("defaults", schema.name, f"default of {sources.get(path, path)}")

    layer = Layer(OWN, {}, origins, kind="defaults", label=schema.name)
    layer_values = LayerValues(layer, schema)
    for path, slot in schema.index.slots.items():
        if path not in known and slot.default is not UNSET:
            layer_values.values[path] = slot.default
    return layer_values
