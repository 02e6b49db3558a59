"""The immutable result of a resolve: values, and for each the whole story."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from ptyconf.errors import ConfigError, Problem
from ptyconf.identity import IdentityTable
from ptyconf.merge.law import STRATEGIES, entries
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.origin import Origin
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.trace import Applied, Derived, Element, Entry, Trace
from ptyconf.schema.schema import Schema
from ptyconf.schema.view import View, copied
from ptyconf.text.show import MASK, show
from ptyconf.tracking import is_tracked, mark_set

T = TypeVar("T")
_BUILT: IdentityTable[tuple[Resolution, View[Any]]] = IdentityTable()
ASSIGNED = "assigned after resolve"


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a resolve found out; read only."""

    schema: Schema
    precedence: Precedence
    layers: tuple[Layer, ...]
    readings: tuple[LayerValues, ...]
    histories: Mapping[str, Any]
    values: Mapping[str, Any]
    derived: Mapping[str, Derived]
    again: Callable[[tuple[Layer, ...]], Resolution]  # the same resolve with other layers


class Resolution(Mapping[str, Any]):
    """The settings of one run, each with its value, its winner and every loser; never changes."""

    __slots__ = ("__weakref__", "_state")

    def __init__(self, state: State) -> None:
        object.__setattr__(self, "_state", state)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a resolution does not change; make a new one with with_layer ({name})")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a resolution does not change ({name})")

    _state: State

    @property
    def schema(self) -> Schema:
        """The settings of the program."""
        return self._state.schema

    @property
    def precedence(self) -> Precedence:
        """The declared order of the layers."""
        return self._state.precedence

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, as they were given."""
        return self._state.layers

    # Values

    def value(self, path: str) -> Any:
        """Give a setting's plain value; containers are copies.

        Raises:
            KeyError: There is no such setting, or nothing gives it a value.
        """
        return copied(self._state.values[path])

    def __getitem__(self, path: str) -> Any:
        return copied(self._state.values[path])

    def __iter__(self) -> Iterator[str]:
        values = self._state.values
        return (path for path in self._state.schema.settings if path in values)

    def __len__(self) -> int:
        return len(self._state.values)

    def __contains__(self, path: object) -> bool:
        return path in self._state.values

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __copy__(self) -> Resolution:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Resolution:
        return self  # It never changes, so that a copy could not differ.

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{path}={show(self._state.values[path], secret=self.schema[path].secret)}"
            for path in list(self)[:6]
        )
        more = ", ..." if len(self) > 6 else ""
        return f"<Resolution of {self.schema.name}: {shown}{more}>"

    # Instances

    def build(self, target: type[T] | View[T]) -> T:
        """Make a plain instance of a target class, as if it had been written by hand.

        Raises:
            ConfigError: A setting that the class needs has no value.
            SchemaError: The schema has no view of the class.
        """
        state = self._state
        try:
            return state.schema.view(target).make(state.values, self._made)
        except KeyError as error:
            path = error.args[0] if error.args else ""
            if path not in state.schema.settings or path in state.values:
                raise
            expected = state.schema.index.slots[path].reader.expected
            text = f"{path!r} has no value, and {_name(target)} needs one"
            raise ConfigError([Problem(text, path=path, expected=expected, hint=f"{path} = ...")]) from None

    def _made(self, view: View[Any], instance: Any) -> None:
        _BUILT.put(instance, (self, view))
        if is_tracked(view.target):
            histories = self._state.histories
            mark_set(
                instance,
                [
                    each.name
                    for each in view.own
                    if (link := histories.get(each.bind.path)) is not None and link[0].kind != "defaults"
                ],
            )

    # Provenance

    def winner_layer(self, path: str) -> str:
        """Name the layer whose value is in force; "derived" for a derived setting."""
        state = self._state
        if path in state.derived:
            return "derived"
        link = state.histories[path]
        live = (reading for reading, _ in entries(link) if path not in reading.passed)
        return str(next(live, link[0]).name)

    def has(self, path: str, *layers: str) -> bool:
        """Tell whether one of these layers (any layer, without names) wrote a setting."""
        written = (reading.name for reading, _ in entries(self._state.histories.get(path)))
        return any(not layers or name in layers for name in written)

    def trace(self, path: str, *, reveal: bool = False) -> Trace:
        """Tell one setting's whole story.

        Args:
            path: The setting.
            reveal: Show secrets instead of masking them.

        Raises:
            KeyError: There is no such setting, or nothing gives it a value.
        """
        state = self._state
        hidden = state.schema.settings[path].secret and not reveal
        value = MASK if hidden else copied(state.values[path])
        live: list[tuple[LayerValues, Any]] = []
        written: list[Entry] = []
        for reading, each in entries(state.histories.get(path)):
            shown = MASK if hidden else copied(each)
            passed = reading.passed.get(path)
            written.append(Entry(reading.name, shown, reading.origin(path), reading.conversion(path), passed))
            if passed is None:
                live.append((reading, each))
        derivation = state.derived.get(path)
        if derivation is not None:
            key = f"{derivation.function}({', '.join(derivation.inputs)})"
            winner = Entry("derived", value, Origin("derived", derivation.function, key))
            derivation = Derived(
                derivation.function, self._masked(derivation.inputs, reveal), derivation.reason
            )
        else:
            winner = next(entry for entry in written if entry.passed is None)
        losers = tuple(entry for entry in written if entry is not winner)
        return Trace(
            path,
            value,
            winner,
            losers,
            derivation,
            tuple(Applied(each.layer, each.passed) for each in written if each.passed is not None),
            () if hidden else self._elements(path, live),
        )

    def _masked(self, inputs: Mapping[str, Any], reveal: bool) -> Mapping[str, Any]:
        settings = self._state.schema.settings
        return MappingProxyType(
            {
                path: MASK if settings[path].secret and not reveal else copied(each)
                for path, each in inputs.items()
            }
        )

    def _elements(self, path: str, live: list[tuple[LayerValues, Any]]) -> tuple[Element, ...]:
        strategy = self._state.schema.settings[path].merge
        if strategy == "replace" or not live or live[0][1] is None:
            return ()
        values, sources = STRATEGIES[strategy](live)
        if isinstance(values, list):
            pairs = enumerate(zip(values, sources, strict=True))
            return tuple(
                Element(key, each, source.name, source.origin(path)) for key, (each, source) in pairs
            )
        return tuple(_leaves(path, values, sources, ""))

    def with_layer(self, *layers: Layer) -> Resolution:
        """Give a new resolution with one more layer, or with several, where the precedence puts them.

        Raises:
            ConfigError: The layers bring problems.
            SchemaError: The precedence does not know a layer's name.
        """
        return self._state.again((*self._state.layers, *layers))


def _leaves(path: str, values: Mapping[str, Any], sources: Mapping[str, Any], at: str) -> Iterator[Element]:
    for key, value in values.items():
        name = f"{at}.{key}" if at else str(key)
        source = sources[key]
        if isinstance(source, dict):
            yield from _leaves(path, value, source, name)
        else:
            yield Element(name, value, source.name, source.origin(path))


def _name(target: type | View[Any]) -> str:
    return (target.target if isinstance(target, View) else target).__qualname__


def provenance_of(instance: object) -> Resolution | None:
    """Find the resolution that an instance was built from; None for an unknown one, a copy or a pickle.

    Fields that were assigned since stand in it as a layer of their own, above all others.
    """
    found = _BUILT.get(instance)
    if found is None:
        return None
    resolution, view = found
    changed = _assigned(resolution, view, instance)
    return _with_assigned(resolution, view, changed) if changed else resolution


def view_of(instance: object) -> View[Any] | None:
    """Find the view by which an instance was built."""
    found = _BUILT.get(instance)
    return found[1] if found is not None else None


def _assigned(resolution: Resolution, view: View[Any], instance: Any) -> dict[str, tuple[str, Any]]:
    """Find the attributes that no longer hold what was built: path -> (attribute, value)."""
    changed = {}
    values = resolution._state.values  # noqa: SLF001  The two halves of one module.
    for each in view.own:
        now = getattr(instance, each.name)
        conversion = each.bind.conversion
        built = values[each.bind.path] if conversion is None else conversion.to_target(values[each.bind.path])
        if now is not built and not _same(now, built):
            changed[each.bind.path] = (each.name, now)
    return changed


def _same(now: Any, built: Any) -> bool:
    try:
        return type(now) is type(built) and bool(now == built)
    except (TypeError, ValueError):  # arrays have no single truth
        return False


def _with_assigned(
    resolution: Resolution, view: View[Any], changed: dict[str, tuple[str, Any]]
) -> Resolution:
    """Put what was assigned on top of the history, as it stands: nothing is read or checked again."""
    from dataclasses import replace

    from ptyconf.merge.law import push

    state = resolution._state  # noqa: SLF001  The two halves of one module.
    names = {path: attribute for path, (attribute, _) in changed.items()}
    label = view.target.__qualname__
    layer = Layer(
        ASSIGNED,
        {},
        lambda keys: Origin("assigned", label, f"{label}.{names['.'.join(keys)]}"),
        kind="assigned",
    )
    reading = LayerValues(layer, state.schema)
    reading.values.update({path: value for path, (_, value) in changed.items()})
    histories = push(reading, reading.values, state.histories)
    derived = {path: each for path, each in state.derived.items() if path not in changed}
    values = {**state.values, **reading.values}
    readings = (reading, *state.readings)
    return Resolution(replace(state, histories=histories, values=values, derived=derived, readings=readings))
