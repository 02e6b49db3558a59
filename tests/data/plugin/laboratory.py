"""What a laboratory brings to the program in a distribution of its own: one entry for each registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ptycho.commands.command import Command
from ptycho.network.architecture import Architecture
from ptycho.network.blocks import Block, bounded_phase
from ptycho.optics.kind import ProbeKind
from ptycho.report.output import Output
from ptycho.report.section import ReportSection
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptycho.simulate.kinds import ObjectKind
from ptycho.training.journal import Logger
from ptycho.training.loss import LossTerm
from ptycho.training.schedule import ByEpoch
from ptyconf.sources.document import Format
from ptyconf.sources.formats import json

MAGIC = b"# frames of the laboratory"


class Shallow(Block):
    """One convolution for the amplitude, one for the phase."""

    def __init__(self, layers: Any, settings: Any) -> None:
        super().__init__(layers)
        self.amplitude = layers.convolution(settings.positions, settings.positions)
        self.phase = layers.convolution(settings.positions, settings.positions)
        self._bounds = layers.activation(settings.amp_activation), bounded_phase(layers)

    def __call__(self, measured: Any) -> Any:
        """Map amplitudes to patches."""
        layers = self._layers
        features = layers.from_images(measured)
        maps = [layers.ops.cast_like(part(features), measured) for part in (self.amplitude, self.phase)]
        images = [layers.to_images(bound(part)) for bound, part in zip(self._bounds, maps, strict=True)]
        return layers.ops.polar(*images)


class Diary:
    """A line for each epoch."""

    def __init__(self, folder: Path, rows: Any) -> None:
        self._path = folder / "diary.txt"
        self._path.write_text("".join(f"{row['lr']:.6g}\n" for row in rows))

    def log(self, row: Any, step: int) -> None:
        """Write the rate of an epoch."""
        with self._path.open("a") as file:
            file.write(f"{row['lr']:.6g}\n")

    def close(self) -> None:
        """Write nothing: the file is whole."""


def _table(file: Any) -> Any:
    table = np.loadtxt(file.stream)
    side = round((table.shape[1] - 2) ** 0.5)
    return table[:, 0], table[:, 1], table[:, 2:].reshape(-1, side, side)


def _read(file: Any, _options: Any) -> ScanContents:
    x, y, frames = _table(file)
    beam = PROBE.draw(frames.shape[-1]).astype(np.complex64)
    arrays = {"xcoords": x, "ycoords": y, "diff3d": frames.astype(np.uint32), "probeGuess": beam}
    return ScanContents(arrays, "the table", quantity="counts", origin="centre")


def _header(file: Any) -> ScanHeader:
    side = _table(file)[2].shape[-1]
    return ScanHeader(probe_shape=(side, side), frame_shape=(side, side), frames_key="the table")


def _square_hole(N: int) -> Any:
    axis = np.abs(np.arange(N) - N // 2)
    return ((axis[:, None] < N / 6) & (axis[None, :] < N / 6)).astype(complex)


def _steps(shape: tuple[int, int], rng: np.random.Generator) -> Any:
    return np.kron(rng.random((shape[0] // 8 + 1, shape[1] // 8 + 1)), np.ones((8, 8)))[
        : shape[0], : shape[1]
    ]


def _greet(arguments: Any) -> int:
    print(f"the laboratory greets {arguments.name}")  # noqa: T201  A command answers.
    return 0


ARCHITECTURE = Architecture("shallow", sides=(48,), sides_text="48", blocks=Shallow)
LOSS_TERM = LossTerm("brightness", lambda inputs: inputs.ops.reduce_mean(inputs.predicted))
SCHEDULER = ByEpoch(lambda epoch, _optimisation: 0.5**epoch)
LOGGER = Logger(Diary)
FORMAT = ScanFormat(
    name="table",
    layout="a text with a line for each frame: x, y and its counts",
    recognise=lambda file: file.first_bytes.startswith(MAGIC),
    read=_read,
    header=_header,
)
PROBE = ProbeKind(what="a square hole", draw=_square_hole)
OBJECT = ObjectKind(what="squares", draw=_steps)
SECTION = ReportSection(
    heading="Laboratory", order=95, write=lambda _results, _folder: ["Measured at night."]
)
OUTPUT = Output(
    "the size of a picture",
    "size.txt",
    (".txt",),
    lambda picture, name, path: path.write_text(f"{name}: {picture.object.size} pixels"),
)
COMMAND = Command("greet somebody", 900, lambda parser: parser.add_argument("name"), _greet)
SETTINGS_FORMAT = Format("note", (".note",), json.parse, json.places, json.spell)
