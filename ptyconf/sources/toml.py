"""Layers from settings files; the text is pinned when it is read, places are found out when a report asks."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.layer import Layer, Unknown
from ptyconf.sources.document import Document, draw_caret, text_fault
from ptyconf.sources.file import MAX_INCLUDES, Loading, Names
from ptyconf.sources.formats import format_of
from ptyconf.text.files import MAX_BYTES, TextError, read_file


def load(
    path: str | os.PathLike[str],
    *,
    name: str = "file",
    included: str = "included",
    profile: str | None = None,
    profile_layer: str = "profile",
    unknown: Unknown = "error",
    max_bytes: int = MAX_BYTES,
    sections: Iterable[str] | None = None,
) -> list[Layer]:
    """Read a file into layers: the file, the profile if asked for, and everything included.

    Whatever is wrong with the files is told by ``resolve``, together with everything else.

    Args:
        path: The file.
        name: Layer of the file.
        included: Layer of the files that it includes; a later include stands above an earlier one.
        profile: Take the table ``[profile.NAME]``, as a layer above the file.
        profile_layer: Layer of the profile.
        unknown: What an unknown key is: error, warn or ignore.
        max_bytes: Larger files are refused.
        sections: Order in which aliases of several settings are settled; the schema's if left out.
    """
    order = None if sections is None else tuple(sections)
    names = Names(name, included, profile_layer, unknown, order, max_bytes)
    return Loading(names, profile).start(path)


def load_all(paths: Iterable[str | os.PathLike[str]], **options: Any) -> list[Layer]:
    """Read several files; a later one stands above those before it."""
    layers: list[Layer] = []
    for number, path in enumerate(reversed(list(paths))):
        layers += [
            replace(layer, within=layer.within + number * MAX_INCLUDES) for layer in load(path, **options)
        ]
    return layers


def parse(
    text: str, *, file: str = "<string>", profile: str | None = None, name: str = "file"
) -> list[Layer]:
    """Read a text into layers, as ``load`` does a file; includes resolve against the working directory."""
    return Loading(Names(file=name), profile).start_text(text, file)


def read(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Read a file as a plain dict, as it stands: includes and profiles are not followed.

    Raises:
        ConfigError: It is not a TOML file; with the place.
        FileNotFoundError: There is no such file.
    """
    file = str(Path(path).absolute())
    document = Document("", file, format_of(file))
    try:
        document.text = read_file(Path(file), max_bytes=max_bytes)
        return document.format.parse(document.text)
    except TextError as refusal:
        fault = text_fault(document, refusal)
        raise ConfigError(
            [Problem(fault.text, origin=fault.origin, snippet=draw_caret(document.text, refusal))]
        ) from None
