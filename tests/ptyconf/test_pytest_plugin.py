"""The pytest plugin, in real runs."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
import dataclasses
import pytest
from ptyconf import Precedence, Schema, View, resolve
from ptyconf.sources import defaults, mapping, toml

@dataclasses.dataclass
class Model:
    gridsize: int = 1
    filters: int = 2

@dataclasses.dataclass
class Training:
    model: Model
    nepochs: int = 50
    token: str = dataclasses.field(default="", metadata={"secret": True})
    keys: list[str] = dataclasses.field(default_factory=list, metadata={"secret": True})
    pin: int = dataclasses.field(default=0, metadata={"secret": True})

MODEL = View(Model, "model")
VIEW = View(Training, "training", {"model": MODEL})
Many = dataclasses.make_dataclass("Many", [(f"setting_{n}", int, n) for n in range(500)])
MANY = View(Many, "many")
SCHEMA = Schema("small", [VIEW, MANY])
PRECEDENCE = Precedence("overrides", "file", "defaults")
DEFAULTS = defaults.layer("defaults", MODEL, VIEW, MANY)

def make(text="", **overrides):
    layers = [*toml.parse(text, file="/x/run.toml"), mapping.layer("overrides", overrides), DEFAULTS]
    return resolve(SCHEMA, PRECEDENCE, layers)

@pytest.fixture
def config():
    return make("training.nepochs = 7\\ntraining.token = 'canary-secret'\\n", gridsize=3).build(Training)

@pytest.fixture
def resolution():
    return make("training.nepochs = 7\\n")
"""


@pytest.fixture
def run(pytester: pytest.Pytester):
    """Run one test module with the plugin, and give the output."""
    pytester.makeconftest(CONFTEST)
    loaded = any(each.value == "ptyconf.pytest_plugin" for each in entry_points(group="pytest11"))

    def go(source: str, *options: str, apart: bool = False) -> pytest.RunResult:
        pytester.makepyfile(source)
        run_in = pytester.runpytest_subprocess if apart else pytester.runpytest_inprocess
        plugin = () if loaded else ("-p", "ptyconf.pytest_plugin")
        return run_in(*plugin, "-p", "no:cacheprovider", *options)

    return go


def test_failing_assertion_shows_the_touched_setting(run) -> None:
    """Winner, losers and place of what the test read; the rest is one line."""
    result = run("def test_x(config):\n    assert config.nepochs == 8\n")
    result.stdout.fnmatch_lines(
        [
            "*- settings (ptyconf) -*",
            "training.nepochs = 7",
            "  set by      file      7   /x/run.toml:1:1 training.nepochs",
            "  overrides   defaults  50  Training.nepochs",
            "and 505 more settings of config, config.model; --ptyconf=full shows them",
        ]
    )
    assert "model.gridsize =" not in result.stdout.str()


def test_nested_local_and_resolution_are_found(run) -> None:
    """A config inside another, in a local variable, in a container; a resolution read by path."""
    result = run("def test_x(config):\n    inner = config.model\n    assert inner.gridsize == 2\n")
    result.stdout.fnmatch_lines(
        ["model.gridsize = 3", "  set by      overrides  3  overrides*gridsize*conftest.py*"]
    )
    result = run("def test_x(resolution):\n    assert resolution.value('training.nepochs') == 8\n")
    result.stdout.fnmatch_lines(["training.nepochs = 7"])
    result = run(
        "from conftest import make\ndef test_x():\n    r = make()\n    assert r['model.filters'] == 3\n"
    )
    result.stdout.fnmatch_lines(["model.filters = 2", "  set by      defaults  2  Model.filters"])


def test_comparison_shows_differing_settings(run) -> None:
    """Where each side came from."""
    result = run(
        "from conftest import *\n"
        "def test_x(config):\n"
        "    other = make('training.nepochs = 7\\n[model]\\ngridsize = 2').build(Training)\n"
        "    assert config == other\n"
    )
    result.stdout.fnmatch_lines(
        [
            "E*two Training differ",
            "E*model.gridsize  (model.gridsize)",
            "E*left   3  overrides: overrides*gridsize*",
            "E*right  2  file: /x/run.toml:3:1 model.gridsize",
            "E*token  (training.token)",
            "E*left   *********  file: /x/run.toml:2:1 training.token",
        ]
    )
    assert "canary" not in result.stdout.str()


def test_parametrised_tests_each_show_their_own(run) -> None:
    """Only the failing case has a section."""
    result = run(
        "import pytest\nfrom conftest import *\n"
        "@pytest.mark.parametrize('epochs', [5, 6])\n"
        "def test_x(epochs):\n"
        "    made = make(f'training.nepochs = {epochs}').build(Training)\n"
        "    assert made.nepochs == 5\n"
    )
    result.assert_outcomes(passed=1, failed=1)
    assert result.stdout.str().count("settings (ptyconf)") == 1
    result.stdout.fnmatch_lines(["training.nepochs = 6"])


