"""Canonical form, sha256, save and replay: to repeat a run, and to notice a change.

What is hashed: the UTF-8 text of ``{"program": ..., "settings": {path: value}, "version": 1}`` as JSON with
sorted keys and no blanks. Each value is written by its kind, what JSON has no word for behind a tag, paths
with forward slashes, sets sorted. A secret is left out, a marker stands in its place. Layers and places are
not hashed.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ptyconf.arguments import expect, expect_one_of
from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.build import paths_of
from ptyconf.merge.fault import Keys
from ptyconf.merge.layer import Layer
from ptyconf.merge.origin import Origin
from ptyconf.merge.precedence import Precedence
from ptyconf.merge.resolution import Resolution, expect_resolution
from ptyconf.merge.resolve import resolve
from ptyconf.merge.standing import is_below, standing_places, untold_members
from ptyconf.merge.story import is_secret
from ptyconf.report.written import (
    LEFT_OUT_SECRET,
    Thawing,
    as_frozen,
    escaped_mark,
    frozen_leaf,
    respelled,
    written,
    written_settings,
)
from ptyconf.schema.fields import UNSET
from ptyconf.schema.path import Segments, join_path, split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Slot, holds_secret
from ptyconf.schema.view import View
from ptyconf.text.show import MASK, show

VERSION = 1
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
        frozen, now = show(_masked(self.frozen)), show(_masked(self.now))
        return f"{self.path}: frozen {frozen}, now {now} ({self.layer}: {self.origin})"

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
    instances: tuple[str, ...] = ()  # places whose instances no constructor makes again of their fields
    members: Mapping[str, str] = field(default_factory=dict)  # classes that no key of a union tells, by place

    @property
    def canonical(self) -> str:
        """The text that is hashed."""
        content = {"program": self.program, "settings": dict(self.settings), "version": VERSION}
        return _as_json(content, sort_keys=True, separators=(",", ":"))

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
        if self.instances:
            content["instances"] = list(self.instances)
        if self.members:
            content["members"] = dict(self.members)
        return _as_json(content, indent=2) + "\n"

    @classmethod
    def loads(cls, text: str, *, file: str = "") -> Frozen:
        """Read it back.

        Raises:
            ConfigError: It is no such file, or was changed since.
        """
        origin = Origin("frozen", "frozen", "", file) if file else None
        try:
            content = json.loads(text)
            made = cls(
                content["program"],
                dict(content["settings"]),
                dict(content.get("secrets", {})),
                tuple(map(str, content.get("instances", ()))),
                dict(content.get("members", {})),
            )
            written, sha256 = content["sha256"], made.sha256
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError([Problem("this is no frozen configuration", origin=origin)]) from error
        if sha256 != written:
            text = f"the frozen settings have the fingerprint {sha256[:12]}..., not {str(written)[:12]}..."
            raise ConfigError([Problem(text, origin=origin, hint="freeze again")])
        return made

    @property
    def left_out(self) -> tuple[str, ...]:
        """The paths of the secrets for which a marker stands."""
        return tuple(
            join_path(place)
            for path, data in self.settings.items()
            for place in _markers(data, split_path(path))
        )

    def replay(self, schema: Schema, *, file: str = "frozen") -> Resolution:
        """Resolve to the frozen values; secrets have the schema's default, for they were left out.

        ``left_out`` names those, and their stories say so. To give them, put a layer above that of ``layer``.

        Raises:
            ConfigError: The schema no longer takes a value.
        """
        expect("replay", "schema", schema, Schema, "a Schema", "schema_of(App)")
        return resolve(schema, Precedence("frozen"), [self.layer(schema, file=file, stacklevel=2)])

    def layer(
        self, schema: Schema, *, name: str = "frozen", file: str = "frozen", stacklevel: int = 1
    ) -> Layer:
        """Make a layer of the frozen values, which says nothing of secrets.

        A default instance that no constructor makes again of its fields stands again; any other one is made
        anew of its fields, and a ``UserWarning`` names it.

        Args:
            schema: The settings.
            name: Name in the precedence.
            file: The file that they come from, for their places.
            stacklevel: Whose line a warning names; 1 is the caller.
        """
        expect("Frozen.layer", "schema", schema, Schema, "a Schema", "schema_of(App)")
        values: dict[str, Any] = {}
        derived = {derivation.target for derivation in schema.derivations}
        hidden = frozenset(map(split_path, self.left_out))
        members = {split_path(place): name for place, name in self.members.items()}
        thawing = Thawing(members)
        standing = self._standing_views(schema)
        for path, data in self.settings.items():
            if path in derived or data == LEFT_OUT_SECRET:
                continue
            slot = schema.index.slots.get(path)
            bare = _without(data, split_path(path), hidden)
            values[path] = bare if slot is None else _thawed(thawing, slot, bare)

        def origins(keys: Keys) -> Origin:
            return Origin("frozen", "frozen", join_path(keys), file)

        places = {*thawing.instances, *(split_path(view.section) for view in standing)}
        self._warn_of_instances(places, stacklevel + 2)
        instances = {view.section: view.given for view in standing}
        covered = {path for view in standing for path in paths_of(view)}
        rest = {path: value for path, value in values.items() if path not in covered}
        return Layer(
            name,
            {**rest, **instances},
            origins,
            dotted=True,
            replaces=frozenset(values),
            references=False,
            left_out=frozenset(self.left_out),
        )

    def _standing_views(self, schema: Schema) -> list[View[Any]]:
        """Find the sections whose values are those of a default instance that no constructor makes again."""
        standing: list[View[Any]] = []
        for view in schema.views:
            paths = [*paths_of(view)] if view.given is not None and view.section else []
            known = {split_path(outer.section) for outer in standing}
            if paths and not is_below(split_path(view.section), known):
                slots = [schema.index.slots[path] for path in paths]
                if all(self.settings.get(slot.path) == _frozen_default(slot) for slot in slots):
                    standing.append(view)
        return standing

    def _warn_of_instances(self, standing: set[Segments], stacklevel: int) -> None:
        """Tell which instances are others than they were."""
        lost = [place for place in self.instances if not is_below(split_path(place), standing)]
        if lost:
            text = (
                f"{', '.join(map(repr, lost))}: frozen of instances that their constructors do not make "
                "again of their fields; they are made anew of these, and may be others"
            )
            warnings.warn(text, UserWarning, stacklevel=stacklevel)

    def compare(self, resolution: Resolution, *, secrets: bool = True) -> tuple[Disagreement, ...]:
        """Say which settings, and by which layer, would be different now; perhaps of secrets nothing."""
        now = freeze(resolution).settings
        passed = frozenset() if secrets else frozenset(map(split_path, self.left_out))
        changes = []
        for path in sorted({*self.settings, *now}):
            at = split_path(path)
            old, new = (_without(data.get(path), at, passed) for data in (self.settings, now))
            if old != new or type(old) is not type(new):
                changes.append(self._disagreement(resolution, path, old, new))
        for path, mark in self.secrets.items() if secrets else ():
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

        settings[path] = written(slot, tree, split_path(path), leaf, escaped_mark)
    hashes = {path: _hashed(value) for path, value in hidden.items()} if secrets == "scrypt" else {}
    return Frozen(
        resolution.schema.name,
        dict(sorted(settings.items())),
        hashes,
        tuple(map(join_path, standing_places(resolution))),
        {join_path(place): name for place, name in untold_members(resolution).items()},
    )


def _thawed(thawing: Thawing, slot: Slot, data: Any) -> Any:
    return respelled(slot, thawing.read(slot, data, split_path(slot.path), slot.default))


def _frozen_default(slot: Slot) -> Any:
    """Write the default of a setting as a frozen file has it; UNSET for a secret, which it leaves out."""
    if slot.default is UNSET or holds_secret(slot):
        return UNSET
    return as_frozen(slot, slot.default, split_path(slot.path))


def _as_json(content: Mapping[str, Any], **layout: Any) -> str:
    """Write JSON of which UTF-8 can be made: half a character, as in a file name of other bytes, escaped."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, **layout)
    return re.sub(r"[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def _hashed(value: Any, salt: bytes | None = None) -> str:
    salt = os.urandom(16) if salt is None else salt
    text = repr(value).encode("utf-8", "surrogatepass")
    import hashlib

    digest = hashlib.scrypt(text, salt=salt, n=SCRYPT_N, r=8, p=1, maxmem=2**27, dklen=32)
    return f"{salt.hex()}:{digest.hex()}"


def _markers(data: Any, at: Segments) -> Iterator[Segments]:
    """Walk the places at which the marker of a secret stands."""
    if data == LEFT_OUT_SECRET:
        yield at
    elif isinstance(data, (dict, list)):
        for key, item in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _markers(item, (*at, key))


def _masked(data: Any) -> Any:
    """Write the mask where the marker of a secret stands."""
    if data == LEFT_OUT_SECRET:
        return MASK
    if isinstance(data, dict):
        return {key: _masked(item) for key, item in data.items()}
    return [_masked(item) for item in data] if isinstance(data, list) else data


def _without(data: Any, at: Segments, places: frozenset[Segments]) -> Any:
    """Take what stands at some places out of what was frozen."""
    if at in places:
        return None
    if isinstance(data, dict):
        inside = {key: (*at, key) for key in data}
        return {
            key: _without(data[key], place, places) for key, place in inside.items() if place not in places
        }
    return (
        [_without(item, (*at, index), places) for index, item in enumerate(data)]
        if isinstance(data, list)
        else data
    )
