"""Layers to one resolution: read, merge, derive, check; or every problem at once."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from ptyconf.arguments import expect, expect_each
from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.cache import cache_of
from ptyconf.merge.histories import Histories
from ptyconf.merge.law import winner
from ptyconf.merge.layer import Layer
from ptyconf.merge.layer_values import LayerValues, read_anew
from ptyconf.merge.origin import Origin
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.settle import Settling
from ptyconf.merge.stacks import KEPT_STACKS, base_of
from ptyconf.merge.state import State
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Rule

if TYPE_CHECKING:
    from ptyconf.merge.pickled import Record
    from ptyconf.merge.problems import SettingPlaces

Ranked = list[tuple[tuple[int, int], LayerValues]]


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
    given = _given(schema, precedence, layers)
    ranks, own = precedence.ranks, id(schema)
    try:
        ranked = [
            ((ranks[layer.name], layer.within), layer.values_by_schema.get(own) or read_anew(layer, schema))
            for layer in given
        ]
        ranked.sort(key=_rank)
    except KeyError:
        for layer in given:
            precedence.rank(layer)  # raises for the one that it does not know
        raise
    except AttributeError:
        _refuse_layers(given)
        raise
    tied = _tied(ranked, precedence, schema)
    extra = expect_each("resolve", "rules", rules, Rule) if rules != () else ()

    def again(others: tuple[Layer, ...]) -> Resolution:
        return resolve(schema, precedence, others, rules=extra, stacklevel=3)

    work = _Work(schema, tuple([layer_values for _, layer_values in ranked]))
    work.tell_notices(stacklevel + 2)
    work.merge(tied)
    settling = work.settle(tied)
    state = State(
        schema,
        precedence,
        given,
        work.layers,
        work.outspoken,
        work.histories,
        work.values,
        again=again,
        reduced=_reduced,
        numbered={},
        **settling.results(),
    )
    resolution = Resolution(state)
    if not work.problems:
        for rule in (*schema.rules, *extra):
            if rule.when == "always" or not work.written.isdisjoint(rule.paths):
                work.problems += _broken(rule, resolution, work)
    if work.problems:
        error = ConfigError(sorted(work.problems, key=_place))
        error.resolution = resolution
        raise error
    return resolution


def _given(schema: Any, precedence: Any, layers: Any) -> tuple[Layer, ...]:
    """Look at the arguments of a resolve, and give its layers."""
    expect("resolve", "schema", schema, Schema, "a Schema", "resolve(schema, precedence, layers)")
    expect("resolve", "precedence", precedence, Precedence, "a Precedence", 'Precedence("flags", "file")')
    # Asking for the class first spares a look into the registry of Iterable.
    return tuple(layers) if isinstance(layers, (list, tuple, Iterable)) else _refuse_layers(layers)


def _refuse_layers(layers: Any) -> tuple[Layer, ...]:
    """Refuse what is no layer among those of a call."""
    hint = "[*toml.load(file), mapping.layer(name, values)]"
    return expect_each("resolve", "layers", layers, Layer, hint)


_rank = itemgetter(0)


def _tied(ranked: Ranked, precedence: Precedence, schema: Schema) -> list[list[LayerValues]]:
    """Give the groups of layers that share a rank, each in an order that does not depend on the call.

    Default layers at the bottom are the same in every resolve, so that what is found of them is remembered.
    """
    split = _defaults_start([layer_values for _, layer_values in ranked])
    if 0 < split < len(ranked) and ranked[split - 1][0] == ranked[split][0]:
        split = len(ranked)
    ties = cache_of(schema).ties
    key = tuple([id(layer_values) for _, layer_values in ranked[split:]])
    known = ties.get(key)
    if known is None:
        from ptyconf.merge.ranks import in_one_order, needs_a_look

        bottom = ranked[split:]
        groups = [group for group in in_one_order(bottom, precedence) if needs_a_look(schema, group)]
        if len(ties) >= KEPT_STACKS:
            ties.clear()
        known = ties[key] = bottom, groups
    ranked[split:] = known[0]
    previous = None
    for rank, _ in ranked[:split]:
        if rank == previous:
            from ptyconf.merge.ranks import in_one_order

            above = ranked[:split]
            groups = in_one_order(above, precedence)
            ranked[:split] = above
            return [*groups, *known[1]]
        previous = rank
    return list(known[1])


def _defaults_start(layers: Sequence[LayerValues]) -> int:
    """Find where the default layers at the bottom begin."""
    split = len(layers)
    while split and layers[split - 1].kind == "defaults":
        split -= 1
    return split


def revive(record: Record) -> Resolution:
    """Make a resolution of what was pickled: the same one, where its schema can be imported."""
    from ptyconf.merge.pickled import Recorded, import_schema

    schema = import_schema(record.importable)
    if schema is None:
        return Recorded(record, revive)
    return resolve(schema, Precedence(*record.precedence), [layer.layer(schema) for layer in record.layers])


def _reduced(resolution: Resolution) -> tuple[Any, ...]:
    from ptyconf.merge.pickled import record_of

    return revive, (record_of(resolution),)


def _broken(rule: Rule, resolution: Resolution, work: _Work) -> list[Problem]:
    """Ask a rule; what it raises is a problem too."""
    try:
        complaint = rule.check(resolution)
    except Exception as error:  # noqa: BLE001  The program's own code.
        named = f"the rule {rule.name}" if rule.name else "the rule"
        subject = f"{named} about {', '.join(map(repr, rule.paths))} fails"
        return [work.places.fails(error, subject, _first(rule, resolution))]
    return [work.places.complaint(complaint, _first(rule, resolution))] if complaint else []


def _first(rule: Rule, resolution: Resolution) -> str:
    return next(map(resolution.first_match, rule.paths), "")


class _Work:
    """One resolve under way."""

    histories: Histories  # as the merge leaves them, like the values
    values: dict[str, Any]

    def __init__(self, schema: Schema, layers: tuple[LayerValues, ...]) -> None:
        self.schema = schema
        self.layers = layers
        self.outspoken = [
            layer
            for layer in layers
            if not layer.plain and (layer.faults or layer.notices or layer.refers or layer.instances)
        ]
        self.problems: list[Problem] = []
        self.touched: set[str] = set()  # to be checked
        self.passing: frozenset[str] = frozenset()  # paths of which some layer is passed over
        self.hidden: set[str] = set()  # what follows from a secret

    @cached_property
    def places(self) -> SettingPlaces:
        """Where values stand, for what is wrong with them."""
        from ptyconf.merge.problems import SettingPlaces

        return SettingPlaces(self.schema, self.layers, self.histories, self.values, lambda: self.hidden)

    @cached_property
    def written(self) -> set[str]:
        """The paths that layers above the defaults have."""
        above = self.layers[: _defaults_start(self.layers)]
        return set().union(*[layer_values.columns[0] for layer_values in above])

    def tell_notices(self, stacklevel: int) -> None:
        """Warn of what is not wrong but should be known, once per layer."""
        for layer_values in self.outspoken:
            if layer_values.notices and not layer_values.reported:
                layer_values.reported = True
                for category, text in layer_values.notices:
                    warnings.warn(text, category, stacklevel=stacklevel)

    def merge(self, tied: list[list[LayerValues]]) -> None:
        """Put the layers on top of each other, the defaults from the schema's memory."""
        split = _defaults_start(self.layers)
        base = base_of(self.schema, self.layers[split:])
        above = self.layers[:split][::-1]
        self.layers = (*self.layers[:split], *base.layers)
        self.values = values = base.values.copy()
        columns = [layer_values.columns for layer_values in above]
        paths = chain.from_iterable([paths for paths, _ in columns])
        values.update(zip(paths, chain.from_iterable([column for _, column in columns]), strict=True))
        gathered = base.gathered and base.gathered.copy()
        for layer_values in above if gathered else ():
            for path, value in layer_values.gathered:
                gathered[path] = (layer_values, value, gathered[path])
        self.histories = Histories(above, base.histories, gathered)
        if self.schema.checked:
            self.touched = {*self.written, *base.dubious}
        if self.schema.passed_over:
            self.passing = base.passing.union(*[layer.passed for layer in above])
        for layer_values in self.outspoken:
            for fault in layer_values.faults:
                self.problems.append(self.places.problem(fault, layer_values))
        for group in tied:
            from ptyconf.merge.ranks import refuse_disagreement

            self.problems += refuse_disagreement(self.schema, group)
        if self.schema.has_tables and any(each.kind == "environment" and each.spelled for each in above):
            from ptyconf.merge.near_keys import refuse_near_keys

            self.problems += refuse_near_keys(self.schema, above, self.histories)

    def settle(self, tied: list[list[LayerValues]]) -> Settling:
        """Find the values that are not the top of their history, derive, check."""
        self.pass_over()
        settling = Settling(
            self.schema,
            lambda: self.places,
            self.values,
            self.histories,
            self.problems,
            self.touched,
            refers=any(layer_values.refers for layer_values in self.outspoken),
        )
        self.hidden = settling.hidden
        settling.combine(tied)
        settling.derive_all()
        settling.check_all()
        return settling

    def pass_over(self) -> None:
        """Let the next entry win where the highest one's layer is passed over for this setting."""
        histories, values = self.histories, self.values
        for path in self.passing:
            top = histories.top(path)
            if top is not None and path in top.passed:
                link = histories[path]
                passing = winner(link, lambda link, path=path: path not in link.passed)  # type: ignore[misc]
                if passing is None:
                    values.pop(path, None)
                else:
                    values[path] = passing[1]
                self.touched.add(path)


def _place(problem: Problem) -> tuple[str, int, int]:
    """Order problems of files as the files run; the others keep their order, first."""
    origin: Origin | None = problem.origin
    if origin is None or origin.file is None or not origin.in_text:
        return "", 0, 0
    return origin.file, origin.line or 0, origin.column or 0
