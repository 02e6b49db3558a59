"""The source distribution: what a packager needs to build, document and test the whole."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


def test_the_source_distribution_is_complete(tmp_path: Path) -> None:
    """Every tracked file stands in it, but for what serves version control alone."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: nothing says which files belong to the project")
    words = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as source:
        packed = {name.partition("/")[2] for name in source.getnames()}
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = set(listing.stdout.split("\0")) - {""}
    assert tracked - packed == {".gitignore"}
