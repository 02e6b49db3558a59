"""The engine as a distribution of its own: its wheel in an environment that has only what it asks for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("attrs", "cattrs", "tomli-w", "typing-extensions")
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as ``make dist`` does, in the environment of the tests and without the network."""
    folder = tmp_path_factory.mktemp("dist")
    # This environment stays as it is, whichever it is.
    installed = ["--assume-old", f"{sys.prefix}/.installed-test"]
    options = [f"VENV={sys.prefix}", f"DIST={folder}", "BUILD_OPTIONS=--no-isolation", *installed]
    done = subprocess.run(
        ["make", "dist-ptyconf", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("ptyconf-*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An interpreter with the wheel and its declared dependencies, and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=False)
    site = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    for name in NEEDED:
        for file in distribution(name).files or ():
            if ".." not in file.parts:
                target = site / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    yield folder / "bin" / "python"
    shutil.rmtree(folder)


def run(python: Path, folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the interpreter in a folder, with an environment of its own."""
    return subprocess.run(
        [python, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=60
    )


def test_it_declares_what_it_needs(wheel: Path) -> None:
    """attrs, cattrs and tomli-w; one version with the distribution that contains it, and its README."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
    needed = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", metadata, re.MULTILINE)
    assert sorted(needed) == ["attrs", "cattrs", "tomli-w"]
    own, whole = (
        tomllib.loads((ROOT / name).read_text()) for name in ("ptyconf/pyproject.toml", "pyproject.toml")
    )
    assert own["project"]["version"] == whole["project"]["version"]
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"ptyconf", f"ptyconf-{own['project']['version']}.dist-info"}
    packaged = {name for name in names if name.endswith(".py")}
    assert packaged == {str(path.relative_to(ROOT)) for path in (ROOT / "ptyconf").rglob("*.py")}


def test_the_readmes_program_runs(python: Path, tmp_path: Path) -> None:
    """As it stands on the page, with the output that it shows."""
    said = ""
    for kind, name, text in BLOCK.findall((ROOT / "ptyconf" / "README.md").read_text()):
        if name:
            (tmp_path / name).write_text(text)
        if kind == "text":
            assert said == text
        elif kind == "python":
            done = run(python, tmp_path, name or "-c", *(() if name else (text,)))
            assert done.stderr == ""
            said = done.stdout


def test_the_first_program_of_the_guide_runs(python: Path, tmp_path: Path) -> None:
    """With the standard library's TOML parser."""
    blocks = BLOCK.findall((ROOT / "docs" / "ptyconf.md").read_text())
    code = next(text for kind, name, text in blocks if kind == "python" and not name)
    for _, name, text in blocks:
        if name:
            (tmp_path / name).write_text(text)
    done = run(python, tmp_path, "-c", code)
    assert (done.stderr, done.stdout.strip() != "") == ("", True)
    assert run(python, tmp_path, "-c", "import toml_rs").returncode == 1


def test_the_service_is_configured(python: Path, tmp_path: Path) -> None:
    """Files, profile, environment, flags, an own variable and a folder of secrets, each with its place."""
    folder = tmp_path / "service"
    shutil.copytree(
        ROOT / "examples" / "ptyconf_service", folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "secrets").mkdir()
    (folder / "secrets" / "database__password").write_text("canary\n")
    words = [
        "service.py",
        "--profile",
        "production",
        "--no-debug",
        "--replicas.eu.weight",
        "3",
        "--allowed",
        "a,b",
    ]
    done = run(
        python, folder, *words, SERVICE__LISTEN__HOST="0.0.0.0", DATABASE_URL="pg://db", SERVICE_PORT_80="x"
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in done.stdout.splitlines()}
    assert lines["listen.host"] == '"0.0.0.0" environment SERVICE__LISTEN__HOST'
    assert lines["listen.port"] == "8000 file service.toml:4:1 listen.port"
    assert lines["listen.tls.cert"].endswith("service.toml:16:1 profile.production.listen.tls.cert")
    assert lines["database.url"] == '"pg://db" environment DATABASE_URL'
    assert lines["replicas.eu.weight"] == "3 flags --replicas.eu.weight"
    assert lines["allowed"] == '["a", "b"] flags --allowed'
    assert lines["database.password"].startswith("******** secrets database__password")
    assert "canary" not in done.stdout
    wrong = run(python, folder, "service.py", "--listen.prot", "1")
    assert wrong.returncode == 2
    assert "try         --listen.port" in wrong.stderr
    told = run(python, folder, "service.py", "--explain", "listen.port").stdout
    assert told.splitlines()[0] == "listen.port = 8000"
