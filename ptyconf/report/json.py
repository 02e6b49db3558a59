"""Traces as JSON, version 1."""

from __future__ import annotations

import datetime
import enum
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

from ptyconf.merge.resolution import Resolution
from ptyconf.merge.trace import Entry, Trace
from ptyconf.report.written import thawed
from ptyconf.schema.path import split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import Items, Table
from ptyconf.text.show import MASK

VERSION = 1


def to_json(resolution: Resolution, path: str | None = None) -> dict[str, Any]:
    """Give the JSON form of one setting's trace, or of the whole resolution; secrets are masked.

    Raises:
        KeyError: There is no such setting, or nothing gives it a value.
    """
    if path is not None:
        return {"version": VERSION, **_told(resolution, path)}
    return {"version": VERSION, "settings": [_told(resolution, each) for each in resolution]}


def from_json(schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a whole report by path, equal to those that it was made of; secrets are left out.

    Raises:
        KeyError: The data is no report of a resolution.
    """
    values = {}
    for said in data["settings"]:
        slot = schema.slot(said["path"])
        if said["value"] != MASK:
            value = thawed(slot, said["value"], split_path(said["path"]))
            # A container that is an end by itself is empty.
            values[said["path"]] = slot.node.make(value) if isinstance(slot.node, (Table, Items)) else value
    return values


def _told(resolution: Resolution, path: str) -> dict[str, Any]:
    """Give a trace with its value as the setting's kind writes it, so that it can be read back."""
    trace = resolution.trace(path)
    said = trace_as_dict(trace)
    try:
        slot = resolution.schema.slot(path)
    except KeyError:
        return said  # a section by its path
    if slot.node is None and trace.value is not None and trace.value != MASK:
        said["value"] = slot.kind.frozen(trace.value)
    return said


def trace_as_dict(trace: Trace) -> dict[str, Any]:
    """Give the JSON form of a trace."""
    derivation = None
    if trace.derivation is not None:
        inputs = {path: plain(value) for path, value in trace.derivation.inputs.items()}
        derivation = {"function": trace.derivation.function, "inputs": inputs}
        if trace.derivation.reason:
            derivation["reason"] = trace.derivation.reason
    said: dict[str, Any] = {
        "path": trace.path,
        "value": plain(trace.value),
        "winner": _entry(trace.winner, with_value=False),
        "losers": [_entry(each) for each in trace.losers],
        "derivation": derivation,
        "policies": [{"layer": each.layer, "reason": each.reason} for each in trace.policies],
    }
    if trace.elements:
        said["elements"] = [
            {
                "key": each.key,
                "value": plain(each.value),
                "layer": each.layer,
                "origin": each.origin.as_dict(),
            }
            for each in trace.elements
        ]
    return said


def _entry(entry: Entry, *, with_value: bool = True) -> dict[str, Any]:
    said: dict[str, Any] = {"layer": entry.layer}
    if with_value:
        said["value"] = plain(entry.value)
    said["origin"] = entry.origin.as_dict()
    if entry.conversion:
        said["conversion"] = entry.conversion
    if entry.passed is not None:
        said["passed_over"] = entry.passed
    return said


def plain(value: Any) -> Any:
    """Put a value into what JSON has; what it has no word for becomes text."""
    if value is None or isinstance(value, (bool, str)) or type(value) is int:
        return value
    if isinstance(value, enum.Enum):
        return plain(value.value) if isinstance(value.value, (str, int, float)) else value.name
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, Iterable):
        return [plain(each) for each in value]
    return str(value)
