"""What the command line does, as functions: each says a text, its JSON form and an exit code.

A program uses them with its own schema and layers; ``ptyconf.cli`` uses them with any schema.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.resolution import Resolution
from ptyconf.report import dump_toml, story, table, to_json
from ptyconf.schema.index import Alias
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Slot
from ptyconf.text.show import close_matches

OK, DIFFERENT, WRONG = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say."""

    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    code: int = OK

    def shown(self, *, as_json: bool) -> str:
        """Give the text, or the JSON."""
        return json.dumps(self.data, indent=2, ensure_ascii=False) if as_json else self.text.rstrip("\n")


def explain(resolution: Resolution, path: str | None = None, *, width: int | None = None) -> Answer:
    """Tell one setting's story, or where every value comes from, in lines of at most a width.

    Raises:
        ConfigError: There is no such setting.
    """
    if path is None:
        return Answer(table(resolution, width=width), to_json(resolution))
    known = find_path(resolution, path)
    return Answer(story(resolution, known), to_json(resolution, known))


def find_path(resolution: Resolution, name: str) -> str:
    """Find the setting that a full, aliased or bare name means.

    Raises:
        ConfigError: None is meant, or several are.
    """
    index = resolution.schema.index
    entry = index.find(name)
    if isinstance(entry, (Slot, Alias)):
        if entry.path in resolution:
            return entry.path
        raise ConfigError([Problem(f"{entry.path!r} has no value", path=entry.path)])
    if entry is not None:
        raise ConfigError([Problem(f"{name!r} may mean {' or '.join(entry.keys)}", hint=entry.keys[0])])
    if name in resolution:
        return name
    container = _table_of(resolution, name)
    if container is not None:
        return container
    near = close_matches(name, index.keys) or [
        index.bare[name][0] for name in close_matches(name, index.bare)
    ]
    raise ConfigError(
        [Problem(f"unknown setting {name!r}", known=", ".join(near), hint=near[0] if near else "")]
    )


def _table_of(resolution: Resolution, name: str) -> str | None:
    """Give the table of settings that could hold a key which nobody writes."""
    try:
        path, keys = resolution.schema.locate(name)
    except KeyError:
        return None
    return path if keys and path in resolution else None


def check(load: Callable[[], Resolution]) -> Answer:
    """Resolve, and say what is wrong; 1 when something is."""
    try:
        resolution = load()
    except ConfigError as error:
        return replace(refusal(error), code=DIFFERENT)
    text = f"{len(resolution)} settings, nothing wrong"
    return Answer(text, {"version": 1, "ok": True, "problems": []})


def refusal(error: ConfigError) -> Answer:
    """Say everything that is wrong."""
    problems = [problem_as_dict(problem) for problem in error.exceptions]
    return Answer(str(error), {"version": 1, "ok": False, "problems": problems}, WRONG)


def problem_as_dict(problem: Any) -> dict[str, Any]:
    """Give the JSON form of a problem."""
    origin = problem.origin.as_dict() if problem.origin is not None else None
    return {
        "path": problem.path,
        "text": problem.text,
        "origin": origin,
        "overrides": list(problem.overrides),
        "expected": problem.expected,
        "known": problem.known,
        "try": problem.hint,
    }


def compare(before: Resolution, after: Resolution, *, values_only: bool = False) -> Answer:
    """Show what differs between two resolutions; 1 when something does."""
    from ptyconf.report.difference import Difference, diff

    changes = diff(before, after)
    if values_only:
        changes = Difference(changes.values)
    return Answer(str(changes) or "no difference", changes.as_dict(), DIFFERENT if changes else OK)


def dump(resolution: Resolution, *, origins: bool = True, folder: Path | None = None) -> Answer:
    """Write the resolved settings as TOML."""
    text = dump_toml(resolution, origins=origins, folder=folder)
    return Answer(text, to_json(resolution))


def describe(
    schema: Schema, *, defaults: Mapping[str, Any] | None = None, paths: Collection[str] | None = None
) -> Answer:
    """Write the JSON Schema of the program's files, with what is in force when nobody sets it."""
    from ptyconf.report.jsonschema import json_schema

    data = json_schema(schema, defaults=defaults, paths=paths)
    return Answer(json.dumps(data, indent=2, ensure_ascii=False), data)


def write_template(
    schema: Schema,
    *,
    schema_url: str = "",
    defaults: Mapping[str, Any] | None = None,
    paths: Collection[str] | None = None,
) -> Answer:
    """Write a commented TOML file with every setting and what is in force when nobody sets it."""
    from ptyconf.report.template import template

    text = template(schema, schema_url=schema_url, defaults=defaults, paths=paths)
    return Answer(text, {"version": 1, "template": text})


def freeze_settings(resolution: Resolution) -> Answer:
    """Write the canonical form with its fingerprint."""
    from ptyconf.freeze import freeze

    text = freeze(resolution).dumps()
    return Answer(text, json.loads(text))


def replay(frozen_file: Path, schema: Schema, now: Resolution | None = None) -> Answer:
    """Resolve to frozen values, and say which layer would now disagree; 1 when one does.

    Raises:
        ConfigError: The file is no frozen configuration, or the schema refuses it.
    """
    from ptyconf.freeze import Frozen

    try:
        text = frozen_file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([Problem(f"{str(frozen_file)!r} cannot be read: {error}")]) from error
    frozen = Frozen.loads(text, file=str(frozen_file))
    resolution = frozen.replay(schema, file=str(frozen_file))
    changes = frozen.compare(resolution, secrets=False) if now is None else frozen.compare(now)
    left_out = frozen.left_out
    lines = [f"{frozen.sha256}  {len(frozen.settings)} settings"]
    lines += [str(change) for change in changes] or ["the same values"]
    if left_out:
        lines.append(f"secrets are left out: {', '.join(left_out)}")
    data = {
        "version": 1,
        "sha256": frozen.sha256,
        "disagreements": [change.as_dict() for change in changes],
        "left_out": list(left_out),
    }
    return Answer("\n".join(lines), data, DIFFERENT if changes else OK)
