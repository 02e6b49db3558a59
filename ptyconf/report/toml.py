"""A resolution as a TOML file that loads back to the same values, with the origins as comments."""

from __future__ import annotations

import datetime
import enum
import os
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from ptyconf.merge.file_values import written_in_file
from ptyconf.merge.origin import shown_path
from ptyconf.merge.resolution import Resolution, expect_resolution
from ptyconf.merge.same import same
from ptyconf.merge.standing import Places, standing_places, untold_members, unwritten_settings
from ptyconf.merge.story import is_secret
from ptyconf.report.written import (
    LEFT_OUT,
    default_tables,
    is_none_unwritten,
    refuse,
    respelled,
    written,
    written_settings,
)
from ptyconf.schema.anchor import is_below_home
from ptyconf.schema.fields import UNSET
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.reference import START, escaped
from ptyconf.schema.tree import Section, Slot, Table, Tree, child, key_text
from ptyconf.text.show import MASK, dotted_key, show, toml_key, toml_text


def dump_toml(
    resolution: Resolution,
    *,
    origins: bool = True,
    folder: str | os.PathLike[str] | None = None,
    portable: bool = False,
    header: str = "",
) -> str:
    """Write every setting as TOML.

    None is listed in a top-level ``unset``, settings that gather from several layers in ``replace``; derived
    settings, inert defaults and secrets are comments only. Default instances that no constructor makes again
    of their fields, and members of unions that no key tells, are comments, too, so that they stand; where a
    layer gave such a one, its lines say that a load does not make it again. It and a secret are all that does
    not load back.

    Args:
        resolution: What to write.
        origins: Write where each value came from beside it.
        folder: Folder of the file to be, to which paths are made relative; the working directory if left out.
        portable: Make absolute paths relative, too: for a file that moves together with what it names.
        header: Text for the top of the file, written as comments.

    Raises:
        ConfigError: TOML cannot hold a value: None inside a list, half a character.
    """
    expect_resolution("dump_toml", resolution)
    base = Path.cwd() if folder is None else Path(folder).absolute()
    dump = _Dump(resolution, base, origins=origins, portable=portable)
    for path, slot, tree in written_settings(resolution):
        dump.setting(path, slot, tree)
    blocks = [f"# {line}".rstrip() for line in header.splitlines()]
    for name, paths in (("unset", dump.unset), ("replace", dump.replaces)):
        if paths:
            blocks += [f"{name} = [", *(f"    {show(path)}," for path in paths), "]"]
    for section, lines in sorted(dump.sections.items(), key=lambda pair: pair[0] != ()):
        if lines:
            blocks += ["", *([f"[{dotted_key(section)}]"] if section else []), *lines]
    return "\n".join(blocks).strip("\n") + "\n"


