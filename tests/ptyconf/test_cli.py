"""The command line, in process and as a process."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ptyconf.cli import main

PROGRAM = """
from dataclasses import dataclass, field
from ptyconf import Schema, View

@dataclass
class Model:
    gridsize: int = field(default=1, metadata={"help": "Patches along a side."})
    token: str = field(default="", metadata={"secret": True})

schema = Schema("small", [View(Model, "model")])
nothing = 3
"""
Answer = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(
    jail: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Answer:
    """Run a command in the jail; gives code, output and errors."""
    jail("small.py", PROGRAM)
    jail("run.toml", "model.gridsize = 2\n")
    jail("other.toml", "model.gridsize = 3\n")
    for name in ("small", "lists"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    def run(*argv: str) -> tuple[int, str, str]:
        code = main(argv)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_explain_tells_one_or_all(say: Answer) -> None:
    """A table without a path, a story with one, JSON on demand."""
    code, out, _ = say("explain", "small:schema", "run.toml", "model.gridsize")
    assert (code, out.splitlines()[0]) == (0, "model.gridsize = 2")
    code, out, _ = say("explain", "small", "run.toml", "gridsize", "--json")
    assert json.loads(out)["winner"]["origin"]["line"] == 1
    assert len(say("explain", "small", "run.toml")[1].splitlines()) == 4


def test_flags_and_environment_are_layers(say: Answer, monkeypatch: pytest.MonkeyPatch) -> None:
    """--set above --env above the file."""
    monkeypatch.setenv("SMALL__MODEL__GRIDSIZE", "5")
    _, out, _ = say("explain", "small", "run.toml", "gridsize", "--env", "SMALL", "--set", "gridsize=7")
    assert out.splitlines()[2:5] == [
        "  set by      flags        7  --set gridsize",
        "  overrides   environment  5  SMALL__MODEL__GRIDSIZE",
        "  overrides   file         2  run.toml:1:1 model.gridsize",
    ]


def test_unknown_path_is_bad_use(say: Answer) -> None:
    """Code 2, the close match, no traceback."""
    assert say("explain", "small", "run.toml", "model.gridsiez") == (
        2,
        "",
        "unknown setting 'model.gridsiez'\n  known here  model.gridsize\n  try         model.gridsize\n",
    )


def test_check_says_what_is_wrong(say: Answer, jail: Callable[..., Path]) -> None:
    """0 when nothing is, 1 with every problem, also as JSON."""
    assert say("check", "small", "run.toml") == (0, "2 settings, nothing wrong\n", "")
    jail("bad.toml", "model.gridsize = 'x'\nmodel.n = 1\n")
    code, out, _ = say("check", "small", "bad.toml", "--json")
    assert code == 1
    assert [each["path"] for each in json.loads(out)["problems"]] == ["model.gridsize", "model.n"]
    code, _, err = say("dump", "small", "bad.toml")
    assert (code, err.splitlines()[0]) == (2, "'model.gridsize' is \"x\"; expected a whole number")


def test_diff_has_a_code_of_its_own(say: Answer) -> None:
    """1 for a difference, 0 for none."""
    code, out, _ = say("diff", "small", "run.toml", "other.toml")
    assert code == 1
    assert "before  2  (file: run.toml:1:1 model.gridsize)" in out
    assert say("diff", "small", "run.toml", "run.toml") == (0, "no difference\n", "")


def test_dump_schema_and_template_are_files(say: Answer) -> None:
    """TOML, JSON Schema, TOML again."""
    assert tomllib.loads(say("dump", "small", "run.toml")[1]) == {"model": {"gridsize": 2}}
    assert (
        json.loads(say("schema", "small")[1])["properties"]["model"]["properties"]["gridsize"]["default"] == 1
    )
    assert "# gridsize = 1" in say("template", "small")[1]


def test_freeze_and_replay_go_together(say: Answer, jail: Callable[..., Path]) -> None:
    """The same values: 0; a layer that would now disagree: 1 and its place; no such file: 2."""
    jail("kept.json", say("freeze", "small", "run.toml")[1])
    assert say("replay", "small", "kept.json")[0] == 0
    assert say("replay", "small", "kept.json", "run.toml")[0] == 0
    code, out, _ = say("replay", "small", "kept.json", "other.toml")
    assert code == 1
    assert out.splitlines()[1] == "model.gridsize: frozen 2, now 3 (file: other.toml:1:1 model.gridsize)"
    assert say("replay", "small", "gone.json")[0] == 2


def test_every_command_speaks_json(say: Answer, jail: Callable[..., Path]) -> None:
    """One JSON object on the output, whatever the exit code; a problem is one, too."""
    jail("kept.json", say("freeze", "small", "run.toml")[1])
    jail("bad.toml", "model.gridsize = 'x'\n")
    for code, *argv in (
        (0, "explain", "small", "run.toml"),
        (0, "explain", "small", "run.toml", "gridsize"),
        (0, "check", "small", "run.toml"),
        (1, "check", "small", "bad.toml"),
        (1, "diff", "small", "run.toml", "other.toml"),
        (0, "dump", "small", "run.toml"),
        (0, "schema", "small"),
        (0, "template", "small"),
        (0, "freeze", "small", "run.toml"),
        (0, "replay", "small", "kept.json"),
        (1, "replay", "small", "kept.json", "other.toml"),
    ):
        found, out, err = say(*argv, "--json")
        assert (found, err) == (code, "")
        assert json.loads(out)
    code, out, err = say("dump", "small", "bad.toml", "--json")
    assert (code, err.splitlines()[0]) == (2, "'model.gridsize' is \"x\"; expected a whole number")
    assert json.loads(out)["problems"][0]["path"] == "model.gridsize"


@pytest.mark.parametrize("name", ["nowhere:schema", "small:gone", "small:nothing", ":", ""])
def test_schema_that_is_not_there_is_bad_use(say: Answer, name: str) -> None:
    """Code 2 and one error."""
    code, out, err = say("check", name, "run.toml")
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert "  expected  " in err


def test_bad_options_are_bad_use(say: Answer) -> None:
    """As argparse says them."""
    assert say("check")[0] == 2
    assert say("nonsense")[0] == 2
    assert say("--help")[0] == 0
    assert say("check", "small", "run.toml", "--set", "gridsize")[2] == (
        "--set gridsize has no value\n  expected  PATH=VALUE\n  try       --set gridsize=...\n"
    )
    misspelt = "".join(map(str, say("check", "small", "run.toml", "--set", "gridsiz=7")))
    assert "--set model.gridsize=7\n" in misspelt


def test_secrets_stay_secret(say: Answer) -> None:
    """On every command."""
    for command in (["explain"], ["dump"], ["freeze"], ["check"], ["explain", "--json"], ["dump", "--json"]):
        _, out, err = say(command[0], "small", "run.toml", "--set", "token=canary", *command[1:])
        assert "canary" not in out + err


def test_module_runs_as_a_process(jail: Callable[..., Path]) -> None:
    """``python -m ptyconf``, with the exit code, and a reader that stops early."""
    jail("small.py", PROGRAM)
    jail("run.toml", "model.gridsize = 2\n")
    run = [sys.executable, "-m", "ptyconf", "diff", "small", "run.toml", "/dev/null"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "/dev/null is not a regular file"


def test_options_stand_anywhere(say: Answer, jail: Callable[..., Path]) -> None:
    """Before, between and behind the words."""
    jail("prod.toml", "model.gridsize = 2\n[profile.prod]\nmodel.gridsize = 4\n")
    orders = (
        ("small", "prod.toml", "--profile", "prod", "gridsize"),
        ("--profile", "prod", "small", "prod.toml", "gridsize"),
        ("small", "--profile=prod", "prod.toml", "gridsize"),
        ("small", "prod.toml", "gridsize", "--profile", "prod"),
    )
    for words in orders:
        code, out, err = say("explain", *words)
        assert (code, out.splitlines()[:1], err) == (0, ["model.gridsize = 4"], "")
    assert say("explain", "small", "prod.toml", "--profile", "prod", "gridsize", "more")[0] == 2


def test_a_table_of_a_shared_file_is_read(say: Answer, jail: Callable[..., Path]) -> None:
    """``--table tool.app`` for pyproject.toml."""
    jail("pyproject.toml", "[tool.app.model]\ngridsize = 6\n")
    _, out, _ = say("explain", "small", "pyproject.toml", "--table", "tool.app", "gridsize")
    assert out.splitlines()[0] == "model.gridsize = 6"


def test_a_diff_of_values_alone_passes_over_sources(say: Answer, jail: Callable[..., Path]) -> None:
    """Other source, same value: 0 with --values, 1 without."""
    jail("same.toml", "\nmodel.gridsize = 2\n")
    assert say("diff", "small", "run.toml", "same.toml")[0] == 1
    assert say("diff", "small", "run.toml", "same.toml", "--values") == (0, "no difference\n", "")
    code, out, _ = say("diff", "--values", "small", "run.toml", "other.toml", "--json")
    assert (code, [each["path"] for each in json.loads(out)["changes"]]) == (1, ["model.gridsize"])


def test_version_is_that_of_the_distribution(say: Answer) -> None:
    """Whichever of the two is installed."""
    from importlib.metadata import version

    code, out, _ = say("--version")
    assert (code, out) == (0, f"ptyconf {version('ptychopinn')}\n")


def test_a_table_fits_the_terminal(
    say: Answer, jail: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values are cut first, then places stand on their own lines."""
    jail("long/folder/of/settings.toml", "model.gridsize = 2\n")
    monkeypatch.setenv("COLUMNS", "60")
    _, out, _ = say("explain", "small", "long/folder/of/settings.toml")
    assert max(map(len, out.splitlines())) <= 60
    assert "    long/folder/of/settings.toml:1:1 model.gridsize\n" in out


