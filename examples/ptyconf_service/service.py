"""A small service that is configured by a file with profiles, the environment, flags and a folder of secrets.

python service.py --listen.port 9000 --no-debug --replicas.eu.weight 3
SERVICE__LISTEN__HOST=0.0.0.0 python service.py --profile production
python service.py --explain listen.port
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import ptyconf
from ptyconf.report import story, table

HERE = Path(__file__).parent


@dataclass
class Tls:
    """How connections are encrypted."""

    cert: Path
    key: Path


@dataclass
class Listen:
    """Where the service listens."""

    host: str = "127.0.0.1"
    port: int = field(default=8080, metadata={"help": "TCP port."})
    tls: Tls | None = None


@dataclass
class Database:
    """Where the data are."""

    url: str = field(default="sqlite://", metadata={"env": "DATABASE_URL"})
    password: str = field(default="", metadata={"secret": True})
    timeout: timedelta = timedelta(seconds=5)


@dataclass
class Replica:
    """One more server."""

    host: str
    weight: int = 1


@dataclass
class Service:
    """Answers requests."""

    listen: Listen = field(default_factory=Listen)
    database: Database = field(default_factory=Database)
    replicas: dict[str, Replica] = field(default_factory=dict)
    allowed: list[str] = field(default_factory=list, metadata={"text": ","})
    debug: bool = False


def main(argv: list[str]) -> int:
    """Read the settings, say what is in force, and leave."""
    asked = argv.pop(argv.index("--explain") + 1) if "--explain" in argv[:-1] else ""
    flags = [word for word in argv if word != "--explain"]
    try:
        service = ptyconf.load(
            Service,
            HERE / "service.toml",
            env="SERVICE",
            flags=flags,
            secrets=HERE / "secrets",
            missing="skip",
        )
    except ptyconf.ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    resolution = ptyconf.provenance_of(service)
    assert resolution is not None
    print(story(resolution, asked) if asked else table(resolution))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
