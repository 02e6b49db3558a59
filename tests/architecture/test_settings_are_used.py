"""Every setting is read outside the settings room, or is offered to nobody: its feature is not there."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from ptycho.settings import views
from ptycho.settings.schema import OFFERED

_ROOT = Path(__file__).resolve().parents[2]
_SETTINGS_ROOM = _ROOT / "ptycho" / "settings"
_GEOMETRY = {"data.wavelength_m": "object_pixel_m", "data.distance_m": "object_pixel_m"}
"""Settings that are read by a method of their own class, which has to have a caller outside."""
_DOORS = {"config_params.py", "config_bridge.py"}
_CHECKED_ONLY = {"model.decoder_last_amp_channels"}
"""A torch-side name of gridsize squared: the settings room itself refuses every value that is not that."""


def _modules() -> Iterator[Path]:
    for package in ("ptycho", "ptycho_torch"):
        for path in sorted((_ROOT / package).rglob("*.py")):
            if _SETTINGS_ROOM not in path.parents and path.name not in _DOORS:
                yield path


def _words(path: Path) -> Iterator[str]:
    """Give the attributes that a module reads, and the texts in it that could name a setting."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            yield node.value


def _unread(paths: Iterable[str], modules: Iterable[Path]) -> list[str]:
    """Find the settings that no module reads, be it by path, by name or by a torch-side name."""
    words = {word for module in modules for word in _words(module)}
    names = {path: {path, path.partition(".")[2], _GEOMETRY.get(path, path)} for path in paths}
    for view in views.ALL:
        for attribute in view.own:
            if attribute.bind.path in names:
                names[attribute.bind.path].add(attribute.name)
    return sorted(path for path, spellings in names.items() if not spellings & words)


def test_every_setting_is_read_outside_its_room() -> None:
    """A setting that nothing reads is either a mistake, or is offered to nobody."""
    expected = set(OFFERED) - _CHECKED_ONLY
    assert _unread(expected, _modules()) == []


def test_a_setting_that_nothing_reads_is_noticed(tmp_path: Path) -> None:
    """The look sees attributes, paths and names, and nothing where there is none of them."""
    module = tmp_path / "reader.py"
    module.write_text('def read(config, resolution):\n    return config.nepochs, resolution["model.N"]\n')
    assert _unread(["training.nepochs", "model.N", "training.seed"], [module]) == ["training.seed"]
