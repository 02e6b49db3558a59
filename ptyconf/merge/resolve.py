"""Layers to one resolution: read, merge, derive, check; or every problem at once."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from ptyconf.errors import Complaint, ConfigError, Problem
from ptyconf.merge.cache import cache_of
from ptyconf.merge.hints import assignment
from ptyconf.merge.law import STRATEGIES, entries, pile, stack, winner
from ptyconf.merge.layer import Fault, Keys, Layer
from ptyconf.merge.layer_values import LayerValues, read, read_anew
from ptyconf.merge.origin import Origin
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution, State
from ptyconf.merge.trace import Derived
from ptyconf.schema.kinds import one_of
from ptyconf.schema.scalars import Mismatch
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Derivation, Rule, Setting
from ptyconf.schema.view import UNSET
from ptyconf.text.show import redact, show, toml_text

KEPT_STACKS = 64


def resolve(
    schema: Schema,
    precedence: Precedence,
    layers: Iterable[Layer],
    *,
    rules: Iterable[Rule] = (),
    stacklevel: int = 1,
) -> Resolution:
    """Merge layers by their declared precedence, whatever order they are given in.

    Args:
        schema: The settings of the program.
        precedence: The order of layer names, high to low.
        layers: The layers; several may have one name.
        rules: Conditions across settings, besides the schema's own.
        stacklevel: Whose line a warning names; 1 is the caller.

    Raises:
        ConfigError: Everything that is wrong with the layers, together.
        SchemaError: A layer has a name that the precedence does not know.
    """
    given = tuple(layers)
    ranks, own = precedence.ranks, id(schema)
    try:
        ranked = sorted(
            [
                (
                    (ranks[layer.name], layer.within),
                    layer.values_by_schema.get(own) or read_anew(layer, schema),
                )
                for layer in given
            ],
            key=_rank,
        )
    except KeyError:
        for layer in given:
            precedence.rank(layer)  # raises for the one that it does not know
        raise
    work = _Work(schema, ranked)
    work.tell_notices(stacklevel + 2)
    work.merge()
    work.settle()
    extra = tuple(rules)

    def again(others: tuple[Layer, ...]) -> Resolution:
        return resolve(schema, precedence, others, rules=extra, stacklevel=3)

    state = State(schema, precedence, given, work.readings, work.histories, work.values, work.derived, again)
    resolution = Resolution(state)
    if not work.problems:
        for rule in (*schema.rules, *extra):
            said = rule.check(resolution)
            if said:
                path = rule.paths[0] if rule.paths else ""
                work.problems.append(work.complaint(said, path))
    if work.problems:
        raise ConfigError(sorted(work.problems, key=_place))
    return resolution


_rank = itemgetter(0)


@dataclass(frozen=True, slots=True)
class _Base:
    """The merged default layers at the bottom of a stack, kept for the next resolve."""

    readings: tuple[LayerValues, ...]  # held, so that their identities stay theirs
    histories: dict[str, Any]
    values: dict[str, Any]
    dubious: frozenset[str] = field(default_factory=frozenset)


class _Work:
    """One resolve under way."""

    def __init__(self, schema: Schema, ranked: list[tuple[tuple[int, int], LayerValues]]) -> None:
        self.schema = schema
        self.ranked = ranked
        self.readings = tuple([reading for _, reading in ranked])
        self.outspoken = [reading for reading in self.readings if reading.faults or reading.notices]
        self.histories: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self.derived: dict[str, Derived] = {}
        self.problems: list[Problem] = []
        self.touched: set[str] = set()  # to be checked

    def tell_notices(self, stacklevel: int) -> None:
        """Warn of what is not wrong but should be known, once per layer."""
        for reading in self.outspoken:
            if reading.notices and not reading.told:
                reading.told = True
                for category, text in reading.notices:
                    warnings.warn(text, category, stacklevel=stacklevel)

    def merge(self) -> None:
        """Put the layers on top of each other, the defaults from the schema's memory."""
        split = len(self.readings)
        while split and self.readings[split - 1].kind == "defaults":
            split -= 1
        base = _base(self.schema, self.readings[split:])
        above = self.readings[:split][::-1]
        self.histories = pile([(reading, reading.columns) for reading in above], base.histories)
        self.values = {path: link[1] for path, link in self.histories.items()}
        if self.schema.checked:
            self.touched.update(base.dubious, *(reading.columns[0] for reading in above))
        for reading in self.outspoken:
            for fault in reading.faults:
                self.problems.append(self.problem(fault, reading))
        self.refuse_disagreement()

    def refuse_disagreement(self) -> None:
        """Note every setting on which two layers of one rank differ."""
        previous = None
        for number, (rank, lower) in enumerate(self.ranked):
            if rank == previous:
                upper = self.readings[number - 1]
                for path in upper.values.keys() & lower.values.keys():
                    self.compare(path, upper, lower)
            previous = rank

    def compare(self, path: str, first: LayerValues, second: LayerValues) -> None:
        """Note a setting on which two layers differ, unless it gathers values from all layers."""
        ours, theirs = first.values[path], second.values[path]
        setting = self.schema.settings[path]
        if ours == theirs or setting.merge in {"append", "union"}:
            return
        secret = setting.secret
        one, two = first.origin(path), second.origin(path)
        text = (
            f"{path!r} is {show(ours, secret=secret)} in {one.where} and "
            f"{show(theirs, secret=secret)} in {two.where}; {_sharing(first.name, second.name)}"
        )
        self.problems.append(Problem(text, path=path, origin=one, hint=f"remove {path} from one of them"))

    def settle(self) -> None:
        """Find the values that are not the top of their history; check the ones that layers brought."""
        self.pass_over()
        self.combine()
        for derivation in self.schema.derivations:
            self.derive(derivation)
        faulty = {problem.path for problem in self.problems}
        for path in self.schema.required:
            if self.values.get(path) is None and path not in faulty:
                self.problems.append(self.missing(path))
        for setting in self.schema.checked:
            if setting.path in self.touched and setting.path not in faulty:
                self.check(setting)

    def pass_over(self) -> None:
        """Let the next entry win where the highest one's layer is passed over for this setting."""
        histories, values = self.histories, self.values
        for path in self.schema.passed_over:
            link = histories.get(path)
            if link is not None and path in link[0].passed:
                found = winner(link, lambda reading, path=path: path not in reading.passed)  # type: ignore[misc]
                if found is None:
                    values.pop(path, None)
                else:
                    values[path] = found[1]
                self.touched.add(path)

    def combine(self) -> None:
        """Combine the layers' values where the setting says that they do not replace each other."""
        for path in self.schema.special:
            link = self.histories.get(path)
            if link is not None and link[2] is not None and self.values.get(path) is not None:
                combine = STRATEGIES[self.schema.settings[path].merge]
                values, _ = combine([pair for pair in entries(link) if path not in pair[0].passed])
                self.values[path] = values

    def derive(self, derivation: Derivation) -> None:
        """Compute one derived setting; a layer that says otherwise is wrong, a default merely loses."""
        path, values = derivation.target, self.values
        if derivation.when == "missing" and values.get(path) is not None:
            return
        if any(name not in values for name in derivation.inputs):
            return
        inputs = {name: values[name] for name in derivation.inputs}
        slot = self.schema.index.slots[path]
        try:
            value = slot.reader.typed(derivation.function(*inputs.values()))
        except Mismatch as mismatch:
            self.problems.append(
                self.complaint(f"{path!r} was derived wrongly; expected {mismatch.expected}", path)
            )
            return
        except ValueError as error:
            self.problems.append(
                self.complaint(str(error), derivation.inputs[0] if derivation.inputs else path)
            )
            return
        values[path] = value
        self.derived[path] = Derived(derivation.shown, inputs, derivation.reason)
        self.touched.add(path)
        for reading, written in entries(self.histories.get(path)):
            if reading.kind != "defaults" and written is not None and written != value:
                self.refuse_derived(path, derivation, reading, written)

    def refuse_derived(self, path: str, derivation: Derivation, reading: LayerValues, written: Any) -> None:
        """Note that a layer sets a derived setting to something else."""
        secret = self.schema.settings[path].secret
        given = ", ".join(
            f"{name} = {show(self.values[name], secret=self.schema.settings[name].secret)}"
            for name in derivation.inputs
        )
        right = show(self.values[path], secret=secret)
        text = f"{path!r} is {show(written, secret=secret)}, but it follows from {given} and is {right}"
        problem = Problem(text, path=path, origin=reading.origin(path), hint=f"remove {path}")
        self.problems.append(problem)

    def missing(self, path: str) -> Problem:
        """Say that a setting which must be set is not."""
        setting = self.schema.settings[path]
        text = (
            setting.required
            if isinstance(setting.required, str)
            else f"{path!r} is required, and no layer sets it"
        )
        example = toml_text(next(iter(setting.choices))) if setting.choices else "..."
        return Problem(
            text,
            path=path,
            expected=self.schema.index.slots[path].reader.expected,
            hint=f"{path} = {example}",
        )

    def check(self, setting: Setting) -> None:
        """Ask a setting's own check, then its choices, about the winning value."""
        path = setting.path
        if path not in self.values:
            return
        value = self.values[path]
        if setting.check is not None:
            said = setting.check(value)
            if said:
                self.problems.append(self.complaint(said, path))
                return
        if setting.choices and value not in setting.choices and value is not None:
            text = f"{path!r} is {show(value, secret=setting.secret)}; expected {one_of(setting.choices)}"
            self.problems.append(self.complaint(text, path))

    def complaint(self, said: str | Complaint, path: str) -> Problem:
        """Make a problem of what a check says, with the place of the winning value."""
        complaint = Complaint(said) if isinstance(said, str) else said
        link = self.histories.get(path)
        found = winner(link, lambda reading: path not in reading.passed) if link else None
        origin = found[0].origin(path) if found is not None else None
        below = self.below(path, found[0]) if found is not None else ()
        secret = path in self.schema and self.schema[path].secret
        hint = complaint.hint
        if complaint.example is not None and found is not None and not secret:
            reading = found[0]
            hint = assignment(reading.kind, reading.origins, reading.keys(path), toml_text(complaint.example))
        return Problem(
            redact(complaint.text, self.values.get(path), secret=secret),
            path=path,
            origin=origin,
            overrides=below,
            expected=complaint.expected,
            hint=hint,
        )

    def problem(self, fault: Fault, reading: LayerValues) -> Problem:
        """Make a problem of what was found wrong in a layer, now that it is known what it hides."""
        origin = fault.origin
        if origin is None and fault.keys:
            origin = reading.origins(fault.keys)
        problem = Problem(
            fault.text,
            path=fault.path,
            origin=origin,
            overrides=self.below(fault.path, reading),
            expected=fault.expected,
            known=fault.known,
            hint=fault.hint,
            snippet="" if self.names_secret(fault.context) else fault.snippet,
        )
        problem.count = fault.count
        return problem

    def names_secret(self, context: str) -> bool:
        """Tell whether a piece of source has a word in it that is a secret's name."""
        words = set(re.findall(r"[\w-]+", context)) if context else set()
        return not words.isdisjoint(self.schema.secret_names)

    def below(self, path: str, above: LayerValues) -> tuple[str, ...]:
        """Name the place and value that an entry of a layer hides."""
        ranks = {id(reading): number for number, reading in enumerate(self.readings)}
        here = ranks[id(above)]
        for reading, value in entries(self.histories.get(path)):
            if ranks.get(id(reading), len(ranks)) > here:
                secret = self.schema.settings[path].secret
                return (f"{reading.origin(path).where} ({show(value, secret=secret)})",)
        return ()


