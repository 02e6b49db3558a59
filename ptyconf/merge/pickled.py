"""What of a resolution travels to another process: its values and stories, and the way back to its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from ptyconf.errors import SchemaError
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_record import LayerRecord, layer_record
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.trace import Derived, Referred, Trace
from ptyconf.merge.unknown import UnknownPathError
from ptyconf.schema.annotations import is_class_with_fields
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import end_as_made
from ptyconf.schema.view import copied
from ptyconf.text.show import MASK, is_mask, show


class Record(NamedTuple):
    """A resolution written down; secrets are in the clear."""

    program: str
    importable: str
    precedence: tuple[str | tuple[str, ...], ...]
    layers: tuple[LayerRecord, ...]
    values: Mapping[str, Any]
    traces: Mapping[str, Trace]  # of sections and containers too
    masked: Mapping[str, Trace]  # of those that hold a secret
    hidden: frozenset[str]
    settings: Mapping[str, tuple[str, str]]  # help and unit
    frozen: Mapping[str, Any]  # as JSON holds the values, by the kinds of their settings


def record_of(resolution: Resolution) -> Record:
    """Write a resolution down."""
    state = resolution._state  # noqa: SLF001  The two halves of one thing.
    schema = resolution.schema
    traces = {path: resolution.trace(path, reveal=True) for path in resolution}
    shown = {path: resolution.trace(path).value for path in traces}
    hidden = frozenset(path for path, value in shown.items() if is_mask(value))
    outer = {
        join_path(segments[:length]): None
        for segments in map(split_path, traces)
        for length in range(1, len(segments))
    }
    holders = {path: resolution.trace(path, reveal=True) for path in outer if path not in traces}
    masked = {path: resolution.trace(path) for path in holders}
    values = {path: end_as_made(slot, copied(value)) for path, slot, value in resolution.leaves()}
    own = {id(layer.values_by_schema.get(id(schema))): layer for layer in state.layers}
    layers = tuple(
        layer_record(own[id(layer_values)], layer_values, schema, state.finished)
        for layer_values in state.layer_values
        if id(layer_values) in own
    )
    settings = {path: schema[path] for path in traces if path in schema}
    return Record(
        schema.name,
        schema.importable,
        resolution.precedence.names,
        layers if schema.importable else (),
        values,
        {**traces, **holders},
        {path: trace for path, trace in masked.items() if trace != holders[path]},
        hidden,
        {path: (setting.help, setting.unit) for path, setting in settings.items()},
        {
            path: frozen
            for path, value in shown.items()
            if (frozen := json_value(resolution, path, value)) is not None
        },
    )


def json_value(resolution: Resolution, path: str, shown: Any) -> Any:
    """Give a value as its setting's kind writes it in JSON; None for a section, a container or None.

    Args:
        resolution: What has the setting.
        path: The setting.
        shown: The value as a trace shows it, a secret masked.
    """
    schema: Any = resolution.schema
    if isinstance(schema, RecordedSchema):
        return schema.frozen.get(path)
    if shown is None or is_mask(shown):
        return None
    slot = schema.find_slot(path)
    return None if slot is None or slot.node is not None else slot.kind.frozen(shown)


def import_schema(importable: str) -> Schema | None:
    """Find the schema that a record names, or that of the class; None where it cannot be imported."""
    module, _, name = importable.partition(":")
    if not module:
        return None
    try:
        target: Any = import_module(module)
    except ImportError:
        return None
    for part in name.split("."):
        target = getattr(target, part, None)
    if is_class_with_fields(target):
        from ptyconf.schema.of_class import schema_of

        return schema_of(target)
    return target if isinstance(target, Schema) else None


class Recorded(Resolution):
    """A resolution that came from another process without its schema: it answers, and takes no new layer."""

    __slots__ = ("_record", "_revive")

    _record: Record
    _revive: Callable[[Record], Resolution]

    def __init__(self, record: Record, revive: Callable[[Record], Resolution]) -> None:
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_revive", revive)

    @property
    def schema(self) -> Any:
        """The name and the words of the program's settings; nothing of their types."""
        return RecordedSchema(self._record)

    @property
    def precedence(self) -> Precedence:
        """The declared order of the layers."""
        return Precedence(*self._record.precedence)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """No layers; what they said is in the traces."""
        return ()

    def value(self, path: str | Segments) -> Any:
        """Give the plain value of a setting, or a table of those below a path.

        Raises:
            UnknownPathError: A KeyError: there is no such setting.
        """
        name = path if isinstance(path, str) else join_path(path)
        values = self._record.values
        if name in values:
            return copied(values[name])
        start = split_path(name)
        below = {
            segments[len(start) :]: value
            for segments, value in ((split_path(path), value) for path, value in values.items())
            if segments[: len(start)] == start
        }
        if not below:
            raise UnknownPathError(path, values)
        return _nested(below)

    __getitem__ = value

    def settings(self) -> Iterator[tuple[str, Any]]:
        """Walk the settings that have a value."""
        return iter([(path, copied(value)) for path, value in self._record.values.items()])

    def __iter__(self) -> Iterator[str]:
        return iter(self._record.values)

    def __len__(self) -> int:
        return len(self._record.values)

    def __contains__(self, path: object) -> bool:
        try:
            self.value(path)  # type: ignore[arg-type]
        except (KeyError, TypeError, AttributeError):
            return False
        return True

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{path}={show(value, secret=path in self._record.hidden)}"
            for path, value in list(self._record.values.items())[:6]
        )
        return f"<Resolution of {self._record.program}, without its schema: {shown}>"

    def __reduce__(self) -> Any:
        return self._revive, (self._record,)

    def build(self, target: Any) -> NoReturn:  # noqa: ARG002  As its class has it.
        """Refuse to build.

        Raises:
            SchemaError: Always.
        """
        raise _lacking(self._record)

    def trace(self, path: str | Segments, *, reveal: bool = False) -> Trace:
        """Tell one setting's whole story.

        Raises:
            UnknownPathError: A KeyError: there is no such setting.
        """
        name = path if isinstance(path, str) else join_path(path)
        trace = self._record.traces.get(name)
        if trace is None:
            raise UnknownPathError(path, self._record.traces)
        if name in self._record.masked and not reveal:
            return self._record.masked[name]
        if reveal or name not in self._record.hidden:
            return trace
        return trace._replace(
            value=MASK,
            winner=trace.winner._replace(value=MASK),
            derivation=_masked_derivation(trace.derivation, self._record.hidden),
            references=tuple(_masked(step, self._record.hidden) for step in trace.references),
            losers=tuple(loser._replace(value=MASK) for loser in trace.losers),
            elements=(),
        )

    def traces(self) -> Iterator[Trace]:
        """Tell the story of every setting, secrets masked."""
        return map(self.trace, self)

    def alike(self, other: Resolution) -> frozenset[str]:  # noqa: ARG002  As its class has it.
        """Name nothing: every trace is looked at."""
        return frozenset()

    def winner_layer(self, path: str) -> str:
        """Name the layer whose value is in force."""
        return self._record.traces[path].winner.layer

    def secrets(self) -> Iterator[Any]:
        """Give every secret that was recorded."""
        yield from (self._record.values[path] for path in self._record.hidden if path in self._record.values)

    def has(self, path: str, *layers: str) -> bool:
        """Tell whether one of these layers (any layer, without names) wrote a setting."""
        trace = self._record.traces.get(path)
        written = () if trace is None else (trace.winner.layer, *(loser.layer for loser in trace.losers))
        return any(not layers or name in layers for name in written)

    def with_layer(self, *layers: Layer) -> NoReturn:  # noqa: ARG002  As its class has it.
        """Refuse a new layer.

        Raises:
            SchemaError: Always.
        """
        raise _lacking(self._record)

    def replace_layer(self, layer: Layer) -> NoReturn:  # noqa: ARG002  As its class has it.
        """Refuse a new layer.

        Raises:
            SchemaError: Always.
        """
        raise _lacking(self._record)


