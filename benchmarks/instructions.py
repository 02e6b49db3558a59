"""Count the instructions of what the benchmarks of the engine time, as ratios to the same floor: by valgrind.

Time on a busy machine tells little; instructions are the same within two percent. They leave out what waits:
system calls and caches, so that both are worth a look.

Run: python benchmarks/instructions.py [--sizes 80x5,80x100] [--runs 30]
"""

from __future__ import annotations

import argparse
import gc
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import program
import resolve

WARM = 8  # the first runs make plans and generate functions
ROWS = {
    "floor": {"anew": False},
    "resolve and build": {"anew": False},
    "floor, layers made anew": {"anew": True},
    "resolve and build, layers made anew": {"anew": True},
    "all traces": {"anew": False, "traces": True},
}


def rows(what: str, folder: Path) -> dict[str, Callable[[], Any]]:
    """Give the runs of the nested program, or of a flat one of so many settings and layers: "80x5"."""
    if what == "program":
        return program.rows(folder)
    settings, layers = map(int, what.split("x"))
    case = resolve.make_case(settings, layers, folder)
    return {
        row: resolve.floor(case, **options) if row.startswith("floor") else resolve.ours(case, **options)
        for row, options in ROWS.items()
    }


def repeat(what: str, row: str, runs: int) -> None:
    """Do one thing so many times, in the process that valgrind watches."""
    with TemporaryDirectory() as folder:
        run = rows(what, Path(folder))[row]
        gc.disable()
        for _ in range(WARM + runs):
            run()


def count(what: str, row: str, runs: int) -> int:
    """Give the instructions of a process that does one thing so many times."""
    watch = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    report = subprocess.run(
        [*watch, sys.executable, __file__, "--repeat", what, row, str(runs)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    ).stderr
    references = re.search(r"I\s+refs:\s+([\d,]+)", report)
    if references is None:
        raise SystemExit(report)
    return int(references[1].replace(",", ""))


def main() -> None:
    """Print instructions of each row, and the ratio to the floor above it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="program,80x5,80x100", help="program, or settings x layers")
    parser.add_argument("--runs", type=int, default=30, help="runs of each (30)")
    parser.add_argument("--only", default="", help="rows that have this in their name, and their floor")
    parser.add_argument("--repeat", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.repeat:
        repeat(options.repeat[0], options.repeat[1], int(options.repeat[2]))
        return
    for what in options.sizes.split(","):
        with TemporaryDirectory() as folder:
            names = [*rows(what, Path(folder))]
        floor = 1
        for row in names:
            if options.only in row or row.startswith("floor"):
                used = (count(what, row, options.runs) - count(what, row, 0)) // options.runs
                floor = used if row.startswith("floor") else floor
                print(f"{what:<10}{row:<38}{used:>12,}{used / floor:>8.3f} F", flush=True)


if __name__ == "__main__":
    main()
