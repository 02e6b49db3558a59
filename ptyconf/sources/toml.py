"""Layers from TOML files: the file, its profile above it, what it includes below it.

The text is pinned when it is read; where a key stands in it is found out when a report asks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptyconf.errors import ConfigError, Problem
from ptyconf.layer import Fault, Keys, Layer, Unknown
from ptyconf.origin import Origin
from ptyconf.sources import guard
from ptyconf.sources.guard import MAX_BYTES, Refusal
from ptyconf.spelling import close, show, spell_key

if TYPE_CHECKING:
    from ptyconf.sources.places import Places

MAX_INCLUDES = 100
_ASSIGNMENT = r"[ \t]*[\w\"'][^=#]*=|[ \t]*\["


@dataclass(frozen=True, slots=True)
class Names:
    """What the layers of a file are called, and how its keys are read."""

    file: str = "file"
    included: str = "included"
    profile: str = "profile"
    unknown: Unknown = "error"
    sections: tuple[str, ...] | None = None
    max_bytes: int = MAX_BYTES


class Document:
    """One TOML text, pinned, with the places of its keys on demand."""

    __slots__ = ("_places", "file", "parent", "text")

    def __init__(self, text: str, file: str, parent: Origin | None = None) -> None:
        self.text = text
        self.file = file
        self.parent = parent
        self._places: Places | None = None

    @property
    def places(self) -> Places:
        """Where every key and value stands."""
        if self._places is None:
            from ptyconf.sources.places import Places

            self._places = Places(self.text)
        return self._places

    def origin(self, keys: tuple[str | int, ...], *, prefix: Keys = ()) -> Origin:
        """Say where a key stands; one that is implied, at the nearest table around it."""
        path = (*prefix, *keys)
        found = self.places.get(path)
        while found is None and path:
            path = path[:-1]
            found = self.places.get(path)
        start = (found.key or found.value) if found is not None else None
        value = found.value if found is not None else None
        name = ".".join(spell_key(str(key)) for key in keys)
        return Origin(
            "toml",
            Path(self.file).name,
            name,
            self.file,
            start[0] if start else None,
            start[1] if start else None,
            value[0] if value else None,
            value[1] if value else None,
            self.parent,
        )

    def at(self, line: int | None, column: int | None) -> Origin:
        """Name a place by its numbers."""
        return Origin("toml", Path(self.file).name, "", self.file, line, column, parent=self.parent)


def load(
    path: str | os.PathLike[str],
    *,
    name: str = "file",
    included: str = "included",
    profile: str | None = None,
    profile_layer: str = "profile",
    unknown: Unknown = "error",
    max_bytes: int = MAX_BYTES,
    sections: Iterable[str] | None = None,
) -> list[Layer]:
    """Read a file into layers: the file, the profile if asked for, and everything included.

    Whatever is wrong with the files is told by ``resolve``, together with everything else.

    Args:
        path: The file.
        name: Layer of the file.
        included: Layer of the files that it includes; a later include stands above an earlier one.
        profile: Take the table ``[profile.NAME]``, as a layer above the file.
        profile_layer: Layer of the profile.
        unknown: What an unknown key is: error, warn or ignore.
        max_bytes: Larger files are refused.
        sections: Order in which aliases of several settings are settled; the schema's if left out.
    """
    order = None if sections is None else tuple(sections)
    names = Names(name, included, profile_layer, unknown, order, max_bytes)
    return _Loading(names, profile).start(path)


def load_all(paths: Iterable[str | os.PathLike[str]], **options: Any) -> list[Layer]:
    """Read several files; a later one stands above those before it."""
    layers: list[Layer] = []
    for number, path in enumerate(reversed(list(paths))):
        layers += [
            replace(layer, within=layer.within + number * MAX_INCLUDES) for layer in load(path, **options)
        ]
    return layers


def parse(
    text: str, *, file: str = "<string>", profile: str | None = None, name: str = "file"
) -> list[Layer]:
    """Read a text into layers, as ``load`` does a file; includes resolve against the working directory."""
    return _Loading(Names(file=name), profile).start_text(text, file)


def read(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Read a file as a plain dict, as it stands: includes and profiles are not followed.

    Raises:
        ConfigError: It is not a TOML file; with the place.
        FileNotFoundError: There is no such file.
    """
    file = str(Path(path).absolute())
    document = Document("", file)
    try:
        document.text = guard.read_file(Path(file), max_bytes=max_bytes)
        return guard.parse(document.text)
    except Refusal as refusal:
        fault = _refused(document, refusal)
        raise ConfigError(
            [Problem(fault.text, origin=fault.origin, snippet=_caret(document.text, refusal))]
        ) from None


