"""Which sides of a frame a network takes: the architecture says so."""

from collections.abc import Iterator, Mapping
from typing import Any

from ptycho.settings.checks import Check, whole
from ptycho.settings.registries import ARCHITECTURES
from ptyconf import Complaint, Resolution

KEPT_PIXELS = 0.5
"""Share of a frame's pixels that a cut has to keep; a frame is filled up to the next side otherwise."""


class _SomeSide(Check):
    """A side that some architecture takes; which of them is in force does not matter here."""

    def complaint(self, name: str, value: object) -> Complaint | None:
        """List what each architecture takes, as the registry is now."""
        wrong = super().complaint(name, value)
        if wrong is None:
            return None
        sides = "; ".join(f"{kind}: {ARCHITECTURES[kind].sides_text}" for kind in ARCHITECTURES)
        return wrong._replace(expected=sides)


def side_of_some_architecture(example: str) -> Check:
    """Check a side by itself, so that it is told together with whatever else is wrong."""
    return _SomeSide(
        lambda side: whole(side) and any(_takes(kind, side) for kind in ARCHITECTURES),
        "Unsupported input size: {v}",
        "",
        example,
        remedy="data.crop_px = 64 where the frames are larger",
    )


def side_of_the_architecture(path: str, settings: Mapping[str, Any]) -> Complaint | None:
    """Ask the architecture that is in force about a side; an unknown one is another check's matter.

    In a run, a default is nobody's wish: the scan, which is looked at later, says another side, or is brought
    to one.

    Args:
        path: Path of the side.
        settings: Values by path.
    """
    side, kind = settings[path], settings["model.architecture"]
    by_default = isinstance(settings, Resolution) and settings.winner_layer(path).endswith("-defaults")
    if by_default or kind not in ARCHITECTURES or _takes(kind, side):
        return None
    return Complaint(
        f"Unsupported input size: {side}",
        expected=f"{ARCHITECTURES[kind].sides_text}, for model.architecture = {kind!r}",
        hint=", or ".join(_remedies(path.rpartition(".")[2], side, kind)),
    )


def _remedies(name: str, side: int, kind: str) -> Iterator[str]:
    nearest = nearest_side(kind, side)
    if nearest is not None:
        yield f"{name} = {nearest}"
    if others := [f'"{other}"' for other in ARCHITECTURES if _takes(other, side)]:
        yield f"model.architecture = {' or '.join(others)}"
    if nearest is not None:
        yield f"data.crop_px = {nearest} for frames of another side"


def nearest_side(kind: str, side: int, largest: int | None = None) -> int | None:
    """Choose the side that frames are cut down or filled up to for an architecture.

    It is the largest one that the frames hold, unless that loses most of their pixels and a larger one is
    there: pixels that a frame is filled up with are masked and cost time alone.

    Args:
        kind: Name of the architecture.
        side: Side of the frames in px.
        largest: Side in px beyond which frames are not filled up; None stands for twice their side.

    Returns:
        The side in px, None where the architecture takes none near.
    """
    limit = 2 * side if largest is None else largest
    smaller = next((px for px in range(side, 0, -1) if _takes(kind, px)), None)
    if smaller is not None and smaller**2 >= KEPT_PIXELS * side**2:
        return smaller
    return next((px for px in range(side + 1, limit + 1) if _takes(kind, px)), smaller)


def _takes(kind: str, side: int) -> bool:
    return bool(ARCHITECTURES[kind].accepts_side(side))
