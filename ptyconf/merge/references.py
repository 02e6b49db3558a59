"""References, after the merge and before what is derived: each text is read when what it names is known."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, NoReturn

from ptyconf.merge.law import STRATEGIES
from ptyconf.merge.origin import Origin
from ptyconf.merge.refusals import own_words
from ptyconf.schema.fold import with_parts
from ptyconf.schema.index import Alias
from ptyconf.schema.kind import Mismatch, parse_toml
from ptyconf.schema.path import Segments, join_path, matches, split_path
from ptyconf.schema.reference import Deferred, Reference, ReferenceSyntaxError, parts_of
from ptyconf.schema.tree import Items, Slot, Tree, branch, child, holds_secret, key_text
from ptyconf.text.files import TextError, read_file
from ptyconf.text.show import MASK, close_matches, show

if TYPE_CHECKING:
    from ptyconf.merge.settle import Settling

Link = tuple[Reference, Any]  # and what it gave
Links = tuple[Link, ...]


class _UnreadableError(Exception):
    """A value that cannot be read; what is wrong has been noted, here or where the reference leads to."""


class References:
    """The references of one resolve.

    Args:
        settling: The settling of its values.
    """

    def __init__(self, settling: Settling) -> None:
        self.settling = settling
        self.schema = settling.schema
        self.finished: dict[int, tuple[Any, Links]] = {}  # by the identity of what was deferred
        self.links: dict[str, Links] = {}  # by place
        self.trail: list[str] = []
        self.unreadable: set[str] = set()
        self.derived = [split_path(derivation.target) for derivation in self.schema.derivations]

    def settle(self) -> None:
        """Put what they mean in the place of all references."""
        values = self.settling.values
        for path in list(values):
            slot = self.schema.index.slots[path]
            try:
                if slot.node is None:
                    self.plain(path, slot)
                elif self.schema.references or _holds_deferred(values[path]):
                    at = split_path(path)
                    tree = self.tree(slot, self.settling.tree(path), at)
                    values[path] = self.tree(slot, values[path], at)
                    self.settling.trees[path] = tree
                    self.settling.touched.add(path)
            except _UnreadableError:
                values.pop(path, None)

    def plain(self, path: str, slot: Slot) -> Any:
        """Settle a setting of one value, and give that."""
        values = self.settling.values
        value: Any = values.get(path)
        live = self.settling.live(path) if slot.setting.merge in STRATEGIES else []
        gathers = value is not None and any(isinstance(entry, Deferred) for _, entry in live)
        if not gathers and not isinstance(value, Deferred):
            return value
        if not gathers:
            values[path] = self.finish(path, slot, value)
        else:
            finished = [
                (source, self.finish(path, slot, entry) if isinstance(entry, Deferred) else entry)
                for source, entry in live
            ]
            self.settling.join(path, slot, finished)
        self.settling.touched.add(path)
        return values[path]

    def tree(self, slot: Slot, tree: Tree, at: Segments) -> Tree:
        """Settle what a setting holds; what cannot be read is left out."""
        if isinstance(tree, Deferred):
            return self.finish(join_path(at), slot, tree)
        node = slot.node
        if node is None or tree is None:
            return tree
        pairs: Any = enumerate(tree) if isinstance(node, Items) else tree.items()
        settled: dict[Any, Tree] = {}
        for key, item in pairs:
            below = child(node, key, tree)
            try:
                settled[key] = item if below is None else self.tree(below, item, (*at, key_text(node, key)))
            except _UnreadableError:
                continue
        return with_parts(tree, list(settled.values()) if isinstance(node, Items) else settled)

    def finish(self, place: str, slot: Slot, deferred: Deferred) -> Any:
        """Read one value, now that its references can be followed.

        Raises:
            _UnreadableError: It cannot be read; the problem is noted.
        """
        if id(deferred) not in self.finished:
            if place in self.trail:
                circle = " -> ".join((*self.trail[self.trail.index(place) :], place))
                self.refuse(place, f"references go round in a circle: {circle}")
            if place in self.unreadable:
                raise _UnreadableError
            self.trail.append(place)
            try:
                self.finished[id(deferred)] = deferred.known or self._read(place, slot, deferred)
            finally:
                self.trail.pop()
        value, links = self.finished[id(deferred)]
        together = (*self.links.get(place, ()), *links)
        self.links[place] = tuple({str(link[0]): link for link in together}.values())
        if any(self.is_secret(reference) for reference, _ in links):
            self.settling.hidden.add(place)
        return value

    def _read(self, place: str, slot: Slot, deferred: Deferred) -> tuple[Any, Links]:
        links: list[Link] = []
        value = self._filled(place, slot, deferred, deferred.raw, links)
        whole = isinstance(deferred.raw, str) and _is_whole(deferred.raw)
        named = whole and links[0][0].kind == "setting"
        below_path = isinstance(deferred.raw, str) and _starts_with_path(deferred.raw, links)
        try:
            parsed = (whole or deferred.text) and not named
            folder = None if below_path else deferred.folder
            return self._typed(deferred, value, links, folder, parsed=parsed), tuple(links)
        except Mismatch as mismatch:
            secret = holds_secret(slot) or any(self.is_secret(reference) for reference, _ in links)
            at = f" at {mismatch.at.lstrip('.')}" if mismatch.at else ""
            shown = f"{place!r} is {show(value, secret=secret)}"
            names = ", ".join(str(reference) for reference, _ in links)
            self.refuse(place, f"{shown} by {names}; expected {mismatch.expected}{at}")
        except Exception as error:  # noqa: BLE001  The code of the program's kinds, hooks and conversions.
            secret = holds_secret(slot) or any(self.is_secret(reference) for reference, _ in links)
            self.refuse(place, own_words(error, value, secret=secret))

    def _typed(
        self, deferred: Deferred, value: Any, links: list[Link], folder: str | None, *, parsed: bool
    ) -> Any:
        """Read a value whose references are filled in."""
        try:
            return deferred.read(value, parsed, folder)
        except Mismatch:
            texts = {given for reference, given in links if reference.kind != "setting"}
            if isinstance(value, str) or not texts:
                raise
            return deferred.read(_parsed(value, texts), False, folder)

    def _filled(self, place: str, slot: Slot, deferred: Deferred, raw: Any, links: list[Link]) -> Any:
        """Put what references give into every text of a value."""
        if isinstance(raw, str):
            try:
                parts = parts_of(raw)
            except ReferenceSyntaxError as error:
                shown = show(raw, secret=holds_secret(slot))
                self.refuse(place, f"{place!r} is {shown}, which {error}", "$${ for a plain ${")
            earlier = len(links)
            given = [
                part if isinstance(part, str) else self._given(place, slot, deferred, part, links, parts)
                for part in parts
            ]
            filled = given[0] if _is_whole(raw) else "".join(given)
            inside = raw is not deferred.raw and deferred.folder is not None
            # The other texts of a container stand below the folder of its file: this one has its own place.
            return _from_here(filled) if inside and _starts_with_path(raw, links[earlier:]) else filled
        if isinstance(raw, dict):
            return {key: self._filled(place, slot, deferred, item, links) for key, item in raw.items()}
        if isinstance(raw, (list, tuple, set, frozenset)):
            return type(raw)(self._filled(place, slot, deferred, item, links) for item in raw)
        return raw

    def _given(
        self,
        place: str,
        slot: Slot,
        deferred: Deferred,
        reference: Reference,
        links: list[Link],
        parts: list[Any],
    ) -> Any:
        """Give what one reference means: the value where it is the whole text, else its text."""
        inside = len(parts) > 1
        if reference.kind == "setting":
            inner, value, path = self._followed(place, slot, reference)
            links.append((Reference("setting", path), value))
            if not inside:
                return value
            if value is None:
                self.refuse(place, f"{place!r} refers to {path!r}, which is none; a text cannot hold that")
            return inner.kind.written(value)
        text = self._outside(place, deferred, reference)
        links.append((reference, text))
        return text

    def _outside(self, place: str, deferred: Deferred, reference: Reference) -> str:
        """Read a variable of the environment or a file."""
        if reference.kind == "env":
            text = os.environ.get(reference.name)
            if text is None:
                self.refuse(place, f"{place!r} refers to the variable {reference.name!r}, which is not set")
            return text
        file = os.path.join(deferred.folder or os.getcwd(), reference.name)  # noqa: PTH109, PTH118
        try:
            return read_file(file).removesuffix("\n").removesuffix("\r")
        except TextError as refusal:
            self.refuse(place, f"{place!r} refers to the file {reference.name!r}, which {refusal.text}")
        except OSError as error:
            words = error.strerror or type(error).__name__
            self.refuse(
                place, f"{place!r} refers to the file {reference.name!r}, which cannot be read: {words}"
            )

    def _followed(self, place: str, slot: Slot, reference: Reference) -> tuple[Slot, Any, str]:
        """Find the setting that a reference names, with its value and full path."""
        name = reference.name
        meant = self.schema.index.keys.get(name)
        if isinstance(meant, tuple):
            alias = self.schema.index.find(name)
            name = alias.path if isinstance(alias, Alias) else name
        segments = split_path(name)
        try:
            root, below = self.schema.locate(name)
        except KeyError:
            start = f"{name}."
            if any(path.startswith(start) for path in self.schema.settings):
                self.refuse(place, f"{place!r} refers to {name!r}, which is a section and not one value")
            self._refuse_unknown(place, slot, name)
        if any(matches(target, segments) for target in self.derived):
            self.refuse(place, f"{place!r} refers to {name!r}, which is derived after references are read")
        outer = self.schema.index.slots[root]
        if outer.node is None:
            value = self.plain(root, outer)
            if root not in self.settling.values:
                self.refuse(place, f"{place!r} refers to {name!r}, which has no value")
            return outer, value, root
        try:
            inner, value = branch(outer, self.settling.tree(root), below)
        except KeyError:
            self._refuse_unknown(place, slot, name)
        if inner.node is not None:
            self.refuse(place, f"{place!r} refers to {name!r}, which is a section and not one value")
        path = join_path((*split_path(root), *below))
        return inner, self.finish(path, inner, value) if isinstance(value, Deferred) else value, path

    def _refuse_unknown(self, place: str, slot: Slot, name: str) -> NoReturn:
        if holds_secret(slot):
            self.refuse(place, f"{place!r} refers to what is no setting")
        near = [f"env:{name}"] if name in os.environ else close_matches(name, self.schema.settings)
        self.refuse(
            place, f"{place!r} refers to {name!r}, which is no setting", f"${{{near[0]}}}" if near else ""
        )

    def is_secret(self, reference: Reference) -> bool:
        """Tell whether a reference leads to a secret."""
        if reference.kind != "setting":
            return False
        return reference.name in self.settling.hidden or holds_secret(self.schema.slot(reference.name))

    def refuse(self, place: str, text: str, hint: str = "") -> NoReturn:
        """Note what is wrong with the references of a place.

        Raises:
            _UnreadableError: Always.
        """
        self.unreadable.update(self.trail, (place,))
        places = self.settling.places
        problem = places.complaint(text, place, MASK)
        problem.hint = hint
        if not places.written(place):  # the class of a key or an element says it, and no layer
            problem.origin = Origin("defaults", self.settling.schema.name, f"default of {place}")
        self.settling.problems.append(problem)
        raise _UnreadableError


def _is_whole(raw: str) -> bool:
    """Tell whether a text is one reference and nothing else."""
    parts = parts_of(raw)
    return len(parts) == 1 and isinstance(parts[0], Reference)


def _starts_with_path(raw: str, links: list[Link]) -> bool:
    """Tell whether a text starts with a setting that is or holds paths, which were anchored there."""
    parts = parts_of(raw)
    return bool(parts) and isinstance(parts[0], Reference) and _holds_path(links[0][1])


def _holds_path(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_path, value.values()))
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(_holds_path, value))
    return isinstance(value, PurePath)


def _from_here(path: Any) -> Any:
    """Make a path, or the text of one, independent of folders."""
    absolute = os.path.abspath(path)  # noqa: PTH100  A text stays a text.
    return absolute if isinstance(path, str) else type(path)(absolute)


def _parsed(value: Any, texts: set[Any]) -> Any:
    """Read the texts of the environment inside a container as TOML, where they are that."""
    if isinstance(value, dict):
        return {key: _parsed(item, texts) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_parsed(item, texts) for item in value]
    if isinstance(value, str) and value in texts:
        try:
            return parse_toml(value, "")
        except Mismatch:
            return value
    return value


def _holds_deferred(tree: Tree) -> bool:
    if isinstance(tree, Deferred):
        return True
    if isinstance(tree, dict):
        return any(map(_holds_deferred, tree.values()))
    return isinstance(tree, list) and any(map(_holds_deferred, tree))
