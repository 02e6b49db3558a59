"""A tree of sections with each setting's value and place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ptyconf.merge.resolution import Resolution, expect_resolution
from ptyconf.report.table import value_of
from ptyconf.schema.path import join_path, split_path


def tree(resolution: Resolution, paths: Iterable[str] | None = None) -> str:
    """Show settings as a tree of sections: value, winning layer and place beside each name."""
    expect_resolution("tree", resolution)
    root: dict[str, Any] = {}
    for path in resolution if paths is None else paths:
        *sections, name = (join_path((segment,)) for segment in split_path(path))
        node = root
        for section in sections:
            node = node.setdefault(section, {})
        trace = resolution.trace(path)
        node[name] = f"{value_of(trace)}  ({trace.winner.layer}: {trace.winner.origin})"
    return "\n".join((resolution.schema.name, *_branches(root, "")))


def _branches(node: dict[str, Any], indent: str) -> list[str]:
    lines = []
    width = max((len(name) for name, branch in node.items() if isinstance(branch, str)), default=0)
    for number, (name, branch) in enumerate(node.items(), 1):
        last = number == len(node)
        joint = "`-- " if last else "|-- "
        if isinstance(branch, str):
            lines.append(f"{indent}{joint}{name.ljust(width)}  {branch}")
        else:
            lines.append(f"{indent}{joint}{name}")
            lines += _branches(branch, indent + ("    " if last else "|   "))
    return lines
