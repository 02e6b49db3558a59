"""Flags of a schema in a parser of argparse's kind, read as a command line of the schema's flags alone is."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ptyconf.arguments import expect
from ptyconf.errors import SchemaError
from ptyconf.schema.choices import one_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import holds_secret
from ptyconf.sources.flag_words import (
    PROFILE,
    FlagNames,
    is_switch,
    negated,
    option_and_text,
    text_of_switch,
    word_of,
)
from ptyconf.text.show import show

_COUNT = itertools.count()


@dataclass(frozen=True, slots=True)
class Given:
    """One flag as it was typed; each occurrence has its own place, so that a subparser's overwrite none."""

    number: int
    path: str
    text: str
    spelled: str
    schema: Schema | None = field(default=None, repr=False, compare=False)  # that of the parser

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without the schema, which no pickle holds."""
        return Given, (self.number, self.path, self.text, self.spelled)


class TakeFlag(argparse.Action):
    """Keep the text of a flag together with how it was spelled; its help is written when it is asked for."""

    def __init__(
        self, *names: Any, schema: Schema, describe: Callable[[], str] | None = None, **more: Any
    ) -> None:
        super().__init__(*names, **more)
        self.schema = schema
        self._describe = describe

    @property
    def help(self) -> str | None:
        """The words of the help page: choices from a registry mean a look at every distribution."""
        return self._help if self._describe is None else self._describe().replace("%", "%%")

    @help.setter  # noqa: A003  The name is argparse's.
    def help(self, text: str | None) -> None:
        self._help, self._describe = text, None

    def describe_by(self, describe: Callable[[], str]) -> None:
        """Let a call write the help when it is asked for."""
        self._describe = describe

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  The signature is argparse's.
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Keep one occurrence beside the others."""
        number = next(_COUNT)
        text = str(self.const if self.nargs == 0 or values is None else values)
        given = Given(number, self.dest, text, option_string or self.dest, self.schema)
        setattr(namespace, f"ptyconf_flag_{number}", given)


