"""Time resolve and build, with all provenance, as a ratio to a floor without any: tomllib, ChainMap, cattrs.

Every figure of one table comes from one run; ratios travel between machines, microseconds do not. Each run
reads the TOML file and the environment anew; the other layers stand ready on both sides ("ours"), or are made
from dicts in each run ("layers anew"). "all traces" also asks for the whole story of every setting, which
finds every place. Peers that are installed do the same work for the same classes, without any provenance.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
import tomllib
import tracemalloc
from collections import ChainMap
from collections.abc import Callable
from dataclasses import dataclass, field, make_dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cattrs
from peers import PEERS, installed, timed

from ptyconf import Precedence, Schema, View, resolve
from ptyconf.sources import defaults, environment, mapping, toml

TYPES: tuple[tuple[type, Any], ...] = ((int, 1), (float, 2.5), (str, "text"), (bool, True))
PER_SECTION = 20


@dataclass
class Case:
    """One schema of a size with the same layers for every competitor."""

    settings: int
    layers: int
    classes: dict[str, type] = field(default_factory=dict)
    file: Path = Path()
    sparse: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)


def make_case(settings: int, layers: int, folder: Path) -> Case:
    """Make classes, a file with every setting, and sparse layers with a tenth of the settings each."""
    case = Case(settings, layers)
    names: list[tuple[str, str, int]] = []
    for number in range(settings // PER_SECTION):
        section = f"section_{number}"
        fields = []
        for index in range(PER_SECTION):
            kind, default = TYPES[index % len(TYPES)]
            fields.append((f"setting_{index}", kind, field(default=default)))
            names.append((section, f"setting_{index}", index))
        case.classes[section] = make_dataclass(f"Section{number}", fields)
    lines: list[str] = []
    for section, name, index in names:
        if index == 0:
            lines.append(f"[{section}]")
        lines.append(f"{name} = {json.dumps(TYPES[index % len(TYPES)][1])}")
    case.file = folder / f"case_{settings}_{layers}.toml"
    case.file.write_text("\n".join(lines) + "\n")
    for layer in range(max(0, layers - 3)):
        table: dict[str, dict[str, Any]] = {}
        for position, (section, name, index) in enumerate(names):
            if (position + layer) % 10 == 0:
                table.setdefault(section, {})[name] = TYPES[index % len(TYPES)][1]
        case.sparse.append(table)
    for position, (section, name, index) in enumerate(names):
        if index % 4 == 0 and position % 16 == 0:
            case.environ[f"BENCH__{section.upper()}__{name.upper()}"] = str(TYPES[index % len(TYPES)][1])
    return case


def floor(case: Case, *, anew: bool) -> Callable[[], Any]:
    """Read with tomllib, merge with ChainMap, structure with cattrs: no provenance at all."""
    converter = cattrs.Converter()
    standard = {
        (section, name): each.default
        for section, kind in case.classes.items()
        for name, each in kind.__dataclass_fields__.items()
    }
    start = "BENCH__"
    ready = [flat(each) for each in reversed(case.sparse)]

    def run() -> Any:
        maps: list[Any] = [flat(each) for each in reversed(case.sparse)] if anew else ready
        environ = {
            tuple(name[len(start) :].lower().split("__")): text
            for name, text in case.environ.items()
            if name.startswith(start)
        }
        merged = ChainMap(*maps, environ, flat(tomllib.loads(case.file.read_text())), standard)
        tables: dict[str, dict[str, Any]] = {}
        for (section, name), value in merged.items():
            tables.setdefault(section, {})[name] = value
        return [converter.structure(tables[section], kind) for section, kind in case.classes.items()]

    return run


def flat(tables: dict[str, dict[str, Any]]) -> dict[Any, Any]:
    """Give nested tables as one, by pairs of section and name."""
    return {(section, name): value for section, table in tables.items() for name, value in table.items()}


def ours(case: Case, *, anew: bool, traces: bool = False, build: bool = True) -> Callable[[], Any]:
    """Resolve and, unless it is not to, build, with the whole history."""
    views = [View(kind, section) for section, kind in case.classes.items()]
    schema = Schema("bench", views)
    names = [f"sparse-{number}" for number in reversed(range(len(case.sparse)))]
    precedence = Precedence(*names, "environment", "file", "defaults")
    standard = defaults.layer("defaults", *views)
    ready = [mapping.layer(f"sparse-{number}", each) for number, each in enumerate(case.sparse)]

    def run() -> Any:
        layers = ready
        if anew:
            layers = [mapping.layer(f"sparse-{number}", each) for number, each in enumerate(case.sparse)]
        outside = environment.layer("BENCH", case.environ)
        resolution = resolve(schema, precedence, [*layers, outside, *toml.load(case.file), standard])
        if traces:
            for path in resolution:
                resolution.trace(path)
        return [resolution.build(view) for view in views] if build else resolution

    return run


def memory(run: Callable[[], Any], count: int) -> float:
    """Give what one more resolution holds, in KB, the layers and texts of its own included."""
    held = [run() for _ in range(4)]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    held += [run() for _ in range(count)]
    gc.collect()
    size = (tracemalloc.get_traced_memory()[0] - before) / count / 1024
    tracemalloc.stop()
    return size


def bare(case: Case) -> Callable[[], Any]:
    """Do the floor's work with the fastest parsers: what no provenance at all can cost."""
    import msgspec
    import toml_rs

    def run() -> Any:
        tables = toml_rs.loads(case.file.read_text())
        for name, text in case.environ.items():
            _, section, setting = name.lower().split("__")
            tables[section][setting] = text
        for layer in case.sparse:
            for section, table in layer.items():
                tables[section].update(table)
        return [
            msgspec.convert(tables[section], kind, strict=False) for section, kind in case.classes.items()
        ]

    return run


