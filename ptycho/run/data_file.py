"""What a scan file says about the settings: patch side from its probe, photons from its metadata.

Only headers and the metadata text are read; the diffraction array is never opened.
"""

import math
import os
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ptycho.scan.geometry import Geometry
from ptycho.settings.data import ScanOptions
from ptycho.settings.groups import DEFAULT_TRAINING_GROUPS
from ptycho.settings.registries import FORMATS
from ptyconf import Layer, Origin
from ptyconf.sources import mapping

if TYPE_CHECKING:
    from ptycho.scan.scan_format import ScanHeader


class ProbeSide(NamedTuple):
    """What the look at a scan file's header shows.

    Attributes:
        side: Side of the probe in px, None where it cannot be told.
        shape: Shape of the array.
        doubt: What is odd about the file, "" for nothing.
        key: What the file calls its probe.
        nphotons: Mean photons of a frame, None where the file does not say.
        frames: What the file calls its frames.
        frame_side: Side of the square that a frame holds, None where that needs more than a look.
        facts: What the file says about wavelength, distance and detector pixel, and where, by the name of the
            setting.
        frame_shape: Rows and columns of a frame, None where that needs more than a look.
    """

    side: int | None
    shape: tuple[int, ...] = ()
    doubt: str = ""
    key: str = "probeGuess"
    nphotons: float | None = None
    frames: str = ""
    frame_side: int | None = None
    facts: Mapping[str, tuple[Any, str]] = MappingProxyType({})
    frame_shape: tuple[int, int] | None = None

    def under(self, options: ScanOptions) -> "ProbeSide":
        """Give the same where the settings say the detector pixel."""
        if self.frame_shape is None or options.pixel_size_m is None:
            return self
        return self._replace(frame_side=Geometry().under(options).square_px(*self.frame_shape))


KEPT_HEADERS = 64
SETTLED_NS = 2_000_000_000
"""A file that changed so short a time ago may change again within one tick of its file system's clock: FAT
has the slowest one, with two seconds."""
_known_sides: dict[tuple[Any, ...], ProbeSide] = {}


def probe_side(path: Path) -> ProbeSide:
    """Find the side of a file's probe from its header alone, at a cost that does not grow with the file.

    What was seen of a scan that is one archive holds until its file changes: who plans many runs of one scan
    opens it once.
    """
    status = _status(path)
    if status is None:
        return _look(path)[0]
    if not stat.S_ISREG(status.st_mode):
        return ProbeSide(None, doubt=f"{path} is no regular file")
    identity = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    key = str(path), *identity, *FORMATS.added
    seen = _known_sides.get(key)
    if seen is None:
        seen, holds_all = _look(path)
        if holds_all and time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED_NS:
            if len(_known_sides) >= KEPT_HEADERS:
                _known_sides.clear()
            _known_sides[key] = seen
    return seen


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None  # whoever opens it says why


def _look(path: Path) -> tuple[ProbeSide, bool]:
    """Open a file; also tell whether all that was seen stands in the file itself, and in no other one."""
    from ptycho.errors import ScanError
    from ptycho.scan.scan_file import open_scan
    from ptycho.scan.scan_format import read_header

    try:
        file = open_scan(path)
        return _side_in(path, read_header(path)), file.container == "npz"
    except (OSError, ScanError) as error:
        return ProbeSide(None, doubt=str(error).partition("\n")[0]), False


def _side_in(path: Path, header: "ScanHeader") -> ProbeSide:
    shape, key, nphotons = header.probe_shape, header.probe_key, _nphotons(header.metadata)
    facts = header.geometry.stated()
    frame = header.frame_shape
    side = None if frame is None else header.geometry.square_px(*frame)
    seen = ProbeSide(None, (), header.doubt, key, nphotons, header.frames_key, side, facts, frame)
    if shape is None:
        return seen
    axes = shape[:2] if len(shape) == 3 and shape[2] == 1 else shape[-2:]
    if len(shape) not in {2, 3} or 0 in shape:
        doubt = f"'{key}' in {path} has shape {shape}, which is no square image"
        return seen._replace(shape=shape, doubt=doubt)
    doubt = "" if axes[0] == axes[1] else f"'{key}' in {path} is not square: {shape}; took {axes[0]}"
    return seen._replace(side=axes[0], shape=shape, doubt=doubt)


def data_file_layer(
    path: Path, probe: ProbeSide, *, side: int | None = None, crop: int | None = None
) -> Layer:
    """Make the layer of what a scan file says.

    Args:
        path: The scan file.
        probe: What `probe_side` found.
        side: Side in px after crop and binning, where the settings ask for these.
        crop: Side in px that the frames are cut or filled up to: the architecture does not take theirs.
    """
    values: dict[str, Any] = {}
    notes: dict[str, str] = {}
    whole = probe.frame_side if probe.side is None else probe.side
    if whole is not None:
        values["model.N"] = whole if side is None else side
        cut = "" if side is None else f" cropped and binned to {side}"
        what = f"frames '{probe.frames}'" if probe.side is None else f"{probe.key} {probe.shape}"
        notes["model.N"] = f"{what}{cut}"
    if crop is not None:
        values["data.crop_px"] = crop
        notes["data.crop_px"] = f"the architecture takes no frames of {whole} px, it takes {crop} px"
    for name, (value, origin) in probe.facts.items():
        values[f"data.{name}"], notes[f"data.{name}"] = value, origin
    if probe.nphotons is not None:
        values["training.nphotons"] = probe.nphotons
        notes["training.nphotons"] = "_metadata physics_parameters.nphotons"
    return _layer(path, values, notes)


def positions_layer(path: Path, options: ScanOptions) -> Layer:
    """Make the layer of how many groups a scan offers: each position leads one.

    A file that cannot be counted gives the contract's number, so that its settings can be shown; whoever
    reads the scan tells what is wrong with it.

    Args:
        path: The scan file.
        options: How it is read.
    """
    from ptycho.errors import ScanError

    try:
        count = sum(_count_positions(Path(one), options) for one in (path, *options.more_scans))
        note = f"{count} positions, each of which leads a group"
    except (OSError, ScanError) as error:
        count = DEFAULT_TRAINING_GROUPS
        note = f"its positions cannot be counted: {str(error).partition(chr(10))[0]}"
    return _layer(path, {"training.n_groups": max(count, 1)}, {"training.n_groups": note})


def _count_positions(path: Path, options: ScanOptions) -> int:
    from ptycho.scan.completion import complete
    from ptycho.scan.scan_file import open_scan
    from ptycho.scan.scan_format import read_scan

    file = open_scan(path)
    if "xcoords" in file.keys and not options.positions:
        # A look at the header: the frames of a compressed file would have to be unpacked.
        return math.prod(file.shape("xcoords"))
    return len(complete(read_scan(file, options)[1], file, options).arrays["xcoords"])


def _nphotons(metadata: Mapping[str, Any]) -> float | None:
    """Read the photons of a frame from a file's metadata; None where it does not say."""
    physics = metadata.get("physics_parameters")
    value = physics.get("nphotons") if isinstance(physics, Mapping) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _layer(path: Path, values: Mapping[str, Any], notes: Mapping[str, str]) -> Layer:
    return mapping.layer(
        "data-file",
        values,
        kind="npz",
        label=str(path),
        origin=lambda key: Origin("npz", str(path), notes[key], file=str(path)),
    )
