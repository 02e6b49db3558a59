"""Open registries: names found, added and removed, and what is said of unknown ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ptyconf.registry import EntryError, Registry, UnknownEntryError


@pytest.fixture
def shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[int]:
    """A registry over a package of two modules and a plugin of another distribution."""
    package = tmp_path / "corners"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "triangle.py").write_text("CORNERS = 3\n")
    (package / "square.py").write_text("CORNERS = 4\n")
    (tmp_path / "plugin_of_shapes.py").write_text("PENTAGON = 5\n")
    metadata = tmp_path / "plugin_of_shapes-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin-of-shapes\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[test.shapes]\npentagon = plugin_of_shapes:PENTAGON\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == "corners"]:
        monkeypatch.delitem(sys.modules, name)
    return Registry(
        "shape", package="corners", attribute="CORNERS", entry_points="test.shapes", setting="draw.shape"
    )


def test_a_module_is_imported_only_for_its_name(shapes: Registry[int]) -> None:
    """Looking up one built-in entry leaves the modules of the others alone."""
    assert shapes["square"] == 4
    assert "corners.triangle" not in sys.modules


def test_names_are_those_of_modules_and_plugins(shapes: Registry[int]) -> None:
    """As a collection it is the names, those of other distributions included."""
    assert sorted(shapes) == ["pentagon", "square", "triangle"]
    assert len(shapes) == 3
    assert "pentagon" in shapes
    assert "circle" not in shapes
    assert 3 not in shapes


def test_a_package_may_name_its_modules(shapes: Registry[int], tmp_path: Path) -> None:
    """NAMES gives an entry the name that users know; a module with an underscore is no entry."""
    (tmp_path / "corners" / "__init__.py").write_text('NAMES = {"square": "Square"}\n')
    (tmp_path / "corners" / "_shared.py").write_text("CORNERS = 0\n")
    assert sorted(shapes) == ["Square", "pentagon", "triangle"]
    assert "corners.square" not in sys.modules
    assert shapes["Square"] == 4


def test_a_plugin_is_loaded_by_its_name(shapes: Registry[int]) -> None:
    """An entry point of another distribution is an entry like the others."""
    assert shapes["pentagon"] == 5
    assert sorted(shapes.entries()) == [3, 4, 5]


def test_an_entry_comes_and_goes_at_run_time(shapes: Registry[int]) -> None:
    """What was added is found until it is removed."""
    shapes.add("hexagon", 6)
    assert shapes["hexagon"] == 6
    assert shapes.remove("hexagon") == 6
    assert shapes.get("hexagon") is None


def test_an_unknown_name_is_told_with_the_known_ones(shapes: Registry[int]) -> None:
    """The error lists what there is and hints at the closest."""
    with pytest.raises(UnknownEntryError) as caught:
        shapes["squares"]
    assert str(caught.value) == (
        "unknown shape 'squares'\n"
        "  known here  square, triangle, pentagon\n"
        '  try         draw.shape = "square"'
    )


def test_a_taken_name_is_refused(shapes: Registry[int]) -> None:
    """No entry hides another, and a built-in one cannot be removed."""
    with pytest.raises(ValueError, match="there is a shape 'square' already"):
        shapes.add("square", 5)
    with pytest.raises(UnknownEntryError):
        shapes.remove("square")


class _Named:
    name = "star"


def test_an_entry_has_one_name(shapes: Registry[object], tmp_path: Path) -> None:
    """An entry that calls itself otherwise is refused: one of the names would do nothing."""
    (tmp_path / "corners" / "moon.py").write_text("class CORNERS:\n    name = 'sickle'\n")
    with pytest.raises(EntryError, match="the shape 'sun' calls itself 'star'"):
        shapes.add("sun", _Named())
    with pytest.raises(EntryError, match=r"'moon' calls itself 'sickle'\n  written in  corners\.moon"):
        shapes["moon"]


def test_a_module_without_its_entry_is_told(shapes: Registry[int], tmp_path: Path) -> None:
    """The error names the module and the constant that it lacks."""
    (tmp_path / "corners" / "empty.py").touch()
    with pytest.raises(EntryError) as caught:
        shapes["empty"]
    assert str(caught.value) == (
        "the module corners.empty has no CORNERS, the shape 'empty'\n"
        "  try  CORNERS = ... in it, or a name that starts with an underscore"
    )