class RecordedSchema(Mapping[str, Setting]):
    """The words of a program's settings."""

    def __init__(self, record: Record) -> None:
        self.name = record.program
        self.frozen = record.frozen
        self._record = record

    @property
    def settings(self) -> Mapping[str, Setting]:
        """The settings by path."""
        return self

    def __getitem__(self, path: str) -> Setting:
        text, unit = self._record.settings.get(path, ("", ""))
        if path not in self._record.values:
            raise KeyError(path)
        return Setting(path, help=text, unit=unit, secret=path in self._record.hidden)

    def __iter__(self) -> Iterator[str]:
        return iter(self._record.values)

    def __len__(self) -> int:
        return len(self._record.values)


def _masked_derivation(derivation: Derived | None, hidden: frozenset[str]) -> Derived | None:
    """Hide the secrets among what a value was derived from."""
    if derivation is None:
        return None
    inputs = {path: MASK if path in hidden else value for path, value in derivation.inputs.items()}
    return derivation._replace(inputs=inputs)


def _masked(step: Referred, hidden: frozenset[str]) -> Referred:
    """Hide the secrets among what a reference leads to."""
    steps = tuple(_masked(inner, hidden) for inner in step.steps)
    return step._replace(value=MASK if not step.path or step.path in hidden else step.value, steps=steps)


def _lacking(record: Record) -> SchemaError:
    return SchemaError(
        f"this resolution of {record.program} came without its schema; "
        'make the schema with importable="package.module:SCHEMA"'
    )


def _nested(below: Mapping[Segments, Any]) -> Any:
    """Put values together by their places."""
    if () in below:
        return copied(below[()])
    keys = dict.fromkeys(segments[0] for segments in below)
    parts = {
        key: _nested({rest[1:]: value for rest, value in below.items() if rest[0] == key}) for key in keys
    }
    return list(parts.values()) if all(isinstance(key, int) for key in parts) else parts
