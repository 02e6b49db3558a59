"""Batches of normalised groups, read where they are needed and kept where they fit.

Shape legend: n frames, B groups of a batch, C positions of a group, N frame side.
"""

import logging
import os
from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.raw_data import RawData
from ptycho.scan.grouping import relative_coordinates

logger = logging.getLogger(__name__)

Indices = NDArray[np.int64]

HOST_SHARE = 0.25
"""A scan is kept in main memory when it takes no more than this share of what is free."""

DEVICE_SHARE = 0.5
"""A scan is kept on a GPU when it takes no more than this share of what is free there."""

UNKNOWN_FREE_BYTES = 4 * 2**30
"""Free main memory assumed where the system does not tell."""


class Batch(NamedTuple):
    """What one step sees.

    Attributes:
        X: Normalised amplitude, float32, shape (B, C, N, N).
        relative: Group mean minus position [x, y] in pixels, float32, shape (B, C, 2).
        labels: Complex patches to learn from, shape (B, C, N, N), or None.
    """

    X: Tensor
    relative: Tensor
    labels: Tensor | None


class FrameStore(Protocol):
    """Frames by their index in the scan."""

    def frames(self, indices: Indices) -> Tensor:
        """Return normalised frames, float32, shape (len(indices), N, N)."""
        ...


class LazyFrames:
    """Read each frame from the scan when it is asked for.

    Args:
        scan: The scan.
        factor: X / measured amplitude.
    """

    def __init__(self, scan: RawData, factor: float) -> None:
        self._scan = scan
        self._factor = factor

    def frames(self, indices: Indices) -> Tensor:
        """Read and normalise."""
        return torch.from_numpy(self._scan.amplitudes(indices) * np.float32(self._factor))


class ResidentFrames:
    """Hold normalised frames in memory, of the host or of a device.

    Args:
        source: Where the frames come from, once.
        used: Sorted indices of the frames that will be asked for.
        device: Where to hold them.
    """

    CHUNK = 512

    def __init__(self, source: LazyFrames, used: Indices, device: torch.device) -> None:
        self._used = used
        first = source.frames(used[: self.CHUNK])
        self._frames = torch.empty((len(used), *first.shape[1:]), dtype=first.dtype, device=device)
        self._frames[: len(first)] = first
        for start in range(self.CHUNK, len(used), self.CHUNK):
            span = slice(start, start + self.CHUNK)
            self._frames[span] = source.frames(used[span])

    def frames(self, indices: Indices) -> Tensor:
        """Look up."""
        rows = torch.from_numpy(np.searchsorted(self._used, indices)).to(self._frames.device)
        return self._frames.index_select(0, rows)


@dataclass(frozen=True)
class Stored:
    """A frame store, what it is in words, and whether its frames already lie on the device."""

    store: FrameStore
    note: str
    on_device: bool


def store_frames(
    scan: RawData, factor: float, used: Indices, device: torch.device, *, workers: int = 0
) -> Stored:
    """Keep the frames as near to the computation as they fit: on the GPU, in main memory, or in the file.

    Args:
        scan: The scan.
        factor: X / measured amplitude.
        used: Sorted indices of the frames that will be asked for.
        device: Where the computation runs.
        workers: Loading processes; a device's memory is not shared with them.
    """
    lazy = LazyFrames(scan, factor)
    size = len(used) * scan.N**2 * 4
    if device.type == "cuda" and workers == 0 and size <= DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]:
        return Stored(
            ResidentFrames(lazy, used, device), f"frames are held on {device} ({_size(size)})", True
        )
    if size <= HOST_SHARE * free_bytes():
        resident = ResidentFrames(lazy, used, torch.device("cpu"))
        return Stored(resident, f"frames are held in memory ({_size(size)})", False)
    return Stored(lazy, f"frames are read when they are needed ({_size(size)} in all)", False)


