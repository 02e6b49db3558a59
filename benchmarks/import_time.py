"""Time a cold start: new interpreter, import, schema, first resolve; against attrs, cattrs and tomllib alike.

Also lists what ``import ptyconf`` brings along. The shortest of several starts counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

FILE = "a.x = 3\na.y = 2.5\na.z = 'text'\n"

OURS = f"""
from dataclasses import dataclass
from ptyconf import Precedence, Schema, View, resolve
from ptyconf.sources import toml
@dataclass
class A:
    x: int = 1
    y: float = 1.0
    z: str = ''
resolution = resolve(Schema('p', [View(A, 'a')]), Precedence('file'), toml.parse({FILE!r}))
assert resolution.build(A) == A(3, 2.5, 'text')
"""

FLOOR = f"""
import attrs, cattrs, tomllib
from collections import ChainMap
from dataclasses import dataclass
@dataclass
class A:
    x: int = 1
    y: float = 1.0
    z: str = ''
merged = dict(ChainMap(tomllib.loads({FILE!r})['a'], {{'x': 1, 'y': 1.0, 'z': ''}}))
assert cattrs.Converter().structure(merged, A) == A(3, 2.5, 'text')
"""

LISTED = """
import sys
before = set(sys.modules)
import ptyconf
added = {name.partition('.')[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
print(', '.join(sorted(added)))
"""


def start(code: str) -> float:
    """Run code in a new interpreter and give the seconds that it took."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begin


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=15, help="starts of each kind (15)")
    options = parser.parse_args()
    codes = {"bare python": "pass", "import attrs": "import attrs", "import ptyconf": "import ptyconf"}
    codes |= {"floor: cattrs, tomllib": FLOOR, "ours: schema, resolve": OURS}
    # Kinds take turns, so that a busy moment of the machine falls on all of them.
    seconds = {name: float("inf") for name in codes}
    for _ in range(options.runs):
        for name, code in codes.items():
            seconds[name] = min(seconds[name], start(code))
    print(f"{'start':<24}{'ms':>8}")
    for name, each in seconds.items():
        print(f"{name:<24}{each * 1e3:>8.1f}")
    bare = seconds["bare python"]
    ours, floor = seconds["ours: schema, resolve"], seconds["floor: cattrs, tomllib"]
    print(f"ours / floor            {ours / floor:>8.2f}")
    print(f"the same without python {(ours - bare) / (floor - bare):>8.2f}")
    listed = subprocess.run([sys.executable, "-c", LISTED], check=True, capture_output=True, text=True).stdout
    print(f"top-level packages of import ptyconf: {listed.strip()}")


if __name__ == "__main__":
    main()
