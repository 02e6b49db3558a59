"""How much of one backend is written again in the other: `python tests/architecture/likeness.py [ROOT]`.

A line counts as equal when the other backend has the same line, in whichever file, after the names of the two
frameworks are made alike. Docstrings, comments and imports count, blank lines and lone brackets do not. Two
rooms of this project that have nothing in common share about a tenth of their lines.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

TENSORFLOW = ("ptycho/tf",)
TORCH = ("ptycho_torch/nn", "ptycho_torch/lit", "ptycho_torch/backend.py")
_FRAMEWORKS = re.compile(r"tensorflow|lightning|pytorch|torch|keras|\btf\b", re.IGNORECASE)


class Share(NamedTuple):
    """Lines of both sides together, and how many of them stand on both."""

    lines: int
    equal: int

    @property
    def part(self) -> float:
        """Share of equal lines, 0 to 1."""
        return self.equal / max(1, self.lines)


def alike_lines(path: Path) -> list[str]:
    """Give the lines of a module with the frameworks' names made alike."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [_FRAMEWORKS.sub("framework", line) for line in lines if any(char.isalnum() for char in line)]


def equal_share(one: Iterable[Path], other: Iterable[Path]) -> Share:
    """Count the lines that two sets of modules have in common."""
    first = Counter(line for path in one for line in alike_lines(path))
    second = Counter(line for path in other for line in alike_lines(path))
    return Share(first.total() + second.total(), 2 * (first & second).total())


def modules_of(root: Path, places: Iterable[str]) -> list[Path]:
    """List the modules at some places of a checkout; an `__init__` holds no code of a backend."""
    found = [path for place in places for path in _modules_at(root / place)]
    return [path for path in found if path.name != "__init__.py"]


def _modules_at(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(place.rglob("*.py"))
    return [place] if place.is_file() else []


def share_of(root: Path) -> Share:
    """Compare the two backends of a checkout."""
    return equal_share(modules_of(root, TENSORFLOW), modules_of(root, TORCH))


def _main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parents[2])
    root = parser.parse_args().root
    ours, theirs = modules_of(root, TENSORFLOW), modules_of(root, TORCH)
    for path in ours:
        share = equal_share([path], theirs)
        own = len(alike_lines(path))
        print(f"{path.relative_to(root)!s:44} {own:6} lines {share.equal / 2 / max(1, own):6.0%}")
    share = share_of(root)
    print(f"{'both backends':44} {share.lines:6} lines {share.part:6.0%}")


if __name__ == "__main__":
    _main()
