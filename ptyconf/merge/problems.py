"""Problems with their places: what a fault hides, and where a value stands that somebody refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ptyconf.errors import Complaint, Problem
from ptyconf.merge.combine import live_entries
from ptyconf.merge.elements import joined_marks
from ptyconf.merge.fault import Fault
from ptyconf.merge.hints import assignment, spell
from ptyconf.merge.law import entries
from ptyconf.merge.layer_values import LayerValues
from ptyconf.merge.origin import Origin
from ptyconf.merge.refusals import headline, own_words, with_type
from ptyconf.merge.same import same
from ptyconf.merge.stacks import passes
from ptyconf.schema.annotations import name_of
from ptyconf.schema.default_value import misfit_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.fold import completed
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import (
    Items,
    Slot,
    Table,
    Tree,
    branch,
    child,
    holds_secret,
    inside_any,
    is_end,
    key_of,
)
from ptyconf.text.masks import Masks
from ptyconf.text.show import close_matches, redact, show, toml_text, words_of

if TYPE_CHECKING:
    from ptyconf.merge.build import Failure

ABSENT: Any = object()


class SettingPlaces:
    """Where the values of one resolve stand.

    Args:
        schema: The schema.
        layers: Its layers, high to low, the defaults too.
        histories: What the layers wrote, by path.
        values: What is in force, by path.
        hidden: Gives the paths of what follows from a secret, or refers to one.
    """

    def __init__(
        self,
        schema: Schema,
        layers: tuple[LayerValues, ...],
        histories: Mapping[str, Any],
        values: Mapping[str, Any],
        hidden: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.schema = schema
        self.layers = layers
        self.histories = histories
        self.values = values
        self.hidden = hidden

    def written(self, path: str) -> list[tuple[LayerValues, Any]]:
        """List what layers wrote for a setting, high to low, without what is passed over."""
        try:
            root, below = self.schema.locate(path)
        except KeyError:
            return []
        slot = self.schema.index.slots[root]
        parts = []
        for layer_values, tree in entries(self.histories.get(root)):
            value = part(slot, layer_values.live(root, tree), below)
            if value is not ABSENT and root not in layer_values.passed:
                parts.append((layer_values, value))
        return parts

    def origin(self, path: str) -> Origin | None:
        """Say where the winning value of a setting stands, or what a section has in the highest layer.

        What a class has by itself in an element has the place of that.
        """
        segments = split_path(path) if path else ()
        for length in range(len(segments), 0, -1):
            written = self.written(join_path(segments[:length]))
            if written:
                return written[0][0].origin(join_path(segments[:length]))
            origin = self.section_origin(segments[:length])
            if origin is not None:
                return origin
        return self.section_origin(())

    def section_origin(self, section: Segments) -> Origin | None:
        """Say where a section stands: its header in the highest layer that writes in it, or a setting."""
        path = join_path(section)
        for layer_values, value in self.written(path):
            if value is not None:
                return layer_values.origin(path)
        start = f"{path}." if section else ""
        for layer_values in self.layers:
            inside = next((path for path in layer_values.values if path.startswith(start)), None)
            if inside is not None:
                header = layer_values.origins(section) if section else None
                exact = header is not None and header.in_text and header.column is not None
                return header if exact else layer_values.origin(inside)
        return None

    def hidden_by(self, path: str, above: LayerValues) -> tuple[LayerValues, Any] | None:
        """Give the entry of a setting that one of a layer hides, None where there is none."""
        ranks = {id(layer_values): number for number, layer_values in enumerate(self.layers)}
        here = ranks.get(id(above), -1)
        for layer_values, value in self.written(path):
            if ranks.get(id(layer_values), len(ranks)) > here:
                return layer_values, value
        return None

    def below(self, path: str, above: LayerValues) -> tuple[str, ...]:
        """Name the place and value that an entry of a layer hides."""
        slot = self.schema.find_slot(path)
        entry = None if slot is None else self.hidden_by(path, above)
        if slot is None or entry is None:
            return ()
        layer_values, value = entry
        secret = self.is_secret(path, slot)
        written = value if secret else _as_written(slot, value)
        return (f"{layer_values.origin(path).where} ({show(written, secret=secret)})",)

    def legal_below(self, path: str, above: LayerValues) -> Any:
        """Give the value that an entry of a layer hides, if it may be told and is one; else None."""
        slot = self.schema.find_slot(path)
        entry = None if slot is None else self.hidden_by(path, above)
        if slot is None or entry is None or slot.node is not None or self.is_secret(path, slot):
            return None
        _, value = entry
        legal = value is not None and misfit_of(slot, value) is None and passes(slot, value)
        return _as_written(slot, value) if legal else None

    def with_example(self, fault: Fault, layer_values: LayerValues) -> str:
        """Write what a wrong value hides in its place, where the hint has an example; "" where that stays."""
        value = self.legal_below(fault.path, layer_values) if fault.example else None
        if value is None:
            return ""
        return assignment(layer_values.kind, layer_values.origins, fault.example, toml_text(value))

    def complaint(self, message: str | Complaint, path: str, value: Any = ABSENT, place: str = "") -> Problem:
        """Make a problem of what a check says, with the place of the winning value or the part to blame."""
        complaint = Complaint(message) if isinstance(message, str) else message
        written = self.written(path)
        winner = written[0][0] if written else None
        slot = self.schema.find_slot(path)
        secret = self.is_secret(path, slot)
        hint = complaint.hint
        if complaint.example is not None and winner is not None and not secret:
            example = self.legal_below(path, winner)
            text = toml_text(complaint.example if example is None else example)
            hint = assignment(winner.kind, winner.origins, winner.keys(path), text)
        if value is ABSENT:
            value = written[0][1] if written else self.values.get(path)
        return Problem(
            self.masked(redact(complaint.text, value, secret=secret)),
            path=path,
            origin=self.part_origin(path, place) or self.origin(path),
            overrides=() if winner is None or place not in ("", path) else self.below(path, winner),
            expected=self.masked(complaint.expected),
            hint=self.masked(hint),
        )

    def masked(self, text: str) -> str:
        """Mask every secret of the program in a text that its own code wrote."""
        hidden = [self.values[path] for path in self.hidden() if path in self.values]
        text = self._masks.words(text)
        return Masks(hidden).words(text) if hidden else text

    def cause(self, error: BaseException) -> BaseException | None:
        """Give what the program's code raised, for the traceback; None where its words show a secret."""
        return error if self.masked(words_of(error)) == words_of(error) else None

    @cached_property
    def _masks(self) -> Masks:
        """The secrets that layers wrote, those that lost too."""
        return Masks(self.secrets())

    def secrets(self) -> Iterator[Any]:
        """Give every secret that a layer wrote, those that lost too, and what is in force."""
        for path, slot in self.schema.index.slots.items():
            if not holds_secret(slot):
                continue
            in_force = [self.values[path]] if path in self.values else []
            for tree in (*in_force, *(tree for _, tree in entries(self.histories.get(path)))):
                if slot.node is None:
                    yield tree
                else:
                    yield from secrets_in(slot, completed(slot, tree) if tree else tree)

    def part_origin(self, path: str, place: str) -> Origin | None:
        """Say where a part of a container stands, an element of a plain list or table too."""
        below = split_path(place)[len(split_path(path)) :]
        if not below:
            return None
        slot = self.schema.find_slot(path)
        if slot is None or slot.node is not None:
            return self.origin(place)
        live = live_entries(path, self.histories.get(path))
        strategy = slot.setting.merge
        keys: Any = below[0]
        source = live[0][0]
        if strategy in ("append", "union"):
            source, _, keys = joined_marks(strategy, live)[keys]
        elif strategy == "deep":
            source = next((source for source, table in live if table and keys in table), source)
        return source.inner_origin(path, keys)

    def raised(self, error: BaseException, path: str, value: Any, place: str = "") -> Problem:
        """Make a problem of what somebody's own code raised about a value."""
        slot = self.schema.find_slot(path)
        secret = self.is_secret(path, slot)
        words = with_type(error, own_words(error, value, secret=secret))
        if slot is not None and slot.node is None:
            shown = show(_as_written(slot, value), secret=secret)
            words = headline(path, shown, words)
        elif slot is not None:
            words = headline(path, show(value, secret=secret), words)
        return self.complaint(words, path, value, place)

    def refused(self, error: BaseException, path: str, target: Any) -> Problem:
        """Make a problem of what a class raised about all its values."""
        slot = self.schema.find_slot(path)
        words = with_type(error, own_words(error, None, secret=self.is_secret(path, slot)))
        subject = f"{path!r} makes" if path else "the settings make"
        return self.complaint(f"{subject} no {name_of(target)}: {words}", path)

    def fails(self, error: BaseException, subject: str, path: str) -> Problem:
        """Make a problem of code of the program that fails, whatever the values."""
        words = with_type(error, own_words(error, None, secret=False))
        return self.complaint(f"{subject}: {words}", path)

    def failed(self, failure: Failure) -> Problem:
        """Make a problem of what a class has against its values."""
        if failure.missing:
            return self.missing(failure.path, failure.target, failure.attribute and failure.attribute.slot)
        if failure.misfit is not None:
            root, below = self.schema.locate(failure.path)
            slot = self.schema.index.slots[root]
            tree = completed(slot, self.values[root])
            return self.wrong_default(failure.path, slot, tree, below, failure.misfit)
        if failure.attribute is None:
            return self.refused(failure.error, failure.path, failure.target)
        return self.raised(failure.error, failure.path, self.value_at(failure.path))

    def value_at(self, path: str) -> Any:
        """Give what is in force at a place, None where nothing is."""
        root, below = self.schema.locate(path)
        slot = self.schema.index.slots[root]
        if not below or root not in self.values:
            return self.values.get(root)
        return branch(slot, completed(slot, self.values[root]), below)[1]

    def wrong_default(
        self, path: str, slot: Slot, tree: Tree, below: Segments, mismatch: Mismatch
    ) -> Problem:
        """Make a problem of a default that its type refuses, at the attribute that has it."""
        leaf, value = branch(slot, tree, below)
        source = default_source(slot, tree, below, value) or leaf.source or path
        secret = self.is_secret(path, leaf)
        text = mismatch.told(path, show(value, secret=secret))
        origin = Origin("defaults", self.schema.name, f"default of {source}")
        return Problem(self.masked(text), path=path, origin=origin)

    def missing(self, path: str, target: Any, slot: Slot | None) -> Problem:
        """Make a problem of a value that a class needs and nobody gives."""
        slot = slot or self.schema.find_slot(path)
        section = split_path(path)[:-1]
        origin, hint = None, f"{path} = ..."
        if path not in self.schema.index.slots:
            origin = self.section_origin(section)
            writer = next((source for source, value in self.written(join_path(section)) if value), None)
            if writer is not None and writer.kind in {"environment", "flag"}:
                keys = writer.keys(join_path(section))
                hint = assignment(writer.kind, writer.origins, keys, "...", path)
            elif origin is not None and origin.in_text:
                hint = spell(origin.kind, join_path(split_path(path)[-1:]), "...")
        text = f"{path!r} has no value, and {name_of(target)} needs one"
        expected = "" if slot is None else slot.expected
        return Problem(text, path=path, origin=origin, expected=expected, hint=hint)

    def problem(self, fault: Fault, layer_values: LayerValues) -> Problem:
        """Make a problem of what was found wrong in a layer, now that it is known what it hides."""
        origin = fault.origin
        if origin is None and fault.keys:
            origin = layer_values.origins(fault.keys)
        problem = Problem(
            fault.text,
            path=fault.path,
            origin=origin,
            overrides=self.below(fault.path, layer_values) if fault.path else (),
            expected=fault.expected,
            known=fault.known,
            hint=self.with_example(fault, layer_values) or fault.hint,
            snippet="" if self.names_secret(fault.context) else fault.snippet,
        )
        problem.count = fault.alike
        return problem

    def names_secret(self, context: str) -> bool:
        """Tell whether a piece of source has a word in it that is a secret's name, or nearly."""
        words = set(re.findall(r"[\w-]+", context)) if context else set()
        names = self.schema.secret_names
        return not words.isdisjoint(names) or any(
            close_matches(word, names, count=1) for word in list(words)[:50] if len(word) > 2
        )

    def is_secret(self, path: str, slot: Slot | None) -> bool:
        """Tell whether a setting is a secret, holds one, or follows from one."""
        return path in self.hidden() or (slot is not None and holds_secret(slot))

    def hides(self, path: str, slot: Slot) -> bool:
        """Tell whether a secret stands somewhere in what a setting holds."""
        inside = (f"{path}.", f"{path}[")
        return self.is_secret(path, slot) or any(name.startswith(inside) for name in self.hidden())