def test_failure_below_the_test_is_followed(run) -> None:
    """A config that only an inner function holds is found in its frame."""
    result = run(
        "from conftest import *\n"
        "def work():\n"
        "    made = make('training.nepochs = 9').build(Training)\n"
        "    raise RuntimeError(made.nepochs)\n"
        "def test_x():\n    work()\n"
    )
    result.stdout.fnmatch_lines(["training.nepochs = 9"])


def test_secret_appears_nowhere(run) -> None:
    """Not in the assertion, the locals, the captured output, nor the summary."""
    source = (
        "import logging\n"
        "def test_x(config):\n"
        "    print('printed', config.token)\n"
        "    logging.getLogger('x').warning('logged %s', config.token)\n"
        "    token = config.token\n"
        "    assert config.token == 'other', f'said {config}'\n"
    )
    for style in ("long", "short", "native", "line"):
        result = run(source, "--showlocals", f"--tb={style}", "-rA")
        result.assert_outcomes(failed=1)
        assert "canary" not in result.stdout.str() + result.stderr.str()


def test_an_element_of_a_secret_is_one(run) -> None:
    """Touched by itself, unpacked or sliced."""
    source = (
        "from conftest import *\n"
        "def test_x():\n"
        "    config = make(keys=['canary-one', 'canary-two']).build(Training)\n"
        "    first, *rest = config.keys\n"
        "    assert config.keys[1:] == ['a'], first\n"
    )
    for style in ("long", "short", "native", "line"):
        result = run(source, "--showlocals", f"--tb={style}")
        result.assert_outcomes(failed=1)
        assert "canary" not in result.stdout.str()


def test_a_mask_eats_no_ordinary_text(run) -> None:
    """A secret of one letter, a keyword and a small number leave the report readable."""
    for value in ("'e'", "'assert'"):
        source = (
            "from conftest import *\n"
            "def test_else():\n"
            f"    config = make(token={value}).build(Training)\n"
            "    assert config.token == 'other'\n"
        )
        text = run(source).stdout.str()
        assert "E       AssertionError: assert '********' == 'other'" in text
        assert ">       assert config.token == 'other'" in text
    source = (
        "from conftest import *\n"
        "def test_else():\n"
        "    config = make(pin=3).build(Training)\n"
        "    assert config.pin == 30\n"
    )
    text = run(source).stdout.str()
    assert "assert ******** == 30" in text
    assert "config = make(pin=3)" in text


def test_unittest_cases_show_their_settings(run) -> None:
    """Of what the test case holds, for each of its ways to fail."""
    source = (
        "import unittest\nfrom conftest import *\n"
        "class TestThing(unittest.TestCase):\n"
        "    def setUp(self):\n"
        "        self.config = make('training.nepochs = 7', token='canary-secret').build(Training)\n"
        "    def test_equal(self):\n"
        "        self.assertEqual(self.config.nepochs, 8, self.config.token)\n"
        "    def test_error(self):\n"
        "        raise RuntimeError(self.config.model.filters)\n"
        "    def test_part(self):\n"
        "        with self.subTest(part=1):\n"
        "            self.assertTrue(self.config.nepochs == 8)\n"
    )
    result = run(source)
    text = result.stdout.str()
    assert text.count("- settings (ptyconf) -") == 3
    assert text.count("training.nepochs = 7\n  set by      file") == 2
    assert "model.filters = 2\n" in text
    assert "AssertionError: 7 != 8 : ********" in text


def test_two_configs_are_told_apart(run) -> None:
    """By the names of their variables."""
    result = run(
        "from conftest import *\n"
        "def test_x():\n"
        "    low = make('training.nepochs = 7').build(Training)\n"
        "    high = make('training.nepochs = 9').build(Training)\n"
        "    assert low.nepochs > high.nepochs\n"
    )
    result.stdout.fnmatch_lines(["training.nepochs = 7  (in low)", "training.nepochs = 9  (in high)"])


def test_keys_of_a_table_that_knows_its_writers_are_told(run) -> None:
    """Who wrote the key, also where the test holds no config."""
    result = run(
        "import sys\nfrom ptyconf import errors\n"
        "class Table(dict):\n"
        "    def writer(self, key):\n"
        "        return '/x/run.py:12' if key == 'N' else None\n"
        "cfg = Table(N=64, size=3)\n"
        "def test_x():\n"
        "    n = cfg['N']\n"
        "    assert n + cfg.get('size') == 128\n"
    )
    result.stdout.fnmatch_lines(
        [
            "*- settings (ptyconf) -*",
            "cfg.get('size') = 3",
            "  set by      a default that nobody wrote",
            "cfg?'N'? = 64",
            "  set by      /x/run.py:12",
        ]
    )


def test_green_tests_are_silent(run) -> None:
    """Nothing at all."""
    result = run("def test_x(config):\n    assert config.nepochs == 7\n", "-rA")
    result.assert_outcomes(passed=1)
    assert "ptyconf" not in result.stdout.str().replace("plugins: ", "").split("collected")[1]


