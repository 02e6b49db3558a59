"""The layer of command-line flags: made from the schema, holding only those really given."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.schema.choices import one_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.index import Alias
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Slot
from ptyconf.sources.lists import indexed, joined_text
from ptyconf.text.show import close_matches, show

_TRUE_OR_FALSE = ("true", "false")
_COUNT = itertools.count()


@dataclass(frozen=True, slots=True)
class Given:
    """One flag as it was typed; each occurrence has its own place, so that a subparser's overwrite none."""

    number: int
    path: str
    text: str
    spelled: str


class _Take(argparse.Action):
    """Keep the text of a flag together with how it was spelled."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  The signature is argparse's.
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
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
    used = set(parser._option_string_actions) | {f"--{name}" for name in taken}  # noqa: SLF001  No public list.
    order = schema.sections if sections is None else tuple(sections)
    groups: dict[str, Any] = {}
    switches: set[str] = set()
    for path in schema.settings if paths is None else paths:
        setting = schema[path]
        options = _options(schema, path, order, used, short=short)
        group = groups.setdefault(setting.section, None) or parser.add_argument_group(
            setting.section or "settings"
        )
        groups[setting.section] = group
        default = setting.default if defaults is None else defaults.get(path, UNSET)
        help_text = describe(setting, default, schema.index.slots[path].kind.expected).replace("%", "%%")
        more: dict[str, Any] = {"dest": path, "action": _Take, "default": argparse.SUPPRESS}
        if _is_switch(schema, path):
            switches.update(options)
            group.add_argument(
                *options, nargs="?", const="true", metavar="true|false", help=help_text, **more
            )
            off = [option for option in map(_negated, options) if option not in used]
            group.add_argument(*off, nargs=0, const="false", help=argparse.SUPPRESS, **more)
        else:
            group.add_argument(*options, metavar=_metavar(schema, path), help=help_text, **more)
    if switches:
        _join_switches(parser, switches)


def _options(
    schema: Schema, path: str, order: tuple[str, ...], used: Collection[str], *, short: bool
) -> list[str]:
    """List the spellings of a setting's flag: its paths, and its name where that is clear."""
    brief = f"--{schema[path].name}"
    paths = [f"--{name}" for name in (path, *schema[path].aliases) if f"--{name}" not in used]
    meant = schema.index.find_bare(schema[path].name, order)
    clear = isinstance(meant, (Slot, Alias)) and meant.path == path and brief not in (*used, *paths)
    return [*paths[:1], brief, *paths[1:]] if short and clear else paths


def _negated(option: str) -> str:
    return f"--no-{option[2:]}"


def _is_switch(schema: Schema, path: str) -> bool:
    return bool(schema.index.slots[path].kind.expected == "true or false")


def _join_switches(parser: argparse.ArgumentParser, switches: Collection[str]) -> None:
    """Let a switch take a word behind it only where that is true or false: argparse would take any."""
    plain = parser.parse_known_args

    def parse_known_args(args: Any = None, namespace: Any = None) -> Any:
        words = list(sys.argv[1:] if args is None else args)
        joined: list[str] = []
        while words:
            word = words.pop(0)
            if word == "--":
                joined += [word, *words]
                break
            if word in switches:
                word = f"{word}={words.pop(0) if words and words[0] in _TRUE_OR_FALSE else 'true'}"
            joined.append(word)
        return plain(joined, namespace)

    parser.parse_known_args = parse_known_args  # type: ignore[method-assign]


def _metavar(schema: Schema, path: str) -> str:
    words = {"a whole number": "INT", "a number": "NUMBER", "a path": "PATH"}
    return words.get(schema.index.slots[path].kind.expected, schema[path].name.upper())


def describe(setting: Setting, default: Any = UNSET, expected: str = "") -> str:
    """Say in one line what a setting does, its unit, its choices and what is in force without the flag."""
    parts = [setting.help] if setting.help else []
    if setting.unit:
        parts.append(f"[{setting.unit}]")
    if setting.choices:
        parts.append(f"({one_of(setting.choices)})")
    elif expected.startswith("one of "):
        parts.append(f"({expected})")
    if default is not UNSET and default is not None and not setting.secret:
        parts.append(f"(default {show(default)})")
    return " ".join(parts)


