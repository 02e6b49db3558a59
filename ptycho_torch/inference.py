"""``python -m ptycho_torch.inference``: the contract's own way to reconstruct."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ptycho.backends.trained_network import open_network
from ptycho.bundle.archive import FILE_NAME
from ptycho.commands.infer import infer
from ptycho.commands.main import exit_code_of, log_to_terminal
from ptycho.commands.parser import Parser, UsageError
from ptycho.run.resolve import resolve_run
from ptycho.settings.command_lines import PROGRAMS, add_flags, cli_defaults, given_flags
from ptycho.settings.layers import TORCH_BACKEND
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence

_MODEL = "inference.model_path"


def main(argv: Sequence[str] | None = None) -> int:
    """Reconstruct from the flags of the contract; exit code 0, or 2 for bad input."""
    arguments = list(sys.argv[1:] if argv is None else argv)

    def run() -> int:
        parser = Parser(
            prog=PROGRAMS["infer"], description="Reconstruct a scan with torch.", allow_abbrev=False
        )
        add_flags(parser, "infer")
        namespace = parser.parse_args(arguments)
        given = getattr(namespace, "given", {})
        if _MODEL not in given:
            raise UsageError(
                error_text(
                    "--model_path is required",
                    expected=f"a run folder that holds {FILE_NAME}",
                )
            )
        log_to_terminal(quiet="--quiet" in arguments)
        resolve = partial(
            resolve_run,
            "infer",
            flags=given_flags(namespace, "infer"),
            environment=os.environ,
            extra_layers=[cli_defaults("infer"), TORCH_BACKEND],
        )
        trained = open_network(Path(given[_MODEL][0]))
        return infer(trained, resolve(trained=trained.settings), resolve)

    return exit_code_of(run, debug=False)


if __name__ == "__main__":
    sys.exit(main())
