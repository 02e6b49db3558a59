"""Layers of values that a hand-written parser has read, or that it has where no flag is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from ptyconf.arguments import expect
from ptyconf.merge.fault import Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.schema.path import join_path, split_path


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
    expect("flags.given", "values", values, (dict, Mapping), "a table: path or name to text")
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
    """Give the origin of a flag, spelled as it was typed; what its text holds has its place."""
    whole = str(keys[0]) if keys else ""
    if whole in spelled and not any(key.startswith(f"{whole}[") for key in spelled):
        return Origin("flag", "command line", spelled[whole])
    for length in range(len(keys), 0, -1):
        key = key_of_flag(keys[:length])
        if key in spelled:
            return Origin("flag", "command line", spelled[key])
    return Origin("flag", "command line", f"--{key_of_flag(keys)}")


def key_of_flag(keys: Keys) -> str:
    """Spell keys as the path of a flag."""
    if all(isinstance(part, str) for part in keys):
        return ".".join(keys)
    root, *below = keys  # the first is a whole path, "server.nodes"
    return join_path((*split_path(str(root)), *below))


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
