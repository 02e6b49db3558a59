"""A commented TOML file with every setting: uncommenting any line, or all of them, changes nothing."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping
from typing import Any

from ptyconf.report.toml import literal
from ptyconf.schema.choices import one_of
from ptyconf.schema.fields import UNSET
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.schema import Schema
from ptyconf.schema.setting import Setting
from ptyconf.schema.tree import Slot
from ptyconf.text.show import toml_key

WIDTH = 96


def template(
    schema: Schema,
    *,
    schema_url: str = "",
    defaults: Mapping[str, Any] | None = None,
    paths: Collection[str] | None = None,
) -> str:
    """Write every setting commented out, with its help, unit, choices and default.

    Args:
        schema: The settings.
        schema_url: Where the JSON Schema lies, for editors that read ``#:schema``.
        defaults: What is in force when nobody sets anything, where several layers of defaults decide; the
            schema's own defaults if left out.
        paths: The settings to write; all if left out.
    """
    in_force = {} if defaults is None else defaults
    derived = {each.target for each in schema.derivations}
    sections: dict[str, list[str]] = {}
    for path, setting in schema.settings.items():
        if path not in derived and (paths is None or path in paths):
            lines = _lines(schema.index.slots[path], in_force.get(path, setting.default))
            sections.setdefault(setting.section, []).extend(lines)
    blocks = [f"#:schema {schema_url}"] if schema_url else []
    blocks.append(
        f"# Settings of {schema.name}. A line behind one # holds the default; take the # away to change it."
    )
    for section, lines in sorted(sections.items(), key=lambda pair: pair[0] != ""):
        if section:
            blocks += ["", f"[{'.'.join(toml_key(part) for part in section.split('.'))}]"]
        blocks += lines
    return "\n".join(blocks) + "\n"


def _lines(slot: Slot, default: Any) -> list[str]:
    lines = [f"## {line}" for line in textwrap.wrap(_about(slot, default), WIDTH)]
    name, example = toml_key(slot.setting.name), _example(slot, default)
    if example is UNSET:
        return ["", *lines, f"## {name} takes no other value than none"]
    if default is None or default is UNSET or slot.setting.secret:
        # An example is no default: uncommented with all the others it would change the run.
        return ["", *lines, f"## for example: {name} = {literal(example)}"]
    return ["", *lines, f"# {name} = {literal(example)}"]


def _about(slot: Slot, default: Any) -> str:
    setting = slot.setting
    parts = [setting.help] if setting.help else []
    if setting.unit:
        parts.append(f"[{setting.unit}]")
    parts.append(f"({one_of(setting.choices) if setting.choices else slot.kind.expected}")
    if default is None:
        parts[-1] += "; none unless set"
    if setting.secret:
        parts[-1] += "; a secret, better set in the environment"
    parts[-1] += ")"
    return " ".join(parts)


def _example(slot: Slot, default: Any) -> Any:
    """Find a value that would load: the default, the field's example, a legal one, or UNSET."""
    setting = slot.setting
    if default is not UNSET and default is not None and not setting.secret:
        return default
    if "example" in setting.metadata:
        return setting.metadata["example"]
    candidates = (*setting.choices, 1, "...", True, 1.0, [], {}, *([1, 1], ["a"]))
    return next((each for each in candidates if _loads(slot, setting, each)), UNSET)


def _loads(slot: Slot, setting: Setting, value: Any) -> bool:
    try:
        slot.kind.typed(value if setting.conversion is None else setting.conversion.to_setting(value))
    except (Mismatch, ValueError):
        return False
    return not (setting.check is not None and setting.check(value))
