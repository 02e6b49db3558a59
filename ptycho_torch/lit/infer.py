"""Reconstruct a scan with a trained network.

Shape legend: n positions, B groups of a batch, C positions of a group, P probe modes, N patch side.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.physics.canvas import Canvas
from ptycho.physics.scale import Normalisation
from ptycho.physics.stitch import Stitched, stitch, synchronise_phases
from ptycho.raw_data import RawData
from ptycho.reconstruction import Reconstruction
from ptycho.scan.grouping import relative_coordinates
from ptycho_torch.nn import physics
from ptycho_torch.nn.model import PtychoNetwork

from .data import LazyFrames

logger = logging.getLogger(__name__)

Indices = NDArray[np.int64]

SHOWN_FRAMES = 4
"""Frames whose measured and predicted diffraction a reconstruction carries."""

RIM_LEVEL = 0.01
"""Coverage, as a share of the best covered pixel, below which the rim of the picture is cut off."""


@dataclass
class _Patches:
    """What the network said, position by position."""

    patches: NDArray[np.complex64]
    predicted: dict[int, NDArray[np.float32]] = field(default_factory=dict)


def batch_size_of(execution: PyTorchExecutionConfig, inference_batch_size: int) -> int:
    """Take `execution.inference_batch_size`, else the batch size of inference."""
    return execution.inference_batch_size or inference_batch_size


def reconstruct(
    network: PtychoNetwork,
    normalisation: Normalisation,
    scan: RawData,
    *,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
    middle_trim: int = 0,
    pad_eval: bool = False,
    on_batch: Callable[[int], None] | None = None,
) -> Reconstruction:
    """Turn every frame of a scan into its patch of the object, and the patches into one picture.

    Each position contributes the patch of its own frame. A network for groups sees it together with its
    nearest neighbours, as in training. The free phases of the patches are made to agree before they are
    summed with the probe's intensity as weights.

    Args:
        network: A trained network.
        normalisation: Scales of the scan that it was trained on; the amplitudes of another scan are brought
            to the same mean energy.
        scan: What to reconstruct.
        batch_size: Groups per step; halved as often as memory asks for it.
        device: Where to compute.
        middle_trim: Pixels cut from each side of a patch before it is stitched.
        pad_eval: Keep the rim of the picture, where border patches hardly reach; otherwise it is cut off.
        on_batch: Called with the number of positions done after each step.

    Returns:
        The picture with everything that is needed to judge it.

    Raises:
        ValueError: Frames, trim or groups do not fit the network.
    """
    settings = network.settings
    _require_fitting(scan, settings.N, middle_trim)
    notes: list[str] = []
    groups = own_groups(scan.positions, settings.gridsize)
    factor, scale = _scales(normalisation, scan, notes)
    shown = np.unique(np.linspace(0, scan.n_frames - 1, min(SHOWN_FRAMES, scan.n_frames)).astype(int))
    found = _infer(network, scan, groups, factor, _Steps(batch_size, torch.device(device), on_batch), shown)
    weights = _weights(network, middle_trim)
    stitched = _stitch(found.patches, scan.positions, weights, whole=pad_eval)
    notes.append(f"{scan.n_frames} positions, each with the patch of its own frame")
    return Reconstruction(
        object=stitched.object.astype(np.complex64),
        coverage=stitched.coverage,
        origin_px=np.asarray(stitched.origin_px, np.float64),
        positions=np.asarray(scan.positions, np.float64),
        probe=network.probe.detach().cpu().numpy().astype(np.complex64),
        frame_indices=shown.astype(np.int64),
        measured=scan.amplitudes(shown) * np.float32(factor * scale),
        predicted=np.stack([found.predicted[index] for index in shown.tolist()]) * np.float32(scale),
        notes=tuple(notes),
    )


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


@dataclass
class _Steps:
    """How the work is cut into steps."""

    batch_size: int
    device: torch.device
    on_batch: Callable[[int], None] | None = None


def _require_fitting(scan: RawData, N: int, middle_trim: int) -> None:
    if scan.N != N:
        raise ValueError(
            f"the frames of {scan.source or 'the scan'} have {scan.N} x {scan.N} pixels, and the network was "
            f"made for {N} x {N}\n"
            f"  expected  frames of {N} x {N} pixels after data.crop_px and data.bin\n"
            f"  try       data.crop_px = {N}, or a network trained with model.N = {scan.N}"
        )
    if not 0 <= 2 * middle_trim < N:
        raise ValueError(
            f"middle_trim = {middle_trim} leaves nothing of a patch of {N} x {N} pixels\n"
            f"  expected  0 to {N // 2 - 1}\n"
            "  try       execution.middle_trim = 0"
        )


def _scales(normalisation: Normalisation, scan: RawData, notes: list[str]) -> tuple[float, float]:
    """Give the factor from this scan's amplitudes to X, and sqrt(counts) for each unit of X."""
    ratio = scan.mean_square() / normalisation.mean_square
    factor = normalisation.amplitude_factor / np.sqrt(ratio)
    if not np.isclose(ratio, 1, rtol=0.05):
        notes.append(
            f"frames have {ratio:.3g} times the energy of those trained on; the factor allows for it"
        )
    scale = normalisation.intensity_scale
    if scan.quantity == "counts":
        scale = 1 / factor
    return float(factor), float(scale)


