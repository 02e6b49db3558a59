"""The layer of command-line flags: made from the schema, holding only those really given."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ptyconf.merge.fault import Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.schema.choices import one_of
from ptyconf.schema.index import Alias
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Slot

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
