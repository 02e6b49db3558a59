"""Universally unique identifiers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ptyconf.schema.kind import Kind, textual

KINDS: dict[Any, Kind] = {UUID: textual(UUID, "a UUID", UUID)}
