"""The layer of command-line flags: made from the schema, holding only those really given."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ptyconf.arguments import expect, expect_each
from ptyconf.errors import SchemaError
from ptyconf.merge.fault import Fault
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.schema.choices import one_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.free import may_be_index
from ptyconf.schema.index import Alias
from ptyconf.schema.list_text import is_list
from ptyconf.schema.path import Segments, lacks_key, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Slot, holds_secret
from ptyconf.sources.flag_values import given, key_of_flag, parser_defaults
from ptyconf.sources.flag_words import TRUE_OR_FALSE, is_switch, join_switches, metavar, negated, options_of
from ptyconf.sources.lists import indexed, joined_text
from ptyconf.text.show import close_matches, nested_text, one_word, show

__all__ = [
    "Given",
    "TakeFlag",
    "add_flags",
    "describe",
    "find_setting",
    "given",
    "layer",
    "parse",
    "parser_defaults",
]

_COUNT = itertools.count()


@dataclass(frozen=True, slots=True)
class Given:
    """One flag as it was typed; each occurrence has its own place, so that a subparser's overwrite none."""

    number: int
    path: str
    text: str
    spelled: str


class TakeFlag(argparse.Action):
    """Keep the text of a flag together with how it was spelled; its help is written when it is asked for."""

    def __init__(self, *names: Any, describe: Callable[[], str] | None = None, **more: Any) -> None:
        super().__init__(*names, **more)
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
        given = Given(number, self.dest, text, option_string or self.dest)
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
    the flag of a list may be given several times.

    Args:
        parser: The parser; its own flags keep their names.
        schema: The settings.
        paths: The settings to make flags for; all if left out.
        short: Whether to add the short forms.
        taken: Short names to leave alone.
        sections: Order in which short names are looked up; the schema's if left out.
        defaults: What help shows as the default of each path, where several layers of defaults decide; the
            schema's own if left out.
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
    used = set(parser._option_string_actions) | {f"--{name}" for name in taken}  # noqa: SLF001  No public list.
    order = schema.sections if sections is None else tuple(sections)
    groups: dict[str, Any] = {}
    switches: set[str] = set()
    for path in schema.settings if paths is None else paths:
        if path not in schema.settings:
            raise SchemaError(f"add_flags: {path!r} is no setting of {schema.name!r}")
        setting = schema[path]
        options = options_of(schema, path, order, used, short=short)
        group = groups.setdefault(setting.section, None) or parser.add_argument_group(
            setting.section or "settings"
        )
        groups[setting.section] = group
        default = setting.default if defaults is None else defaults.get(path, UNSET)
        if holds_secret(schema.index.slots[path]):
            default = UNSET
        words = partial(describe, setting, default, schema.index.slots[path].kind.expected)
        more: dict[str, Any] = {"dest": path, "action": TakeFlag, "default": argparse.SUPPRESS}
        if is_switch(schema, path):
            switches.update(options)
            group.add_argument(
                *options, nargs="?", const="true", metavar="true|false", describe=words, **more
            )
            off = [option for option in map(negated, options) if option not in used]
            group.add_argument(*off, nargs=0, const="false", help=argparse.SUPPRESS, **more)
        else:
            group.add_argument(*options, metavar=metavar(schema, path), describe=words, **more)
    if switches:
        join_switches(parser, switches)


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


def layer(namespace: argparse.Namespace, *, name: str = "flags", schema: Schema | None = None) -> Layer:
    """Make a layer of the flags that were given to a parser with ``add_flags``, and to its subparsers.

    Args:
        namespace: What the parser gave.
        name: Name in the precedence.
        schema: The settings; with it, a list whose flag was given several times has an element for each.
    """
    expect(
        "flags.layer",
        "namespace",
        namespace,
        argparse.Namespace,
        "what a parser gave",
        "flags.parse(argv, schema)",
    )
    flags_given = sorted(
        (value for value in vars(namespace).values() if isinstance(value, Given)),
        key=lambda flag: flag.number,
    )
    return _flag_layer(flags_given, name, schema)


def _flag_layer(flags_given: Iterable[Given], name: str, schema: Schema | None) -> Layer:
    """Put flags together: the last of a scalar counts, those of a list are its elements."""
    texts: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for flag in flags_given:
        texts.setdefault(flag.path, []).append(flag.text)
        spelled[flag.path] = flag.spelled
    values: dict[str, Any] = {}
    elements: dict[Segments, str] = {}
    for path, given_texts in texts.items():
        segments = split_path(path)
        if any(isinstance(segment, int) for segment in segments):
            elements[segments] = given_texts[-1]
            if isinstance(segments[-1], int):  # a list of single values is named by its first element
                spelled.setdefault(key_of_flag(segments[:-1]), spelled[path])
        else:
            values[path] = joined_text(schema, path, given_texts)
    faults: list[Fault] = []
    for root, lists in indexed(elements).items():
        if root in values:
            element = next(spelled[path] for path in texts if path.startswith(f"{root}["))
            text = f"{root!r} is given whole and by number: as {spelled[root]} and as {element}"
            origin = Origin("flag", "command line", element)
            faults.append(Fault(text, origin=origin, hint=f"keep one of {spelled[root]} and {element}"))
        values.setdefault(root, lists)
    made = given(values, name=name, spelling=spelled)
    return replace(made, faults=tuple(faults)) if faults else made


