"""One layer read by a schema: every key found, every value strict, every fault noted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ptyconf.merge.cache import cache_of
from ptyconf.merge.columns import KEPT_PLANS, SEEN, Columns, Plan, columns_of, make_plan
from ptyconf.merge.hints import Hints, assignment, example_of, list_known
from ptyconf.merge.layer import Fault, Keys, Layer
from ptyconf.merge.origin import Origin
from ptyconf.schema.index import Alias, Found, Slot
from ptyconf.schema.kinds import anchor
from ptyconf.schema.scalars import Mismatch
from ptyconf.text.show import redact, show

if TYPE_CHECKING:
    from ptyconf.schema.schema import Schema

SUGGESTED = 20  # looking for near misses is quadratic, so only the first unknown keys get one
KEPT_UNKNOWN = 1000  # each is a problem; the rest together are one more
NOTHING: tuple[tuple[str, ...], tuple[Any, ...]] = ((), ())


class LayerValues:
    """What a layer says, in the schema's terms."""

    # Shared while there is nothing to tell; a reading that has something gets its own.
    spelled: Mapping[str, tuple[Keys, str]] = MappingProxyType({})  # keys that differ from the path
    passed: Mapping[str, str] = MappingProxyType({})
    faults: Sequence[Fault] = ()
    notices: Sequence[tuple[type[Warning], str]] = ()
    told = False
    _values: dict[str, Any] | None = None

    def __init__(self, layer: Layer, schema: Schema) -> None:
        # Not the layer itself: that keeps its readings, and together they would be a circle.
        self.name = layer.name
        self.kind = layer.kind
        self.origins = layer.origins
        self.schema = schema
        self.columns: tuple[Iterable[str], Iterable[Any]] = NOTHING
        if layer.faults:
            self.faults = layer.faults

    @property
    def values(self) -> dict[str, Any]:
        """The values by path."""
        if self._values is None:
            self._values = dict(zip(*self.columns, strict=True))
            self.columns = (self._values.keys(), self._values.values())
        return self._values

    def keys(self, path: str) -> Keys:
        """Give the keys of a setting as this layer spells them."""
        spelled = self.spelled.get(path)
        return spelled[0] if spelled is not None else tuple(path.split("."))

    def origin(self, path: str) -> Origin:
        """Say where this layer has a setting."""
        return self.origins(self.keys(path))

    def conversion(self, path: str) -> str:
        """Name the conversion that the value went through, "" for none."""
        spelled = self.spelled.get(path)
        return spelled[1] if spelled is not None else ""


def read(layer: Layer, schema: Schema) -> LayerValues:
    """Read a layer in the terms of a schema, once."""
    return layer.values_by_schema.get(id(schema)) or read_anew(layer, schema)


def read_anew(layer: Layer, schema: Schema) -> LayerValues:
    """Read a layer that was not read before: by the plan of its shape, or key by key."""
    found = LayerValues(layer, schema)
    columns = layer.columns
    if columns is None and not layer.text:
        columns = columns_of(layer.values)
    if not columns:
        _read_plainly(found, layer)
    else:
        names, sizes, types, leaves = columns
        shape = (names, sizes, types, layer.sections, layer.dotted)
        plan = cache_of(schema).plans.get(shape)
        if plan.__class__ is Plan and (plan.floats is None or isfinite(sum(plan.floats(leaves)))):
            found.columns = (plan.paths, leaves)
            if plan.spelled:
                found.spelled = plan.spelled
            if layer.unset:
                _Reader(found, layer).read(())
        else:
            _read_plainly(found, layer)
            _keep_plan(shape, found, layer, columns)
    if schema.passed_over:
        _pass_over(found, layer)
    layer.values_by_schema[id(schema)] = found  # it holds its schema, so that the identity stays the schema's
    return found


