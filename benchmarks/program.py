"""A program with everything that users write, beside the same work without any provenance.

80 settings: classes inside classes, a table and a list of sections, two files of which one includes the
other, the environment, flags and an object. The floor reads the same sources, merges them with ChainMap and
structures the whole with cattrs. Also measured: reports of one resolution, the memory that it takes, and how
near a program without provenance can come that reads nothing but its files: with tomllib and cattrs, and with
toml-rs and msgspec.

Run: python benchmarks/program.py, and python benchmarks/instructions.py on a machine that is not quiet
"""

from __future__ import annotations

import argparse
import tomllib
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, make_dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cattrs
from resolve import best, memory

from ptyconf import Precedence, Resolution, diff, resolve, schema_of, tracks_set_fields
from ptyconf.report.json import to_json
from ptyconf.report.toml import dump_toml
from ptyconf.sources import environment, flags, instance, mapping, toml
from ptyconf.sources.contents import KEPT

PRECEDENCE = Precedence("overrides", "flags", "object", "environment", "file", "included")


@dataclass
class Tls:
    """A section inside a section."""

    cert: str = "cert.pem"
    port: int = 443


@dataclass
class Replica:
    """One entry of a table of sections."""

    host: str = "localhost"
    port: int = 5432
    weight: float = 1.0


@dataclass
class Hook:
    """One element of a list of sections."""

    url: str
    retries: int = 3


@tracks_set_fields
@dataclass
class Server:
    """A section with one below it."""

    host: str = "localhost"
    port: int = 80
    debug: bool = False
    tls: Tls = field(default_factory=Tls)


Plain = make_dataclass(
    "Plain",
    [
        (f"setting_{number}", kind, default)
        for number, (kind, default) in enumerate(((int, 1), (str, "a")) * 15)
    ],
)
"""30 settings of one section."""


@dataclass
class App:
    """The program: 80 settings, those of the table and the list included."""

    server: Server = field(default_factory=Server)
    first: Plain = field(default_factory=Plain)  # type: ignore[valid-type]
    second: Plain = field(default_factory=Plain)  # type: ignore[valid-type]
    replicas: dict[str, Replica] = field(default_factory=dict)
    hooks: list[Hook] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


BASE = "\n".join(
    [
        "[server]",
        'host = "0.0.0.0"',
        "[server.tls]",
        'cert = "base.pem"',
        *(
            f"[{name}]\n" + "\n".join(f"setting_{n} = {n}" for n in range(0, 30, 2))
            for name in ("first", "second")
        ),
        '[replicas.eu]\nhost = "eu"\n[replicas.us]\nhost = "us"\nport = 1',
    ]
)
FILE = "\n".join(
    [
        'include = ["base.toml"]',
        'tags = ["a", "b"]',
        "[server]",
        "port = 8080",
        *(
            f"[{name}]\n" + "\n".join(f'setting_{n} = "b"' for n in range(1, 30, 2))
            for name in ("first", "second")
        ),
        "[replicas.eu]\nweight = 2.5",
        *(f'[[hooks]]\nurl = "http://{n}"' for n in range(3)),
    ]
)
ENVIRON = {
    "BENCH__FIRST__SETTING_0": "7",
    "BENCH__SERVER__TLS__PORT": "8443",
    "BENCH__REPLICAS__US__PORT": "5",
}
FLAGS = {"second.setting_1": "c", "server.debug": "true"}
OVERRIDES = {"first": {"setting_2": 9}, "tags": ["z"]}


