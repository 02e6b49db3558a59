"""Instances of what was resolved: values are read already, so that building only calls the classes."""

from __future__ import annotations

import copy
import linecache
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ptyconf.merge.same import same
from ptyconf.schema.annotations import made_of
from ptyconf.schema.construct import has_own_code, make_builder
from ptyconf.schema.default_value import misfit_of
from ptyconf.schema.fields import UNSET, attribute_value
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.tables import instance_in
from ptyconf.schema.tree import Choice, Items, Section, Slot, Table, Tree, section_in
from ptyconf.schema.view import Attribute, View, copied

if TYPE_CHECKING:
    from ptyconf.merge.state import State
    from ptyconf.schema.schema import Schema

FAILED: Any = object()
Doubtful = tuple[Attribute, Any, Mismatch]  # a default that its type refuses, of which code may make another
Made = Callable[[View[Any], Any, Segments], None]


class Failure:
    """What a class has against its values: the place, the class, and what was raised."""

    __slots__ = ("attribute", "error", "path", "target")

    def __init__(self, path: str, target: Any, error: BaseException, attribute: Attribute | None) -> None:
        self.path = path
        self.target = target
        self.error = error
        self.attribute = attribute

    @property
    def missing(self) -> bool:
        """Whether the class lacks a value that it needs."""
        return isinstance(self.error, MissingValueError)

    @property
    def misfit(self) -> Mismatch | None:
        """What the type of a default has against it."""
        return self.error.mismatch if isinstance(self.error, WrongDefaultError) else None


class MissingValueError(KeyError):
    """A class needs a value that nothing gives."""


class WrongDefaultError(ValueError):
    """The type of a default refuses it, and the class has made nothing else of it."""

    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__(mismatch)
        self.mismatch = mismatch