def _sharing(first: str, second: str) -> str:
    """Say why two layers must agree."""
    if first == second:
        return f"both are of the layer {first!r} and must agree"
    return f"the layers {first!r} and {second!r} share a rank and must agree"


def _place(problem: Problem) -> tuple[str, int, int]:
    """Order problems of files as the files run; the others keep their order, first."""
    origin: Origin | None = problem.origin
    if origin is None or origin.file is None or not origin.in_text:
        return "", 0, 0
    return origin.file, origin.line or 0, origin.column or 0


def _base(schema: Schema, readings: tuple[LayerValues, ...]) -> _Base:
    """Merge the default layers, or find them merged."""
    key = tuple(id(reading) for reading in readings)
    kept: _Base | None = cache_of(schema).stacks.get(key)
    if kept is not None:
        return kept
    rest = schema_defaults(schema, {path for reading in readings for path in reading.values})
    histories = stack((reading, reading.values) for reading in reversed((*readings, rest)))
    values = {path: link[1] for path, link in histories.items()}
    made = _Base((*readings, rest), histories, values, frozenset(_dubious(schema, values)))
    if len(cache_of(schema).stacks) >= KEPT_STACKS:
        cache_of(schema).stacks.clear()
    cache_of(schema).stacks[key] = made
    return made