def flat(table: Mapping[str, Any], at: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Give nested tables as one, by whole paths."""
    paths: dict[tuple[str, ...], Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            paths.update(flat(value, (*at, key)))
        else:
            paths[(*at, key)] = value
    return paths


def nested(paths: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """Give values by whole paths as nested tables."""
    tables: dict[str, Any] = {}
    for (*sections, name), value in paths.items():
        table = tables
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return tables


def floor(folder: Path) -> Callable[[], Any]:
    """Read the same sources, merge with ChainMap and structure with cattrs: no provenance at all.

    Files with tomllib; variables by their prefix, flags, the object and the overrides as they come, as ours
    does. cattrs turns the texts into numbers.
    """
    converter = cattrs.Converter()
    made, start = Server(host="object"), "BENCH__"

    def run() -> Any:
        file = tomllib.loads((folder / "app.toml").read_text())
        included = [tomllib.loads((folder / name).read_text()) for name in file.pop("include")]
        variables = {
            tuple(name[len(start) :].lower().split("__")): text
            for name, text in ENVIRON.items()
            if name.startswith(start)
        }
        flag_texts = {tuple(path.split(".")): text for path, text in FLAGS.items()}
        layers = [flat(OVERRIDES), flag_texts, {("server", "host"): made.host}, variables]
        paths = ChainMap(*layers, flat(file), *map(flat, included))
        return converter.structure(nested(paths), App)

    return run


def merged(low: dict[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """Merge tables by key."""
    for key, value in high.items():
        inner = low.get(key)
        low[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return low


READY: dict[str, Any] = {
    "first": {"setting_0": 7, "setting_2": 9},
    "second": {"setting_1": "c"},
    "server": {"host": "object", "debug": True, "tls": {"port": 8443}},
    "replicas": {"us": {"port": 5}},
    "tags": ["z"],
}
"""What all layers above the files say together."""


def lean(
    folder: Path, loads: Callable[[str], Any], structure: Callable[[Any, Any], Any]
) -> Callable[[], Any]:
    """Read the files alone, merge their tables in place and structure: all above them is ready and merged."""

    def run() -> Any:
        base = loads((folder / "base.toml").read_text())
        file = loads((folder / "app.toml").read_text())
        file.pop("include")
        return structure(merged(merged(base, file), READY), App)

    return run


def ours(folder: Path) -> Callable[[], Resolution]:
    """Read and resolve with the whole history."""
    schema = schema_of(App)
    below = schema.view(Server)
    made = Server(host="object")

    def run() -> Resolution:
        layers = [
            mapping.layer("overrides", OVERRIDES),
            flags.given(FLAGS),
            instance.layer("object", made, below),
            environment.layer("BENCH", ENVIRON, schema=schema),
            *toml.load(folder / "app.toml"),
        ]
        return resolve(schema, PRECEDENCE, layers)

    return run


def rows(folder: Path) -> dict[str, Callable[[], Any]]:
    """Give what is measured, the floor first."""
    (folder / "base.toml").write_text(BASE + "\n")
    (folder / "app.toml").write_text(FILE + "\n")
    run = ours(folder)
    one, two = run(), run()
    measured: dict[str, Callable[[], Any]] = {
        "floor": floor(folder),
        "resolve and build": lambda: run().build(App),
        "the same, texts parsed anew": lambda: [KEPT.clear(), run().build(App)],
        "the same, and every trace": lambda: [
            (found := run()).build(App),
            [found.trace(p) for p in found],
        ],
        "build alone": lambda: one.build(App),
        "diff of two equal": lambda: diff(one, two),
        "JSON of all": lambda: to_json(one),
        "dump": lambda: dump_toml(one),
        "files alone: tomllib, cattrs": lean(folder, tomllib.loads, cattrs.Converter().structure),
    }
    if find_spec("msgspec") is not None:
        import msgspec
        import toml_rs

        measured["files alone: toml-rs, msgspec"] = lean(folder, toml_rs.loads, msgspec.convert)
    right = floor(folder)()
    for what in measured.keys() & {"resolve and build", *(row for row in measured if "alone:" in row)}:
        assert measured[what]() == right, what
    return measured


def main() -> None:
    """Print one row a measure, as ratios to the floor of the same run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", type=float, default=1.0, help="seconds for each figure (1.0)")
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        measured = rows(Path(name))
        f = best(measured.pop("floor"), options.budget)
        print(f"F = {f * 1e6:.0f} us")
        for what, call in measured.items():
            print(f"{what:<34}{best(call, options.budget) / f:>7.2f} F")
        print(f"{'memory of a resolution':<34}{memory(ours(Path(name)), 100):>7.0f} KB")


if __name__ == "__main__":
    main()