@dataclass(frozen=True, slots=True)
class _Loading:
    """One file with everything that it includes."""

    names: Names
    profile: str | None
    layers: list[Layer] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    profiles: list[str] = field(default_factory=list)

    def start(self, path: str | os.PathLike[str]) -> list[Layer]:
        """Read the file that the program names."""
        self.read(path, self.names.file, None, None)
        return self.ranked()

    def start_text(self, text: str, file: str) -> list[Layer]:
        """Read a text that the program holds."""
        self.take(Document(text, file), self.names.file, str(Path.cwd()))
        return self.ranked()

    def ranked(self) -> list[Layer]:
        """Number the layers of one name in their order, and miss a profile that no file has."""
        if self.profile is not None and self.profile not in self.profiles:
            self.miss_profile()
        counts: dict[str, int] = {}
        ordered = []
        for layer in self.layers:
            within = counts[layer.name] = counts.get(layer.name, -1) + 1
            ordered.append(replace(layer, within=within) if within else layer)
        return ordered

    def miss_profile(self) -> None:
        """Note that the profile asked for is nowhere."""
        near = close(self.profile or "", self.profiles)
        fault = Fault(
            f"there is no profile {self.profile!r}",
            origin=self.layers[0].origins(()) if self.layers else None,
            known=", ".join(self.profiles) or "no profiles",
            hint=f"profile {near[0]}" if near else "",
        )
        self.layers[0] = replace(self.layers[0], faults=(*self.layers[0].faults, fault))

    def read(
        self, path: str | os.PathLike[str], name: str, parent: Origin | None, asked: Origin | None
    ) -> None:
        """Read one file; what cannot be read becomes the fault of a layer."""
        file = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118  Path does the same in ten times the time.
        document = Document("", file, parent)
        text = ""
        try:
            text = guard.read_file(file, max_bytes=self.names.max_bytes)
        except FileNotFoundError:
            self.fail(document, name, Fault(f"the file {show(str(path))} does not exist", origin=asked))
            return
        except OSError as error:
            reason = error.strerror or type(error).__name__
            self.fail(
                document, name, Fault(f"the file {show(str(path))} cannot be read: {reason}", origin=asked)
            )
            return
        except Refusal as refusal:
            self.fail(document, name, _refused(document, refusal))
            return
        document.text = text
        self.seen.append(file)
        self.take(document, name, os.path.dirname(file))  # noqa: PTH120  As above.
        self.seen.pop()

    def fail(self, document: Document, name: str, fault: Fault) -> None:
        """Stand in for a file that gave nothing."""
        self.layers.append(
            Layer(name, {}, document.origin, kind="toml", label=document.file, faults=(fault,))
        )

    def take(self, document: Document, name: str, folder: str) -> None:
        """Make the layers of one text: its profile, itself, its includes."""
        try:
            values = guard.parse(document.text)
        except Refusal as refusal:
            self.fail(document, name, _refused(document, refusal))
            return
        faults: list[Fault] = []
        includes = _strings(values, "include", faults, document)
        unset = _strings(values, "unset", faults, document)
        profiles = values.pop("profile", {})
        if not isinstance(profiles, Mapping):
            faults.append(_wrong_kind(document, "profile", profiles, "a table of profiles"))
            profiles = {}
        self.profiles.extend(profiles)
        chosen = profiles.get(self.profile) if self.profile is not None else None
        if chosen is not None:
            self.layers.append(self.layer_of_profile(document, chosen, folder))
        self.layers.append(
            Layer(
                name,
                values,
                document.origin,
                kind="toml",
                label=document.file,
                unknown=self.names.unknown,
                sections=self.names.sections,
                folder=folder,
                unset=tuple((path, ("unset", index)) for index, path in enumerate(unset)),
                faults=tuple(faults),
            )
        )
        own = len(self.layers) - 1
        # A later include stands above an earlier one, so it is read first.
        for index, path in reversed(list(enumerate(includes))):
            self.include(document, own, Path(folder, path), index)

    def layer_of_profile(self, document: Document, chosen: Any, folder: str) -> Layer:
        """Make the layer of the profile asked for."""
        prefix = ("profile", str(self.profile))
        faults: list[Fault] = []
        if not isinstance(chosen, Mapping):
            faults.append(_wrong_kind(document, ".".join(prefix), chosen, "a table of settings", prefix))
            chosen = {}
        unset = _strings(dict(chosen), "unset", faults, document, prefix)

        def origins(keys: Keys) -> Origin:
            found = document.origin(keys, prefix=prefix)
            return replace(found, key=".".join((*prefix, found.key)))

        return Layer(
            self.names.profile,
            {key: value for key, value in chosen.items() if key != "unset"},
            origins,
            kind="toml",
            label=document.file,
            unknown=self.names.unknown,
            sections=self.names.sections,
            folder=folder,
            unset=tuple((path, ("unset", index)) for index, path in enumerate(unset)),
            faults=tuple(faults),
        )

    def include(self, document: Document, own: int, path: Path, index: int) -> None:
        """Read one included file, unless it includes itself."""
        asked = document.origin(("include", index))
        asked = replace(asked, key="include")
        text = ""
        if os.path.realpath(path) in {os.path.realpath(file) for file in self.seen}:
            text = f"the include {show(str(path))} goes round in a circle"
        elif len(self.layers) >= MAX_INCLUDES:
            text = f"more than {MAX_INCLUDES} files are included"
        if text:
            layer = self.layers[own]
            self.layers[own] = replace(layer, faults=(*layer.faults, Fault(text, origin=asked)))
        else:
            self.read(path, self.names.included, asked, asked)


