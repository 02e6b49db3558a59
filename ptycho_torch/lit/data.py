"""Batches of normalised groups, read where they are needed and kept where they fit.

Shape legend: n frames, B groups of a batch, C positions of a group, N frame side.
"""

import math
from collections.abc import Iterator, Sequence, Sized
from itertools import cycle, islice
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, distributed
from torch.utils.data import DataLoader, Dataset, Sampler

from ptycho.scan.frame_store import FrameStore, Indices, describe_size
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.groups import Batch, Groups, epoch_order
from ptycho.training.plan import Plan

DEVICE_SHARE = 0.5
"""A scan is kept on a GPU when it takes no more than this share of what is free there."""


Tensors = Batch[Tensor]


class TensorStore(Protocol):
    """Frames as tensors, by their index in the scan."""

    def frames(self, indices: Indices) -> Tensor:
        """Return normalised frames, float32, shape (len(indices), N, N)."""
        ...


class HostFrames:
    """Hand frames of main memory, or of the file, on as tensors.

    Args:
        store: Gives them as arrays.
    """

    def __init__(self, store: FrameStore) -> None:
        self._store = store

    def frames(self, indices: Indices) -> Tensor:
        """Look up."""
        return torch.from_numpy(self._store.frames(indices))


class DeviceFrames:
    """Hold normalised frames on a device.

    Args:
        store: Where the frames come from, once.
        used: Sorted indices of the frames that will be asked for.
        side: Frame side N.
        device: Where to hold them.
    """

    CHUNK = 512

    def __init__(self, store: FrameStore, used: Indices, side: int, device: torch.device) -> None:
        self._used = used
        self._frames = torch.empty((len(used), side, side), device=device)
        for start in range(0, len(used), self.CHUNK):
            span = slice(start, start + self.CHUNK)
            self._frames[span] = torch.from_numpy(store.frames(used[span]))

    def frames(self, indices: Indices) -> Tensor:
        """Look up."""
        rows = torch.from_numpy(np.searchsorted(self._used, indices)).to(self._frames.device)
        return self._frames.index_select(0, rows)


def place_frames(
    store: FrameStore, used: Indices, side: int, device: torch.device, *, workers: int = 0
) -> tuple[TensorStore, str | None]:
    """Move the frames to a GPU if they fit there; its memory is not shared with loading processes.

    Args:
        store: Gives normalised frames.
        used: Sorted indices of the frames that will be asked for.
        side: Frame side N.
        device: Where the computation runs.
        workers: Loading processes.

    Returns:
        The store, and a sentence where the frames lie on the device.
    """
    size = len(used) * side**2 * 4
    if device.type == "cuda" and workers == 0 and size <= DEVICE_SHARE * torch.cuda.mem_get_info(device)[0]:
        return DeviceFrames(store, used, side, device), f"frames are held on {device} ({describe_size(size)})"
    return HostFrames(store), None


class TorchGroups(Dataset[Tensors]):
    """Groups of frames as batches of tensors.

    Args:
        groups: The groups of a scan.
        store: Gives normalised frames as tensors.
    """

    def __init__(self, groups: Groups, store: TensorStore) -> None:
        self.groups = groups
        self._store = store

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, index: int) -> Tensors:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> Tensors:
        """Read a whole batch at once; torch's loader asks for it by this name."""
        rows = np.asarray(indices, np.int64)
        members = self.groups.indices[rows]
        frames = self._store.frames(members.ravel())
        labels = self.groups.labels(rows)
        return Batch(
            frames.reshape(*members.shape, *frames.shape[1:]),
            torch.from_numpy(self.groups.relative[rows]),
            torch.from_numpy(self.groups.scans[rows]),
            None if labels is None else torch.from_numpy(labels),
        )


class EpochShuffle(Sampler[int]):
    """Visit every item once an epoch, in an order that depends on seed and epoch alone.

    Processes that train together take turns: what they visit at one time is what one process would visit in
    a batch as large as theirs together. The first items fill up what the last turn lacks.

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
        order = epoch_order(self._seed, self._epoch, len(self._items)).tolist()
        rank, processes = _place_among_processes()
        return iter(list(islice(cycle(order), len(self) * processes))[rank::processes])

    def __len__(self) -> int:
        return math.ceil(len(self._items) / _place_among_processes()[1])


def _place_among_processes() -> tuple[int, int]:
    """Tell which of how many processes of a training this is."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return 0, 1
    return distributed.get_rank(), distributed.get_world_size()


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
        unused = [name for name in ("persistent_workers", "prefetch_factor") if getattr(execution, name)]
        notes += [f"execution.{name} has nothing to act on: execution.num_workers is 0" for name in unused]
    if execution.pin_memory and device.type == "cuda":
        arguments["pin_memory"] = True
    elif execution.pin_memory:
        notes.append(f"execution.pin_memory has nothing to act on: the work is done on {device.type}")
    return arguments, notes


def unchanged(batch: Any) -> Any:
    """Hand a batch on as it was read; torch's loader would stack single items here."""
    return batch


def make_loader(
    dataset: TorchGroups, batch_size: int, arguments: dict[str, Any], *, shuffle_seed: int | None = None
) -> DataLoader[Tensors]:
    """Serve a dataset in batches, shuffled anew each epoch if a seed is given, else in order."""
    sampler = None if shuffle_seed is None else EpochShuffle(dataset, shuffle_seed)
    return DataLoader(dataset, batch_size=batch_size, sampler=sampler, collate_fn=unchanged, **arguments)


def make_loaders(
    plan: Plan, device: torch.device
) -> tuple[DataLoader[Tensors], DataLoader[Tensors] | None, list[str]]:
    """Make what a training learns from and what judges it, and a sentence on each setting without effect."""
    execution, size = plan.execution, plan.batch_size
    arguments, notes = loader_arguments(execution, device)
    store, on_device = place_frames(
        plan.stored.store, plan.used_frames, plan.scan.N, device, workers=execution.num_workers
    )
    if on_device is not None:
        notes.append(on_device)
        if arguments.pop("pin_memory", False):
            notes.append("execution.pin_memory has nothing to act on: the frames lie on the device")
    learned = TorchGroups(plan.batches_of(plan.groups.train), store)
    first = make_loader(learned, size, arguments, shuffle_seed=plan.training.seed)
    if not len(plan.groups.validation):
        return first, None, notes
    judging = TorchGroups(plan.batches_of(plan.groups.validation), store)
    return first, make_loader(judging, size, arguments), notes
