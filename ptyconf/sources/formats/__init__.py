"""The file formats of settings, one module each; other distributions add theirs as ``ptyconf.formats``."""

from __future__ import annotations

import os

from ptyconf.registry import Registry
from ptyconf.sources.document import Format

FORMATS: Registry[Format] = Registry(
    "file format", package=__name__, attribute="FORMAT", entry_points="ptyconf.formats"
)
DEFAULT = "toml"


def format_of(file: str) -> Format:
    """Find the format of a file by the ending of its name; TOML where no format has that ending."""
    if file.endswith(".toml"):
        return FORMATS[DEFAULT]
    suffix = os.path.splitext(file)[1].lower()  # noqa: PTH122  Path does the same in ten times the time.
    if suffix in {"", ".toml"}:
        return FORMATS[DEFAULT]
    return next((entry for entry in FORMATS.entries() if suffix in entry.suffixes), FORMATS[DEFAULT])
