"""The rules that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGES = ("ptyconf", "ptycho", "ptycho_torch")
_MODULES = sorted(path for package in _PACKAGES for path in (_ROOT / package).rglob("*.py"))
_LONGEST_FILE = 400
_LONGEST_FUNCTION = 60
_LONGEST_TEST_NAME = 60
_CONTRACT_NAMES = {"lightning_utils.py", "model_manager.py", "tf_helper.py"}
_PROCESS_WORDS = re.compile(
    r"\bissue\s+#?\d|\bticket\b|\bphase [A-Z]\d?\b|\bthis session\b|\bTODO\b|\bFIXME\b|\bXXX\b"
    r"|\bplaceholder\b|not implemented yet"
    r"|/work/|\b(?:RED|GREEN) (?:phase|test)"
)


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--", *patterns], cwd=_ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    return [_ROOT / name for name in listed if name and (_ROOT / name).is_file()]


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_files_are_short() -> None:
    """No module of the packages has 400 lines or more."""
    long = {str(path.relative_to(_ROOT)): len(path.read_text().splitlines()) for path in _MODULES}
    assert {name: lines for name, lines in long.items() if lines >= _LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    """No function of the packages has 60 lines or more, its docstring not counted."""
    long = {}
    for path in _MODULES:
        for node in _functions(path):
            documented = ast.get_docstring(node, clean=False) is not None
            docstring = (node.body[0].end_lineno or 0) - node.body[0].lineno + 1 if documented else 0
            lines = (node.end_lineno or 0) - node.lineno + 1 - docstring
            if lines >= _LONGEST_FUNCTION:
                long[f"{path.relative_to(_ROOT)}:{node.name}"] = lines
    assert long == {}


def test_modules_are_nouns_of_the_subject() -> None:
    """No module is named for what it is not about; names that a contract fixes are exempt."""
    vague = re.compile(r"utils?|helpers?|managers?|misc|common|_v\d")
    named = [path for path in _MODULES if vague.search(path.stem) and path.name not in _CONTRACT_NAMES]
    assert named == []


def test_no_process_words() -> None:
    """The product speaks of its subject, never of how it came to be."""
    own = Path(__file__).resolve()
    found = [
        f"{path.relative_to(_ROOT)}:{number}: {line.strip()}"
        for path in _tracked("*.py", "*.md", "*.toml", "Makefile", ".ci/run")
        if path != own
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if _PROCESS_WORDS.search(line)
    ]
    assert found == []


def test_nothing_is_ever_unpickled() -> None:
    """No module of the packages loads a pickle, and no array is loaded with ``allow_pickle=True``."""
    pattern = re.compile(
        r"pickle\.loads?\b|Unpickler|\b(?:import|from) (?:dill|joblib|shelve)\b|allow_pickle=True"
    )
    assert [path for path in _MODULES if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_the_global_random_state_is_never_used() -> None:
    """Randomness comes in as a Generator or a seed; the legacy numpy state is not touched."""
    pattern = re.compile(r"np\.random\.(?!default_rng|Generator|SeedSequence|PCG64)\w+")
    assert [path for path in _MODULES if pattern.search(path.read_text(encoding="utf-8"))] == []


def test_only_one_module_writes_the_legacy_dict() -> None:
    """``params.cfg`` is written in ``ptycho.params`` and nowhere else in the packages."""
    pattern = re.compile(r"\bcfg\[[^\]]+\]\s*=[^=]|params\.cfg\.(?:update|clear|pop|setdefault)\(")
    writers = {
        str(path.relative_to(_ROOT)) for path in _MODULES if pattern.search(path.read_text(encoding="utf-8"))
    }
    assert writers <= {"ptycho/settings/legacy_dict.py", "ptycho/settings/legacy.py"}


@pytest.mark.parametrize("path", _tracked("tests/*.py"), ids=lambda path: str(path.relative_to(_ROOT)))
def test_every_test_states_its_law(path: Path) -> None:
    """Every test has a docstring and a name of at most 60 characters."""
    bad = [
        node.name
        for node in _functions(path)
        if node.name.startswith("test_")
        and (len(node.name) > _LONGEST_TEST_NAME or ast.get_docstring(node) is None)
    ]
    assert bad == []


def test_torch_is_pinned_to_a_cpu_wheel() -> None:
    """The pins hold the one torch release that installs here without CUDA packages."""
    assert "torch==2.13.0" in (_ROOT / "constraints.txt").read_text().splitlines()


def test_the_readme_commands_are_make_targets() -> None:
    """Every ``make NAME`` that the README shows exists in the Makefile."""
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (_ROOT / "Makefile").read_text(encoding="utf-8")
    shown = set(re.findall(r"^make ([a-z-]+)", readme, flags=re.MULTILINE))
    assert {"demo", "test"} <= shown
    assert {name for name in shown if not re.search(rf"^{name}:", makefile, flags=re.MULTILINE)} == set()
