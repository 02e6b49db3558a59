"""``ptycho check``: read settings and the headers of the scans, run nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptycho.commands import sources
from ptycho.config.run import groups_missing

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the settings files and flags."""
    sources.add_arguments(parser, "train")


def run(arguments: argparse.Namespace) -> int:
    """Say that the settings hold together; the error says everything that is wrong with them.

    Raises:
        ConfigError: Something is wrong with the settings, or a scan that they name is not there.
    """
    resolution = sources.resolve(arguments, "train")
    if resolution["training.n_groups"] is None:
        raise groups_missing("train")
    sources.require_scans_of_training(resolution)
    written = sum(resolution.trace(path).winner.origin.kind != "defaults" for path in resolution)
    names = ", ".join(map(str, arguments.files))
    print(f"{names}: {len(resolution)} settings hold together, {written} of them set")
    return 0
