"""ARCHITECTURE.md tells the truth: what it names exists, and the rooms stand in the order that it gives."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import grimp

_ROOT = Path(__file__).resolve().parents[2]
_TEXT = (_ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
_PACKAGES = ("ptyconf", "ptycho", "ptycho_torch")
_PATH = re.compile(r"(?:ptyconf|ptycho|ptycho_torch|tests|docs|examples)/[\w./-]*\w/?")
_ROOM = re.compile(r"^\d+\. `([\w/]+?)(?:/|\.py)`", re.MULTILINE)


def _order() -> list[str]:
    """List the rooms, low to high, by their names as modules."""
    listed = _TEXT.partition("<!-- rooms -->")[2].partition("<!-- end of rooms -->")[0]
    return [room.replace("/", ".") for room in _ROOM.findall(listed)]


def _room(module: str, rooms: list[str]) -> str | None:
    return next((room for room in rooms if module == room or module.startswith(f"{room}.")), None)


def test_every_path_exists() -> None:
    """Every file and folder that the page names is there."""
    named = set(_PATH.findall(_TEXT))
    assert len(named) > 40
    assert [path for path in sorted(named) if not (_ROOT / path).exists()] == []


def test_every_room_is_listed() -> None:
    """Every folder of the first floor is a room of the page, a backend, or holds doors."""
    folders = {f"ptycho.{path.parent.name}" for path in (_ROOT / "ptycho").glob("*/__init__.py")}
    assert folders - set(_order()) == {"ptycho.tf", "ptycho.config", "ptycho.workflows"}


def test_rooms_import_only_what_stands_below() -> None:
    """No room imports one above it, not even inside a function; so there are no circles between rooms."""
    order = _order()
    graph = grimp.build_graph(*_PACKAGES, exclude_type_checking_imports=True)
    upward = defaultdict(list)
    for module in graph.modules:
        here = _room(module, order)
        for imported in graph.find_modules_directly_imported_by(module) if here else ():
            there = _room(imported, order)
            if there is None or order.index(there) > order.index(str(here)):
                upward[f"{here} -> {there}"].append(f"{module} imports {imported}")
    assert dict(upward) == {}


def test_a_backend_never_imports_doors_or_commands() -> None:
    """The backends stand above training and reconstruction, and below whoever calls them."""
    graph = grimp.build_graph(*_PACKAGES, exclude_type_checking_imports=True)
    backends = ("ptycho.tf.", "ptycho_torch.nn.", "ptycho_torch.lit.")
    above = ("ptycho.clients", "ptycho.commands", "ptycho.report")
    wrong = [
        f"{module} imports {imported}"
        for module in graph.modules
        if module.startswith(backends)
        for imported in graph.find_modules_directly_imported_by(module)
        if imported.startswith(above)
    ]
    assert wrong == []