BROKEN = {
    "name": ("x = 1\ny = nothing\n", "NameError: name 'nothing' is not defined", "broken.py:2"),
    "inside": ("import inner\n", "ZeroDivisionError: division by zero", "inner.py:2"),
    "package": (
        "import no_such_package\n",
        "ModuleNotFoundError: No module named 'no_such_package'",
        "broken.py:1",
    ),
    "syntax": ("x = (\n", "SyntaxError: '(' was never closed", "broken.py:1"),
    "exit": ("import sys\nsys.exit(3)\n", "SystemExit: 3", "broken.py:2"),
    "value": ("int('x')\n", "ValueError: invalid literal for int() with base 10: 'x'", "broken.py:1"),
    "schema": (
        "from ptyconf import Schema, Setting\nschema = Schema('s', [], [Setting('a.b')])\n",
        "SchemaError: the setting 'a.b' has no type, and no class has it",
        "",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_module_that_fails_says_what_failed(
    say: Answer, jail: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """With the exception's words and the line, and no traceback."""
    text, words, place = BROKEN[name]
    jail("broken.py", text)
    jail("inner.py", "# \n1 / 0\n")
    for module in ("broken", "inner"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    code, out, err = say("check", "broken", "run.toml")
    assert (code, out) == (2, "")
    assert err.splitlines()[0] == f"the module 'broken' fails on import: {words}"
    assert place in err.splitlines()[1]


def test_schemas_of_a_module_are_named(say: Answer) -> None:
    """Where another name was asked for."""
    assert say("check", "small:scheme", "run.toml")[2] == (
        "there is no schema 'small:scheme': the module 'small' has no 'scheme'\n"
        "  expected    MODULE:NAME of a ptyconf.Schema, a dataclass or an attrs class\n"
        "  known here  schema\n"
        "  try         small:schema\n"
    )


def test_a_class_stands_for_its_schema(say: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who calls ``load`` has no schema to name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "plain", raising=False)
    (tmp_path / "plain.py").write_text(
        "from dataclasses import dataclass\n\n\n@dataclass\nclass App:\n    port: int = 80\n"
    )
    (tmp_path / "app.toml").write_text("port = 8000\n")
    code, out, err = say("explain", "plain:App", "app.toml", "port")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].split() == ["set", "by", "file", "8000", "app.toml:1:1", "port"]


NEEDY = """
from dataclasses import dataclass

@dataclass
class App:
    name: str
    port: int = 1

    def __post_init__(self):
        if self.port < 0:
            raise ValueError("the port is negative")
"""


@pytest.mark.parametrize("command", ["check", "explain", "dump", "freeze"])
@pytest.mark.parametrize(("text", "words"), [("", "name"), ("name = 'a'\nport = -1", "the port is negative")])
def test_commands_refuse_what_load_refuses(
    say: Answer, jail: Callable[..., Path], command: str, text: str, words: str
) -> None:
    """A setting that the class needs and nothing gives, and what the class itself does not take."""
    jail("needy.py", NEEDY)
    jail("needy.toml", text)
    sys.modules.pop("needy", None)
    code, out, err = say(command, "needy:App", "needy.toml")
    assert code != 0
    assert words in out + err


LISTS = """
from dataclasses import dataclass, field

@dataclass
class Node:
    port: int = 80

@dataclass
class App:
    tags: list[str] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    nodes_of: dict[str, Node] = field(default_factory=dict)
"""


def test_set_takes_what_flags_take(say: Answer, jail: Callable[..., Path]) -> None:
    """Elements, keys of tables, lists several times; options may stand before the command, too."""
    jail("lists.py", LISTS)
    jail("empty.toml", "")
    given = ("--set", "tags=a", "--set", "nodes[0].port=1", "--set", "nodes_of.eu.port=2", "--json")
    code, out, _ = say(*given, "explain", "--set", "tags=b", "lists:App", "empty.toml")
    values = {setting["path"]: setting["value"] for setting in json.loads(out)["settings"]}
    assert (code, values) == (0, {"tags": ["a", "b"], "nodes[0].port": 1, "nodes_of.eu.port": 2})
    code, out, _ = say("--set", "nodes[0].prot=1", "check", "lists:App", "empty.toml")
    assert code == 1
    assert out == (
        "unknown setting 'nodes[0].prot'\n  written in  flag --set nodes[0].prot\n  known here  port\n"
        "  try         --set nodes[0].port=1\n"
    )


def test_classes_of_a_module_are_named(say: Answer, jail: Callable[..., Path]) -> None:
    """Where it has no schema and the name is no class."""
    jail("lists.py", LISTS)
    jail("empty.toml", "")
    code, _, errors = say("check", "lists", "empty.toml")
    assert code == 2
    assert errors == (
        "there is no schema 'lists': the module 'lists' has no 'schema'\n"
        "  expected    MODULE:NAME of a ptyconf.Schema, a dataclass or an attrs class\n"
        "  known here  Node, App\n  try         lists:App\n"
    )