def add_flags(
    parser: argparse.ArgumentParser,
    schema: Schema,
    *,
    paths: Iterable[str] | None = None,
    short: bool = True,
    taken: Collection[str] = (),
    sections: Iterable[str] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> None:
    """Add one flag per setting, ``--section.name``, and ``--name`` where that is unambiguous.

    A setting that is true or false is switched by ``--name`` and ``--no-name``, and takes ``--name=true``;
    the flag of a list may be given several times. Places below a setting have flags, too, though help lists
    none of them: ``--replicas.eu.port 5``, ``--nodes[0].port 5``.

    Args:
        parser: The parser; its own flags keep their names.
        schema: The settings.
        paths: The settings to make flags for; all if left out.
        short: Whether to add the short forms.
        taken: Short names to leave alone.
        sections: Order in which short names are looked up; the schema's if left out.
        defaults: What help shows as the default of each path, where several layers of defaults decide; the
            schema's own if left out.

    Raises:
        SchemaError: There is no such setting, or the parser has a flag that is the only one of a setting.
    """
    expect(
        "add_flags",
        "parser",
        parser,
        argparse.ArgumentParser,
        "an ArgumentParser",
        "add_flags(parser, schema)",
    )
    expect("add_flags", "schema", schema, Schema, "a Schema", "schema_of(App)")
    chosen = list(schema.settings if paths is None else paths)
    for path in chosen:
        if path not in schema.settings:
            raise SchemaError(f"add_flags: {path!r} is no setting of {schema.name!r}")
    used = set(parser._option_string_actions)  # noqa: SLF001  No public list.
    short_of_others = {PROFILE, *(f"--{name}" for name in taken)}
    names = FlagNames(schema, chosen, sections, short=short, used=used, taken=short_of_others)
    groups: dict[str, Any] = {}
    for path, options in names.by_path.items():
        setting = schema[path]
        if not options:
            raise SchemaError(
                f"add_flags: the parser has a flag --{path} of its own, the only one that {path!r} could "
                "have; make it with add_help=False if that is argparse's, or leave the setting out of paths"
            )
        if setting.section not in groups:
            groups[setting.section] = parser.add_argument_group(setting.section or "settings")
        group, slot = groups[setting.section], schema.index.slots[path]
        default = setting.default if defaults is None else defaults.get(path, UNSET)
        if holds_secret(slot):
            default = UNSET
        words = partial(describe, setting, default, slot.kind.expected)
        _declare(group, names, path, options, describe=words)
        if is_switch(schema, path):
            off = [option for option in map(negated, options) if option not in used]
            if off:  # another's may have taken them all
                _declare(group, names, path, off, off=True, help=argparse.SUPPRESS)
    parser.parse_known_args = _ReadAsOwn(parser, names)  # type: ignore[method-assign]


def _declare(
    group: Any, names: FlagNames, path: str, options: Iterable[str], *, off: bool = False, **more: Any
) -> None:
    """Declare flags of a setting, or of a place below one; or those that turn a switch off there."""
    more |= {"dest": path, "action": TakeFlag, "default": argparse.SUPPRESS, "schema": names.schema}
    if off:
        group.add_argument(*options, nargs=0, const="false", **more)
    elif is_switch(names.schema, path):
        group.add_argument(*options, nargs="?", const="true", metavar="true|false", **more)
    else:
        group.add_argument(*options, metavar=word_of(names.schema, path), **more)


class _ReadAsOwn:
    """A parser's reading, which knows every flag that a command line of the schema's flags alone may have.

    Places below a setting are endless, so that they are declared when they are met; and a switch takes the
    word behind it only where that is true or false: argparse would take any.
    """

    def __init__(self, parser: argparse.ArgumentParser, names: FlagNames) -> None:
        self.parser = parser
        self.names = names
        self.plain = parser.parse_known_args
        self.known = parser._option_string_actions  # noqa: SLF001  No public list.

    def __call__(self, args: Any = None, namespace: Any = None) -> Any:
        """Read words as ``parse_known_args`` does."""
        return self.plain(self.words(list(sys.argv[1:] if args is None else args)), namespace)

    def words(self, words: list[str]) -> list[str]:
        """Give the words as argparse reads them rightly."""
        joined: list[str] = []
        while words:
            word = words.pop(0)
            if word == "--":
                return [*joined, word, *words]
            option, text = option_and_text(word)
            self.declare(option)
            if "=" in option and text is not None:  # between quotes; argparse would part it there
                joined.append(option)
                word = text
            elif self.is_switch(word):
                word = f"{word}={text_of_switch(words)}"
            joined.append(word)
        return joined

    def declare(self, option: str) -> None:
        """Declare a flag that means something and is not known, nor the short form of another's."""
        others = (name for name, action in self.known.items() if not isinstance(action, TakeFlag))
        if option in self.known or (
            self.parser.allow_abbrev and any(name.startswith(option) for name in others)
        ):
            return
        path, off = self.names.meaning(option)
        if path is not None:
            _declare(self.parser, self.names, path, [option], off=off, help=argparse.SUPPRESS)

    def is_switch(self, word: str) -> bool:
        """Tell whether a word is a switch of the schema, without a text."""
        action = self.known.get(word)
        return isinstance(action, TakeFlag) and action.nargs == "?"


def describe(setting: Setting, default: Any = UNSET, expected: str = "") -> str:
    """Say in one line what a setting does, its unit, its choices and what is in force without the flag."""
    parts = [setting.help] if setting.help else []
    if setting.unit:
        parts.append(f"[{setting.unit}]")
    if setting.secret:
        return " ".join(parts)
    if setting.choices:
        parts.append(f"({one_of(setting.choices)})")
    elif expected.startswith("one of "):
        parts.append(f"({expected})")
    if default is not UNSET and default is not None:
        parts.append(f"(default {show(default)})")
    return " ".join(parts)
