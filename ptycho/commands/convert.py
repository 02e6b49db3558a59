"""``ptycho convert``: hand a trained network to the other backend."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.backends.convert import convert
from ptycho.backends.trained_network import open_network
from ptycho.bundle.archive import FILE_NAME, locate
from ptycho.bundle.write import write_bundle
from ptycho.commands.command import Command
from ptycho.files.atomic import copy_file, write_text
from ptycho.files.strict_json import dump_table
from ptycho.run.folder import building
from ptycho.run.identity import Identity
from ptycho.run.record import retrieved_in
from ptycho.settings.registries import BACKENDS
from ptyconf.errors import error_text

if TYPE_CHECKING:
    import argparse

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the bundle, the backend and the place for the new one."""
    parser.add_argument("model", type=Path, metavar="BUNDLE", help="a run folder, or its wts.h5.zip")
    parser.add_argument("--to", required=True, choices=tuple(BACKENDS), help="the backend to convert it to")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER_OR_FILE.zip",
        help="a new folder for bundle and settings, or a new file for the bundle alone; nothing is ever "
        "overwritten (default: a folder beside the run folder, RUN_FOLDER-tensorflow or RUN_FOLDER-pytorch)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert a bundle; what is written appears whole or not at all.

    Raises:
        BundleError: The bundle cannot be read, is of that backend already, or its weights do not fit.
        FileExistsError: There is something at the output.
    """
    archive = locate(arguments.model)
    output = _beside(archive, arguments.to) if arguments.output is None else arguments.output
    _require_free(output)
    alone = output.suffix == ".zip"
    home = output.parent if alone else output
    trained = open_network(archive)
    converted = convert(trained, arguments.to, home)
    if alone:
        write_bundle(output, converted)
    else:
        with building(output, Identity("conversion")) as folder:
            write_bundle(folder / FILE_NAME, converted)
            for path in retrieved_in(trained.folder):
                copy_file(path, folder / path.name)
            write_text(folder / "settings.toml", converted.settings_toml)
            write_text(folder / "provenance.json", dump_table(converted.provenance).decode("utf-8"))
    numbers = sum(array.size for array in converted.weights.values())
    trainer = converted.trained_by.backend
    _log.info(
        "%s: %s numbers unchanged, trained by %s, for %s", output, f"{numbers:,}", trainer, arguments.to
    )
    return 0


def _beside(archive: Path, name: str) -> Path:
    """Name a place beside the run folder, or beside a bundle that has a name of its own."""
    if archive.name != FILE_NAME:
        return archive.with_name(f"{archive.name.removesuffix('.zip')}-{name}.zip")
    folder = archive.absolute().parent
    return folder.with_name(f"{folder.name}-{name}")


def _require_free(output: Path) -> None:
    if output.exists():
        raise FileExistsError(
            error_text(
                f"{output} exists, and nothing is overwritten",
                expected="a name that is free",
                hint="another --output",
            )
        )


COMMAND = Command(
    help="hand a trained network to the other backend, every number unchanged",
    order=30,
    add_arguments=add_arguments,
    run=run,
    description="Hand a trained network to the other backend, every number unchanged. The weights are loaded "
    "into that backend's network, which proves that they fit; probe, scales and settings stay, and "
    "the manifest tells which backend trained the network. `ptycho infer RUN_FOLDER --backend NAME` uses a "
    "bundle of either backend without converting it.",
)
