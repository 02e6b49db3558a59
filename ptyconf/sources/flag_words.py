"""How the flags of a schema are spelled, which words they take, and which setting a flag means."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from ptyconf.schema.free import may_be_index
from ptyconf.schema.index import Alias
from ptyconf.schema.list_text import is_list
from ptyconf.schema.path import lacks_key, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Slot

TRUE_OR_FALSE = ("true", "false")
PROFILE, HELP = "--profile", "--help"


class FlagNames:
    """What the flags of a schema are called.

    Args:
        schema: The settings.
        paths: Those that have flags; all if left out.
        order: Sections in which short names are looked up; the schema's if left out.
        short: Whether there are short names.
        used: Flags that are another's.
        taken: Flags that are no setting's short name.
    """

    def __init__(
        self,
        schema: Schema,
        paths: Iterable[str] | None = None,
        order: Iterable[str] | None = None,
        *,
        short: bool = True,
        used: Collection[str] = (),
        taken: Collection[str] = (),
    ) -> None:
        self.schema = schema
        self.by_path: dict[str, list[str]] = {}
        self.options: dict[str, str] = {}
        self.negated: dict[str, str] = {}
        sections = schema.sections if order is None else tuple(order)
        for path in schema.settings if paths is None else paths:
            names = self.by_path[path] = self._names_of(path, sections, used, taken, short=short)
            for option in names:
                self.options.setdefault(option, path)
                if is_switch(schema, path):
                    self.negated.setdefault(negated(option), path)

    def _names_of(
        self, path: str, order: tuple[str, ...], used: Collection[str], taken: Collection[str], *, short: bool
    ) -> list[str]:
        """List the spellings of a setting's flag: its paths, and its name where that is clear."""
        setting = self.schema[path]
        brief = f"--{setting.name}"
        paths = [f"--{name}" for name in (path, *setting.aliases) if f"--{name}" not in used]
        meant = self.schema.index.find_bare(setting.name, order) if short else None
        clear = isinstance(meant, (Slot, Alias)) and meant.path == path
        free = brief not in used and brief not in taken and brief not in paths
        return [*paths[:1], brief, *paths[1:]] if clear and free else paths

    def spelled(self, option: str) -> str:
        """Read a dash inside a name as an underscore where that is a flag: ``--dry-run``, ``--dry_run``."""
        known = (self.options, self.negated)
        if not option.startswith("--") or any(option in options for options in known):
            return option
        plain = option[2:].replace("-", "_")
        spellings = (f"--{plain}", f"--no-{plain.removeprefix('no_')}")
        return next((each for each in spellings if any(each in options for options in known)), option)

    def meaning(self, option: str) -> tuple[str | None, bool]:
        """Find the place that a flag means, and whether the flag turns a switch off there."""
        option = self.spelled(option)
        path = self.path_of(option)
        if path is not None or not option.startswith("--no-"):
            return path, False
        if option in self.negated:
            return self.negated[option], True
        path = self.path_of(f"--{option.removeprefix('--no-')}")
        return (path, True) if path is not None and is_switch(self.schema, path) else (None, False)

    def path_of(self, option: str) -> str | None:
        """Find the setting that a flag means: its own, or one below a setting that holds settings."""
        if option in self.options or not option.startswith("--"):
            return self.options.get(option)
        name = option[2:]
        if lacks_key(name):
            return None
        try:
            root, below = self.schema.locate(name)
        except KeyError:
            return name if self._is_below_values(name) else None
        return name if below and root in self.by_path else None

    def _is_below_values(self, name: str) -> bool:
        """Tell whether a name means a key of a table of any values, an element of a list, or a section."""
        segments = split_path(name)
        if (free := self.schema.locate_free(segments)) is not None and not may_be_index(free[1]):
            return free[0].path in self.by_path
        if isinstance(segments[-1], int) and (listed := self.schema.find_slot(segments[:-1])) is not None:
            return is_list(listed)
        return name in self.schema.index.section_variables.values()


def option_and_text(word: str) -> tuple[str, str | None]:
    """Part a word at its sign; one between quotes belongs to a key: ``--nodes."a=b".port=5``."""
    match = re.match(r"""((?:[^="']|"(?:[^"\\]|\\.)*"|'[^']*')*)=""", word)
    option, sign, text = word.partition("=") if match is None else (match[1], "=", word[match.end() :])
    return option, text if sign else None


def negated(option: str) -> str:
    """Spell the flag that turns a switch off."""
    return f"--no-{option[2:]}"


def is_switch(schema: Schema, path: str) -> bool:
    """Tell whether a setting is true or false, so that its flag needs no word."""
    slot = schema.find_slot(path)
    return slot is not None and slot.kind.expected == "true or false"


def text_of_switch(words: list[str]) -> str:
    """Take the word behind a switch where that is true or false; one that stands alone is true."""
    return words.pop(0) if words and words[0] in TRUE_OR_FALSE else "true"


def word_of(schema: Schema, path: str) -> str:
    """Name the word that a flag takes."""
    words = {"a whole number": "INT", "a number": "NUMBER", "a path": "PATH"}
    slot = schema.find_slot(path)
    expected = "" if slot is None else slot.kind.expected
    return words.get(expected, str(split_path(path)[-1]).upper())