def _pass_over(found: LayerValues, layer: Layer) -> None:
    """Note which settings of the layer a policy passes over."""
    passed: dict[str, str] = {}
    values = found.values
    for path, policies in found.schema.passed_over.items():
        if path in values:
            for policy in policies:
                if policy.layer == layer.name and policy.label in {"", layer.label}:
                    passed[path] = policy.reason
    if passed:
        found.passed = passed


def _read_plainly(found: LayerValues, layer: Layer) -> None:
    """Read a layer key by key."""
    rest: list[_Rest] = []
    if layer.kind != "environment":
        _take_plain(layer.values, found.schema.index.tree, (), None if layer.text else found.values, rest)
    if rest or layer.unset or layer.text:
        _Reader(found, layer).read(rest)


def _keep_plan(shape: Any, found: LayerValues, layer: Layer, columns: Columns) -> None:
    """Give a shape that came before a plan of what its reading found; none where values are translated."""
    plans = cache_of(found.schema).plans
    if shape not in plans:
        if len(plans) >= KEPT_PLANS:
            plans.clear()
        plans[shape] = SEEN
    elif plans[shape] is SEEN:
        plans[shape] = None
        if not found.faults and not found.notices and not any(name for _, name in found.spelled.values()):
            slots, unset = found.schema.index.slots, {path for path, _ in layer.unset}
            taken = {found.keys(path): slots[path] for path in found.values if path not in unset}
            plans[shape] = make_plan(columns, taken, found.spelled)


_Rest = tuple[str, Any, Any, dict[str, Any], Keys]  # key, its entry in the tree, value, node, keys before it


def _take_plain(
    table: Mapping[str, Any], node: dict[str, Any], at: Keys, values: dict[str, Any] | None, rest: list[_Rest]
) -> None:
    """Take the settings whose values fit as they are (none, for text); leave what needs a closer look."""
    for key, value in table.items():
        entry = node.get(key)
        kind = value.__class__
        if entry.__class__ is Slot:
            fits = kind in entry.exact or (kind is float and entry.finite and value - value == 0.0)
            if fits and values is not None:
                values[entry.path] = value
                continue
        elif entry.__class__ is dict and (kind is dict or isinstance(value, Mapping)):
            _take_plain(value, entry, (*at, key), values, rest)
            continue
        rest.append((key, entry, value, node, at))


