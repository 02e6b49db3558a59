"""YAML by PyYAML's events, plain scalars by the core schema of YAML 1.2: ``no`` and ``2026-01-01`` are text.

No tags, so that no document can make objects; an anchor may be used again as long as the whole stays bounded;
``<<`` brings in the keys of another mapping below the mapping's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ptyconf.sources.document import Format, Path, Place, Places
from ptyconf.text.files import TextError, place_of
from ptyconf.text.show import json_text, toml_key

MAX_DEPTH = 100
MAX_VALUES = 100_000  # with every use of an anchor counted, for a few lines can stand for billions of values

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_ZERO_FIRST = re.compile(r"[-+]?0[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


@dataclass(slots=True, eq=False)
class _Node:
    """One value of a document: a scalar, the entries of a mapping, or the elements of a sequence."""

    offset: int
    scalar: Any = None
    entries: list[tuple[str, int, _Node]] | None = None
    merged: list[_Node] = field(default_factory=list)
    elements: list[_Node] | None = None


class _Composer:
    """The walk over the events of one document."""

    def __init__(self, body: str) -> None:
        self.body = body
        self.anchors: dict[str, _Node] = {}
        self.events = self.all_events()

    def all_events(self) -> Iterator[Any]:
        """Give the parser's events, with its errors named by their place."""
        try:
            import yaml
        except ImportError:
            raise TextError("is YAML, which needs PyYAML: pip install PyYAML") from None
        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        try:
            yield from yaml.parse(self.body, Loader=loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            words = error.problem or error.context or "it ends too early"
            place = place_of(self.body, mark.index) if mark is not None else (None, None)
            raise TextError(f"is not YAML: {words}", *place) from None
        except yaml.YAMLError as error:  # a character that no document may hold; its place is not reliable
            words = str(getattr(error, "reason", error))
            raise TextError(f"is not YAML: {words}") from None

    def refuse(self, words: str, event: Any) -> TextError:
        """Make an error with the place of an event."""
        return TextError(
            f"is not YAML that is read here: {words}", *place_of(self.body, event.start_mark.index)
        )

    def document(self) -> _Node | None:
        """Compose the only document; None where there is none."""
        root: _Node | None = None
        for event in self.events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                if root is not None:
                    raise self.refuse("a second document", event)
                root = self.node(next(self.events), 0)
        return root

    def node(self, event: Any, depth: int) -> _Node:
        """Compose the value that an event starts."""
        kind = type(event).__name__
        if depth > MAX_DEPTH:
            raise TextError(f"is nested more than {MAX_DEPTH} deep")
        if kind == "AliasEvent":
            if event.anchor not in self.anchors:
                raise self.refuse(f"*{event.anchor} stands inside its own anchor, or before it", event)
            return self.anchors[event.anchor]
        if event.tag is not None:
            raise self.refuse(f"the tag {event.tag}", event)
        made = _Node(event.start_mark.index)
        if kind == "ScalarEvent":
            made.scalar = self.scalar(event)
        elif kind == "MappingStartEvent":
            self.mapping(made, depth)
        else:
            made.elements = []
            while type(inner := next(self.events)).__name__ != "SequenceEndEvent":
                made.elements.append(self.node(inner, depth + 1))
        if event.anchor is not None:
            self.anchors[event.anchor] = made
        return made

    def mapping(self, made: _Node, depth: int) -> None:
        """Compose the entries of a mapping up to its end."""
        made.entries = []
        seen: set[str] = set()
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            if type(event).__name__ != "ScalarEvent" or event.tag is not None:
                raise self.refuse("a key that is no text", event)
            name, plain = event.value, event.implicit[0]
            inner = self.node(next(self.events), depth + 1)
            if name == "<<" and plain:
                made.merged += self.parents(inner, event)
            elif name in seen:
                raise TextError(
                    f"is not YAML: the key {json_text(name)} stands twice",
                    *place_of(self.body, event.start_mark.index),
                )
            else:
                seen.add(name)
                made.entries.append((name, event.start_mark.index, inner))

    def parents(self, node: _Node, event: Any) -> list[_Node]:
        """Take the mappings that ``<<`` names, the first of them above the others."""
        nodes = [node] if node.elements is None else node.elements
        if any(parent.entries is None for parent in nodes):
            raise self.refuse("<< takes a mapping or a list of mappings", event)
        return nodes

    def scalar(self, event: Any) -> Any:
        """Read a scalar: a plain one by its look, a quoted one as text."""
        text: str = event.value
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            try:
                return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
            except ValueError as error:  # of thousands of digits
                raise self.refuse(str(error), event) from None
        # 010 is 8 to YAML 1.1 and 10 to 1.2, 08 is text to the one and 8 to the other: it stays text.
        return text if _ZERO_FIRST.fullmatch(text) or not _FLOAT.fullmatch(text) else float(text)


class _Unfolding:
    """A composed document as values with their places, each use of an anchor on its own."""

    def __init__(self) -> None:
        self.offsets: dict[Path, tuple[int | None, int | None]] = {}
        self.count = 0

    def value(self, node: _Node, path: Path) -> Any:
        """Give the value of a node, and note where it and what lies inside it stand."""
        self.count += 1
        if self.count > MAX_VALUES:
            raise TextError(f"stands for more than {MAX_VALUES} values, its anchors unfolded")
        if len(path) > MAX_DEPTH:
            raise TextError(f"is nested more than {MAX_DEPTH} deep, its anchors unfolded")
        if node.entries is not None:
            return self.table(node, path)
        if node.elements is not None:
            for index, element in enumerate(node.elements):
                self.offsets[*path, index] = (None, element.offset)
            return [self.value(element, (*path, index)) for index, element in enumerate(node.elements)]
        return node.scalar

    def table(self, node: _Node, path: Path) -> dict[str, Any]:
        """Give a mapping; its own keys first, then those that ``<<`` brings in."""
        made: dict[str, Any] = {}
        for pair in self.with_parents(node, 0):
            for name, offset, inner in pair.entries or ():
                if name not in made:
                    self.offsets[*path, name] = (offset, inner.offset)
                    made[name] = self.value(inner, (*path, name))
        return made

    def with_parents(self, node: _Node, depth: int) -> Iterator[_Node]:
        """Give a mapping and the mappings below it, high to low."""
        self.count += 1
        if depth > MAX_DEPTH or self.count > MAX_VALUES:
            raise TextError(f"stands for more than {MAX_VALUES} values, its anchors unfolded")
        yield node
        for parent in node.merged:
            yield from self.with_parents(parent, depth + 1)


def _unfold(text: str) -> tuple[dict[str, Any], _Unfolding, str]:
    body = text.removeprefix("\ufeff")
    if "\0" in body:
        raise TextError("holds a NUL character", *place_of(body, body.index("\0")))
    root = _Composer(body).document()
    unfolding = _Unfolding()
    if root is None or (root.entries is None and root.elements is None and root.scalar is None):
        return {}, unfolding, body
    if root.entries is None:
        raise TextError("is not a mapping of settings", *place_of(body, root.offset))
    return unfolding.value(root, ()), unfolding, body


def parse(text: str) -> dict[str, Any]:
    """Parse a document after all checks.

    Raises:
        TextError: It is refused, or is not a mapping of YAML; with the place.
    """
    return _unfold(text)[0]


def places(text: str) -> Mapping[Path, Place]:
    """Find where every key and value of a document stands; in an anchor, where that is written."""
    _, unfolding, body = _unfold(text)
    return Places(body, unfolding.offsets)


def spell(keys: Sequence[str], value: Any) -> str:
    """Write ``a: {b: value}``."""
    names = [toml_key(key) for key in keys]
    text = json_text(value)
    for name in reversed(names[1:]):
        text = f"{{{name}: {text}}}"
    return f"{names[0]}: {text}"


FORMAT = Format("yaml", (".yaml", ".yml"), parse, places, spell)