class Building:
    """One building of instances.

    Args:
        schema: The schema.
        values: The values by path.
        trees: Gives the completed tree of a setting that holds settings.
        made: Is told of every instance, with its view and place.
        present: Tells whether a view that may be absent was written to.
        state: What the resolve found out, once it is done: who gave which value.
    """

    def __init__(
        self,
        schema: Schema,
        values: Mapping[str, Any],
        trees: Callable[[str], Tree],
        made: Made,
        present: Callable[[View[Any]], bool] = lambda _: True,
        state: State | None = None,
    ) -> None:
        self.schema = schema
        self.values = values
        self.trees = trees
        self.made = made
        self.present = present
        self.state = state
        outspoken = () if state is None else state.outspoken
        self.given = bool(outspoken) and any(each.instances for each in outspoken)
        self.failures: list[Failure] = []
        self.own_code = False  # whether a class changes what it is given
        self.instances: list[tuple[View[Any], Any, Segments]] = []

    def view(self, view: View[Any]) -> Any:
        """Make an instance of a view's class, inner classes first; FAILED where something is wrong."""
        if view.given is not None or self.given:
            instance = self.instance(view)
            if instance is not UNSET:
                return self._hand_out(view, copy.deepcopy(instance), split_path(view.section))
        plan = view.builder or _plan(view, self.schema)
        values = self.values if view.factory is None else {**self._fresh(view), **self.values}
        if not plan.composed:
            return self._call(view, plan, values, ())
        known = len(self.failures)
        table = {key: values[key] for key in plan.plain if key in values}
        for attribute in plan.composed:
            path = attribute.bind.path
            if attribute.nested is not None:
                may_be_absent = attribute.default is None or attribute.made_late
                if not may_be_absent or self.present(attribute.nested):
                    table[path] = self.view(attribute.nested)
                elif attribute.default is None:
                    table[path] = None
            elif path in self.values:
                table[path] = self.setting(self.schema.index.slots[path])
        at = split_path(view.section) if view.section else ()
        if len(self.failures) > known:
            self._note_missing(view, table, at)
            return FAILED
        return self._call(view, plan, table, at)

    def _fresh(self, view: View[Any]) -> dict[str, Any]:
        """Give what of a default instance is another one at each call of its factory."""
        instance = view.factory()
        return {each.bind.path: attribute_value(instance, each.name) for each in view.fresh}

    def setting(self, slot: Slot) -> Any:
        """Make what a setting that holds settings stands for."""
        at = split_path(slot.path)
        if slot.given and self.state is not None and self.state.is_default(slot.path):
            return self._hand_out_tree(slot, copy.deepcopy(slot.setting.default), at)
        return self.tree(slot, self.trees(slot.path), at)

    def instance(self, view: View[Any]) -> Any:
        """Give the instance that all settings of a view are from, if it is to count as it is; else UNSET."""
        if self.state is None:
            return UNSET
        paths = [*paths_of(view)]
        instance = self.state.instance(view.section, paths)
        if instance is UNSET and view.given is not None and all(map(self.state.is_default, paths)):
            return view.given if view.factory is None else view.factory()
        return instance

    def _hand_out(self, view: View[Any], instance: Any, at: Segments) -> Any:
        """Take a copy of a default instance for one that was built, with the instances inside it."""
        self.made(view, instance, at)
        self.own_code = True
        self.instances.append((view, instance, at))
        for attribute in view.attributes:
            inner = attribute_value(instance, attribute.name)
            slot = attribute.slot or self.schema.index.slots.get(attribute.bind.path)
            if attribute.nested is not None:
                if inner is not None:
                    self._hand_out(attribute.nested, inner, split_path(attribute.nested.section))
            elif slot is not None and slot.node is not None:
                place = (*at, attribute.argument) if attribute.slot else split_path(slot.path)
                self._hand_out_tree(slot, inner, place)
        return instance

    def _hand_out_tree(self, slot: Slot, value: Any, at: Segments) -> Any:
        """Take the copy of a default for what a tree stands for."""
        node = slot.node
        if isinstance(node, Items):
            for index, item in enumerate(value or ()):
                self._hand_out_tree(node.item, item, (*at, index))
        elif isinstance(node, Table):
            for key, item in (value or {}).items():
                self._hand_out_tree(node.value, item, (*at, key))
        elif node is not None and value is not None and value is not UNSET:
            sections = node.sections if isinstance(node, Choice) else (node,)
            number = made_of(value, [section.target for section in sections])
            if number is not None:
                self._hand_out(sections[number].view, value, at)
        return value

    def tree(self, slot: Slot, tree: Tree, at: Segments) -> Any:
        """Make what a tree stands for: containers, with instances for sections."""
        node = slot.node
        if node is None:
            return copied(tree)
        if tree is None:
            return None
        if tree.__class__ is not dict and (instance := instance_in(tree)) is not UNSET:
            return self._hand_out_tree(slot, copy.deepcopy(instance), at)
        if node.__class__ is Section:
            return self._section(node, tree, at)
        known = len(self.failures)
        if node.__class__ is Items:
            elements = [self.tree(node.item, element, (*at, index)) for index, element in enumerate(tree)]
            return FAILED if len(self.failures) > known else node.make(elements)
        if node.__class__ is Table:
            table = {key: self.tree(node.value, item, (*at, key)) for key, item in tree.items()}
            if len(self.failures) > known:
                return FAILED
            return table if node.make is dict else node.make(table)
        section = section_in(node, tree)
        return FAILED if section is None else self._section(section, tree, at)

    def _section(self, section: Section, tree: Tree, at: Segments) -> Any:
        view = section.view
        table = tree
        if section.composed:
            members, known = section.members, len(self.failures)
            table = {
                name: self.tree(members[name], below, (*at, name)) if name in section.composed else below
                for name, below in tree.items()
            }
            if len(self.failures) > known:
                self._note_missing(view, table, at)
                return FAILED
        return self._call(view, view.builder or _plan(view, self.schema), table, at)

    def _call(self, view: View[Any], plan: _Plan, table: Mapping[str, Any], at: Segments) -> Any:
        try:
            instance = plan.build(table, None)
        except plan.refusal as group:
            self._note(view, group, table, at)
            return FAILED
        self.made(view, instance, at)
        self.own_code = self.own_code or plan.own_code
        self.instances.append((view, instance, at))
        if plan.doubtful:
            self._note_misfits(view, plan, instance, at)
        return instance

    def _note_misfits(self, view: View[Any], plan: _Plan, instance: Any, at: Segments) -> None:
        """Tell the defaults that their types refuse, and of which the class has made nothing else."""
        for attribute, default, mismatch in plan.doubtful:
            if same(attribute_value(instance, attribute.name), default):
                error = WrongDefaultError(mismatch)
                self.failures.append(Failure(_path_of(view, attribute, at), view.target, error, attribute))

    def _note_missing(self, view: View[Any], table: Mapping[str, Any], at: Segments) -> None:
        """Tell what a class lacks that is not called, since something inside it is wrong."""
        for attribute in view.attributes:
            if attribute.required and attribute.bind.path not in table:
                path = _path_of(view, attribute, at)
                self.failures.append(Failure(path, view.target, MissingValueError(path), attribute))

    def _note(self, view: View[Any], group: Any, table: Mapping[str, Any], at: Segments) -> None:
        """Take apart what cattrs gathered: a value that is missing, or what the class's own code raised."""
        by_name = {attribute.name: attribute for attribute in view.attributes}
        further: list[Failure] = []
        for error in group.exceptions:
            notes = [getattr(note, "name", None) for note in getattr(error, "__notes__", ())]
            attribute = next((by_name[name] for name in notes if name in by_name), None)
            if attribute is None:
                name, made = _attribute_in(error.__traceback__, view.target)
                attribute = by_name.get(name)
                for other, refusal in () if made is None else _further_refusals(made, name):
                    at_other = _path_of(view, by_name.get(other), at)
                    further.append(Failure(at_other, view.target, refusal, by_name.get(other)))
            path = _path_of(view, attribute, at)
            raised = error
            if isinstance(error, KeyError) and attribute is not None and attribute.bind.path not in table:
                raised = MissingValueError(path)
            self.failures.append(Failure(path, view.target, raised, attribute))
        self.failures += further