def _strings(
    values: dict[str, Any], key: str, faults: list[Fault], document: Document, prefix: Keys = ()
) -> list[str]:
    """Take a list of texts out of a table."""
    found = values.pop(key, [])
    if isinstance(found, str):
        found = [found]
    if isinstance(found, list) and all(isinstance(each, str) for each in found):
        return found
    faults.append(_wrong_kind(document, key, found, "a list of texts", prefix))
    return []


def _wrong_kind(document: Document, key: str, value: Any, expected: str, prefix: Keys = ()) -> Fault:
    origin = document.origin(prefix if prefix and key.startswith("profile") else (*prefix, key))
    return Fault(f"{key!r} is {show(value)}; expected {expected}", origin=origin)


def _refused(document: Document, refusal: Refusal) -> Fault:
    """Make a fault of a refusal; the snippet is drawn when it is known which keys are secret."""
    from ptyconf.origin import shown_path

    origin = document.at(refusal.line, refusal.column)
    text = f"{shown_path(document.file)} {refusal.text}"
    context = _context(document.text, refusal.line)
    return Fault(text, origin=origin, snippet=_caret(document.text, refusal), context=context)


def _context(text: str, line: int | None) -> str:
    """Take the lines from the last one that starts an assignment down to a place."""
    lines = text.split("\n")[: line or 0]
    start = len(lines) - 1
    while start > 0 and not re.match(_ASSIGNMENT, lines[start]):
        start -= 1
    return "\n".join(lines[max(0, start) :])


def _caret(text: str, refusal: Refusal) -> str:
    """Draw the line of an error with a caret under the place."""
    if refusal.line is None or refusal.column is None or not text:
        return ""
    lines = text.removeprefix("\ufeff").split("\n")
    if refusal.line > len(lines):
        return ""
    line = lines[refusal.line - 1].rstrip("\r")
    start = max(0, refusal.column - 60)
    shown = "".join(each if each.isprintable() else " " for each in line[start : start + 100])
    return f"  | {shown}\n  | {' ' * (refusal.column - 1 - start)}^"