def _as_written(slot: Slot, value: Any) -> Any:
    """Give a value as a file has it, for people; as it is where its kind does not take it."""
    if slot.node is not None or value is None:
        return value
    try:
        return slot.kind.toml(value)
    except Exception:  # noqa: BLE001  The code of the program's kinds; a default may be of no kind.
        return value


def secrets_in(slot: Slot, tree: Tree) -> Iterator[Any]:
    """Give the secrets that stand in a tree."""
    if slot.setting.secret:
        yield tree
    elif slot.node is not None and is_end(slot.node, tree):
        if tree and holds_secret(slot):
            yield tree
    elif slot.node is not None:
        pairs: Any = enumerate(tree) if isinstance(slot.node, Items) else tree.items()
        for key, item in pairs:
            below = child(slot.node, key, tree)
            if below is not None:
                yield from secrets_in(below, item)


def part(slot: Slot, tree: Any, below: Segments) -> Any:
    """Give what a layer's tree has at a place: None where it says so, ABSENT where it says nothing."""
    for segment in below:
        node = slot.node
        if tree is None:
            return None
        if node is None:
            try:
                tree = inside_any(tree, segment) if slot.takes_any else ABSENT
            except KeyError:
                return ABSENT
            continue
        try:
            key = key_of(node, segment) if type(node) is Table else segment
            inner = child(node, key, tree)
            tree = tree[key]
        except (KeyError, IndexError, TypeError):
            return ABSENT
        if inner is None:
            return ABSENT
        slot = inner
    return tree


def default_source(slot: Slot, tree: Tree, below: Segments, value: Any) -> str:
    """Name the innermost default that has a value: its own, or that of an object around it; "" for none."""
    chain: list[tuple[Slot, Segments]] = []
    for number, segment in enumerate(below, 1):
        if slot.node is None:
            break
        slot, tree = branch(slot, tree, (segment,))
        chain.append((slot, below[number:]))
    for holder, rest in reversed(chain):
        if holder.default is not UNSET and holder.source:
            default = part(holder, holder.default, rest)
            if default is not ABSENT and same(default, value):
                return holder.source
    return ""