def paths_of(view: View[Any]) -> Iterator[str]:
    """Give the paths of the settings of a view, and of those inside it."""
    for attribute in view.attributes:
        if attribute.nested is None:
            yield attribute.bind.path
        else:
            yield from paths_of(attribute.nested)


def _path_of(view: View[Any], attribute: Attribute | None, at: Segments) -> str:
    if attribute is None:
        return join_path(at) if at else view.section
    if attribute.slot is not None and attribute.bind.path == attribute.argument:
        return join_path((*at, attribute.argument))
    return attribute.bind.path


class _Plan:
    """How instances of a view are made: the generated function, and what must be made before."""

    __slots__ = ("build", "composed", "doubtful", "own_code", "plain", "refusal")

    def __init__(
        self,
        build: Any,
        plain: tuple[str, ...],
        composed: tuple[Attribute, ...],
        doubtful: tuple[Doubtful, ...],
        *,
        own_code: bool,
    ) -> None:
        from cattrs import BaseValidationError

        self.doubtful = doubtful

        self.own_code = own_code
        self.build = build
        self.plain = plain
        self.composed = composed
        self.refusal = BaseValidationError


def _plan(view: View[Any], schema: Schema) -> _Plan:
    """Generate the function of a view, once; two threads that do it at a time make the same."""
    parts: dict[str, tuple[str, Callable[[Any], Any] | None]] = {}
    plain: list[str] = []
    composed: list[Attribute] = []
    doubtful: list[Doubtful] = []
    for attribute in view.attributes:
        path = attribute.bind.path
        slot = attribute.slot or schema.index.slots.get(path)
        inside = attribute.slot is not None
        if attribute.nested is not None or (not inside and slot is not None and slot.node is not None):
            composed.append(attribute)
            parts[attribute.name] = path, None
        else:
            plain.append(path)
            parts[attribute.name] = path, _outward(attribute, slot)
            if slot is not None and slot.loose and (mismatch := misfit_of(slot, slot.default)) is not None:
                doubtful.append((attribute, slot.default, mismatch))
    view.builder = _Plan(
        make_builder(view.target, parts, schema.kinds),
        tuple(dict.fromkeys(plain)),
        tuple(composed),
        tuple(doubtful),
        own_code=has_own_code(view.target),
    )
    return view.builder  # type: ignore[no-any-return]


def _outward(attribute: Attribute, slot: Slot | None) -> Callable[[Any], Any] | None:
    """Choose what stands between setting and attribute: a conversion, a copy of a container, or nothing."""
    conversion = attribute.bind.conversion
    if conversion is not None:
        return conversion.to_target
    if slot is not None and slot.node is not None:
        return None
    return copied if slot is None or slot.kind.mutable else None


_ATTRS_CALL = r"__attr_(?P<what>validator|converter)_(\w+)|_setattr\('(\w+)'"


def _attribute_in(trace: TracebackType | None, target: Any) -> tuple[str, Any]:
    """Find the attribute at which the constructor that attrs generated stood when something was raised.

    Returns:
        Its name, "" for none; and the instance, where it was a validator: all other attributes are set then.
    """
    name, made = "", None
    base = typing.get_origin(target) or target
    while trace is not None:
        code = trace.tb_frame.f_code
        instance = trace.tb_frame.f_locals.get("self")
        if code.co_filename.startswith("<attrs generated") and type(instance) is base:
            match = re.search(_ATTRS_CALL, linecache.getline(code.co_filename, trace.tb_lineno))
            if match is not None:
                name = match[2] or match[3]
                made = instance if match["what"] == "validator" else None
        trace = trace.tb_next
    return name, made


def _further_refusals(made: Any, first: str) -> Iterator[tuple[str, Exception]]:
    """Ask the validators behind the one that failed: attrs stops at the first, and users mend all at once.

    Only what they say against a value counts; one that fails otherwise may have counted on the first.
    """
    import attrs

    fields = attrs.fields(type(made))
    names = [field.name for field in fields]
    for field in fields[names.index(first) + 1 :]:
        if field.init and field.validator is not None:
            try:
                field.validator(made, field, getattr(made, field.name))
            except (ValueError, TypeError) as error:
                yield field.name, error
            except Exception:  # noqa: BLE001  As said above.
                continue