def layer(namespace: argparse.Namespace, *, name: str = "flags", schema: Schema | None = None) -> Layer:
    """Make a layer of the flags that were given to a parser with ``add_flags``, and to its subparsers.

    Args:
        namespace: What the parser gave.
        name: Name in the precedence.
        schema: The settings; with it, a list whose flag was given several times has an element for each.
    """
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
        else:
            values[path] = joined_text(schema, path, given_texts)
    for root, lists in indexed(elements).items():
        values.setdefault(root, lists)
    return given(values, name=name, spelling=spelled)


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
    line = _CommandLine(schema)
    if {"-h", "--help"} & set(argv):
        parser = argparse.ArgumentParser(prog=program or None, description=description)
        parser.add_argument("--profile", metavar="NAME", help="take [profile.NAME] of the settings files")
        add_flags(parser, schema)
        parser.parse_args(["--help"])
    line.read(list(argv))
    made = _flag_layer(line.given, name, schema)
    return replace(made, faults=tuple(line.faults)), line.profile


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
            for option in _options(schema, path, schema.sections, (), short=True):
                self.options.setdefault(option, path)
                if _is_switch(schema, path):
                    self.switches.add(option)
                    self.negated.setdefault(_negated(option), path)

    def read(self, words: list[str]) -> None:
        """Take every flag with its text."""
        while words:
            word = words.pop(0)
            if word == "--":
                for rest in words:
                    self.refuse(rest, rest)
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
                and _is_switch(self.schema, path)
            ):
                self.take(path, words.pop(0) if words and words[0] in _TRUE_OR_FALSE else "true", written)
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
        try:
            _, below = self.schema.locate(name)
        except KeyError:
            return name if name in self.schema.index.section_variables.values() else None
        return name if below else None

    def refuse(self, word: str, option: str) -> None:
        """Note a word that means nothing, without a text that may be a secret."""
        if not word.startswith("-"):
            secret = bool(self.schema.secret_names) or len(word) > 40
            self.fault("a word that belongs to no flag", "argument" if secret else f"argument {word}")
            return
        known = [*self.options, *self.negated]
        near = close_matches(option, known)
        self.fault(f"unknown flag {option!r}", option, hint=near[0] if near else "--help")

    def fault(self, text: str, key: str, *, hint: str = "") -> None:
        """Note one thing that is wrong."""
        self.faults.append(Fault(text, origin=Origin("flag", "command line", key), hint=hint))


def given(
    values: Mapping[str, Any],
    *,
    name: str = "flags",
    spelling: Mapping[str, str] | None = None,
    typed: bool = False,
    sections: Iterable[str] | None = None,
    references: bool | None = None,
) -> Layer:
    """Make a layer of flags that a hand-written parser has read.

    Args:
        values: Path or bare name to text (or value).
        name: Name in the precedence.
        spelling: How the user spells a flag, where it is not ``--`` and the key.
        typed: Values are typed already, so that nothing is parsed.
        sections: Order in which bare names are looked up; the schema's if left out.
        references: Whether texts may refer to other values; as the schema says if left out.
    """
    return Layer.of(
        {
            "name": name,
            "values": dict(values),
            "origins": partial(_flag, dict(spelling or {})),
            "kind": "flag",
            "label": "command line",
            "text": not typed,
            "dotted": True,
            "sections": None if sections is None else tuple(sections),
            "references": references,
        }
    )


def _flag(spelled: Mapping[str, str], keys: Keys) -> Origin:
    """Give the origin of a flag, spelled as it was typed."""
    key = ".".join(keys) if all(isinstance(part, str) for part in keys) else join_path(keys)
    return Origin("flag", "command line", spelled.get(key, f"--{key}"))


def parser_defaults(
    values: Mapping[str, Any],
    *,
    name: str = "cli-defaults",
    label: str = "command line",
    spelling: Mapping[str, str] | None = None,
    sections: Iterable[str] | None = None,
) -> Layer:
    """Make a layer of the values that a command line has where no flag is given."""
    spelled = dict(spelling or {})

    def origins(keys: Keys) -> Origin:
        key = ".".join(keys)
        return Origin("defaults", label, f"{label} {spelled.get(key, f'--{key}')}")

    order = None if sections is None else tuple(sections)
    return Layer(name, dict(values), origins, kind="defaults", label=label, dotted=True, sections=order)


def find_setting(schema: Schema, key: str) -> Setting | None:
    """Find the setting that a full, aliased or bare key means, or None."""
    setting = schema.index.find(key)
    return schema[setting.path] if isinstance(setting, (Slot, Alias)) else None
