"""``ptycho simulate``: a scan of a known object, to try things out on."""

from __future__ import annotations

import argparse
import logging
from dataclasses import MISSING, fields
from pathlib import Path
from typing import get_args, get_type_hints

from ptycho.commands.command import Command
from ptycho.files.earlier import keeping_earlier

_log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare one flag for every simple field of a simulation."""
    from ptycho.simulate.scan import Simulation

    parser.add_argument(
        "output", type=Path, help="the NPZ file to write; an earlier one of other content is kept as NAME.1"
    )
    hints = get_type_hints(Simulation)
    for item in fields(Simulation):
        if item.default is MISSING:
            continue
        unit = item.metadata.get("unit")
        text = item.metadata["help"] + (f" [{unit}]" if unit else "") + f" (default {item.default})"
        flag = f"--{item.name.replace('_', '-')}"
        if isinstance(item.default, bool):
            parser.add_argument(
                flag,
                dest=item.name,
                action=argparse.BooleanOptionalAction,
                default=argparse.SUPPRESS,
                help=text,
            )
        else:
            choices = item.metadata.get("choices") or get_args(hints[item.name]) or None
            parser.add_argument(
                flag,
                dest=item.name,
                type=type(item.default),
                choices=choices,
                default=argparse.SUPPRESS,
                help=text,
            )


def run(arguments: argparse.Namespace) -> int:
    """Simulate and write the scan; the file appears whole or not at all."""
    from ptycho.files.npz import npz_path
    from ptycho.simulate.scan import Simulation, simulate

    names = {item.name for item in fields(Simulation)}
    scan = simulate(Simulation(**{name: value for name, value in vars(arguments).items() if name in names}))
    path = npz_path(arguments.output)
    with keeping_earlier(path) as written:
        scan.to_file(written)
    _log.info("simulated %d frames of %d x %d: %s", scan.n_frames, scan.N, scan.N, path)
    return 0


COMMAND = Command(
    help="simulate a scan of a known object",
    order=40,
    add_arguments=add_arguments,
    run=run,
)