def free_bytes() -> int:
    """Tell how much main memory is free."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return UNKNOWN_FREE_BYTES


def _size(count: int) -> str:
    return f"{count / 2**20:.0f} MB" if count < 2**30 else f"{count / 2**30:.1f} GB"


class Groups(Dataset[Batch]):
    """Groups of frames of one scan.

    Args:
        scan: The scan.
        groups: Indices of its frames, shape (groups, C).
        store: Gives normalised frames.
        labelled: Whether batches carry the scan's labelled patches.
        phase_subtraction: Remove the mean phase of each group's labels: the diffraction does not tell it.

    Raises:
        ScanError: Labels are asked for, and the scan has none (DATA-SUP-001).
    """

    def __init__(
        self,
        scan: RawData,
        groups: Indices,
        store: FrameStore,
        *,
        labelled: bool = False,
        phase_subtraction: bool = True,
    ) -> None:
        self.groups = groups
        self._scan = scan
        self._store = store
        self._labelled = labelled
        self._phase_subtraction = phase_subtraction
        relative = relative_coordinates(scan.positions, groups)
        self._relative = torch.from_numpy(relative.astype(np.float32))
        if labelled:
            scan.labels(groups[:1].ravel())

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        """Gather a whole batch at once; torch's loader asks for it by this name."""
        rows = np.asarray(indices, np.int64)
        chosen = self.groups[rows]
        frames = self._store.frames(chosen.ravel())
        side = frames.shape[-1]
        labels = None
        if self._labelled:
            labels = torch.from_numpy(self._scan.labels(chosen.ravel())).reshape(*chosen.shape, side, side)
            if self._phase_subtraction:
                labels = labels * torch.exp(-1j * labels.sum(dim=(1, 2, 3), keepdim=True).angle())
        return Batch(frames.reshape(*chosen.shape, side, side), self._relative[rows], labels)


class EpochShuffle(Sampler[int]):
    """Visit every item once an epoch, in an order that depends on seed and epoch alone.

    Args:
        items: What is visited.
        seed: Seed of all orders.
    """

    def __init__(self, items: Sized, seed: int) -> None:
        self._items = items
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; Lightning calls this before every epoch."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self._seed, self._epoch])
        return iter(rng.permutation(len(self._items)).tolist())

    def __len__(self) -> int:
        return len(self._items)


def loader_arguments(
    execution: PyTorchExecutionConfig, device: torch.device
) -> tuple[dict[str, Any], list[str]]:
    """Turn execution settings into arguments of torch's DataLoader.

    Args:
        execution: A PyTorchExecutionConfig.
        device: Where the computation runs.

    Returns:
        The arguments, and a sentence for each setting that has nothing to act on here.
    """
    workers = execution.num_workers
    arguments: dict[str, Any] = {"num_workers": workers}
    notes = []
    if workers:
        arguments["persistent_workers"] = execution.persistent_workers
        arguments["prefetch_factor"] = execution.prefetch_factor
    else:
        idle = [name for name in ("persistent_workers", "prefetch_factor") if getattr(execution, name)]
        notes += [f"execution.{name} has nothing to act on: execution.num_workers is 0" for name in idle]
    if execution.pin_memory and device.type == "cuda":
        arguments["pin_memory"] = True
    elif execution.pin_memory:
        notes.append(f"execution.pin_memory has nothing to act on: the work is done on {device.type}")
    return arguments, notes


def as_gathered(batch: Any) -> Any:
    """Hand a batch on as it was gathered; torch's loader would stack single items here."""
    return batch


def make_loader(
    dataset: Groups, batch_size: int, arguments: dict[str, Any], *, shuffle_seed: int | None = None
) -> DataLoader[Batch]:
    """Serve a dataset in batches, shuffled anew each epoch if a seed is given, else in order."""
    sampler = None if shuffle_seed is None else EpochShuffle(dataset, shuffle_seed)
    return DataLoader(dataset, batch_size=batch_size, sampler=sampler, collate_fn=as_gathered, **arguments)
