"""mypy, strict, knows the attributes of what is built."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def check(name: str, folder: Path) -> str:
    """Run mypy strict on one file."""
    from mypy import api

    options = ["--strict", "--no-error-summary", "--config-file=", f"--cache-dir={folder}"]
    return api.run([*options, "--show-error-codes", str(HERE / name)])[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for both runs."""
    return tmp_path_factory.mktemp("mypy")


def test_good_code_is_accepted(folder: Path) -> None:
    """``resolution.build(Target)`` is a Target."""
    assert check("accepted.py", folder) == ""


def test_bad_code_is_refused(folder: Path) -> None:
    """Exactly the marked lines, with exactly these kinds of error."""
    lines = (HERE / "refused.py").read_text().splitlines()
    marked = {
        (number, found[1])
        for number, line in enumerate(lines, 1)
        if (found := re.search(r"# refused: ([\w-]+)$", line)) is not None
    }
    errors = re.findall(r":(\d+): error: .*\[([\w-]+)\]$", check("refused.py", folder), flags=re.MULTILINE)
    assert {(int(number), kind) for number, kind in errors} == marked


@pytest.mark.skipif(shutil.which("pyright") is None, reason="pyright is not installed")
def test_pyright_says_the_same(tmp_path: Path) -> None:
    """Strict, too: nothing against the good code, and the marked lines of the bad."""
    settings = {"typeCheckingMode": "strict", "include": ["accepted.py", "refused.py"]}
    settings["extraPaths"] = [str(HERE.parents[1])]
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    for name in ("accepted.py", "refused.py"):
        shutil.copy(HERE / name, tmp_path)
    command = ["pyright", "-p", str(tmp_path), "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = json.loads(done.stdout)["generalDiagnostics"]
    found = {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in said}
    lines = (HERE / "refused.py").read_text().splitlines()
    assert found == {("refused.py", number) for number, line in enumerate(lines, 1) if "# refused" in line}


def test_type_marker_is_shipped() -> None:
    """py.typed stands beside the code."""
    import ptyconf

    assert (Path(ptyconf.__file__).parent / "py.typed").is_file()
