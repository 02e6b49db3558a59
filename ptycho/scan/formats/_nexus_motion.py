"""Where the sample was, as NeXus files tell it: axes that move it, each with a direction.

Source:
    The NeXus base class NXtransformations: 'transformation_type', 'vector', 'units', 'depends_on'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ptycho.errors import ScanError
from ptycho.scan.formats._hdf5_values import unit_factor
from ptyconf.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptycho.scan.scan_file import ScanFile

Array = np.ndarray[Any, Any]

CLASS = "NXtransformations"
DEEPEST = 4
"""Groups inside each other in which axes are looked for."""


def moving_axes(file: ScanFile, entry: str) -> list[str]:
    """List the axes that move the sample of an entry; none where it has no such group.

    Those are taken that the sample hangs on, in a chain; without a chain all of the first group.
    """
    groups = [group for group in _groups(file, entry, 0) if "detector" not in group]
    if not groups:
        return []
    group = groups[0]
    start = file.hdf5.text(f"{group.rpartition('/')[0]}/depends_on")
    chain = _chain(file, group, start) if start.strip(". ") else []
    return chain or [f"{group}/{name}" for name in file.hdf5.members(group)]


def translation_m(file: ScanFile, axes: list[str], n_frames: int) -> tuple[Array, list[str]]:
    """Add up how the sample was moved, in the laboratory: x, y, z in metres, shape (n_frames, 3).

    Args:
        file: The file.
        axes: Its axes.
        n_frames: How many frames there are.

    Returns:
        The translation, and what was taken and left, one sentence each.

    Raises:
        ScanError: An axis has no direction, another length than the frames, or an unknown unit.
    """
    total, taken, notes = np.zeros((n_frames, 3)), [], []
    for key in axes:
        kind = str(file.hdf5.attribute(key, "transformation_type") or "")
        values = file.hdf5.numbers(key).ravel() if kind else np.zeros(1)
        if kind == "rotation" and np.any(values):
            notes.append(f"'{key}' turns the sample and is not applied; data.rotation_deg turns positions")
        if kind != "translation":
            continue
        if len(values) not in {1, n_frames}:
            raise ScanError(
                error_text(
                    f"'{key}' in {file.path} holds {len(values)} positions, and there are {n_frames} frames",
                    expected="one position a frame, or one for all",
                )
            )
        total += np.outer(values * unit_factor(file, key), _direction(file, key))
        taken.append(f"'{key}'")
    return total, [f"positions: {', '.join(taken)} move the sample, in metres", *notes] if taken else notes


def _direction(file: ScanFile, key: str) -> Array:
    vector = np.asarray(file.hdf5.attribute(key, "vector"))
    length = float(np.linalg.norm(vector)) if vector.shape == (3,) and vector.dtype.kind in "iuf" else 0.0
    if not length > 0:
        raise ScanError(
            error_text(
                f"'{key}' in {file.path} moves the sample, and its attribute 'vector' is {vector.tolist()}",
                expected="a direction of three numbers: x to the left along the beam, y up, z with the beam",
            )
        )
    return vector / length


def _groups(file: ScanFile, group: str, depth: int) -> Iterator[str]:
    """List the groups of axes below a group."""
    if depth > DEEPEST:
        return
    for name in file.hdf5.members(group):
        inner = f"{group}/{name}"
        if file.hdf5.group(inner):
            if str(file.hdf5.attribute(inner, "NX_class")) == CLASS:
                yield inner
            else:
                yield from _groups(file, inner, depth + 1)


def _chain(file: ScanFile, group: str, start: str) -> list[str]:
    """Follow what an axis hangs on, to the end, where it leaves the file, or where it comes round."""
    chain: list[str] = []
    name, home = start, group.rpartition("/")[0]
    while name.strip(". "):
        key = name.lstrip("/") if name.startswith("/") else f"{home}/{name}"
        if key in chain or key not in file.hdf5:
            break
        chain.append(key)
        name, home = str(file.hdf5.attribute(key, "depends_on") or "."), key.rpartition("/")[0]
    return chain
