"""Canonical form, sha256, save and replay: to repeat a run, and to notice a change.

What is hashed: the UTF-8 text of ``{"program": ..., "settings": {path: value}, "version": 1}`` as JSON with
sorted keys and no blanks. Each value is written by its kind, what JSON has no word for behind a tag, paths
with forward slashes, sets sorted. A secret is left out, a marker stands in its place. Layers and places are
not hashed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ptyconf.arguments import expect, expect_one_of
from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.fault import Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution, expect_resolution
from ptyconf.merge.resolve import resolve
from ptyconf.merge.story import is_secret
from ptyconf.report.written import frozen_leaf, respelled, thawed, written, written_settings
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Slot
from ptyconf.text.show import MASK, show

VERSION = 1
LEFT_OUT_SECRET = {"$secret": "left out"}
SCRYPT_N = 2**15


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A setting whose frozen value differs from what the layers give now."""

    path: str
    frozen: Any
    now: Any
    layer: str
    origin: Origin

    def __str__(self) -> str:
        if self.frozen == MASK:
            return f"{self.path}: another secret than the frozen one ({self.layer}: {self.origin})"
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
    secrets: Mapping[str, str] = field(default_factory=dict)  # salt and hash by path, where asked for

    @property
    def canonical(self) -> str:
        """The text that is hashed."""
        content = {"program": self.program, "settings": dict(self.settings), "version": VERSION}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

    @property
    def sha256(self) -> str:
        """The fingerprint."""
        import hashlib

        return hashlib.sha256(self.canonical.encode()).hexdigest()

    def dumps(self) -> str:
        """Write it as a JSON file."""
        content: dict[str, Any] = {
            "version": VERSION,
            "program": self.program,
            "sha256": self.sha256,
            "settings": dict(self.settings),
        }
        if self.secrets:
            content["secrets"] = dict(self.secrets)
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def loads(cls, text: str, *, file: str = "") -> Frozen:
        """Read it back.

        Raises:
            ConfigError: It is no such file, or was changed since.
        """
        origin = Origin("frozen", "frozen", "", file) if file else None
        try:
            content = json.loads(text)
            made = cls(content["program"], dict(content["settings"]), dict(content.get("secrets", {})))
            written, sha256 = content["sha256"], made.sha256
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError([Problem("this is no frozen configuration", origin=origin)]) from error
        if sha256 != written:
            text = f"the frozen settings have the fingerprint {sha256[:12]}..., not {str(written)[:12]}..."
            raise ConfigError([Problem(text, origin=origin, hint="freeze again")])
        return made

    def replay(self, schema: Schema, *, file: str = "frozen") -> Resolution:
        """Resolve to the frozen values; secrets keep the schema's default, for they were left out.

        Raises:
            ConfigError: The schema no longer takes a value.
        """
        expect("replay", "schema", schema, Schema, "a Schema", "schema_of(App)")
        values: dict[str, Any] = {}
        derived = {derivation.target for derivation in schema.derivations}
        for path, data in self.settings.items():
            if path in derived or data == LEFT_OUT_SECRET:
                continue
            slot = schema.index.slots.get(path)
            bare = _without_secrets(data)
            values[path] = bare if slot is None else respelled(slot, thawed(slot, bare, split_path(path)))

        def origins(keys: Keys) -> Origin:
            return Origin("frozen", "frozen", join_path(keys), file)

        layer = Layer("frozen", values, origins, dotted=True, replaces=frozenset(values), references=False)
        return resolve(schema, Precedence("frozen"), [layer])

    def compare(self, resolution: Resolution) -> tuple[Disagreement, ...]:
        """Say which settings, and by which layer, would be different now."""
        now = freeze(resolution).settings
        changes = []
        for path in sorted({*self.settings, *now}):
            old, new = self.settings.get(path), now.get(path)
            if old != new or type(old) is not type(new):
                changes.append(self._disagreement(resolution, path, old, new))
        for path, mark in self.secrets.items():
            value = resolution.value(path) if path in resolution else None
            if _hashed(value, bytes.fromhex(mark.partition(":")[0])) != mark:
                changes.append(self._disagreement(resolution, path, MASK, MASK))
        return tuple(changes)

    def _disagreement(self, resolution: Resolution, path: str, old: Any, new: Any) -> Disagreement:
        if path not in resolution:
            return Disagreement(path, old, new, "none", Origin("none", "", "no such setting"))
        winner = resolution.trace(path).winner
        return Disagreement(path, old, new, winner.layer, winner.origin)


def freeze(resolution: Resolution, *, secrets: Literal["omit", "scrypt"] = "omit") -> Frozen:
    """Take the values of a resolution in canonical form, independent of layers, order and platform.

    Args:
        resolution: What to freeze.
        secrets: "omit" leaves secrets out; "scrypt" keeps a slow hash of each beside the canonical text, so
            that ``compare`` sees a change. A short secret is found from its hash by trying: no promise.
    """
    expect_resolution("freeze", resolution)
    expect_one_of("freeze", "secrets", secrets, ("omit", "scrypt"))
    settings: dict[str, Any] = {}
    hidden: dict[str, Any] = {}
    for path, slot, tree in written_settings(resolution):

        def leaf(inner: Slot, value: Any, at: Segments) -> Any:
            if value is None or not (inner.setting.secret or is_secret(resolution, at)):
                return frozen_leaf(inner, value)
            hidden[join_path(at)] = value
            return dict(LEFT_OUT_SECRET)

        settings[path] = written(slot, tree, split_path(path), leaf)
    hashes = {path: _hashed(value) for path, value in hidden.items()} if secrets == "scrypt" else {}
    return Frozen(resolution.schema.name, dict(sorted(settings.items())), hashes)


def _hashed(value: Any, salt: bytes | None = None) -> str:
    salt = os.urandom(16) if salt is None else salt
    text = repr(value).encode("utf-8", "surrogatepass")
    import hashlib

    digest = hashlib.scrypt(text, salt=salt, n=SCRYPT_N, r=8, p=1, maxmem=2**27, dklen=32)
    return f"{salt.hex()}:{digest.hex()}"


def _without_secrets(data: Any) -> Any:
    """Take the markers of secrets out of what was frozen."""
    if isinstance(data, dict):
        return {key: _without_secrets(item) for key, item in data.items() if item != LEFT_OUT_SECRET}
    return [_without_secrets(item) for item in data] if isinstance(data, list) else data
