"""Time what the pytest plugin adds to a green suite, in two ways.

Whole runs, with and without it: processor time, as the median over pairs of neighbouring runs with its
quartiles, for single runs differ by more than the plugin costs. And its one hook that runs in passing tests,
three times in each, called through pluggy as pytest does. Each test builds a config, as a program does that
has one.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from timeit import repeat
from types import SimpleNamespace

import pluggy

from ptyconf import pytest_plugin

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


class Specification:
    """What pytest declares of the hook."""

    @pluggy.HookspecMarker("pytest")(firstresult=True)
    def pytest_runtest_makereport(self, item: object, call: object) -> object:
        """Make a report."""


class Builtin:
    """A report made for nothing, as pytest's own stands below the plugin."""

    @pluggy.HookimplMarker("pytest")
    def pytest_runtest_makereport(self) -> object:
        """Make a report."""
        return self


def hook_seconds(*plugins: object) -> float:
    """Give the time of the hook for something that went well."""
    manager = pluggy.PluginManager("pytest")
    manager.add_hookspecs(Specification)
    for each in plugins:
        manager.register(each)
    passed = SimpleNamespace(excinfo=None)
    call = partial(manager.hook.pytest_runtest_makereport, item=None, call=passed)
    return min(repeat(call, number=20_000, repeat=9)) / 20_000


class Plugin:
    """The plugin's hook alone."""

    pytest_runtest_makereport = staticmethod(pytest_plugin.pytest_runtest_makereport)


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tests", type=int, default=2000, help="tests in the suite (2000)")
    parser.add_argument("--pairs", type=int, default=25, help="pairs of runs (25)")
    options = parser.parse_args()
    without, ratios = [], []
    with TemporaryDirectory() as folder:
        Path(folder, "test_green.py").write_text(TESTS.replace("COUNT", str(options.tests)))
        for number in range(options.pairs):
            # Who goes first alternates, so that a drift of the machine favours neither.
            kinds = [("-p", "no:ptyconf"), ()]
            found = {kind: seconds(folder, *kind) for kind in (kinds if number % 2 else kinds[::-1])}
            without.append(found[kinds[0]])
            ratios.append(found[kinds[1]] / found[kinds[0]] - 1)
    low, middle, high = (100 * each for each in quantiles(ratios, n=4))
    hook = 3 * (hook_seconds(Builtin(), Plugin()) - hook_seconds(Builtin()))
    print(f"without  {median(without) / options.tests * 1e6:.0f} us per test")
    print(f"hook     {hook * 1e6:.1f} us per test, {hook * options.tests / median(without) * 100:.2f} %")
    print(f"cost     {middle:.2f} % (quartiles {low:.2f} to {high:.2f} %)")


if __name__ == "__main__":
    main()
