"""``python -m ptycho_torch.train``: the contract's own way to train."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ptycho.commands.main import exit_code_of, log_to_terminal
from ptycho.commands.parser import Parser
from ptycho.commands.train import train
from ptycho.run.resolve import resolve_run
from ptycho.settings.command_lines import PROGRAMS, add_flags, cli_defaults, given_flags
from ptycho.settings.layers import TORCH_BACKEND

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Train from the flags of the contract; exit code 0, or 2 for bad input."""
    arguments = list(sys.argv[1:] if argv is None else argv)

    def run() -> int:
        parser = Parser(
            prog=PROGRAMS["train"], description="Train a network on a scan with torch.", allow_abbrev=False
        )
        add_flags(parser, "train")
        namespace = parser.parse_args(arguments)
        log_to_terminal(quiet="--quiet" in arguments)
        layers = [cli_defaults("train"), TORCH_BACKEND]
        flags = given_flags(namespace, "train")
        return train(resolve_run("train", flags=flags, environment=os.environ, extra_layers=layers))

    return exit_code_of(run, debug=False)


if __name__ == "__main__":
    sys.exit(main())
