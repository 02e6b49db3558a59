"""NPZ files of named arrays: diff3d or diffraction, xcoords, ycoords, and what else is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.geometry import Geometry, positive_fact
from ptycho.scan.metadata import METADATA_KEY, parse_metadata
from ptycho.scan.named_arrays import frames_named, named_keys, position_settings, stacks_of_frames
from ptycho.scan.scan_format import ScanContents, ScanFormat, ScanHeader
from ptycho.scan.written_centre import read_centre_px
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ptycho.scan.scan_file import ScanFile
    from ptycho.settings.data import ScanOptions

FRAME_KEYS = ("diff3d", "diffraction", "data")
LABEL_KEYS = ("Y", "label")
POSITION_KEYS = ("xcoords", "ycoords")
NOMINAL_KEYS = ("xcoords_start", "ycoords_start")
PAIRS_KEY = "positions_px"
MASK_KEY = "mask"
OTHER_KEYS = (*NOMINAL_KEYS, "probeGuess", "scan_index", "objectGuess")
PROBE_KEY = "probeGuess"
GEOMETRY_KEYS = {
    "wavelength_m": "wavelength_m",
    "distance_m": "distance_m",
    "pixel_size_m": "detector_pixel_m",
}
"""Lengths in metres by their names in `Geometry`, each one number."""

EXPORT_KEY = "bad_pixels"
"""Marks the scans that ptychodus exports: intensities of any dtype, at the centres of the patches."""


def recognise(file: ScanFile) -> bool:
    """Take every NPZ file; what is missing in it is said when it is read."""
    return file.container == "npz"


def read(file: ScanFile, options: ScanOptions) -> ScanContents:
    """Read the arrays that are there.

    Raises:
        ScanError: There are no frames or no positions, or the file is damaged.
    """
    keys = file.keys
    frames_keys = frames_named(options.frames, file) if options.frames else (_frames_key(file),)
    arrays, notes = ({}, []) if options.positions else _positions(file, frames_keys)
    arrays |= {key: file.read(key) for key in OTHER_KEYS if key in keys}
    arrays["diff3d"] = file.frames(*frames_keys)
    label_key = next((key for key in LABEL_KEYS if key in keys), None)
    if label_key is not None:
        arrays["Y"] = file.frames(label_key)
    if PROBE_KEY not in keys and "probe" in keys and not options.probe:
        notes.append(f"'probe' is not taken; data.probe = \"{file.path}:probe\" takes it")
    exported = EXPORT_KEY in keys
    return ScanContents(
        arrays,
        frames_keys[0],
        quantity=file.npz.text("quantity") or ("counts" if exported else None),
        origin=file.npz.text("position_origin") or ("centre" if exported else None),
        metadata=parse_metadata(file.npz.text(METADATA_KEY), file.path),
        bad_pixels=_bad_pixels(file) if options.mask is None else None,
        notes=tuple(notes),
        geometry=_geometry(file),
        beam_centre_px=read_centre_px(file),
    )


def _geometry(file: ScanFile) -> Geometry:
    """Read the lengths that a conversion wrote, under the names of their settings."""
    facts: dict[str, Any] = {
        name: positive_fact(file.read(key), f"{file.path}:{key}")
        for name, key in GEOMETRY_KEYS.items()
        if key in file.keys and file.shape(key) in {(), (1,)}
    }
    return Geometry(**facts)


def _positions(file: ScanFile, frames_keys: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Read positions under the first of their names that is there."""
    if all(key in file.keys for key in POSITION_KEYS):
        return {key: file.read(key) for key in POSITION_KEYS}, []
    if all(key in file.keys for key in NOMINAL_KEYS):
        note = "positions: 'xcoords_start' and 'ycoords_start', there are no others"
        return {key: file.read(start) for key, start in zip(POSITION_KEYS, NOMINAL_KEYS, strict=True)}, [note]
    if PAIRS_KEY in file.keys:
        pairs = file.read(PAIRS_KEY)
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise ScanError(
                error_text(
                    f"'{PAIRS_KEY}' in {file.path} has shape {pairs.shape}",
                    expected="(frames, 2): x and y of each patch, in pixels",
                )
            )
        note = f"positions: '{PAIRS_KEY}', columns x, y; data.swap_xy = true where they are row, column"
        return dict(zip(POSITION_KEYS, pairs.T, strict=True)), [note]
    missing = [key for key in POSITION_KEYS if key not in file.keys]
    raise ScanError(
        error_text(
            f"{file.path} holds no positions: there is no {' and no '.join(map(repr, missing))}",
            expected="'xcoords' and 'ycoords', one number per frame, in pixels of the object grid",
            known=", ".join(file.keys),
            hint=position_settings(file, sum(shape[0] for key in frames_keys if (shape := file.shape(key)))),
        )
    )


def _bad_pixels(file: ScanFile) -> Any:
    """Read the mask of the file, if any; programs differ on whether it marks good pixels or bad ones.

    The bad pixels of an export of ptychodus are none: that program has filled them already.
    """
    if MASK_KEY not in file.keys:
        return None
    marked = file.read(MASK_KEY) != 0
    # No detector is mostly blind: where most pixels are marked, the marks are those of good ones.
    return ~marked if np.count_nonzero(marked) > marked.size / 2 else marked


def header(file: ScanFile) -> ScanHeader:
    """Read the shape of the probe and the metadata."""
    try:
        metadata = parse_metadata(file.npz.text(METADATA_KEY), file.path) or {}
    except ScanError:
        # The settings can do without; whoever reads the scan is told.
        metadata = {}
    try:
        shape = file.shape(PROBE_KEY)
    except ScanError as error:
        doubt = str(error).partition("\n")[0]
        return ScanHeader(file.keys, PROBE_KEY, doubt=doubt, metadata=metadata, geometry=_geometry(file))
    return ScanHeader(file.keys, PROBE_KEY, shape, metadata=metadata, geometry=_geometry(file))


def _frames_key(file: ScanFile) -> str:
    for key in FRAME_KEYS:
        if key in file.keys:
            return key
    raise ScanError(
        error_text(
            f"{file.path} holds no diffraction frames",
            expected="an array 'diffraction' or 'diff3d' of shape (frames, N, N)",
            known=", ".join(f"{key}{_objects(file, key)}" for key in file.keys) or "no array",
            hint=_stack(file) or _packed(file) or "np.savez(path, diff3d=frames, ...)",
        )
    )


def _objects(file: ScanFile, key: str) -> str:
    """Say of an array of Python objects why it is not looked at."""
    try:
        file.outline(key)
    except ScanError:
        return " (Python objects, which are not opened: that can run code)"
    return ""


def _packed(file: ScanFile) -> str:
    """Say how what lies in a plain archive is read, "" for an NPZ file."""
    inside = [] if file.keys else file.npz.other_members
    return f"unzip {file.path}, and then {inside[0]}" if inside else ""


def _stack(file: ScanFile) -> str:
    """Give the settings that take the one stack of pictures under another name, "" where there is none."""
    stacks = stacks_of_frames(file)
    return named_keys(file, None) or (f'data.frames = "{stacks[0]}"' if stacks else "")


FORMAT = ScanFormat(
    name="npz",
    layout="an NPZ file with 'diff3d' or 'diffraction', 'xcoords' and 'ycoords' in pixels",
    recognise=recognise,
    read=read,
    header=header,
    general=True,
)
