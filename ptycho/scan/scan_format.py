"""What a scan format can do, and how a file finds its format: by what is in it, never by its name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ptycho.errors import ScanError
from ptycho.files.foreign import BY_CONTENT, named
from ptycho.files.number_ranges import listed_numbers
from ptycho.scan.geometry import Geometry
from ptycho.scan.named_arrays import ARCHIVES, frames_named, named_keys
from ptycho.scan.scan_file import open_scan
from ptycho.settings.data import ScanOptions
from ptycho.settings.registries import FORMATS
from ptyconf.errors import error_text, has_hint, with_hint

if TYPE_CHECKING:
    from pathlib import Path

    from ptycho.scan.scan_file import ScanFile

__all__ = [
    "ScanContents",
    "ScanFormat",
    "ScanHeader",
    "find_format",
    "read_contents",
    "read_header",
    "read_scan",
]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class ScanContents:
    """A scan file's arrays under the names of the contract, and what the file says about them.

    Attributes:
        arrays: xcoords, ycoords, xcoords_start, ycoords_start, diff3d, probeGuess, scan_index, objectGuess,
            Y; those that the file lacks are left out, and diff3d may be a memory map.
        frames_key: The key under which the file holds the frames.
        quantity: "counts" or "amplitude" where the file says so, else None.
        origin: "centre" or "corner" where the file says so, else None.
        metadata: What was embedded under '_metadata', or None.
        position_unit: Unit of the positions: "px", "m" and so on; "" where the file does not say.
        geometry: What the file says about wavelength, distance and detector pixel.
        bad_pixels: Pixels that measure nothing by the file's own mask, True = bad, shape (H, W) or
            (n, H, W), or None.
        beam_centre_px: [row, column] of the beam in the file's frames, or None.
        frame_numbers: The number of each frame by which positions are matched to it, shape (n,), or None.
        needs_positions: Where the positions of such a file are, for the message that they are missing.
        notes: What is to be said about the file, one sentence each.
    """

    arrays: dict[str, Any]
    frames_key: str
    quantity: str | None = None
    origin: str | None = None
    metadata: dict[str, Any] | None = None
    position_unit: str = "px"
    geometry: Geometry = field(default_factory=Geometry)
    bad_pixels: Any = None
    beam_centre_px: tuple[float, float] | None = None
    frame_numbers: Array | None = None
    needs_positions: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ScanHeader:
    """What a scan file says about the settings, at a cost that does not grow with the file.

    Attributes:
        keys: Its arrays.
        probe_key: The key under which it holds a probe, or would hold one.
        probe_shape: Shape of the probe, None where the file has none or it cannot be read.
        doubt: Why there is no probe, "" where there is one.
        metadata: What was embedded under '_metadata'; empty where nothing was.
        frame_shape: (rows, columns) of a frame, None where that needs more than a look.
        frames_key: The key under which it holds the frames.
        geometry: What it says about wavelength, distance and detector pixel.
    """

    keys: tuple[str, ...] = ()
    probe_key: str = "probeGuess"
    probe_shape: tuple[int, ...] | None = None
    doubt: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    frame_shape: tuple[int, int] | None = None
    frames_key: str = ""
    geometry: Geometry = field(default_factory=Geometry)


@dataclass(frozen=True)
class ScanFormat:
    """One layout of scan files.

    Attributes:
        name: Its name in the registry.
        layout: What a file of it holds, in one line.
        needs: What has to be said in the settings, because such a file does not hold it; "" for nothing.
        recognise: Tells by the content of a file whether it has this layout.
        read: Reads the contents as the settings say; frames stay in the file where they can.
        header: Reads what the file says about the settings, and no frame.
        general: Whether it takes whatever no other format recognises.
    """

    name: str
    layout: str
    recognise: Callable[[ScanFile], bool]
    read: Callable[[ScanFile, ScanOptions], ScanContents]
    header: Callable[[ScanFile], ScanHeader]
    needs: str = ""
    general: bool = False

    def __post_init__(self) -> None:
        """Let no content of a file make an entry raise what names no file."""
        for name in ("recognise", "read", "header"):
            object.__setattr__(self, name, _naming_its_file(getattr(self, name)))


def _naming_its_file(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def guarded(file: ScanFile, *arguments: Any) -> Any:
        try:
            return function(file, *arguments)
        except BY_CONTENT as error:
            told = named(error, file.path)
            if told is error:
                raise
            raise told from error

    return guarded


def find_format(file: ScanFile) -> ScanFormat:
    """Find the one format that recognises a file.

    Raises:
        ScanError: No format does, or more than one.
    """
    fitting = [scan_format for scan_format in _formats() if scan_format.recognise(file)]
    special = [scan_format for scan_format in fitting if not scan_format.general]
    candidates = special or fitting
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise ScanError(
            error_text(
                f"{file.path} looks like more than one scan format: "
                f"{', '.join(scan_format.name for scan_format in candidates)}",
                expected="a file that one format alone recognises",
            )
        )
    raise _no_scan_file(file)


def _no_scan_file(file: ScanFile) -> ScanError:
    """Say what a file is that no format takes."""
    hints = {
        "empty": "the file that the detector wrote: nothing was written into this one",
        "text": f'the file of the frames, with data.positions = "{file.path}" where this is the table of '
        "positions",
        "unknown": "copy the file again; an interrupted copy looks like this",
        "pickle": "where you trust it: np.savez(path, diff3d=frames, xcoords=x_px, ycoords=y_px)",
        "tar": f"tar -xf {file.path}, and the scan in it",
    }
    return ScanError(
        error_text(
            f"{file.path} is no scan file: it is {file.kind}",
            details={"it holds": file.shown_keys or None},
            # What each of them holds is a wall of text.
            expected=f"{', '.join(one.name for one in _formats())}: `ptycho formats` says what each holds",
            hint=hints.get(file.container, OTHER_KIND),
        )
    )


OTHER_KIND = "the program that made it writes HDF5 or TIFF, too; or np.save(path, frames) of what it holds"


def read_scan(file: ScanFile, options: ScanOptions) -> tuple[ScanFormat, ScanContents]:
    """Read a scan; arrays that the settings name win over what its format looks for, and over its refusal.

    Returns:
        The format that read it, and the contents.

    Raises:
        ScanError: The file is damaged, of no known format, or an array that is named or needed is missing.
    """
    if file.container == "hdf5":
        file.hdf5.excused = _left_out(options)
    scan_format = find_format(file)
    if scan_format.general:
        return scan_format, scan_format.read(file, options)
    try:
        contents = scan_format.read(file, options)
    except ScanError as refusal:
        if options.frames:
            return _read_by_names(file, options, scan_format, refusal)
        names = named_keys(file, options.positions) if file.container in ARCHIVES else ""
        if not names or has_hint(str(refusal)):
            raise
        raise ScanError(with_hint(str(refusal), names)) from refusal
    if not options.frames:
        return scan_format, contents
    keys = frames_named(options.frames, file)
    return scan_format, contents if contents.frames_key == keys[0] else _with_frames(contents, file, keys)


def _left_out(options: ScanOptions) -> Callable[[int], list[int]] | None:
    """Give what lists the frames that settings leave out, None where they leave out none."""
    texts = [text for text in (options.leave_out, options.frames_without_position) if text]

    def listed(count: int) -> list[int]:
        # A number that is not there is told where frames and positions are matched.
        with suppress(IndexError):
            return [number for text in texts for number in listed_numbers(text, count)]
        return []

    return listed if texts else None


def _with_frames(contents: ScanContents, file: ScanFile, keys: tuple[str, ...]) -> ScanContents:
    """Put other frames in the place of those that a format took; what is of its detector goes with them."""
    frames = file.frames(*keys)
    same = tuple(frames.shape[-2:]) == tuple(contents.arrays["diff3d"].shape[-2:])
    note = f"frames: '{keys[0]}', as data.frames says, in place of '{contents.frames_key}'"
    return replace(
        contents,
        arrays=contents.arrays | {"diff3d": frames},
        frames_key=keys[0],
        quantity=None,
        bad_pixels=contents.bad_pixels if same else None,
        beam_centre_px=contents.beam_centre_px if same else None,
        notes=(*contents.notes, note),
    )


def _read_by_names(
    file: ScanFile, options: ScanOptions, scan_format: ScanFormat, refusal: ScanError
) -> tuple[ScanFormat, ScanContents]:
    """Read by names alone what its own format refuses; why it does stands among the decisions."""
    general = next((one for one in _formats() if one.general and one.recognise(file)), None)
    if general is None:
        raise refusal
    try:
        contents = general.read(file, options)
    except ScanError as error:
        raise error from refusal
    try:
        geometry = scan_format.header(file).geometry
    except ScanError as error:
        geometry = Geometry(doubts=(str(error).partition("\n")[0],))
    why = str(refusal).partition("\n")[0]
    note = f"read by the names in the settings, for as '{scan_format.name}' it is refused: {why}"
    return general, replace(contents, geometry=geometry, notes=(*contents.notes, note))


def read_contents(path: str | Path, options: ScanOptions | None = None) -> ScanContents:
    """Read a scan file of any format; frames stay in the file where they can.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: It is damaged, of no known format, or an array of the contract is missing.
    """
    return read_scan(open_scan(path), ScanOptions() if options is None else options)[1]


def read_header(path: str | Path) -> ScanHeader:
    """Read what a scan file of any format says about the settings; no frame is read.

    Raises:
        FileNotFoundError: There is no such file.
        ScanError: It is damaged or of no known format.
    """
    file = open_scan(path)
    return find_format(file).header(file)


def _formats() -> list[ScanFormat]:
    return [cast("ScanFormat", entry) for entry in FORMATS.entries()]
