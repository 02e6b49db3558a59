"""Paths are TOML dotted keys: a segment that is no name is quoted, an index stands in brackets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ptyconf.text.show import toml_key

Segments = tuple["str | int", ...]
_SEGMENT = r'\[(\d+)\]|\.?("(?:[^"\\]|\\.)*"|\'[^\']*\'|[^.\[\]"\']+)'


def join_path(segments: Iterable[str | int]) -> str:
    """Write a path: ``replicas."eu.west".ports[1]``."""
    path = ""
    for segment in segments:
        if isinstance(segment, int):
            path += f"[{segment}]"
        else:
            # The name of an attribute is bare in a path, though TOML quotes what is not ASCII.
            key = segment if segment == "*" or segment.isidentifier() else toml_key(segment)
            path = f"{path}.{key}" if path else key
    return path


@lru_cache(maxsize=4096)  # each layer of a report asks for the same paths, a third of the cost of its places
def split_path(path: str) -> Segments:
    """Take a path apart; what is no path is one segment."""
    if '"' not in path and "[" not in path and "'" not in path:
        return tuple(path.split("."))
    segments: list[str | int] = []
    at = 0
    while at < len(path):
        match = re.compile(_SEGMENT).match(path, at)
        if match is None:
            return (path,)
        index, key = match.groups()
        if index is not None:
            segments.append(int(index))
        elif key[0] == '"':
            import json

            segments.append(json.loads(key))
        else:
            segments.append(key.strip("'") if key[0] == "'" else key)
        at = match.end()
    return tuple(segments)


def lacks_key(path: str) -> bool:
    """Tell whether a path has nothing between two dots, or at an end: an empty key is written in quotes."""
    return '"' not in path and "'" not in path and not all(path.split("."))


def matches(pattern: Segments, segments: Segments) -> bool:
    """Tell whether a path is one that a pattern speaks of; ``*`` stands for one key or index."""
    return len(pattern) == len(segments) and all(
        ours in ("*", theirs) for ours, theirs in zip(pattern, segments, strict=True)
    )