def _infer(
    network: PtychoNetwork, scan: RawData, groups: Indices, factor: float, steps: _Steps, shown: Indices
) -> _Patches:
    """Run the network over all groups and keep what it says about the leader of each."""
    N = network.settings.N
    network = network.to(steps.device).eval()
    frames = LazyFrames(scan, factor)
    relative = torch.from_numpy(relative_coordinates(scan.positions, groups).astype(np.float32))
    wanted = set(shown.tolist())
    found = _Patches(np.empty((len(groups), N, N), np.complex64))

    def step(span: slice) -> None:
        members, inverse = np.unique(groups[span], return_inverse=True)
        X = frames.frames(members)[torch.from_numpy(inverse.reshape(groups[span].shape))]
        patches, amplitude = _leaders(network, X.to(steps.device), relative[span].to(steps.device))
        found.patches[span] = patches.cpu().numpy()
        for row, index in enumerate(range(*span.indices(len(groups)))):
            if index in wanted:
                found.predicted[index] = amplitude[row].float().cpu().numpy()

    with torch.inference_mode():
        for span in _fitting_spans(len(groups), steps.batch_size, step):
            if steps.on_batch is not None:
                steps.on_batch(span.stop)
    return found


def _leaders(network: PtychoNetwork, X: Tensor, relative: Tensor) -> tuple[Tensor, Tensor]:
    prediction = network(X, relative)
    return prediction.patches[:, 0], prediction.amplitude[:, 0]


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


def _weights(network: PtychoNetwork, trim: int) -> NDArray[np.float32]:
    """Give |P|² of all modes, cut at the border."""
    intensity = physics.illumination(network.probe.detach()).cpu().numpy().astype(np.float32)
    kept = np.zeros_like(intensity)
    inner = slice(trim, intensity.shape[0] - trim)
    kept[inner, inner] = intensity[inner, inner]
    return kept


def _stitch(
    patches: NDArray[np.complex64],
    positions: NDArray[np.float64],
    weights: NDArray[np.float32],
    *,
    whole: bool,
) -> Stitched:
    agreed = synchronise_phases(patches, positions, weights)
    stitched = stitch(agreed, positions, weights)
    if whole:
        return stitched
    bright = stitched.coverage >= RIM_LEVEL * stitched.coverage.max()
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    canvas = Canvas.around(positions, patches.shape[-1])
    x, y = canvas.origin_px
    return Stitched(
        object=stitched.object[window],
        coverage=stitched.coverage[window],
        origin_px=(int(x + columns[0]), int(y + rows[0])),
    )
