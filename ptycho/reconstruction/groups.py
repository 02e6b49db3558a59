"""Every position's own patch of the object.

Shape legend: n positions, B groups of a batch, C positions of a group, N patch side.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ptycho.run.stages import count
from ptycho.scan.frame_store import FrameStore, Indices
from ptycho.scan.grouping import nearest_others, relative_coordinates, require_overlap
from ptyconf.errors import error_text

from .trained_network import TrainedNetwork

logger = logging.getLogger(__name__)

PIXELS_AT_ONCE = 2**16
"""Pixels of one plane of all groups through which a CPU goes at once. Larger arrays leave its caches, and the
system takes their memory back after every operation: 64 groups of 128 pixels took torch up to 1.4 times as
long at once as in portions of 4."""


@dataclass(frozen=True)
class Portions:
    """How the work is cut into portions.

    Attributes:
        batch_size: Groups of a step; halved as often as memory asks for it.
        on_batch: Called with the number of positions done after each step.
    """

    batch_size: int
    on_batch: Callable[[int], None] | None = None


@dataclass
class InferredPatches:
    """What the network said, position by position.

    Attributes:
        patches: The patch of each position, shape (n, N, N).
        predicted: Far-field amplitude in the units of X, of the frames that were asked for.
    """

    patches: NDArray[np.complex64]
    predicted: dict[int, NDArray[np.float32]] = field(default_factory=dict)


def groups_at_once(N: int) -> int:
    """Say how many groups a CPU does at once when nothing else is asked for."""
    return max(1, PIXELS_AT_ONCE // N**2)


def own_groups(positions: NDArray[np.float64], gridsize: int) -> Indices:
    """Give every position a group that it leads: itself, then its C - 1 nearest neighbours at other places.

    Exposures of one place see the same piece of the object; they share a group only where places are too few.

    Returns:
        Indices, shape (n, C); column 0 counts up.

    Raises:
        ValueError: There are fewer positions than a group has.
    """
    n, C = len(positions), gridsize**2
    own = np.arange(n, dtype=np.int64)[:, np.newaxis]
    if C == 1:
        return own
    if n < C:
        raise ValueError(
            error_text(
                f"the scan has {n} positions, and the network looks at groups of {C}",
                expected=f"at least {C} positions (model.gridsize = {gridsize})",
                hint="a network that was trained with model.gridsize = 1",
            )
        )
    return np.hstack([own, nearest_others(positions, own[:, 0], C - 1, C - 1)])


def infer_patches(
    trained: TrainedNetwork,
    store: FrameStore,
    positions: NDArray[np.float64],
    shown: Indices,
    portions: Portions,
) -> InferredPatches:
    """Run a network over the group of every position, and keep what it says about the group's leader.

    Args:
        trained: The network.
        store: Gives normalised frames.
        positions: Patch centres [x, y], shape (n, 2).
        shown: Frames whose predicted amplitude is kept.
        portions: How the work is cut.

    Raises:
        ValueError: There are fewer positions than a group has, or no patches of a group overlap.
    """
    N = trained.settings.N
    groups = own_groups(positions, trained.settings.gridsize)
    note = require_overlap(positions, groups, N)
    if note is not None:
        logger.info("%s", note)
    relative = relative_coordinates(positions, groups).astype(np.float32)
    inferred = InferredPatches(np.empty((len(groups), N, N), np.complex64))
    cached = groups_at_once(N) if trained.device == "cpu" else len(groups)

    def look(rows: Indices) -> None:
        members, inverse = np.unique(groups[rows], return_inverse=True)
        wanted = np.flatnonzero(np.isin(rows, shown))
        patches, predicted = trained.infer(
            store.frames(members), inverse.reshape(len(rows), -1), relative[rows], wanted
        )
        inferred.patches[rows] = patches
        inferred.predicted.update(zip(rows[wanted].tolist(), predicted, strict=True))

    n_finished = 0
    for alike in of_equal_reach(relative):

        def step(span: slice, alike: Indices = alike) -> None:
            for start in range(span.start, span.stop, cached):
                look(alike[start : min(start + cached, span.stop)])

        for span in fitting_spans(trained, len(alike), portions.batch_size, step):
            n_finished += span.stop - span.start
            count(n_finished, len(groups), "positions")
            if portions.on_batch is not None:
                portions.on_batch(n_finished)
    return inferred


def of_equal_reach(relative: NDArray[np.float32]) -> list[Indices]:
    """Sort groups by how far they reach from their leader.

    A network lays the groups of a batch on canvases of one size, that of the widest; its convolutions see
    where the canvas ends. Among groups of equal reach no result depends on the rest of the batch.
    """
    reach = np.ceil(np.abs(relative - relative[:, :1]).max(axis=(1, 2)))
    return [np.flatnonzero(reach == value) for value in np.unique(reach)]


def fitting_spans(
    trained: TrainedNetwork, count: int, batch_size: int, step: Callable[[slice], None]
) -> Iterator[slice]:
    """Do all steps, in smaller ones where memory runs out; a single group must fit."""
    start, size = 0, max(1, batch_size)
    while start < count:
        span = slice(start, min(start + size, count))
        try:
            step(span)
        except trained.memory_errors as error:
            if size == 1 or not trained.lacks_memory(error):
                raise
            size = max(1, size // 2)
            logger.warning("memory ran out: the batch size of inference is now %d", size)
            continue
        yield span
        start = span.stop
