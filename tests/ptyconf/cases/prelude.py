"""What all small inputs start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ptyconf import Precedence, Schema, Setting, View, resolve
from ptyconf.sources import toml

P = Precedence("overrides", "flags", "environment", "profile", "file", "included")


@dataclass
class Ep:
    """The end point of a service."""

    host: str = "h"
    port: int = 1


def S(*settings: Setting, **more: Any) -> Schema:  # noqa: N802  As a reader of the cases knows it.
    """Make the schema of one section."""
    return Schema("s", [View(Ep, "a")], settings, **more)


def of(target: type, *settings: Setting) -> Schema:
    """Make the schema of one class, in the section c."""
    return Schema("s", [View(target, "c")], settings)


def with_file(target: type, text: str, profile: str | None = None) -> Any:
    """Build a class from one file."""
    return resolve(of(target), P, toml.parse(text, profile=profile)).build(target)
