"""Layers from settings files: TOML, JSON, YAML and what plugins add, chosen by the ending of the name.

The text is pinned when it is read; places are found out when a report asks.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict, Unpack

from ptyconf.arguments import expect, expect_one_of
from ptyconf.errors import ConfigError, Problem
from ptyconf.merge.layer import Layer, Unknown
from ptyconf.merge.origin import Origin
from ptyconf.sources.contents import Missing
from ptyconf.sources.document import Document, draw_caret, text_fault
from ptyconf.sources.formats import FORMATS, format_of
from ptyconf.sources.loading import MAX_INCLUDES, Loading, Names, missed_profile
from ptyconf.text.files import MAX_BYTES, TextError, read_file


class Options(TypedDict, total=False):
    """How a file is read, and what its layers are called; all may be left out.

    Attributes:
        name: Layer of the file: "file".
        included: Layer of the files that it includes: "included"; a later one stands above an earlier one.
        profile: Take the table ``[profile.NAME]``, as a layer above the file.
        asked: Where the profile is asked for, a flag or a variable; a missing one is told there.
        profile_layer: Layer of the profile: "profile".
        unknown: What an unknown key is: error, warn or ignore.
        max_bytes: Larger files are refused; 2 MB.
        sections: Order in which aliases of several settings are settled; the schema's if left out.
        table: Where the settings stand in a file that others use too: ``"tool.app"`` in pyproject.toml. Its
            include, profile and unset stand in that table as well; files that it includes have no such table.
        missing: Whether a file that does not exist, or has no such table, is an error, or nothing ("skip").
        references: Whether texts may refer to other values (``${server.host}``); as the schema says if left
            out.
        kind: Name of its format; by the ending of the name if left out, TOML where no format has that.
    """

    name: str
    included: str
    profile: str | None
    asked: Origin | None
    profile_layer: str
    unknown: Unknown
    max_bytes: int
    sections: Iterable[str] | None
    table: str | Sequence[str]
    missing: Missing
    references: bool | None
    kind: str | None


_WORDS = {"unknown": ("error", "warn", "ignore"), "missing": ("error", "skip")}


def load(path: str | os.PathLike[str], **options: Unpack[Options]) -> list[Layer]:
    """Read a file into layers: the file, the profile if asked for, and everything included.

    Whatever is wrong with the files is told by ``resolve``, together with everything else.

    Args:
        path: The file.
        options: As ``Options`` says.
    """
    hint = "load_all(paths) reads several" if isinstance(path, (list, tuple)) else ""
    expect("load", "path", path, (str, Path, os.PathLike), "the path of one file", hint)
    loading = _loading("load", options)
    return _with_profile(loading.start(path), loading.profiles, options)


def _loading(call: str, options: Options) -> Loading:
    if not options:
        return Loading(Names(), None)
    known = Options.__optional_keys__ | Options.__required_keys__
    for name, given in options.items():
        expect_one_of(call, "an option", name, sorted(known))
        if name in _WORDS:
            expect_one_of(call, name, given, _WORDS[name])
    for name in ("name", "included", "profile", "profile_layer"):
        expect(call, name, options.get(name), (str, type(None)), "text")
    expect(call, "table", options.get("table", ""), (str, list, tuple), "text, or a list of keys")
    sections, kind = options.get("sections"), options.get("kind")
    names = Names(
        options.get("name", "file"),
        options.get("included", "included"),
        options.get("profile_layer", "profile"),
        options.get("unknown", "error"),
        None if sections is None else tuple(sections),
        options.get("max_bytes", MAX_BYTES),
        _table(options.get("table", ())),
        options.get("missing", "error"),
        options.get("references"),
    )
    return Loading(names, options.get("profile"), FORMATS[kind] if kind else None)


def _table(name: str | Sequence[str]) -> tuple[str, ...]:
    return tuple(name.split(".")) if isinstance(name, str) and name else tuple(name)


def load_all(paths: Iterable[str | os.PathLike[str]], **options: Unpack[Options]) -> list[Layer]:
    """Read several files; a later one stands above those before it, and one must have the profile."""
    layers: list[Layer] = []
    profiles: list[str] = []
    for number, path in enumerate(reversed(list(paths))):
        expect("load_all", "a path", path, (str, os.PathLike), "the path of a file")
        loading = _loading("load_all", options)
        layers += [
            replace(layer, within=layer.within + number * MAX_INCLUDES) for layer in loading.start(path)
        ]
        profiles += loading.profiles
    return _with_profile(layers, profiles, options)


def _with_profile(layers: list[Layer], profiles: list[str], options: Options) -> list[Layer]:
    """Note at the highest file that none has the profile asked for."""
    profile = options.get("profile")
    if profile is None or profile in profiles or not layers:
        return layers
    top = layers[0]
    fault = missed_profile(profile, profiles, options.get("asked") or top.origins(()))
    return [replace(top, faults=(*top.faults, fault)), *layers[1:]]


def parse(text: str, *, file: str = "<string>", **options: Unpack[Options]) -> list[Layer]:
    """Read a text into layers, as ``load`` does a file.

    Args:
        text: The text.
        file: What places call it; includes and relative paths resolve against its folder.
        options: As ``Options`` says.
    """
    expect("parse", "text", text, str, "the text of a file", "load(path) reads a file")
    loading = _loading("parse", options)
    return _with_profile(loading.start_text(text, file), loading.profiles, options)


def read(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Read a file as a plain dict, as it stands: includes and profiles are not followed.

    Raises:
        ConfigError: It is no file of its format; with the place.
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