def parse(
    argv: Sequence[str], schema: Schema, *, name: str = "flags", program: str = "", description: str = ""
) -> tuple[Layer, str | None]:
    """Read a command line that has flags of the schema alone, also for keys of tables; ``-h`` prints help.

    Whatever is wrong with it is told by ``resolve``, together with everything else.

    Args:
        argv: The arguments, without the program's name.
        schema: The settings.
        name: Name in the precedence.
        program: Name of the program in its help.
        description: What the help says first.

    Returns:
        The layer, and the profile that ``--profile`` asks for.
    """
    expect("flags.parse", "schema", schema, Schema, "a Schema", "schema_of(App)")
    argv = expect_each("flags.parse", "argv", argv, str, "sys.argv[1:]")
    line = _CommandLine(schema)
    asking = {"-h", "--help"} - set(line.options)  # a setting may have such a name
    if asking & set(argv):
        parser = argparse.ArgumentParser(prog=program or None, description=description)
        parser.add_argument("--profile", metavar="NAME", help="take [profile.NAME] of the settings files")
        add_flags(parser, schema)
        parser.parse_args(["-h"])
    line.read(list(argv))
    made = _flag_layer(line.given, name, schema)
    return replace(made, faults=(*made.faults, *line.faults)), line.profile


class _CommandLine:
    """The walk over the words of a command line."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.profile: str | None = None
        self.given: list[Given] = []
        self.faults: list[Fault] = []
        self.options: dict[str, str] = {}
        self.negated: dict[str, str] = {}
        self.switches: set[str] = set()
        for path in schema.settings:
            for option in options_of(schema, path, schema.sections, (), short=True):
                self.options.setdefault(option, path)
                if is_switch(schema, path):
                    self.switches.add(option)
                    self.negated.setdefault(negated(option), path)

    def read(self, words: list[str]) -> None:
        """Take every flag with its text."""
        while words:
            word = words.pop(0)
            if word == "--":
                if words:
                    self.fault("words behind -- belong to no flag", "--", hint="leave out --")
                return
            option, sign, text = word.partition("=")
            written, option = option, self.spelled(option)
            path = self.path_of(option)
            if option == "--profile" and path is None:
                self.profile = text if sign else self.following(words, option)
            elif (
                path is not None
                and not sign
                and path in self.schema.settings
                and is_switch(self.schema, path)
            ):
                self.take(path, words.pop(0) if words and words[0] in TRUE_OR_FALSE else "true", written)
            elif path is not None:
                value_text = text if sign else self.following(words, option)
                if value_text is not None:
                    self.take(path, value_text, written)
            elif option in self.negated and not sign and option not in self.options:
                self.take(self.negated[option], "false", written)
            else:
                self.refuse(word, option)
                if word.startswith("-") and not sign and words and not words[0].startswith("-"):
                    words.pop(0)  # what the flag was to be set to, perhaps a secret

    def spelled(self, option: str) -> str:
        """Read a dash inside a name as an underscore where that is a flag: ``--dry-run``, ``--dry_run``."""
        known = (self.options, self.negated)
        if not option.startswith("--") or any(option in options for options in known):
            return option
        plain = option[2:].replace("-", "_")
        spellings = (f"--{plain}", f"--no-{plain.removeprefix('no_')}")
        return next((each for each in spellings if any(each in options for options in known)), option)

    def take(self, path: str, text: str, option: str) -> None:
        """Keep one flag."""
        self.given.append(Given(len(self.given), path, text, option))

    def following(self, words: list[str], option: str) -> str | None:
        """Take the word behind a flag."""
        if words and not words[0].startswith("--"):
            return words.pop(0)
        self.fault(f"the flag {option} has no value", option, hint=f"{option}=...")
        return None

    def path_of(self, option: str) -> str | None:
        """Find the setting that a flag means: its own, or one below a table of settings."""
        if option in self.options or not option.startswith("--"):
            return self.options.get(option)
        name = option[2:]
        if lacks_key(name):
            return None
        try:
            _, below = self.schema.locate(name)
        except KeyError:
            segments = split_path(name)
            if (free := self.schema.locate_free(segments)) is not None and not may_be_index(free[1]):
                return name
            if isinstance(segments[-1], int) and (listed := self.schema.find_slot(segments[:-1])) is not None:
                return name if is_list(listed) else None
            return name if name in self.schema.index.section_variables.values() else None
        return name if below else None

    def refuse(self, word: str, option: str) -> None:
        """Note a word that means nothing, without a text that may be a secret."""
        if not word.startswith("-"):
            secret = bool(self.schema.secret_names) or len(word) > 40
            key = "argument" if secret else f"argument {word}"
            self.fault("a word that belongs to no flag", key, hint=self.after_a_switch())
            return
        if option in self.negated and option not in self.options:
            path = self.negated[option]
            self.fault(f"the flag {option} takes no value", option, hint=f"{option}, or --{path} true")
            return
        known = [*self.options, *self.negated]
        near = close_matches(option, known)
        hint = self.text_of_whole(option) or (near[0] if near else "--help")
        self.fault(f"unknown flag {option!r}", option, hint=hint)

    def text_of_whole(self, option: str) -> str:
        """Write a key below a setting of any value as the text of that; "" where there is no such."""
        slot, below = self.schema.index.holder(split_path(option.removeprefix("--"))) or (None, ())
        if slot is None or not slot.takes_any:
            return ""
        return f"--{slot.path} {one_word(nested_text(below, '...'))}"

    def after_a_switch(self) -> str:
        """Say what the switch before a word takes, "" where there is none."""
        before = self.given[-1] if self.given else None
        if before is None or before.path not in self.schema.settings:
            return ""
        return f"{before.spelled} true" if is_switch(self.schema, before.path) else ""

    def fault(self, text: str, key: str, *, hint: str = "") -> None:
        """Note one thing that is wrong."""
        self.faults.append(Fault(text, origin=Origin("flag", "command line", key), hint=hint))


def find_setting(schema: Schema, key: str) -> Setting | None:
    """Find the setting that a full, aliased or bare key means, or None."""
    setting = schema.index.find(key)
    return schema[setting.path] if isinstance(setting, (Slot, Alias)) else None
