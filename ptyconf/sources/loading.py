"""How one settings file becomes layers: itself, its profile above it, what it includes below it.

The text is pinned when it is read; where a key stands in it is found out when a report asks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import PurePath
from typing import Any, Literal, NamedTuple

from ptyconf.merge.columns import columns_of
from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.layer import Compact, Layer, Unknown
from ptyconf.merge.origin import Origin
from ptyconf.sources.document import Document, Format, text_fault
from ptyconf.sources.formats import format_of
from ptyconf.text.files import MAX_BYTES, TextError, read_known
from ptyconf.text.show import close_matches, show

MAX_INCLUDES = 100
RESERVED = frozenset({"include", "unset", "replace", "profile"})
NO_PROFILE = "there is no profile"
Missing = Literal["error", "skip"]


class Names(NamedTuple):
    """What the layers of a file are called, and how its keys are read."""

    file: str = "file"
    included: str = "included"
    profile: str = "profile"
    unknown: Unknown = "error"
    sections: tuple[str, ...] | None = None
    max_bytes: int = MAX_BYTES
    table: Keys = ()  # where the settings stand in the file that the program names
    missing: Missing = "error"
    references: bool | None = None


class Loading:
    """One file with everything that it includes."""

    __slots__ = ("format", "layers", "names", "profile", "profiles", "seen")

    def __init__(self, names: Names, profile: str | None, kind: Format | None = None) -> None:
        self.names = names
        self.profile = profile
        self.format = kind  # chosen by the ending of the name where None
        self.layers: list[Layer] = []
        self.seen: list[tuple[tuple[int, int], str]] = []  # files that led here
        self.profiles: list[str] = []

    def start(self, path: str | os.PathLike[str]) -> list[Layer]:
        """Read the file that the program names."""
        self.read(path, self.names.file, None)
        return self.ranked()

    def start_text(self, text: str, file: str) -> list[Layer]:
        """Read a text that the program holds, as if it stood in the file of that name."""
        document = Document(text, file, self.format or format_of(file))
        self.take(document, self.names.file, os.path.dirname(os.path.abspath(file)))  # noqa: PTH100, PTH120
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
        near = close_matches(self.profile or "", self.profiles)
        fault = Fault(
            f"{NO_PROFILE} {self.profile!r}",
            origin=self.layers[0].origins(()) if self.layers else None,
            known=", ".join(self.profiles) or "no profiles",
            hint=f"profile {near[0]}" if near else "",
        )
        self.layers[0] = replace(self.layers[0], faults=(*self.layers[0].faults, fault))

    def read(
        self,
        path: str | os.PathLike[str],
        name: str,
        asked: tuple[Document, Keys] | None,
        own: int = 0,
    ) -> None:
        """Read one file, perhaps for an include; what cannot be read becomes the fault of a layer."""
        # Path does all this in ten times the time.
        file = os.fspath(path) if os.path.isabs(path) else os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH117, PTH118
        document = Document("", file, self.format or format_of(file), asked)
        text = ""
        try:
            document.text, identity = read_known(file, max_bytes=self.names.max_bytes)
        except FileNotFoundError:
            if asked is None and self.names.missing == "skip":
                self.layers.append(self.layer(document, name, {}))
            else:
                self.fail(
                    document,
                    name,
                    Fault(f"the file {show(str(path))} does not exist", origin=document.parent),
                )
            return
        except OSError as error:
            reason = error.strerror or type(error).__name__
            text = f"the file {show(str(path))} cannot be read: {reason}"
            self.fail(document, name, Fault(text, origin=document.parent))
            return
        except TextError as refusal:
            self.fail(document, name, text_fault(document, refusal))
            return
        if asked is not None and self.is_open(identity, file):
            self.refuse_include(own, asked, f"the include {show(file)} goes round in a circle")
            return
        self.seen.append((identity, file))
        self.take(document, name, os.path.dirname(file))  # noqa: PTH120  As above.
        self.seen.pop()

    def is_open(self, identity: tuple[int, int], file: str) -> bool:
        """Tell whether a file is one of those that led to it, perhaps by a link."""
        return any(
            identity == known and os.path.realpath(file) == os.path.realpath(other)
            for known, other in self.seen
        )

    def fail(self, document: Document, name: str, fault: Fault) -> None:
        """Stand in for a file that gave nothing."""
        self.layers.append(self.layer(document, name, {}, faults=(fault,)))

    def layer(
        self, document: Document, name: str, values: Mapping[str, Any], prefix: Keys = (), **more: Any
    ) -> Layer:
        """Make a layer of a document, or of the table in it that has a prefix."""
        names = self.names
        columns = columns_of(values)
        origins = partial(Document.origin, document) if not prefix else partial(_below, document, prefix)
        held = {"values": values, "columns": ()} if columns is None else {"columns": columns}
        return Compact.of(
            {
                "name": name,
                "origins": origins,
                "kind": document.format.name,
                "label": document.file,
                "unknown": names.unknown,
                "sections": names.sections,
                "references": names.references,
                **held,
                **more,
            }
        )

    def take(self, document: Document, name: str, folder: str) -> None:
        """Make the layers of one text: its profile, itself, its includes."""
        table = self.names.table if document.asked is None else ()
        faults: list[Fault] = []
        try:
            values = document.format.parse(document.text)
            if table:
                values = self.inner_table(values, table, document, faults)
        except TextError as refusal:
            document.give_up()
            self.fail(document, name, text_fault(document, refusal))
            return
        includes: Sequence[str] = ()
        more: dict[str, Any] = {"folder": folder}
        if not RESERVED.isdisjoint(values):
            includes = _strings(values, "include", faults, document, table)
            more["unset"] = _places_of_unset(_strings(values, "unset", faults, document, table))
            more["replaces"] = frozenset(_strings(values, "replace", faults, document, table))
            self.take_profile(document, values.pop("profile", {}), folder, table, faults)
        self.layers.append(self.layer(document, name, values, table, faults=tuple(faults), **more))
        own = len(self.layers) - 1
        # A later include stands above an earlier one, so it is read first.
        for index, path in reversed(list(enumerate(includes))):
            asked = document, (*table, "include", index)
            if len(self.layers) >= MAX_INCLUDES:
                self.refuse_include(own, asked, f"more than {MAX_INCLUDES} files are included")
            else:
                self.read(_joined(folder, path), self.names.included, asked, own)

    def inner_table(
        self, values: dict[str, Any], table: Keys, document: Document, faults: list[Fault]
    ) -> dict[str, Any]:
        """Give the table in which the settings stand; an empty one where the file has none."""
        inner: Any = values
        for number, key in enumerate(table, 1):
            inner = inner.get(key) if isinstance(inner, Mapping) else inner
            if inner is None:
                if self.names.missing == "error":
                    faults.append(Fault(f"the file {show(document.file)} has no table [{'.'.join(table)}]"))
                return {}
            if not isinstance(inner, Mapping):
                faults.append(_wrong_kind(document, table[:number], inner, "a table"))
                return {}
        return dict(inner)

    def take_profile(
        self, document: Document, profiles: Any, folder: str, table: Keys, faults: list[Fault]
    ) -> None:
        """Make the layer of the profile asked for, above that of the file."""
        if not isinstance(profiles, Mapping):
            faults.append(_wrong_kind(document, (*table, "profile"), profiles, "a table of profiles"))
            return
        self.profiles.extend(profiles)
        chosen = profiles.get(self.profile) if self.profile is not None else None
        if chosen is not None:
            self.layers.append(self.layer_of_profile(document, chosen, folder, table))

    def layer_of_profile(self, document: Document, chosen: Any, folder: str, table: Keys) -> Layer:
        """Make the layer of the profile asked for."""
        prefix = (*table, "profile", str(self.profile))
        faults: list[Fault] = []
        if not isinstance(chosen, Mapping):
            faults.append(_wrong_kind(document, prefix, chosen, "a table of settings"))
            chosen = {}
        chosen = dict(chosen)
        unset = _strings(chosen, "unset", faults, document, prefix)
        replaces = frozenset(_strings(chosen, "replace", faults, document, prefix))
        return self.layer(
            document,
            self.names.profile,
            chosen,
            prefix,
            folder=folder,
            unset=_places_of_unset(unset),
            replaces=replaces,
            faults=tuple(faults),
        )

    def refuse_include(self, own: int, asked: tuple[Document, Keys], text: str) -> None:
        """Note at the layer that asks for a file why it is not read."""
        document, keys = asked
        layer = self.layers[own]
        origin = document.origin(keys)._replace(key=".".join(map(str, keys[:-1])))
        self.layers[own] = replace(layer, faults=(*layer.faults, Fault(text, origin=origin)))


def _joined(folder: str, path: str) -> str:
    """Join a path to a folder and write it in one way, as Path does in ten times the time."""
    joined = os.path.join(folder, path)  # noqa: PTH118
    plain = path and "//" not in joined and "/." not in joined and joined[-1] != "/" and os.sep == "/"
    return joined if plain else str(PurePath(joined))


def _below(document: Document, prefix: Keys, keys: Keys) -> Origin:
    """Say where a key below a table stands, named with the table as its file has it."""
    return document.origin((*prefix, *keys))


def _places_of_unset(unset: Sequence[str]) -> tuple[tuple[str, Keys], ...]:
    return tuple((path, ("unset", index)) for index, path in enumerate(unset))


def _strings(
    values: dict[str, Any], key: str, faults: list[Fault], document: Document, prefix: Keys = ()
) -> list[str]:
    """Take a list of texts out of a table."""
    if key not in values:
        return []
    strings = values.pop(key)
    if isinstance(strings, str):
        strings = [strings]
    if isinstance(strings, list) and all(isinstance(string, str) for string in strings):
        return strings
    faults.append(_wrong_kind(document, (*prefix, key), strings, "a list of texts"))
    return []


def _wrong_kind(document: Document, keys: Keys, value: Any, expected: str) -> Fault:
    # A text may be a secret that stands in the wrong place.
    shown = "a text" if isinstance(value, str) else show(value)
    name = ".".join(str(key) for key in keys)
    return Fault(f"{name!r} is {shown}; expected {expected}", origin=document.origin(keys))
