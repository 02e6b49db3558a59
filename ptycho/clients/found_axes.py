"""Axes that were found by trial become settings, with all that explains the frames as well.

Frames and positions that turn together make the same frames: data of one scan never tell a picture from its
mirror image. So whoever is given one of these is told of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ptycho.reconstruction.axes_trial import AS_THEY_ARE, MISFITS, AxesTrial, Orientation
from ptyconf import Origin
from ptyconf.sources import mapping

if TYPE_CHECKING:
    from ptycho.scan.raw_data import RawData
    from ptyconf import Layer, Resolution

ORDER = AS_THEY_ARE._fields
OF_POSITIONS = {name: f"data.{name}" for name in ORDER}
OF_FRAMES = {"swap_xy": "data.transpose", "flip_x": "data.flip_columns", "flip_y": "data.flip_rows"}
OF_AXES = (*OF_POSITIONS.values(), *OF_FRAMES.values(), "data.rotation_deg")
"""Settings that say how axes run: whoever writes one of them has told all."""

BOTH_REVERSED = Orientation(flip_x=True, flip_y=True)


class FoundAxes(NamedTuple):
    """Axes that were found by trial.

    Attributes:
        layer: The settings, whose origin has the table of what was tried and the equals.
        words: The same in words.
        notes: What was found, and what explains the frames as well, one sentence each.
    """

    layer: Layer
    words: str
    notes: tuple[str, ...]


def found_axes(
    scan: RawData,
    resolution: Resolution,
    orientation: Orientation,
    trial: AxesTrial,
    *,
    probe_was_found: bool,
) -> FoundAxes:
    """Say an orientation in settings: of the positions, or of the frames where positions lie on an object.

    Args:
        scan: The scan as it was read.
        resolution: The settings that it was read by.
        orientation: How the positions turn for the frames to be explained.
        trial: What each of the orientations left.
        probe_was_found: Whether the probe comes from the same frames, and not from elsewhere.
    """
    lies_on_object = scan.object_truth is not None
    of_frames, of_positions = orientation.of_frames, orientation
    paths, turn = (OF_FRAMES, of_frames) if lies_on_object else (OF_POSITIONS, of_positions)
    values = _settings(paths, turn, resolution)
    words = _words(values)
    # An object in the file fixes how the picture lies.
    equals = [] if lies_on_object else [_mirrored(resolution, orientation, words)]
    alike = [other for other in trial.tied if other != orientation]
    reversed_axes = BOTH_REVERSED.after(orientation)
    if alike:
        others = "; ".join(map(str, alike))
        equals.append(
            f"these axes explain the frames as well: {others}; the picture may be turned or mirrored"
        )
    if probe_was_found and reversed_axes not in alike:
        equals.append(
            f"so do the axes with both signs the other way ({reversed_axes}) with the conjugate of the probe "
            "that was found: the picture is then turned by half a turn, its phases reversed"
        )
    table = f"{MISFITS}: {trial.table()}"
    origin = Origin("found", "trial of axes", "; ".join([*equals, table]))
    layer = mapping.layer("found", values, kind="found", origin=lambda _: origin)
    return FoundAxes(layer, words, (f"axes found by trial: {words}; {table}", *equals))


def _settings(paths: dict[str, str], turn: Orientation, resolution: Resolution) -> dict[str, bool]:
    before = Orientation(*(bool(resolution[paths[name]]) for name in ORDER))
    return {paths[name]: value for name, value in zip(ORDER, turn.after(before), strict=True)}


def _words(values: dict[str, bool]) -> str:
    return ", ".join(f"{path} = true" for path, value in values.items() if value) or "the axes as stored"


def _mirrored(resolution: Resolution, orientation: Orientation, words: str) -> str:
    """Name the turn of the frames that does what one of the positions does, and what the picture becomes."""
    instead = _words(_settings(OF_FRAMES, orientation.of_frames, resolution))
    mirrored = sum(orientation) % 2 == 1
    becomes = "the mirror image of this one" if mirrored else "this one turned"
    return (
        f"{instead} in place of {words} explains the frames exactly as well, and the picture is then "
        f"{becomes}: frames cannot tell which of the two it is; write the one that detector and stage ask for"
    )
