"""The layer of environment variables: one declared prefix, ``__`` between levels, and declared own names."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from ptyconf.arguments import expect, expect_one_of
from ptyconf.errors import SchemaError
from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.layer import Layer, Unknown
from ptyconf.merge.origin import Origin
from ptyconf.merge.variables import is_secret_below
from ptyconf.schema.reference import escaped
from ptyconf.schema.schema import Schema
from ptyconf.text.files import TextError, read_file

Empty = Literal["text", "unset"]
RESERVED = ("PROFILE",)
FILE = "_FILE"


def layer(
    prefix: str,
    environ: Mapping[str, str] | None = None,
    *,
    name: str = "environment",
    unknown: Unknown = "error",
    reserved: Collection[str] = RESERVED,
    empty: Empty = "text",
    schema: Schema | None = None,
    references: bool | None = None,
) -> Layer:
    """Make a layer of the variables that start with ``PREFIX__``.

    A variable that starts with ``PREFIX_`` alone is another program's, such as a container's service link,
    unless a second underscore makes it a setting of a section: ``PREFIX_SECTION__NAME`` is told as a slip.

    Args:
        prefix: The declared prefix, without underscores at its end.
        environ: The variables; the process's own if left out.
        name: Name in the precedence.
        unknown: What an unknown variable below the prefix is: error, warn or ignore.
        reserved: Names below the prefix that are no settings.
        empty: What a variable without a text is: an empty "text", or "unset", as if it were not there.
        schema: The settings; with it, those that declare a name of their own (``env="DATABASE_URL"``) are
            read from there too, a secret may stand in a file that ``NAME_FILE`` names, and slips are seen.
        references: Whether texts may refer to other values; as the schema says if left out.
    """
    check_prefix("environment.layer", prefix)
    variables = os.environ if environ is None else environ
    expect("environment.layer", "environ", variables, (dict, Mapping), "a table of variables")
    named = Variables(prefix, reserved, empty, schema, references, _variable)
    named.take_all(variables)
    return named.layer(name, unknown)


def check_prefix(call: str, prefix: str) -> None:
    """Refuse what is no prefix of variables.

    Raises:
        SchemaError: It is no text, or has the underscores that stand behind it.
    """
    expect(call, "prefix", prefix, str, "the start of the variables", f'{call}("APP")')
    if prefix.endswith("_"):
        raise SchemaError(f"{call}: the prefix {prefix!r} ends with _; write {prefix.rstrip('_')!r}")


@dataclass(slots=True)
class Variables:
    """The variables that mean settings, however they came: of the process, or of a dotenv file."""

    prefix: str
    reserved: Collection[str]
    empty: Empty
    schema: Schema | None
    references: bool | None
    place: Callable[[str], Origin]  # gives the origin of a name as it was written
    texts: dict[str, str] = field(default_factory=dict)  # by name below the prefix
    written: dict[str, str] = field(default_factory=dict)  # the name as it was written
    files: dict[str, str] = field(default_factory=dict)  # where NAME_FILE pointed
    faults: list[Fault] = field(default_factory=list)

    def __post_init__(self) -> None:
        expect("a layer of variables", "schema", self.schema, (Schema, type(None)), "the Schema")
        expect_one_of("a layer of variables", "empty", self.empty, ("text", "unset"))

    def take_all(self, variables: Mapping[str, str]) -> None:
        """Take the variables that mean settings."""
        own = self.own_names()
        start = f"{self.prefix}__"
        files: list[tuple[str, str]] = []
        for written in sorted([name for name in variables if name.startswith(start) or name in own]):
            below = own.get(written)
            if below is None and self.prefix:
                below = written[len(start) :]
            if below is not None and below not in self.reserved:
                if self.is_file(below):
                    files.append((below.removesuffix(FILE), written))
                else:
                    self.take(below, variables[written], written)
        files += [
            (below, f"{written}{FILE}")
            for written, below in own.items()
            if f"{written}{FILE}" in variables and self.is_file(f"{below}{FILE}")
        ]
        for below, written in files:
            self.take_file(below, variables[written], written)
        if self.schema is not None:
            self.miss_underscore(variables, self.schema)

    def miss_underscore(self, variables: Mapping[str, str], schema: Schema) -> None:
        """Tell of variables with one underscore behind the prefix that are settings with two."""
        start = f"{self.prefix}_"
        for written in sorted([name for name in variables if name.startswith(start)]):
            below = written[len(start) :].upper()
            if "__" in below and below in schema.index.environment:
                meant = f"{self.prefix}__{written[len(start) :]}"
                origin = self.place(written)
                expected = f"{self.prefix}__SECTION__NAME, two underscores between levels"
                text = f"the variable {written!r} is not read"
                self.faults.append(Fault(text, origin=origin, expected=expected, hint=meant))

    def own_names(self) -> Mapping[str, str]:
        """Give the names that settings declare as their own, each with the name below the prefix."""
        if self.schema is None:
            return {}
        return self.schema.own_variables

    def is_file(self, below: str) -> bool:
        """Tell whether a name means the file of a secret, and is no setting itself."""
        if self.schema is None or not below.upper().endswith(FILE):
            return False
        known = self.schema.index.environment
        name = below.upper().removesuffix(FILE)
        if below.upper() in known:
            return False
        if name in known:
            return self.schema.index.is_secret(known[name])
        return is_secret_below(self.schema, name)

    def take(self, below: str, text: str, written: str) -> None:
        """Keep one variable; a setting that has two must have the same text twice."""
        if not text and self.empty == "unset":
            return
        if below in self.texts:
            if self.texts[below] != text:
                first = self.written[below]
                text = f"the variables {first!r} and {written!r} mean the same setting and differ"
                origin = self.place(written)
                self.faults.append(Fault(text, origin=origin, hint=f"keep one of {first} and {written}"))
            return
        self.texts[below], self.written[below] = text, written

    def take_file(self, below: str, path: str, written: str) -> None:
        """Keep the text of a secret's file, without the line end that editors leave."""
        if not path and self.empty == "unset":
            return
        origin = _with_file(self.place(written), path)
        try:
            text = read_file(path).removesuffix("\n").removesuffix("\r")
        except TextError as refusal:
            self.faults.append(Fault(f"the file {path!r} {refusal.text}", origin=origin))
        except OSError as error:
            words = error.strerror or type(error).__name__
            self.faults.append(Fault(f"the file {path!r} cannot be read: {words}", origin=origin))
        else:
            if below not in self.texts:
                self.files[below] = path
            refers = self.references or (self.schema is not None and self.schema.references)
            self.take(below, escaped(text) if refers else text, written)

    def layer(self, name: str, unknown: Unknown) -> Layer:
        """Make the layer."""
        return Layer.of(
            {
                "name": name,
                "values": self.texts,
                "origins": partial(_written_as, self.prefix, self.written, self.files, self.place),
                "kind": "environment",
                "label": self.prefix,
                "text": True,
                "unknown": unknown,
                "references": self.references,
                "faults": tuple(self.faults),
            }
        )


def _written_as(
    prefix: str,
    written: Mapping[str, str],
    files: Mapping[str, str],
    place: Callable[[str], Origin],
    keys: Keys,
) -> Origin:
    """Give the origin of a variable, spelled as it was written; what its text holds has its place."""
    names = ("__".join(str(key) for key in keys[:length]) for length in range(len(keys), 0, -1))
    below = next((name for name in names if name in written), "__".join(str(key) for key in keys))
    key = written.get(below, f"{prefix}__{below}")
    return _with_file(place(key), files[below]) if below in files else place(key)


def _with_file(origin: Origin, path: str) -> Origin:
    """Name the file of a secret beside a variable that stands in no file itself."""
    if origin.file is not None:
        return origin
    return Origin(origin.kind, origin.label, origin.key, os.path.abspath(path))  # noqa: PTH100


def _variable(written: str) -> Origin:
    return Origin("environment", "environment", written)
