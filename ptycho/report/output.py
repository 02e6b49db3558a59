"""What a file of a picture for other programs is, and which a run writes beside its report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ptycho.reconstruction.result import Reconstruction
from ptycho.settings.registries import OUTPUTS
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from ptycho.report.results import Results

__all__ = ["Output", "output_for", "write_outputs"]


@dataclass(frozen=True)
class Output:
    """A kind of file, as the constant ``OUTPUT`` of its module.

    Attributes:
        what: What it is, in a few words.
        file_name: What a run calls it.
        suffixes: Endings of names that ask for it.
        write: Writes a picture; takes it, the name of the scan and the path. The file appears whole or not at
            all.
    """

    what: str
    file_name: str
    suffixes: tuple[str, ...]
    write: Callable[[Reconstruction, str, Path], None]


def output_for(path: Path) -> Output:
    """Find the kind of file that a name asks for by its ending.

    Raises:
        ValueError: There is none; says which there are.
    """
    outputs = [cast("Output", entry) for entry in OUTPUTS.entries()]
    for output in outputs:
        if path.suffix.lower() in output.suffixes:
            return output
    raise ValueError(
        error_text(
            f"{path}: no such kind of file is written",
            expected="; ".join(f"{' or '.join(output.suffixes)}: {output.what}" for output in outputs),
            hint=_free_name(path, outputs[0]),
        )
    )


def _free_name(path: Path, output: Output) -> str:
    """Name a file that can be made: inside a folder, and not beside a device."""
    if path.is_dir():
        return str(path / output.file_name)
    if path.exists() and not path.is_file():
        return output.file_name
    return str(path.with_suffix(output.suffixes[0]))


def write_outputs(folder: Path, results: Results) -> None:
    """Write the files that the settings ask for; one that cannot be written is a warning of the report.

    Args:
        folder: Where they go.
        results: What is written.

    Raises:
        OSError: The folder cannot be written.
    """
    for name in _asked(results):
        output = cast("Output", OUTPUTS[name])
        try:
            output.write(results.reconstruction, results.scan_name, folder / output.file_name)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  Libraries and plugins raise anything; the run must stay.
            results.warn(
                f"{output.file_name} is missing: {' '.join(str(error).split())}; `ptycho export RUN_FOLDER "
                f"--to {output.file_name}` writes it later"
            )


def _asked(results: Results) -> tuple[str, ...]:
    # A run that was made before there was such a setting asks for nothing.
    path = "inference.outputs"
    return tuple(results.resolution[path]) if path in results.resolution else ()