class _Reader:
    """The walk over one layer's keys."""

    def __init__(self, reading: LayerValues, layer: Layer) -> None:
        self.reading = reading
        self.spelled = dict(reading.spelled)
        self.faults = list(reading.faults)
        self.notices: list[tuple[type[Warning], str]] = []
        reading.spelled, reading.faults, reading.notices = self.spelled, self.faults, self.notices
        self.layer = layer
        self.index = reading.schema.index
        self.settings = reading.schema.settings
        self.sections = self.index.sections if self.layer.sections is None else self.layer.sections
        self.aliased: list[tuple[Alias, Any, Keys]] = []
        self.unknowns = 0
        self.further: Keys = ()

    def read(self, rest: Iterable[_Rest]) -> None:
        """Take what needs a closer look: the settings' own keys, then their aliases, then what is unset."""
        if self.layer.kind == "environment":
            self.read_environment()
        self.take_rest(rest)
        self.settle_aliases()
        for path, keys in self.layer.unset:
            self.unset(path, keys)
        if self.further:
            count = self.unknowns - KEPT_UNKNOWN
            text = f"{count} more unknown settings from here on"
            self.faults.append(Fault(text, keys=self.further, count=count))

    def take_rest(self, rest: Iterable[_Rest]) -> None:
        """Take keys one by one."""
        for key, entry, value, node, at in rest:
            if entry.__class__ is Slot:
                self.take(entry, value, (*at, key))
            else:
                self.look_up(key, entry, value, node, at)

    def look_up(self, key: str, entry: Any, value: Any, node: dict[str, Any], at: Keys) -> None:
        """Take a key that is no plain setting of its section: alias, whole path, bare name, or unknown."""
        keys = (*at, key)
        meant: Slot | Alias | Found | None = None
        if entry.__class__ is tuple:
            meant = self.index.choose(entry, self.sections)
        elif self.layer.dotted and "." in str(key):
            self.walk_dotted(key, value, node, at)
            return
        elif self.layer.dotted and not at:
            meant = self.index.find_bare(key, self.sections)
        if meant is None:
            self.refuse_unknown(keys, value, is_section=entry.__class__ is dict)
        elif isinstance(meant, Found):
            self.refuse_ambiguous(keys, meant)
        elif isinstance(meant, Slot):
            self.take(meant, value, keys)
        else:
            self.aliased.append((meant, value, keys))

    def walk_dotted(self, key: str, value: Any, node: dict[str, Any], at: Keys) -> None:
        """Take a key that is a whole path, written in one piece."""
        meant = self.index.find(".".join((*at, key)), self.sections)
        inner: Any = node
        for part in key.split("."):
            inner = inner.get(part) if isinstance(inner, dict) else None
        keys = (*at, key)
        if isinstance(meant, Slot):
            self.take(meant, value, keys)
        elif isinstance(meant, Alias):
            self.aliased.append((meant, value, keys))
        elif isinstance(meant, Found):
            self.refuse_ambiguous(keys, meant)
        elif isinstance(inner, dict) and isinstance(value, Mapping):
            rest: list[_Rest] = []
            _take_plain(value, inner, keys, None, rest)
            self.take_rest(rest)
        else:
            self.refuse_unknown(keys, value)

    def read_environment(self) -> None:
        """Take every variable below the prefix; what just missed it is told what it would be here."""
        self.faults[:] = [self.wording.correct_variable(each) for each in self.faults]
        for name, text in self.layer.values.items():
            key = self.index.environment.get(name.upper())
            meant = None if key is None else self.index.find(key, self.sections)
            if isinstance(meant, Slot):
                self.take(meant, text, (name,))
            elif isinstance(meant, Alias):
                self.aliased.append((meant, text, (name,)))
            elif isinstance(meant, Found):
                self.refuse_ambiguous((name,), meant)
            else:
                self.refuse_unknown((name,), text)

    def take(self, slot: Slot, value: Any, keys: Keys, bind: Alias | None = None) -> None:
        """Read one value strictly and keep it; written twice in one layer, it must agree with itself."""
        said = ""
        shown = value
        own = slot.setting.conversion
        try:
            text = self.layer.text and isinstance(value, str)
            if bind is not None and bind.bind is not None and bind.bind.conversion is not None:
                value = bind.read(value, text=text)
                text = False
                said = str(bind.bind.conversion)
            if own is not None:
                before, value = value, own.to_setting(value)
                if value is not before:
                    said = f"{said}, {own}" if said else str(own)
                text = text and isinstance(value, str)
            value = slot.reader.text(value) if text else slot.reader.typed(value)
        except Mismatch as mismatch:
            self.refuse_value(slot, shown, keys, mismatch)
            return
        except (ValueError, TypeError) as error:
            self.fault(redact(str(error), shown, secret=slot.setting.secret), slot.path, keys)
            return
        if self.layer.folder is not None and slot.reader.paths:
            value = anchor(value, Path(self.layer.folder))
        self.keep(slot, value, keys, said)

    def keep(self, slot: Slot, value: Any, keys: Keys, conversion: str) -> None:
        """Put a value where it belongs, unless the layer already has another one for it."""
        reading, path = self.reading, slot.path
        values = reading.values
        if path in values:
            first = reading.origin(path)
            second = self.layer.origins(keys)
            earlier = values[path]
            secret = slot.setting.secret
            if earlier != value:
                self.fault(
                    f"{path!r} is written twice with different values: {show(earlier, secret=secret)} as "
                    f"{first} and {show(value, secret=secret)} as {second}",
                    path,
                    keys,
                    hint=f"keep one of {first.key} and {second.key}",
                )
            else:
                text = f"{path!r} is written twice with the same value: as {first} and as {second}"
                self.notices.append((UserWarning, text))
            return
        values[path] = value
        if conversion or keys != tuple(path.split(".")):
            self.spelled[path] = (keys, conversion)

    def settle_aliases(self) -> None:
        """Take what was written under other names, after the settings' own."""
        for alias, value, keys in self.aliased:
            self.take(self.index.slots[alias.path], value, keys, alias)
            if alias.deprecated:
                origin = self.layer.origins(keys)
                text = f"{origin.key} is deprecated, use {alias.path}; written in {origin.where}"
                self.notices.append((DeprecationWarning, text))

    def unset(self, path: str, keys: Keys) -> None:
        """Set a setting to None."""
        slot = self.index.slots.get(path)
        if slot is None:
            self.refuse_unknown(keys, None, name=path)
        else:
            self.take(slot, None, keys)

    # What is wrong

    @cached_property
    def wording(self) -> Hints:
        """The words for it."""
        return Hints(self.layer, self.index, self.settings, self.sections)

    def fault(self, text: str, path: str, keys: Keys, *, known: str = "", hint: str = "") -> None:
        """Note one thing that is wrong."""
        self.faults.append(Fault(text, path, keys, known=known, hint=hint))

    def refuse_value(self, slot: Slot, value: Any, keys: Keys, mismatch: Mismatch) -> None:
        """Note a value that does not fit its type."""
        setting = slot.setting
        shown = show(value, secret=setting.secret)
        hint = mismatch.hint if mismatch.hint and not mismatch.at else example_of(setting)
        hint = "" if setting.secret else hint
        text = f"{slot.path + mismatch.at!r} is {shown}; expected {mismatch.expected}"
        if mismatch.at:
            text = f"{slot.path!r} is {shown}; expected {mismatch.expected} at {mismatch.at.lstrip('.')}"
        written = keys if isinstance(keys[-1], str) else (slot.path,)  # an index, in a list of what is unset
        self.fault(
            text,
            slot.path,
            keys,
            hint=assignment(self.layer.kind, self.layer.origins, written, hint) if hint else "",
        )

    def refuse_ambiguous(self, keys: Keys, found: Found) -> None:
        """Note a bare name that several settings have."""
        text = f"{'.'.join(keys)!r} may mean {' or '.join(found.keys)}"
        self.fault(text, "", keys, hint=f"write {found.keys[0]}")

    def refuse_unknown(self, keys: Keys, value: Any, *, name: str = "", is_section: bool = False) -> None:
        """Note a key that no setting has, with the names that it may have been meant to be."""
        if self.layer.unknown == "ignore":
            return
        if self.unknowns >= KEPT_UNKNOWN and self.layer.unknown == "error" and not is_section:
            self.unknowns += 1
            self.further = self.further or keys
            return
        raw = name or self.wording.shown_name(keys)
        name = name or self.wording.shown_name(keys, quoted=True)
        if is_section:
            text = f"{name!r} is {show(value)}; expected a table of settings"
            self.fault(text, name, keys, known=list_known(list(self.wording.inside(name))))
            return
        self.unknowns += 1
        near = self.wording.near(raw) if self.unknowns <= SUGGESTED else []
        section = name.rpartition(".")[0] if name == raw else self.wording.shown_name(keys[:-1])
        hint = self.wording.suggestion(near, section, value, keys) if near else ""
        here = list_known(list(self.wording.inside(section)), [key.rpartition(".")[2] for key in near])
        short = name if len(name) <= 80 else f"{name[:76]} ..."
        if self.layer.unknown == "warn":
            said = f"unknown setting {short!r}, written in {self.layer.origins(keys).where}"
            self.notices.append((UserWarning, f"{said}; {hint}" if hint else said))
        else:
            self.fault(f"unknown setting {short!r}", name, keys, known=here, hint=hint)
