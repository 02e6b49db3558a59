"""Every position's own patch of the object, from a trained network.

Shape legend: n positions, B groups of a batch, C positions of a group, N patch side.
"""

import copy
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from ptycho.raw_data import RawData
from ptycho.scan.grouping import relative_coordinates
from ptycho_torch.nn.model import PtychoNetwork

from .data import FrameStore

logger = logging.getLogger(__name__)

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Steps:
    """How the work is cut into steps.

    Attributes:
        batch_size: Groups of a step; halved as often as memory asks for it.
        device: Where to compute.
        on_batch: Called with the number of positions done after each step.
    """

    batch_size: int
    device: torch.device
    on_batch: Callable[[int], None] | None = None


@dataclass
class Patches:
    """What the network said, position by position.

    Attributes:
        patches: The patch of each position, shape (n, N, N).
        predicted: Far-field amplitude in the units of X, of the frames that were asked for.
    """

    patches: NDArray[np.complex64]
    predicted: dict[int, NDArray[np.float32]] = field(default_factory=dict)


def own_groups(positions: NDArray[np.float64], gridsize: int) -> Indices:
    """Give every position a group that it leads: itself, then its C - 1 nearest neighbours.

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
            f"the scan has {n} positions, and the network looks at groups of {C}\n"
            f"  expected  at least {C} positions (model.gridsize = {gridsize})\n"
            "  try       a network that was trained with model.gridsize = 1"
        )
    nearest = np.asarray(cKDTree(positions).query(positions, k=C)[1])
    itself = nearest == own
    # Where positions coincide, one may not be among its own nearest; the farthest is then left out.
    itself[~itself.any(axis=1), -1] = True
    return np.hstack([own, nearest[~itself].reshape(n, C - 1)])


def for_scan(network: PtychoNetwork, scan: RawData, device: torch.device) -> PtychoNetwork:
    """Copy a network to a device, with the bad pixels of this scan in place of those of the training."""
    copied = copy.deepcopy(network).to(device).eval()
    good = np.ones((scan.N, scan.N), bool) if scan.mask is None else scan.mask
    copied.mask.copy_(torch.as_tensor(good))
    return copied


def infer_patches(
    network: PtychoNetwork,
    store: FrameStore,
    positions: NDArray[np.float64],
    shown: Indices,
    steps: Steps,
) -> Patches:
    """Run a network over the group of every position, and keep what it says about the group's leader.

    Args:
        network: On the device of the steps.
        store: Gives normalised frames.
        positions: Patch centres [x, y], shape (n, 2).
        shown: Frames whose predicted amplitude is kept.
        steps: How to go about it.

    Raises:
        ValueError: There are fewer positions than a group has.
    """
    N = network.settings.N
    groups = own_groups(positions, network.settings.gridsize)
    relative = torch.from_numpy(relative_coordinates(positions, groups).astype(np.float32))
    found = Patches(np.empty((len(groups), N, N), np.complex64))
    done = 0
    with torch.inference_mode():
        for alike in _of_equal_reach(relative):

            def step(span: slice, alike: Indices = alike) -> None:
                rows = alike[span]
                members, inverse = np.unique(groups[rows], return_inverse=True)
                frames = store.frames(members).to(steps.device)
                X = frames[torch.from_numpy(inverse.reshape(len(rows), -1)).to(steps.device)]
                prediction = network(X, relative[rows].to(steps.device))
                found.patches[rows] = prediction.patches[:, 0].cpu().numpy()
                _keep_shown(found, prediction.amplitude[:, 0], rows, shown)

            for span in _fitting_spans(len(alike), steps.batch_size, step):
                done += span.stop - span.start
                if steps.on_batch is not None:
                    steps.on_batch(done)
    return found


def _of_equal_reach(relative: Tensor) -> list[Indices]:
    """Sort groups by how far they reach from their leader.

    A network lays the groups of a batch on canvases of one size, that of the widest; its convolutions see
    where the canvas ends. Among groups of equal reach no result depends on the rest of the batch.
    """
    reach = (relative - relative[:, :1]).abs().amax(dim=(1, 2)).ceil().numpy()
    return [np.flatnonzero(reach == value) for value in np.unique(reach)]


def _keep_shown(found: Patches, amplitude: Tensor, rows: Indices, shown: Indices) -> None:
    for place in np.flatnonzero(np.isin(rows, shown)).tolist():
        found.predicted[int(rows[place])] = amplitude[place].float().cpu().numpy()


def _fitting_spans(count: int, batch_size: int, step: Callable[[slice], None]) -> Iterator[slice]:
    """Do all steps, in smaller ones where memory runs out; a single group must fit."""
    start, size = 0, max(1, batch_size)
    while start < count:
        span = slice(start, min(start + size, count))
        try:
            step(span)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if size == 1 or not _is_memory(error):
                raise
            size = max(1, size // 2)
            logger.warning("memory ran out: the batch size of inference is now %d", size)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            continue
        yield span
        start = span.stop


def _is_memory(error: BaseException) -> bool:
    """Tell a lack of memory from other errors; torch's CPU allocator raises a plain RuntimeError."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return "DefaultCPUAllocator" in str(error) or "MPS backend out of memory" in str(error)