class _Dump:
    """The lines of a dump, section by section."""

    def __init__(self, resolution: Resolution, base: Path, *, origins: bool, portable: bool) -> None:
        self.resolution = resolution
        self.base = base
        self.portable = portable
        self.origins = origins
        self.sections: dict[Segments, list[str]] = {}
        self.refers = resolution.schema.references or any(layer.references for layer in resolution.layers)
        self.shown = cache(shown_path)  # asks for the working directory once, not for every line
        self.unset: list[str] = []
        self.replaces: list[str] = []
        self.changed: list[str] = []  # what a load makes of parts of a line's value
        self.hidden: list[Segments] = []  # places of secrets inside the value of a line
        self.standing, self.members = Places(standing_places(resolution)), untold_members(resolution)
        self.by_default = unwritten_settings(resolution, Places([*self.standing.own, *self.members]))

    def setting(self, path: str, slot: Slot, tree: Tree) -> None:
        """Write one declared setting: a line, or one for each setting that it holds."""
        at = split_path(path)
        lines = self.sections.setdefault(at[:-1], [])
        name, unset = str(at[-1]), len(self.unset)
        if slot.node is None:
            line = self.line(slot, tree, at, toml_key(name), path)
            written = [line] if line else []
        else:
            written = list(self.lines(slot, tree, at, (name,)))
        if path in self.by_default:  # a file cannot say it, and without a word of a file it stands
            del self.unset[unset:]
            written = [line if line.startswith("#") else f"# {line}" for line in written]
        if any(not line.startswith("#") for line in written):
            if tree is not None and self.adds_to_lower_layers(slot):
                self.replaces.append(path)
            if slot.node is not None:
                tables = default_tables(slot, tree, at)
                self.replaces += [join_path(table) for table in tables if self.is_written(table)]
        lines += written

    def adds_to_lower_layers(self, slot: Slot) -> bool:
        """Tell whether what lower layers say would be added to what is written."""
        if slot.setting.secret:
            return False
        if slot.setting.merge in {"append", "union"}:
            return True
        return slot.setting.merge == "deep" and slot.default is not UNSET and bool(slot.default)

    def is_written(self, at: Segments) -> bool:
        """Tell whether a setting stands in the dump, and not only in a comment."""
        return not is_secret(self.resolution, at) and self.resolution.trace(at).derivation is None

    def lines(self, slot: Slot, tree: Tree, at: Segments, names: tuple[str, ...]) -> Iterator[str]:
        """Write what a setting holds, tables by dotted keys so that each leaf has its own line and place."""
        node = slot.node
        if isinstance(node, (Table, Section)) and tree and not slot.setting.secret:
            lines = []
            for key, item in tree.items():
                below = child(node, key, tree)
                segment = str(key_text(node, key))
                if below is None:
                    continue
                inner = list(self.lines(below, item, (*at, segment), (*names, segment)))
                if isinstance(below.node, Section) and isinstance(node, Table) and item is not None:
                    inner = _kept(inner, (*names, segment))
                lines += inner
            yield from _kept(lines, names) if isinstance(node, Section) and node.optional else lines
            return
        line = self.line(slot, tree, at, dotted_key(names), join_path(at))
        if line:
            yield line

    def line(self, slot: Slot, tree: Tree, at: Segments, name: str, path: str) -> str:
        """Write one line; "" where the setting has to be listed as unset."""
        _check_text(path, at)
        trace = self.resolution.trace(path)
        place = f"{trace.winner.layer}: {trace.winner.origin.as_text(self.shown)}" if self.origins else ""
        alone = slot.node is None or slot.setting.secret
        if tree is not None and alone and is_secret(self.resolution, path):
            return f"# {name} = {MASK}  # secret{f', {place}' if place else ''}"
        if trace.derivation is not None:
            inputs = ", ".join(f"{key} = {show(item)}" for key, item in trace.derivation.inputs.items())
            return f"# {name} = {show(tree)}  # follows from {inputs}"
        if tree is None:
            self.unset.append(path)
            return ""
        self.hidden, self.changed = [], []
        text = _inline(written(slot, tree, at, self.leaf), at)
        if self.hidden:
            lacking = ", ".join(dict.fromkeys(map(_any_element, self.hidden)))
            place = f"without the secret {lacking}{f', {place}' if place else ''}"
        place = "; ".join(filter(None, [place, self.lost(at), *dict.fromkeys(self.changed)]))
        if slot.setting.inert_default and trace.winner.origin.kind == "defaults":
            return f"# {name} = {text}  # not set"
        return f"{name} = {text}  # {place}" if place else f"{name} = {text}"

    def lost(self, at: Segments) -> str:
        """Say what of a line's value no file can say, "" for nothing."""
        root, _ = self.resolution.schema.locate(at)
        if root in self.by_default:
            return "what the default holds, as long as no file writes it"
        if self.standing.touch(at):
            return "made anew by a load: its constructor does not make the instance again of its fields"
        names = [name for place, name in self.members.items() if Places([place]).touch(at)]
        return f"{', '.join(dict.fromkeys(names))}, which no key tells" if names else ""

    def written(self, at: Segments) -> Any:
        """Give what the file of its winner has for a setting, None where no file wrote it."""
        return written_in_file(self.resolution, at)

    def leaf(self, slot: Slot, value: Any, at: Segments) -> Any:
        """Write one value by its kind; inside a list a secret is left out, and None that is the default."""
        if value is None:
            root, below = self.resolution.schema.locate(at)
            slots = self.resolution.schema.index.slots
            if not is_none_unwritten(slots[root], self.resolution.tree(root), below):
                self.unset.append(join_path(at))
            return {} if isinstance(at[-1], int) else LEFT_OUT  # an element keeps its place
        if is_secret(self.resolution, at):
            self.hidden.append(at)
            return LEFT_OUT
        if slot.setting.conversion is not None:
            plain = _plain(self.seen(respelled(slot, value), at), None)
            return escaped(plain) if self.refers else plain
        shown = self.seen(value, at) if slot.kind.paths else value
        plain = slot.kind.toml(shown)
        if value.__class__ not in _NATIVE:
            self.changed += _changes(slot, shown, plain)
        return escaped(plain) if self.refers else plain

    def seen(self, value: Any, at: Segments) -> Any:
        """Write the paths inside a value as seen from the dump's folder."""
        return _seen_from(value, self.written(at), self.base, portable=self.portable)


_NATIVE = frozenset({bool, int, float, str})


