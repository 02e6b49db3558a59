"""How one settings file becomes layers: itself, its profile above it, what it includes below it.

The text is pinned when it is read; where a key stands in it is found out when a report asks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.layer import Columnar, Layer, Unknown
from ptyconf.merge.origin import Origin
from ptyconf.schema.fields import UNSET
from ptyconf.sources.contents import NO_CONTENTS, Contents, Missing, contents_of, taken_apart, wrong_kind
from ptyconf.sources.document import Document, Format, text_fault
from ptyconf.sources.formats import format_of
from ptyconf.text.files import MAX_BYTES, TextError, read_known
from ptyconf.text.show import close_matches, one_word, show

MAX_INCLUDES = 100


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
        self.read(path, self.names.file, None, missing=self.names.missing)
        return self.ranked()

    def start_text(self, text: str, file: str) -> list[Layer]:
        """Read a text that the program holds, as if it stood in the file of that name."""
        document = Document(text, file, self.format or format_of(file))
        self.take(document, self.names.file, os.path.dirname(os.path.abspath(file)))  # noqa: PTH100, PTH120
        return self.ranked()

    def ranked(self) -> list[Layer]:
        """Number the layers of one name in their order."""
        counts: dict[str, int] = {}
        ordered = []
        for layer in self.layers:
            within = counts[layer.name] = counts.get(layer.name, -1) + 1
            ordered.append(replace(layer, within=within) if within else layer)
        return ordered

    def read(
        self,
        path: str | os.PathLike[str],
        name: str,
        asked: tuple[Document, Keys] | None,
        own: int = 0,
        *,
        missing: Missing = "error",
    ) -> None:
        """Read one file, perhaps for an include; what cannot be read becomes the fault of a layer."""
        # Path does all this in ten times the time.
        file = os.fspath(path) if os.path.isabs(path) else os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH117, PTH118
        document = Document("", file, self.format or format_of(file), asked)
        text = ""
        try:
            document.text, identity = read_known(file, max_bytes=self.names.max_bytes)
        except FileNotFoundError:
            if missing == "skip":
                self.layers.append(self.layer(document, name, NO_CONTENTS))
            else:
                self.fail(document, name, _absent(path, document.parent))
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
        self.layers.append(self.layer(document, name, NO_CONTENTS, faults=(fault,)))

    def layer(
        self, document: Document, name: str, contents: Contents, prefix: Keys = (), **more: Any
    ) -> Layer:
        """Make a layer of what a document, or the table in it that has a prefix, holds."""
        names, columns = self.names, contents.columns
        fields: dict[str, Any] = {
            "name": name,
            "origins": partial(_below, document, prefix) if prefix else partial(Document.origin, document),
            "kind": document.format.name,
            "label": document.file,
            "unknown": names.unknown,
            "sections": names.sections,
            "references": names.references,
            "unset": contents.unset,
            "replaces": contents.replaces,
            "columns": columns or (),
            **more,
        }
        if columns is None:
            fields["values"] = contents.values
        return Columnar.of(fields)

    def take(self, document: Document, name: str, folder: str) -> None:
        """Make the layers of one text: its profile, itself, its includes."""
        table = self.names.table if document.asked is None else ()
        faults: list[Fault] = []
        try:
            contents = contents_of(document, table, faults, missing=self.names.missing)
        except TextError as refusal:
            document.give_up()
            self.fail(document, name, text_fault(document, refusal))
            return
        if contents.profiles is not UNSET:
            self.take_profile(document, contents.profiles, folder, table, faults)
        self.layers.append(self.layer(document, name, contents, table, folder=folder, faults=tuple(faults)))
        own = len(self.layers) - 1
        # A later include stands above an earlier one, so it is read first.
        for include in reversed(contents.includes):
            asked = document, (*table, "include", include.number)
            if len(self.layers) >= MAX_INCLUDES:
                self.refuse_include(own, asked, f"more than {MAX_INCLUDES} files are included")
            else:
                self.read(
                    _joined(folder, include.path), self.names.included, asked, own, missing=include.missing
                )

    def take_profile(
        self, document: Document, profiles: Any, folder: str, table: Keys, faults: list[Fault]
    ) -> None:
        """Make the layer of the profile asked for, above that of the file."""
        if not isinstance(profiles, Mapping):
            faults.append(wrong_kind(document, (*table, "profile"), profiles, "a table of profiles"))
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
            faults.append(wrong_kind(document, prefix, chosen, "a table of settings"))
            chosen = {}
        contents = taken_apart(dict(chosen), ("unset", "replace"), document, prefix, faults)
        return self.layer(document, self.names.profile, contents, prefix, folder=folder, faults=tuple(faults))

    def refuse_include(self, own: int, asked: tuple[Document, Keys], text: str) -> None:
        """Note at the layer that asks for a file why it is not read."""
        document, keys = asked
        layer = self.layers[own]
        origin = document.origin(keys)._replace(key=".".join(map(str, keys[:-1])))
        self.layers[own] = replace(layer, faults=(*layer.faults, Fault(text, origin=origin)))


def _absent(path: str | os.PathLike[str], asked_by: Origin | None) -> Fault:
    """Say that there is no such file, with the nearest name beside it where a file includes it."""
    text = f"the file {show(str(path))} does not exist"
    if asked_by is None:
        return Fault(text)
    wanted = Path(path)
    try:
        beside = [file for file in wanted.parent.iterdir() if file.suffix == wanted.suffix]
    except OSError:
        beside = []
    near = close_matches(wanted.stem, [file.stem for file in beside], count=1)
    return Fault(text, origin=asked_by, hint=f"{near[0]}{wanted.suffix}" if near else "")


def missed_profile(profile: str, known: Iterable[str], origin: Origin | None) -> Fault:
    """Say that the profile asked for is nowhere, in the words of what asked for it."""
    names = list(dict.fromkeys(known))
    near = close_matches(profile, names, count=1)
    asks = {"flag": "--profile ", "environment": "" if origin is None else f"{origin.key}="}
    asked = asks.get("" if origin is None else origin.kind, "profile ")
    return Fault(
        f"there is no profile {profile!r}",
        origin=origin,
        known=", ".join(names) or "no profiles",
        hint=asked + one_word(near[0]) if near else "",
    )


def _joined(folder: str, path: str) -> str:
    """Join a path to a folder and write it in one way, as Path does in ten times the time."""
    joined = os.path.join(folder, path)  # noqa: PTH118
    plain = path and "//" not in joined and "/." not in joined and joined[-1] != "/" and os.sep == "/"
    return joined if plain else str(PurePath(joined))


def _below(document: Document, prefix: Keys, keys: Keys) -> Origin:
    """Say where a key below a table stands, named with the table as its file has it."""
    return document.origin((*prefix, *keys))
