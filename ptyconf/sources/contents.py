"""What one text of settings holds: its table, and the entries with a meaning of their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ptyconf.merge.columns import NO_COLUMNS, Columns, deep_columns, with_own_lists
from ptyconf.merge.fault import Fault, Keys
from ptyconf.schema.fields import UNSET
from ptyconf.sources.document import KEPT_TEXTS, LONGEST_KEPT, Document
from ptyconf.text.show import close_matches, dotted_key, show

DESCRIBED_BY = "$schema"  # editors find there what describes the file
RESERVED = ("include", "unset", "replace", "profile")
Missing = Literal["error", "skip"]

WORDS_OF_MISSING: tuple[Missing, ...] = ("error", "skip")


class Include(NamedTuple):
    """A file that a text includes: its path, its number in the list, and what its lack is."""

    path: str
    number: int
    missing: Missing = "error"


class Contents(NamedTuple):
    """What a text holds.

    Args:
        columns: Its settings, None where they are more than plain values, lists and dates.
        values: Its settings then.
        includes: The files that it includes.
        unset: Paths that it sets to None, with their keys.
        replaces: Paths for which nothing below it counts.
        profiles: What stands as its profiles, UNSET where nothing does.
    """

    columns: Columns | None = NO_COLUMNS
    values: Mapping[str, Any] = {}
    includes: Sequence[Include] = ()
    unset: tuple[tuple[str, Keys], ...] = ()
    replaces: frozenset[str] = frozenset()
    profiles: Any = UNSET


NO_CONTENTS = Contents()
KEPT: dict[tuple[Any, str], tuple[str, Contents]] = {}
"""What texts held that were parsed, by parser and text."""


def contents_of(document: Document, table: Keys, faults: list[Fault], *, missing: Missing) -> Contents:
    """Parse a document, or find what the same text held before: a file is read anew, but parsed once.

    Args:
        document: The text.
        table: Where the settings stand in it.
        faults: Takes what is wrong.
        missing: Whether the lack of that table is an error.

    Raises:
        TextError: It is no document of its format.
    """
    key = document.format.parse, document.text
    kept = None if table else KEPT.get(key)
    if kept is not None:
        document.text, contents = kept  # all who hold the text hold the same one
        return _with_own_lists(contents)
    values = document.format.parse(document.text)
    if isinstance(values.get(DESCRIBED_BY), str):
        del values[DESCRIBED_BY]
    if table:
        values = _inner_table(values, table, document, faults, missing)
    contents = taken_apart(values, RESERVED, document, table, faults)
    plain = contents.columns is not None and contents.profiles is UNSET
    if not plain or table or faults or len(document.text) > LONGEST_KEPT:
        return contents
    if len(KEPT) >= KEPT_TEXTS:
        KEPT.clear()
    KEPT[key] = document.text, contents
    return _with_own_lists(contents)


def taken_apart(
    values: dict[str, Any], reserved: Collection[str], document: Document, at: Keys, faults: list[Fault]
) -> Contents:
    """Part the settings of a table from its entries with a meaning of their own."""
    if values.keys().isdisjoint(reserved):
        columns = deep_columns(values)
        return Contents(columns, values if columns is None else {})
    includes = _includes(values, faults, document, at) if "include" in reserved else ()
    strings = {name: _strings(values, name, faults, document, at) for name in ("unset", "replace")}
    profiles = values.pop("profile", UNSET) if "profile" in reserved else UNSET
    columns = deep_columns(values)
    return Contents(
        columns,
        values if columns is None else {},
        includes,
        tuple((path, ("unset", index)) for index, path in enumerate(strings["unset"])),
        frozenset(strings["replace"]),
        profiles,
    )


def _with_own_lists(contents: Contents) -> Contents:
    """Let no two layers of one text share a list."""
    columns = contents.columns and with_own_lists(contents.columns)
    return contents if columns is contents.columns else contents._replace(columns=columns)


def _inner_table(
    values: dict[str, Any], table: Keys, document: Document, faults: list[Fault], missing: Missing
) -> dict[str, Any]:
    """Give the table in which the settings stand; an empty one where the file has none."""
    inner: Any = values
    for number, key in enumerate(table, 1):
        around, inner = inner, inner.get(key)
        if inner is None:
            if missing == "error":
                faults.append(_no_table(table, number, around, document))
            return {}
        if not isinstance(inner, Mapping):
            faults.append(wrong_kind(document, table[:number], inner, "a table"))
            return {}
    return dict(inner)


def _no_table(table: Keys, number: int, around: Mapping[str, Any], document: Document) -> Fault:
    """Say that a file has no such table, with those that it has at the place of the missing one."""
    tables = {
        dotted_key((*table[: number - 1], key)): key
        for key, item in around.items()
        if isinstance(item, Mapping)
    }
    near = close_matches(dotted_key(table[:number]), tables, count=1)
    hint = dotted_key((*table[: number - 1], tables[near[0]], *table[number:])) if near else ""
    text = f"the file {show(document.file)} has no table [{'.'.join(map(str, table))}]"
    return Fault(text, known=", ".join(tables), hint=hint)


def _includes(values: dict[str, Any], faults: list[Fault], document: Document, prefix: Keys) -> list[Include]:
    """Take the files to include out of a table: paths, or tables that say what the lack of one is."""
    written = values.pop("include", [])
    entries = [written] if isinstance(written, (str, Mapping)) else written
    if not isinstance(entries, list):
        faults.append(wrong_kind(document, (*prefix, "include"), entries, "a list of texts"))
        return []
    includes: list[Include] = []
    for number, entry in enumerate(entries):
        keys = (*prefix, "include", number)
        said = entry if isinstance(entry, Mapping) else {"path": entry}
        path, missing = said.get("path"), said.get("missing", "error")
        if not isinstance(path, str) or not said.keys() <= {"path", "missing"}:
            expected = 'the path of a file, or {path = "...", missing = "skip"}'
            faults.append(wrong_kind(document, keys, entry, expected))
        elif missing not in WORDS_OF_MISSING:
            expected = " or ".join(map(show, WORDS_OF_MISSING))
            faults.append(wrong_kind(document, (*keys, "missing"), missing, expected))
        else:
            includes.append(Include(path, number, missing))
    return includes


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
    faults.append(wrong_kind(document, (*prefix, key), strings, "a list of texts"))
    return []


def wrong_kind(document: Document, keys: Keys, value: Any, expected: str) -> Fault:
    """Make the fault of an entry that is of another kind than its meaning asks for."""
    # A text may be a secret that stands in the wrong place.
    shown = "a text" if isinstance(value, str) else show(value)
    name = ".".join(str(key) for key in keys)
    return Fault(f"{name!r} is {shown}; expected {expected}", origin=document.origin(keys))