def test_option_chooses_how_much(run) -> None:
    """Off shows nothing, full shows every setting."""
    source = "def test_x(config):\n    assert config.nepochs == 8\n"
    assert "settings (ptyconf)" not in run(source, "--ptyconf=off").stdout.str()
    full = run(source, "--ptyconf=full").stdout.str()
    assert "many.setting_499 = 499" in full
    assert "more settings" not in full


def test_distributed_runs_show_it_too(run) -> None:
    """The section crosses from the worker to the terminal."""
    result = run("def test_x(config):\n    assert config.nepochs == 8\n", "-n", "2", apart=True)
    result.stdout.fnmatch_lines(["*settings (ptyconf)*", "training.nepochs = 7"])
    assert "canary" not in result.stdout.str()


def test_outcomes_are_as_without_the_plugin(run) -> None:
    """Skipped, expected to fail, and failing in setup or teardown."""
    source = (
        "import pytest\n"
        "def test_skips(config):\n    pytest.skip('why')\n"
        "@pytest.mark.xfail(strict=True)\n"
        "def test_expected(config):\n    assert config.nepochs == 8\n"
        "@pytest.fixture\ndef broken(config):\n    assert config.nepochs == 9\n"
        "def test_setup(broken):\n    pass\n"
        "@pytest.fixture\ndef late(config):\n    yield\n    raise RuntimeError(config.token)\n"
        "def test_teardown(late):\n    pass\n"
    )
    result = run(source, "--showlocals")
    result.assert_outcomes(skipped=1, xfailed=1, errors=2, passed=1)
    result.stdout.fnmatch_lines(["*ERROR at setup*", "training.nepochs = 7", "*ERROR at teardown*"])
    assert "canary" not in result.stdout.str()


NESTED = """
from dataclasses import dataclass, field
import ptyconf

@dataclass
class Node:
    port: int = 1
    token: str = field(default="", metadata={"secret": True})

@dataclass
class App:
    nodes: dict[str, Node] = field(default_factory=dict)
    port: int = 1

TOKEN = {"nodes": {"eu": {"token": "canary-secret"}}}
"""


def test_a_secret_in_a_table_is_masked(run) -> None:
    """As one that is a setting itself, and in a load that fails."""
    result = run(
        NESTED + "def test_x():\n    app = ptyconf.load(App, overrides=TOKEN)\n"
        "    token = app.nodes['eu'].token\n    assert token == 'b'\n"
        "def test_y():\n    ptyconf.load(App, overrides={**TOKEN, 'port': 'x'})\n",
        "--showlocals",
    )
    result.assert_outcomes(failed=2)
    assert "canary" not in result.stdout.str()


def test_a_load_that_fails_has_its_story(run) -> None:
    """The settings that the error speaks of, with what other layers say of them."""
    call = "ptyconf.load(App, flags=['--port=2'], overrides={'port': 'x'})"
    result = run(f"{NESTED}def test_x():\n    {call}\n")
    result.stdout.fnmatch_lines(
        [
            "*- settings (ptyconf) -*",
            "port = 2",
            "  set by      flags   2  --port",
            "  overrides   schema  1  default of port",
            "and 1 more settings of the failed load; --ptyconf=full shows them",
        ]
    )


def test_whatever_a_test_did_to_its_config_is_told(run) -> None:
    """Attributes that are gone, arrays, mocks and objects whose code fails; other tests run on."""
    source = """
import numpy
from unittest.mock import MagicMock

class Rude:
    def __eq__(self, other):
        raise RuntimeError
    def __repr__(self):
        raise RuntimeError

def test_gone(config):
    del config.nepochs
    assert config.token == "x"

def test_array(config):
    config.model.filters = numpy.arange(3)
    assert config.nepochs == 8

def test_rude(config):
    config.model.filters = Rude()
    assert config.nepochs == 8

def test_none(config):
    config.model = None
    assert config.nepochs == 8

def test_mock(config):
    config.keys = config.model = MagicMock()
    assert config.nepochs == 8

def test_two(config):
    other = type(config)(None)
    assert config == other

def test_green():
    pass
"""
    result = run(source, "--ptyconf=full")
    result.assert_outcomes(failed=6, passed=1)
    assert "cannot be told" not in result.stdout.str()
    assert result.stdout.str().count("settings (ptyconf)") == 6
    assert "canary" not in result.stdout.str()


def test_a_report_that_fails_is_a_line(run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place of the error is named, and the tests go on; its text might hold a secret."""

    def fail(_error: BaseException) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr("ptyconf.pytest_plugin._refused", fail)
    result = run("def test_x(config):\n    assert config.nepochs == 8\ndef test_y():\n    pass\n")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*settings (ptyconf)*", "cannot be told: RuntimeError in *.py:*"])
    assert "canary" not in result.stdout.str()
