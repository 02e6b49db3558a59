"""The environment in which ptychodus drives this library: our packages as they stand, and its own besides.

A virtual environment of its own sees the site-packages of the running one by a ``.pth`` file, so that torch
and TensorFlow are not installed again; only what ptychodus needs in addition is put into it.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

PTYCHODUS = "ptychodus==1.7.0"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")

_INSTALLING_S = 400


class BuildError(RuntimeError):
    """The environment could not be built; the message ends with what pip said."""


def build(cache: Path) -> Path:
    """Give the interpreter of the environment, built into the cache where it is not there yet.

    The folder is named by what goes into it; a build that was cut short is thrown away.

    Raises:
        BuildError: A command failed.
    """
    recipe = "\n".join([PTYCHODUS, REQUIREMENTS.read_text(), sys.version, *_own_packages()])
    folder = cache / hashlib.sha256(recipe.encode()).hexdigest()[:16]
    python = folder / "bin" / "python"
    finished = folder / "finished"
    if finished.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    _borrow(folder)
    install = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*install, "--no-deps", PTYCHODUS)
    _run(*install, "--requirement", str(REQUIREMENTS))
    finished.touch()
    return python


def _own_packages() -> list[str]:
    paths = sysconfig.get_paths()
    return sorted({paths["purelib"], paths["platlib"]})


def _borrow(folder: Path) -> None:
    """Let the environment see the packages of the running one, editable installs included."""
    site_packages = next(folder.glob("lib/python*/site-packages"))
    lines = [f"import site; site.addsitedir({path!r})" for path in _own_packages()]
    (site_packages / "borrowed.pth").write_text("\n".join(lines) + "\n")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_INSTALLING_S, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command)} ended with {done.returncode}\n{done.stderr[-2000:]}")
