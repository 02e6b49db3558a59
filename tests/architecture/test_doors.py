"""The names that outside programs know are doors of a few lines; what they open stands in the rooms."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = _ROOT / "ptycho"
_OURS = {"__init__.py", "__main__.py", "errors.py"}
_DOORS = sorted(
    path
    for path in (
        *_PACKAGE.glob("*.py"),
        *(_PACKAGE / "config").glob("*.py"),
        *(_PACKAGE / "workflows").glob("*.py"),
    )
    if path.name not in _OURS
)
_LONG = 25
_MOST_LONG = 4


@pytest.mark.parametrize("path", _DOORS, ids=lambda path: str(path.relative_to(_PACKAGE)))
def test_a_door_only_names_what_it_opens(path: Path) -> None:
    """A door says that it is one, imports names from the rooms, and lists them: it defines nothing."""
    docstring, *body = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    assert ast.literal_eval(docstring.value).startswith("Door: ")
    imports = [node for node in body if isinstance(node, ast.ImportFrom)]
    listed = [node for node in body if isinstance(node, ast.Assign)]
    assert len(listed) == 1
    assert len(body) == len(imports) + 1
    names = [alias.name for node in imports for alias in node.names]
    assert sorted(names) == sorted(ast.literal_eval(listed[0].value))


def test_the_root_holds_doors_and_little_else() -> None:
    """At most four files of more than 25 lines lie at the root of the package."""
    long = [path.name for path in _PACKAGE.glob("*.py") if len(path.read_text().splitlines()) > _LONG]
    assert len(long) <= _MOST_LONG


def test_the_house_does_not_go_through_its_doors() -> None:
    """Code of ours imports the rooms: only outside programs, examples and tests use the doors."""
    names = {"ptycho." + ".".join(path.relative_to(_PACKAGE).with_suffix("").parts) for path in _DOORS}
    modules = sorted((*_PACKAGE.rglob("*.py"), *(_ROOT / "ptycho_torch").rglob("*.py")))
    through = [
        f"{path.relative_to(_ROOT)}: {node.module}"
        for path in modules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in names and path not in _DOORS
    ]
    assert through == []
