"""Canonical form, sha256, save and replay: to repeat a run, and to notice a change.

What is hashed: the UTF-8 text of ``{"program": ..., "settings": {path: value}, "version": 1}`` as JSON with
sorted keys and no blanks. Values are written as in JSON reports, paths with forward slashes, sets sorted. A
secret stands in it as the hash of its value behind a marker. Layers and places are not hashed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution
from ptyconf.merge.resolve import resolve
from ptyconf.report.json import plain
from ptyconf.schema.kind import Mismatch
from ptyconf.schema.schema import Schema
from ptyconf.text.show import show

VERSION = 1
SECRET = "ptyconf-secret"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A setting whose frozen value differs from what the layers give now."""

    path: str
    frozen: Any
    now: Any
    layer: str
    origin: Origin

    def __str__(self) -> str:
        return f"{self.path}: frozen {show(self.frozen)}, now {show(self.now)} ({self.layer}: {self.origin})"

    def as_dict(self) -> dict[str, Any]:
        """Give the JSON form."""
        origin = self.origin.as_dict()
        return {
            "path": self.path,
            "frozen": self.frozen,
            "now": self.now,
            "layer": self.layer,
            "origin": origin,
        }


@dataclass(frozen=True, slots=True)
class Frozen:
    """The values of one resolution, in canonical form."""

    program: str
    settings: Mapping[str, Any]

    @property
    def canonical(self) -> str:
        """The text that is hashed."""
        said = {"program": self.program, "settings": dict(self.settings), "version": VERSION}
        return json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @property
    def sha256(self) -> str:
        """The fingerprint."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def dumps(self) -> str:
        """Write it as a JSON file."""
        said = {
            "version": VERSION,
            "program": self.program,
            "sha256": self.sha256,
            "settings": dict(self.settings),
        }
        return json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def loads(cls, text: str, *, file: str = "") -> Frozen:
        """Read it back.

        Raises:
            ConfigError: It is no such file, or was changed since.
        """
        origin = Origin("frozen", "frozen", "", file) if file else None
        try:
            said = json.loads(text)
            made = cls(said["program"], said["settings"])
            written = said["sha256"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError([Problem("this is no frozen configuration", origin=origin)]) from error
        if made.sha256 != written:
            text = (
                f"the frozen settings have the fingerprint {made.sha256[:12]}..., not {str(written)[:12]}..."
            )
            raise ConfigError([Problem(text, origin=origin, hint="freeze again")])
        return made

    def replay(self, schema: Schema, *, file: str = "frozen") -> Resolution:
        """Resolve to the frozen values; secrets keep the schema's default, for they were never written.

        Raises:
            ConfigError: The schema no longer takes a value.
        """
        values: dict[str, Any] = {}
        derived = {each.target for each in schema.derivations}
        for path, value in self.settings.items():
            if path not in derived and not _is_secret(value):
                values[path] = _revived(schema, path, value)
        layer = Layer(
            "frozen", values, lambda keys: Origin("frozen", "frozen", ".".join(keys), file), dotted=True
        )
        return resolve(schema, Precedence("frozen"), [layer])

    def compare(self, resolution: Resolution) -> tuple[Disagreement, ...]:
        """Say which settings, and by which layer, would be different now."""
        now = freeze(resolution).settings
        found = []
        for path in sorted({*self.settings, *now}):
            old, new = self.settings.get(path), now.get(path)
            if old != new or type(old) is not type(new):
                trace = resolution.trace(path) if path in resolution else None
                winner = trace.winner if trace is not None else None
                origin = winner.origin if winner is not None else Origin("none", "", "no such setting")
                found.append(
                    Disagreement(path, old, new, winner.layer if winner is not None else "none", origin)
                )
        return tuple(found)


def freeze(resolution: Resolution) -> Frozen:
    """Take the values of a resolution in canonical form, independent of layers, order and platform."""
    settings: dict[str, Any] = {}
    for path in sorted(resolution):
        value = _canonical(resolution.value(path))
        settings[path] = _hidden(value) if resolution.schema[path].secret else value
    return Frozen(resolution.schema.name, settings)


def _canonical(value: Any) -> Any:
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Mapping):
        return {str(key): _canonical(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(each) for each in value]
    fields = getattr(value, "__dataclass_fields__", None)
    names = list(fields) if fields else [each.name for each in getattr(value, "__attrs_attrs__", ())]
    return {name: _canonical(getattr(value, name)) for name in names} if names else plain(value)


def _hidden(value: Any) -> dict[str, str]:
    text = f"{SECRET}\0{json.dumps(value, sort_keys=True)}"
    return {SECRET: hashlib.sha256(text.encode()).hexdigest()}


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {SECRET}


def _revived(schema: Schema, path: str, value: Any) -> Any:
    """Turn what JSON has no word for, dates and NaN, back into values."""
    slot = schema.index.slots.get(path)
    if slot is None or not isinstance(value, str):
        return value
    try:
        return slot.kind.typed(value)
    except Mismatch:
        try:
            return slot.kind.text(value)
        except Mismatch:
            return value
