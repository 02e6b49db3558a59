"""One setting's story: its value, who won, who lost, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ptyconf.merge.resolution import Resolution, expect_resolution
from ptyconf.merge.trace import Referred, Trace
from ptyconf.report.table import value_of
from ptyconf.schema.setting import Setting
from ptyconf.text.show import show_traced


def story(resolution: Resolution, path: str) -> str:
    """Tell one setting's whole story, with the chain of what it was derived from.

    Raises:
        KeyError: There is no such setting, or nothing gives it a value.
    """
    expect_resolution("story", resolution)
    return "\n".join(_lines(resolution, path))


def _lines(resolution: Resolution, path: str) -> Iterator[str]:
    trace = resolution.trace(path)
    setting = resolution.schema[path] if path in resolution.schema else Setting(path)  # of a section, nothing
    yield f"{path} = {value_of(trace)}{f' {setting.unit}' if setting.unit else ''}"
    yield from _described(setting)
    yield from _entries(trace)
    yield from _references(trace.references, 1)
    for element in trace.elements:
        yield f"  element     {element.key}: {show_traced(element.value)}  {element.layer}: {element.origin}"
    for applied in trace.policies:
        yield f"  passed over {applied.layer}: {applied.reason}"
    for layer in resolution.layers:
        if path in layer.left_out:
            yield f"  left out    {layer.name}: a secret, which no frozen file holds"
    if trace.derivation is not None:
        yield from (f"  why         {line}" for line in why(resolution, path))
        if trace.derivation.reason:
            yield f"  reason      {trace.derivation.reason}"


def _references(steps: Iterable[Referred], depth: int) -> Iterator[str]:
    for step in steps:
        name = step.path or step.text
        yield f"  {'refers to':<11} {'  ' * (depth - 1)}{name} = {show_traced(step.value)}  {step.origin}"
        yield from _references(step.steps, depth + 1)


def _described(setting: Setting) -> Iterator[str]:
    if setting.help:
        yield f"  {setting.help}"


def _entries(trace: Trace) -> Iterator[str]:
    rows = [("set by", trace.winner), *(("overrides", loser) for loser in trace.losers)]
    in_force = {(element.layer, element.origin.file) for element in trace.elements}
    layers = max(len(entry.layer) for _, entry in rows)
    values = max(len(show_traced(entry.value)) for _, entry in rows)
    for word, entry in rows:
        place = str(entry.origin)
        if entry.conversion:
            place += f", converted {entry.conversion}"
        merged = word == "overrides" and (entry.layer, entry.origin.file) in in_force
        label = "passes over" if entry.passed is not None else "merged with" if merged else word
        yield f"  {label:<11} {entry.layer.ljust(layers)}  {show_traced(entry.value).ljust(values)}  {place}"


def why(resolution: Resolution, path: str) -> list[str]:
    """Walk the chain of derivations: ``data.C = 4 because model.gridsize = 2 from run.toml:9:1``."""
    trace = resolution.trace(path)
    if trace.derivation is None:
        return [f"{path} = {value_of(trace)} from {trace.winner.origin.where}"]
    lines = []
    for name in trace.derivation.inputs:
        inner = why(resolution, name)
        lines.append(f"{path} = {value_of(trace)} because {inner[0]}")
        lines += inner[1:]
    return lines or [f"{path} = {value_of(trace)} from {trace.derivation.function}()"]
