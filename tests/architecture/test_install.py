"""What installs: versions of Python, lower bounds that are tried, only what is imported, recipes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
BACKENDS = {"torch", "lightning", "tensorflow", "tensorboard"}
"""Left out of the trial of the lower bounds: they take each other's versions of numpy and h5py."""
IMPORTED_AS = {
    "PyYAML": "yaml",
    "scikit-image": "skimage",
    "toml-rs": "toml_rs",
    "tomli-w": "tomli_w",
    "pillow": "PIL",
}


def lower_bounds() -> dict[str, str]:
    """Give the lower bound of every dependency."""
    found = (re.match(r"([\w-]+)>=([\d.]+)", line) for line in PROJECT["dependencies"])
    return {match[1]: match[2] for match in found if match is not None}


def pins(name: str) -> dict[str, list[str]]:
    """Give the pins of a file of constraints, with their markers."""
    pinned: dict[str, list[str]] = {}
    for line in (ROOT / name).read_text().splitlines():
        if line and not line.startswith("#"):
            package, _, version = line.partition("==")
            pinned.setdefault(package, []).append(version)
    return pinned


def test_every_dependency_has_a_lower_bound() -> None:
    """None is left to chance."""
    assert len(lower_bounds()) == len(PROJECT["dependencies"])


def test_the_lower_bounds_are_those_that_are_tried() -> None:
    """`make test-oldest` installs what pyproject.toml promises."""
    tried = pins("constraints-oldest.txt")
    assert set(tried) == set(lower_bounds()) - BACKENDS
    for package, bound in lower_bounds().items():
        if package in tried:
            (version,) = tried[package]
            assert (version + ".").startswith(bound + "."), package


def test_tensorflow_is_asked_for_where_it_has_wheels() -> None:
    """Metadata and constraints carry one marker."""
    (asked,) = [line for line in PROJECT["dependencies"] if line.startswith("tensorflow")]
    (pinned,) = pins("constraints.txt")["tensorflow"]
    assert asked.partition(";")[2].strip() == pinned.partition(";")[2].strip() == "python_version < '3.14'"


def test_every_dependency_is_imported() -> None:
    """What nothing of ours imports is no dependency of ours."""
    sources = [
        path.read_text()
        for package in ("ptyconf", "ptycho", "ptycho_torch")
        for path in (ROOT / package).rglob("*.py")
    ]
    for package in lower_bounds():
        module = IMPORTED_AS.get(package, package)
        word = re.compile(rf"(import|from) {module}\b|import_module\(.{module}\b")
        assert any(word.search(source) for source in sources), package


def test_recipes_are_in_the_package() -> None:
    """A wheel has every recipe that the command line offers."""
    from ptycho.settings.recipe import RECIPES

    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "ptycho"
    ]
    held = {path.stem for pattern in data for path in (ROOT / "ptycho").glob(pattern)}
    assert set(RECIPES) <= held


def test_packaged_networks_are_in_the_package() -> None:
    """A wheel has every network for every scan, and the card that says what it is."""
    from ptycho.zoo.every_scan import PACKAGED

    data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "ptycho"
    ]
    held = {path for pattern in data for path in (ROOT / "ptycho").glob(pattern)}
    for path in PACKAGED.values():
        assert {path, path.with_suffix(".md")} <= held