def _changes(slot: Slot, value: Any, plain: Any) -> Iterator[str]:
    """Say what a load makes of a value that a file cannot tell from another: bytes where text may stand."""
    try:
        again = slot.kind.typed(plain)
    except Exception:  # noqa: BLE001  The program's own kinds; a load will say what it has against it.
        return
    equality: Any = type(value).__eq__  # without one of its own an instance is the same as itself alone
    if same(again, value) or (again.__class__ is value.__class__ and equality is object.__eq__):
        return
    names = (type(again).__name__, type(value).__name__)
    yield f"a load makes {names[0]} of {names[1]}" if names[0] != names[1] else "not the same when loaded"


def _kept(lines: list[str], names: tuple[str, ...]) -> list[str]:
    """Give a section that may be absent its place where nothing in it stands in the file."""
    if any(not line.startswith("#") for line in lines):
        return lines
    return [f"{dotted_key(names)} = {{}}", *lines]


def _any_element(at: Segments) -> str:
    """Write a place with ``*`` for the number of an element."""
    return join_path("*" if isinstance(segment, int) else segment for segment in at)


def _seen_from(value: Any, raw: Any, base: Path, *, portable: bool) -> Any:
    """Write the paths inside a value as seen from a folder; what was written absolute stays that.

    Args:
        value: The value.
        raw: What its file has, None where no file wrote it.
        base: The folder.
        portable: Nothing stays absolute.
    """
    if isinstance(value, Path):
        if is_below_home(value):
            return value
        anchored = portable or (isinstance(raw, str) and not Path(raw).is_absolute() and START not in raw)
        return Path(_relative(value, base)) if anchored or not value.is_absolute() else value
    if isinstance(value, Mapping):
        table = raw if isinstance(raw, Mapping) else {}
        return {
            key: _seen_from(item, table.get(str(key)), base, portable=portable) for key, item in value.items()
        }
    if isinstance(value, (list, tuple, deque)):
        parts: Any = list(raw.values()) if isinstance(raw, Mapping) else raw
        known = isinstance(parts, list) and len(parts) == len(value)
        seen = [
            _seen_from(item, parts[at] if known else None, base, portable=portable)
            for at, item in enumerate(value)
        ]
        return type(value)(*seen) if hasattr(value, "_fields") else type(value)(seen)
    if isinstance(value, (set, frozenset)):
        texts = raw if isinstance(raw, list) else []
        relative = next(
            (text for text in texts if isinstance(text, str) and not Path(text).is_absolute()), None
        )
        return type(value)(_seen_from(item, relative, base, portable=portable) for item in value)
    return value


def literal(value: Any, base: Path | None = None) -> str:
    """Write a value as TOML."""
    return _inline(_plain(value, base), ())


def _scalar(value: Any, at: Segments) -> str:
    if value.__class__ is bool:
        return "true" if value else "false"
    if value.__class__ in (int, float):
        return str(value)
    if value is None:
        raise refuse(at, "holds none inside, which TOML cannot say")
    if isinstance(value, str):
        _check_text(value, at)
        return toml_text(value)
    import tomli_w

    try:
        return tomli_w.dumps({"v": value})[4:].rstrip("\n")
    except TypeError:
        kind = type(value).__qualname__
        words = f"is a {kind}, which TOML does not have; give the converter an unstructure hook for {kind}"
        raise refuse(at, words) from None


def _check_text(text: str, at: Segments) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise refuse(at, "holds half a character, which TOML cannot say") from None


def _inline(value: Any, at: Segments) -> str:
    """Write arrays and tables on one line, as a value beside its comment must be."""
    if isinstance(value, Mapping):
        for key in value:
            _check_text(str(key), at)
        pairs = (f"{toml_key(str(key))} = {_inline(item, at)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_inline(item, at) for item in value) + "]"
    return _scalar(value, at)


def _plain(value: Any, base: Path | None) -> Any:
    if isinstance(value, enum.Enum):
        return value.value if isinstance(value.value, (str, int, float)) else value.name
    if isinstance(value, PurePath):
        return _relative(value, base) if base is not None else str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item, base) for key, item in value.items() if item is not None}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item, base) for item in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [_plain(item, base) for item in value]
    if value is None or isinstance(value, (str, int, float, datetime.date, datetime.time)):
        return value
    return _as_table(value, base)


def _as_table(value: Any, base: Path | None) -> Any:
    """Unpack an instance of a dataclass or attrs class."""
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is None:
        fields = {attribute.name: attribute for attribute in getattr(value, "__attrs_attrs__", ())}
    if fields:
        return _plain({name: getattr(value, name) for name in fields}, base)
    return str(value)


def _relative(path: PurePath, base: Path) -> str:
    """Write a path as seen from the dump's folder."""
    try:
        return Path(os.path.relpath(Path.cwd() / path, base)).as_posix()
    except ValueError:  # another drive
        return Path(path).as_posix()
