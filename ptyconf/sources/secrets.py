"""The layer of a folder of secret files, as containers mount them: one setting a file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ptyconf.arguments import expect
from ptyconf.merge.fault import Fault, Keys
from ptyconf.merge.layer import Layer, Unknown
from ptyconf.merge.origin import Origin
from ptyconf.schema.schema import Schema
from ptyconf.sources.contents import Missing
from ptyconf.text.files import TextError, read_file

MAX_BYTES = 100_000


def layer(
    folder: str | os.PathLike[str],
    *,
    prefix: str = "",
    name: str = "secrets",
    unknown: Unknown = "error",
    missing: Missing = "error",
    schema: Schema | None = None,
) -> Layer:
    """Make a layer of the files of a folder; what a file holds is one text, without the last line end.

    The file of ``db.password`` is called ``db__password``, ``DB__PASSWORD`` or ``db.password``, or it is
    ``password`` in a folder ``db``. Files that begin with a dot are passed over.

    Args:
        folder: The folder.
        prefix: Take only the files that begin with ``PREFIX__``.
        name: Name in the precedence.
        unknown: What a file is that no setting has: error, warn or ignore.
        missing: Whether a folder that does not exist is an error, or nothing ("skip").
        schema: The settings; with it, a setting's own name (``env="DATABASE_URL"``) names a file too.
    """
    expect("secrets.layer", "folder", folder, (str, os.PathLike), "the path of a folder")
    expect("secrets.layer", "schema", schema, (Schema, type(None)), "the Schema")
    root = Path(folder)
    texts: dict[str, str] = {}
    files: dict[str, Path] = {}
    faults: list[Fault] = []
    own = {} if schema is None else schema.own_variables
    if not root.is_dir() and missing == "error":
        faults.append(Fault(f"the folder {os.fspath(folder)!r} of secrets does not exist"))
    for file in _files(root) if root.is_dir() else ():
        written = "__".join(file.relative_to(root).parts).replace(".", "__")
        below = own.get(file.name) or _below(written, prefix)
        if below is None:
            continue
        try:
            texts[below] = read_file(file, max_bytes=MAX_BYTES).removesuffix("\n").removesuffix("\r")
        except TextError as refusal:
            faults.append(Fault(f"the file of a secret {refusal.text}", origin=_origin(below, file)))
        except OSError as error:
            words = error.strerror or type(error).__name__
            faults.append(Fault(f"the file of a secret cannot be read: {words}", origin=_origin(below, file)))
        files[below] = file

    def origins(keys: Keys) -> Origin:
        below = "__".join(str(key) for key in keys)
        return _origin(below, files.get(below, root))

    return Layer(
        name,
        texts,
        origins,
        kind="environment",
        label=os.fspath(folder),
        text=True,
        unknown=unknown,
        references=False,
        faults=tuple(faults),
    )


def _below(written: str, prefix: str) -> str | None:
    start = f"{prefix}__" if prefix else ""
    return written[len(start) :] if written.upper().startswith(start.upper()) else None


def _files(folder: Path) -> Iterator[Path]:
    """List the files of a folder and of the folders in it, in the order of their names."""
    for file in sorted(folder.iterdir()):
        if file.name.startswith("."):
            continue
        if file.is_dir():
            yield from _files(file)
        else:
            yield file


def _origin(below: str, file: Path) -> Origin:
    return Origin("secret file", "secrets", below, str(file.absolute()))