def _dubious(schema: Schema, values: Mapping[str, Any]) -> Iterator[str]:
    """Find the defaults that their own checks refuse; they are wrong only if nothing stands above them."""
    for setting in schema.checked:
        value = values.get(setting.path)
        if value is None:
            continue
        if (setting.check is not None and setting.check(value)) or (
            setting.choices and value not in setting.choices
        ):
            yield setting.path


def schema_defaults(schema: Schema, known: set[str]) -> LayerValues:
    """Read the schema's own defaults, the lowest layer, for the settings that no default layer has."""
    values: dict[str, Any] = {}
    for path, setting in schema.settings.items():
        if path not in known and setting.default is not UNSET:
            node = values
            *sections, name = path.split(".")
            for section in sections:
                node = node.setdefault(section, {})
            node[name] = setting.default

    def origins(keys: Keys) -> Origin:
        return Origin("defaults", schema.name, f"default of {'.'.join(keys)}")

    layer = Layer("schema", values, origins, kind="defaults", label=schema.name)
    reading = read(layer, schema)
    for path, setting in schema.settings.items():
        # A class may have a default that its own annotation does not allow, as None for an int: it stands.
        if path not in known and setting.default is not UNSET:
            reading.values.setdefault(path, setting.default)
    reading.faults = ()
    return reading


__all__ = ["resolve", "schema_defaults"]
