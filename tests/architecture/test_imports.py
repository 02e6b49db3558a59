"""Reading a configuration imports no framework; each floor sees only the floors below."""

from __future__ import annotations

import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

_FRAMEWORKS = ("tensorflow", "keras", "lightning", "torch", "matplotlib", "skimage", "rich")
_LIGHT = (
    "ptyconf",
    "ptycho",
    "ptycho.config.config",
    "ptycho.settings.schema",
    "ptycho.params",
    "ptycho.raw_data",
    "ptycho.bundle.read",
    "ptycho.commands.main",
    "ptycho_torch",
    "ptycho_torch.config_params",
    "ptycho_torch.config_bridge",
    "ptycho_torch.config_factory",
)


def _imported_by(statement: str) -> set[str]:
    """Top-level names in sys.modules of a fresh interpreter after a statement."""
    listing = "import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    code = f"{statement}\n{listing}"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", _LIGHT)
def test_a_light_module_imports_no_framework(module: str) -> None:
    """A fresh interpreter that imports it holds no framework and no plotting library."""
    assert _imported_by(f"import {module}").isdisjoint(_FRAMEWORKS)


def test_the_engine_needs_only_attrs() -> None:
    """``import ptyconf`` adds nothing but attrs and the standard library."""
    bare = _imported_by("import attr, attrs")
    allowed = bare | set(sys.stdlib_module_names) | {"ptyconf"}
    assert _imported_by("import ptyconf") - allowed == set()


_NOT_NEEDED = {
    "ptyconf": {"attr", "cattrs", "tomllib", "json", "argparse", "importlib.metadata", "ptyconf.registry"},
    "ptycho": {"ptyconf", "dataclasses", "inspect", "numpy"},
    "ptycho_torch.config_factory": {
        *("numpy", "cattrs", "argparse", "logging", "platform", "importlib.metadata", "email"),
        *(
            "ptycho.scan.scan_format",
            "ptycho.scan.formats",
            "ptycho.network",
            "ptycho.training",
            "ptycho.backends",
        ),
        *("ptyconf.merge.story", "ptyconf.merge.problems", "ptyconf.report", "ptyconf.sources.toml_places"),
    },
}
"""What an import may do without: each of these costs a good part of the whole import."""


@pytest.mark.parametrize("module", _NOT_NEEDED)
def test_an_import_loads_only_what_it_needs(module: str) -> None:
    """What a later call alone may need is loaded by that call."""
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert _NOT_NEEDED[module] & {*done.stdout.split()} == set()


@pytest.mark.parametrize("command", ["explain", "check"])
def test_settings_are_shown_without_numpy(command: str, tmp_path: Path) -> None:
    """``explain`` and ``check`` of a file that names no scan need no numerical library."""
    file = tmp_path / "run.toml"
    file.write_text("[training]\nn_groups = 8\n")
    code = (
        "import sys; from ptycho.commands.main import main; "
        f"main([{command!r}, {str(file)!r}]); assert 'numpy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_framework_would_be_noticed() -> None:
    """The probe sees a framework that is imported on purpose."""
    assert "matplotlib" in _imported_by("import matplotlib")


def test_no_import_circles() -> None:
    """No module imports, not even inside a function, a module that imports it in turn."""
    graph = grimp.build_graph("ptyconf", "ptycho", "ptycho_torch", exclude_type_checking_imports=True)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(tuple(TopologicalSorter(imports).static_order())) == len(imports)
