"""Every version of ptychodus that drives this library: what it imports, and the arguments it gives."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

VERSIONS = ("1.3.2", "1.4.0", "1.4.1", "1.4.2", "1.5.1", "1.6.0", "1.7.0")
_OURS = ("ptycho", "ptycho_torch")
_DOWNLOADING_S = 120

pytestmark = pytest.mark.client


@pytest.fixture(scope="session")
def sources(pytestconfig: pytest.Config) -> Callable[[str], list[ast.Module]]:
    """Give the modules of a version that name our packages; pytest's cache keeps the wheel."""
    cache = Path(pytestconfig.cache.mkdir("client-wheels"))

    def read(version: str) -> list[ast.Module]:
        wheel = cache / f"ptychodus-{version}-py3-none-any.whl"
        if not wheel.is_file():
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(cache)]
            subprocess.run([*command, f"ptychodus=={version}"], check=True, timeout=_DOWNLOADING_S)
        with zipfile.ZipFile(wheel) as archive:
            texts = [archive.read(name) for name in archive.namelist() if "/ptychopinn" in name]
        return [ast.parse(text) for text in texts]

    return read


def _imported(module: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Give module, name and local name of everything of ours that a module imports."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in _OURS:
            for item in node.names:
                yield str(node.module), item.name, item.asname or item.name
        elif isinstance(node, ast.Import):
            for item in node.names:
                if item.name.partition(".")[0] in _OURS:
                    yield item.name, "", item.asname or item.name


@pytest.mark.parametrize("version", VERSIONS)
def test_names_are_there(version: str, sources: Callable[[str], list[ast.Module]]) -> None:
    """Everything that a version imports from us can be imported."""
    wanted = {entry[:2] for module in sources(version) for entry in _imported(module)}
    assert wanted
    missing = [
        f"{module}.{name}" for module, name in wanted if name and not hasattr(import_module(module), name)
    ]
    assert not missing


@pytest.mark.parametrize("version", VERSIONS)
def test_arguments_are_taken(version: str, sources: Callable[[str], list[ast.Module]]) -> None:
    """Every call of a function or class of ours, and of a class's own method, fits its signature."""
    calls = [call for module in sources(version) for call in _calls(module)]
    assert calls
    for target, call in calls:
        keywords = {item.arg: None for item in call.keywords if item.arg is not None}
        places = [None for item in call.args if not isinstance(item, ast.Starred)]
        try:
            inspect.signature(target).bind_partial(*places, **keywords)
        except TypeError as error:
            pytest.fail(f"{ast.unparse(call)[:200]}: {error}")


def _calls(module: ast.Module) -> Iterator[tuple[Any, ast.Call]]:
    names = {local: (home, name) for home, name, local in _imported(module) if name}
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        function, attribute = node.func, ""
        if isinstance(function, ast.Attribute):
            function, attribute = function.value, function.attr
        if isinstance(function, ast.Name) and function.id in names:
            home, name = names[function.id]
            target = getattr(import_module(home), name)
            yield (getattr(target, attribute) if attribute else target), node
