"""Time what the pytest plugin adds to a green suite: the same tests with and without it, in turn.

Counted is processor time of whole pytest runs; the shortest of several counts. Each test builds a config, as
the tests of a program do that has one.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

TESTS = """
import dataclasses
import pytest
from ptyconf import Precedence, Schema, View, resolve
from ptyconf.sources import mapping

@dataclasses.dataclass
class Model:
    gridsize: int = 1

VIEW = View(Model, "model")
SCHEMA = Schema("small", [VIEW])

@pytest.fixture
def config():
    return resolve(SCHEMA, Precedence("overrides"), [mapping.layer("overrides", {"gridsize": 2})]).build(VIEW)

@pytest.mark.parametrize("number", range(COUNT))
def test_green(config, number):
    assert config.gridsize == 2
"""


def seconds(folder: str, *options: str) -> float:
    """Give the processor time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tests", type=int, default=2000, help="tests in the suite (2000)")
    parser.add_argument("--runs", type=int, default=7, help="runs of each kind (7)")
    options = parser.parse_args()
    kinds = {"without": ("-p", "no:ptyconf"), "with": ()}
    shortest = dict.fromkeys(kinds, float("inf"))
    with TemporaryDirectory() as folder:
        Path(folder, "test_green.py").write_text(TESTS.replace("COUNT", str(options.tests)))
        for _ in range(options.runs):
            for name, arguments in kinds.items():
                shortest[name] = min(shortest[name], seconds(folder, *arguments))
    for name, each in shortest.items():
        print(f"{name:<8} {each:.3f} s, {each / options.tests * 1e6:.0f} us per test")
    print(f"cost     {(shortest['with'] / shortest['without'] - 1) * 100:.2f} %")


if __name__ == "__main__":
    main()
