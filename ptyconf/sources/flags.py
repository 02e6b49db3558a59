"""The layer of command-line flags: made from the schema, holding only those really given."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.schema.choices import one_of
from ptyconf.schema.index import Alias
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Slot
from ptyconf.text.show import close_matches

_GIVEN = "ptyconf_flags"


class _Take(argparse.Action):
    """Keep the text of a flag together with how it was spelled."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002  The signature is argparse's.
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        given = dict(getattr(namespace, _GIVEN, {}))
        given[self.dest] = (values, option_string or self.dest)
        setattr(namespace, _GIVEN, given)


def add_flags(
    parser: argparse.ArgumentParser,
    schema: Schema,
    *,
    paths: Iterable[str] | None = None,
    short: bool = True,
    taken: Collection[str] = (),
    sections: Iterable[str] | None = None,
) -> None:
    """Add one flag per setting, ``--section.name``, and ``--name`` where that is unambiguous.

    Args:
        parser: The parser; its own flags keep their names.
        schema: The settings.
        paths: The settings to make flags for; all if left out.
        short: Whether to add the short forms.
        taken: Short names to leave alone.
        sections: Order in which short names are looked up; the schema's if left out.
    """
    used = set(parser._option_string_actions) | {f"--{name}" for name in taken}  # noqa: SLF001  No public list.
    order = schema.sections if sections is None else tuple(sections)
    groups: dict[str, Any] = {}
    for path in schema.settings if paths is None else paths:
        setting = schema[path]
        options = [f"--{path}"]
        brief = f"--{setting.name}"
        found = schema.index.find_bare(setting.name, order)
        if short and brief not in used and isinstance(found, (Slot, Alias)) and found.path == path:
            options.append(brief)
        group = groups.setdefault(setting.section, None) or parser.add_argument_group(setting.section)
        groups[setting.section] = group
        group.add_argument(
            *options,
            dest=path,
            action=_Take,
            default=argparse.SUPPRESS,
            metavar=_metavar(schema.index.slots[path]),
            help=describe(setting).replace("%", "%%"),
        )


def _metavar(slot: Slot) -> str:
    return {
        "a whole number": "INT",
        "a number": "NUMBER",
        "true or false": "true|false",
        "a path": "PATH",
    }.get(slot.expected, slot.setting.name.upper())


def describe(setting: Setting) -> str:
    """Say in one line what a setting does, its unit and its choices."""
    parts = [setting.help] if setting.help else []
    if setting.unit:
        parts.append(f"[{setting.unit}]")
    if setting.choices:
        parts.append(f"({one_of(setting.choices)})")
    return " ".join(parts)


def layer(namespace: argparse.Namespace, *, name: str = "flags") -> Layer:
    """Make a layer of the flags that were given to a parser with ``add_flags``."""
    found: dict[str, tuple[Any, str]] = getattr(namespace, _GIVEN, {})
    texts = {path: text for path, (text, _) in found.items()}
    return given(texts, name=name, spelling={path: spelled for path, (_, spelled) in found.items()})


def given(
    values: Mapping[str, Any],
    *,
    name: str = "flags",
    spelling: Mapping[str, str] | None = None,
    typed: bool = False,
    sections: Iterable[str] | None = None,
) -> Layer:
    """Make a layer of flags that a hand-written parser has read.

    Args:
        values: Path or bare name to text (or value).
        name: Name in the precedence.
        spelling: How the user spells a flag, where it is not ``--`` and the key.
        typed: Values are typed already, so that nothing is parsed.
        sections: Order in which bare names are looked up; the schema's if left out.
    """
    spelled = dict(spelling or {})

    def origins(keys: Keys) -> Origin:
        key = ".".join(keys)
        return Origin("flag", "command line", spelled.get(key, f"--{key}"))

    order = None if sections is None else tuple(sections)
    return Layer(
        name,
        dict(values),
        origins,
        kind="flag",
        label="command line",
        text=not typed,
        dotted=True,
        sections=order,
    )


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
    found = schema.index.find(key)
    return schema[found.path] if isinstance(found, (Slot, Alias)) else None


def parse(
    argv: Sequence[str], schema: Schema, *, name: str = "flags", description: str = ""
) -> tuple[Layer, str | None]:
    """Read a whole command line of flags, also those of keys that no parser can list beforehand.

    Args:
        argv: The arguments, without the program's name; ``-h`` prints help and exits.
        schema: The settings.
        name: Name of the layer in the precedence.
        description: What the program does, for help.

    Returns:
        The layer, and the profile that ``--profile`` asks for.
    """
    parser = _Parser(description=description, allow_abbrev=False)
    parser.add_argument("--profile", metavar="NAME", help="take [profile.NAME] of the files")
    add_flags(parser, schema, taken=("profile",))
    faults: list[Fault] = []
    namespace = argparse.Namespace()
    try:
        namespace, rest = parser.parse_known_args(list(argv))
    except _UsageError as error:
        rest = []
        faults.append(Fault(str(error), origin=Origin("flag", "command line", "command line")))
    further, unread = _further(rest, schema)
    for word in unread:
        near = close_matches(word.partition("=")[0].lstrip("-"), schema.index.keys, count=1)
        faults.append(
            Fault(
                f"the argument {word.partition('=')[0]!r} is not known",
                origin=Origin("flag", "command line", word.partition("=")[0]),
                hint=f"--{near[0]}" if near else "-h lists the flags",
            )
        )
    found: dict[str, tuple[Any, str]] = getattr(namespace, _GIVEN, {})
    texts = {path: text for path, (text, _) in found.items()} | further
    spelled = {path: spelling for path, (_, spelling) in found.items()}
    made = replace(given(texts, name=name, spelling=spelled), faults=tuple(faults))
    return made, getattr(namespace, "profile", None)


class _UsageError(ValueError):
    """The parser refuses the arguments."""


class _Parser(argparse.ArgumentParser):
    """A parser whose refusals are problems like others."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print before it ends the program."""
        raise _UsageError(message)


def _further(words: Sequence[str], schema: Schema) -> tuple[dict[str, str], list[str]]:
    """Take flags below settings that hold settings: ``--replicas.eu.port 5``."""
    taken: dict[str, str] = {}
    unread: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        key, sign, text = word.removeprefix("--").partition("=")
        if not word.startswith("--") or key not in schema or (not sign and not waiting):
            unread.append(word)
            continue
        taken[key] = text if sign else waiting.pop(0)
    return taken, unread