LONG_S = 0.01


def best(run: Callable[[], Any], budget_s: float) -> float:
    """Give the shortest of many runs, in seconds; long runs, which others interrupt, by processor time."""
    start = time.process_time()
    run()
    run()
    clock = time.perf_counter if time.process_time() - start < 2 * LONG_S else time.process_time
    shortest, end = float("inf"), time.perf_counter() + budget_s
    gc.disable()
    try:
        while time.perf_counter() < end or shortest == float("inf"):
            start = clock()
            run()
            shortest = min(shortest, clock() - start)
    finally:
        gc.enable()
    return shortest


BARE = all(map(find_spec, ("toml_rs", "msgspec")))
PEERS_UP_TO = 20_000  # settings times layers; above that some take minutes


def measure(case: Case, names: list[str], budget_s: float) -> list[str]:
    """Give one row of the table: times in us, then ratios to the floor."""
    f = best(floor(case, anew=False), budget_s)
    o = best(ours(case, anew=False), budget_s)
    a = best(ours(case, anew=True), budget_s) / best(floor(case, anew=True), budget_s)
    t = best(ours(case, anew=False, traces=True), budget_s)
    row = [str(case.settings), str(case.layers), f"{f * 1e6:.0f}", f"{o * 1e6:.0f}", f"{o / f:.2f}"]
    row += [f"{a:.2f}", f"{t / f:.2f}", f"{best(bare(case), budget_s) / f:.2f}" if BARE else "-"]
    row.append(f"{memory(ours(case, anew=False, build=False), max(2, 8000 // case.settings)):.0f}")
    small = case.settings * case.layers <= PEERS_UP_TO
    return [*row, *(f"{timed(name, case, best, budget_s) / f:.1f}" if small else "-" for name in names)]


def main() -> None:
    """Print the table, in Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sizes = ",".join(f"{settings}x{layers}" for settings in (80, 800, 8000) for layers in (2, 5, 20, 100))
    parser.add_argument("--sizes", default=sizes, help=f"settings x layers, by commas ({sizes})")
    parser.add_argument("--budget", type=float, default=1.0, help="seconds for each figure (1.0)")
    parser.add_argument("--no-peers", action="store_true", help="measure ptyconf alone")
    options = parser.parse_args()
    names = [] if options.no_peers else installed()
    headings = ["settings", "layers", "F us", "ours us", "ours / F", "made anew / F", "all traces / F"]
    headings += ["toml-rs, msgspec / F", "memory, KB"]
    headings += [f"{name} / F" for name in names]
    print(f"| {' | '.join(headings)} |")
    print("|---" * len(headings) + "|")
    with TemporaryDirectory() as folder:
        for size in options.sizes.split(","):
            settings, layers = (int(part) for part in size.split("x"))
            row = measure(make_case(settings, layers, Path(folder)), names, options.budget)
            print(f"| {' | '.join(row)} |", flush=True)
    missing = [] if options.no_peers else sorted(set(PEERS) - set(names))
    if missing:
        print(f"not measured, for they are not installed: pip install {' '.join(missing).lower()}")


if __name__ == "__main__":
    main()
