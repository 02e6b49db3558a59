"""Traces as JSON, version 1."""

from __future__ import annotations

import datetime
import enum
import math
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from ptyconf.merge.origin import shown_path
from ptyconf.merge.pickled import json_value
from ptyconf.merge.resolution import Resolution, expect_resolution
from ptyconf.merge.trace import Entry, Referred, Trace
from ptyconf.report.written import thawed
from ptyconf.schema.families import find_kind
from ptyconf.schema.path import split_path
from ptyconf.schema.schema import Schema
from ptyconf.schema.tree import end_as_made
from ptyconf.text.show import is_mask

VERSION = 1
Shown = Callable[[str], str]


def to_json(resolution: Resolution, path: str | None = None) -> dict[str, Any]:
    """Give the JSON form of one setting's trace, or of the whole resolution; secrets are masked.

    Raises:
        KeyError: There is no such setting, or nothing gives it a value.
    """
    expect_resolution("to_json", resolution)
    if path is not None:
        return {"version": VERSION, **_json_row(resolution, resolution.trace(path), shown_path)}
    shown = cache(shown_path)  # asks for the working directory once, not for every place
    return {
        "version": VERSION,
        "settings": [_json_row(resolution, trace, shown) for trace in resolution.traces()],
    }


def from_json(schema: Schema, data: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of a whole report by path, equal to those that it was made of; secrets are left out.

    Raises:
        KeyError: The data is no report of a resolution.
    """
    values = {}
    for row in data["settings"]:
        slot = schema.slot(row["path"])
        if not is_mask(row["value"]):
            values[row["path"]] = end_as_made(slot, thawed(slot, row["value"], split_path(row["path"])))
    return values


def _json_row(resolution: Resolution, trace: Trace, shown: Shown) -> dict[str, Any]:
    """Give a trace with its value as the setting's kind writes it, so that it can be read back."""
    return trace_as_dict(trace, shown, json_value(resolution, trace.path, trace.value))


def trace_as_dict(trace: Trace, shown: Shown = shown_path, value: Any = None) -> dict[str, Any]:
    """Give the JSON form of a trace.

    Args:
        trace: The trace.
        shown: Names files, for a report that names many.
        value: The value as its kind writes it; None where nothing says that.
    """
    derivation = None
    if trace.derivation is not None:
        inputs = {path: plain(value) for path, value in trace.derivation.inputs.items()}
        derivation = {"function": trace.derivation.function, "inputs": inputs}
        if trace.derivation.reason:
            derivation["reason"] = trace.derivation.reason
    row: dict[str, Any] = {
        "path": trace.path,
        "value": plain(trace.value) if value is None else value,
        "winner": _entry(trace.winner, shown, with_value=False),
        "losers": [_entry(loser, shown) for loser in trace.losers],
        "derivation": derivation,
        "policies": [{"layer": policy.layer, "reason": policy.reason} for policy in trace.policies],
    }
    if trace.references:
        row["references"] = [_step(step, shown) for step in trace.references]
    if trace.elements:
        row["elements"] = [
            {
                "key": element.key,
                "value": plain(element.value),
                "layer": element.layer,
                "origin": element.origin.as_dict(shown),
            }
            for element in trace.elements
        ]
    return row


def _step(step: Referred, shown: Shown) -> dict[str, Any]:
    """Give the JSON form of what a reference leads to."""
    row: dict[str, Any] = {
        "text": step.text,
        "path": step.path or None,
        "value": plain(step.value),
        "origin": step.origin.as_dict(shown),
    }
    if step.steps:
        row["references"] = [_step(inner, shown) for inner in step.steps]
    return row


def _entry(entry: Entry, shown: Shown, *, with_value: bool = True) -> dict[str, Any]:
    layer, value, origin, conversion, passed = entry
    row: dict[str, Any] = {"layer": layer}
    if with_value:
        row["value"] = plain(value)
    row["origin"] = origin.as_dict(shown)
    if conversion:
        row["conversion"] = conversion
    if passed is not None:
        row["passed_over"] = passed
    return row


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
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=str)
    kind = find_kind(type(value))
    if kind is not None:  # some of them can be iterated, and a network has more addresses than time allows
        return kind.toml(value)
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)
