"""Batches as TensorFlow's datasets, read beside the training.

Shape legend: B groups of a batch, C positions of a group, N frame side.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from ptycho.scan.frame_store import Indices
from ptycho.settings.execution import PyTorchExecutionConfig
from ptycho.training.groups import Groups, epoch_order
from ptycho.training.plan import Plan

from .devices import DevicePlacement

BATCHES_AHEAD = 2
"""Batches that are held ready, for each loading thread, where no setting says otherwise."""

Tensors = tuple[tf.Tensor, ...]
"""What a dataset holds of a `Batch`: the arrays that there are, for a strategy carries no None."""


@dataclass(frozen=True)
class BatchLoading:
    """How batches are made ready.

    Attributes:
        workers: Threads that read batches side by side; 0 reads them one after the other.
        ahead: Batches that wait for the training.
    """

    workers: int = 0
    ahead: int = BATCHES_AHEAD

    @classmethod
    def of(cls, execution: PyTorchExecutionConfig) -> tuple["BatchLoading", list[str]]:
        """Read it off the execution settings; give a sentence for each that has nothing to act on here."""
        workers = execution.num_workers
        ahead = (execution.prefetch_factor or BATCHES_AHEAD) * max(1, workers)
        notes = []
        if execution.persistent_workers:
            notes.append(
                "execution.persistent_workers has nothing to act on: TensorFlow loads in threads, "
                "which stay between epochs"
            )
        if execution.pin_memory:
            notes.append(
                "execution.pin_memory has nothing to act on: TensorFlow pins what it copies to a GPU"
            )
        return cls(workers, ahead), notes


class Batches:
    """Serve groups in batches, shuffled anew each epoch if a seed is given, else in order.

    Where devices share a training, each step gives every device a batch of its own; so that all have as much
    to do, the first groups of the epoch come again at its end.

    Args:
        groups: The groups of a scan.
        size: Groups of a batch.
        shuffle_seed: Seed of the orders, or None.
        replicas: Devices that share the training.
    """

    def __init__(
        self, groups: Groups, size: int, *, shuffle_seed: int | None = None, replicas: int = 1
    ) -> None:
        self.groups = groups
        self.replicas = replicas
        self._size = size
        self._seed = shuffle_seed
        self._share = -(-len(groups) // replicas)
        self._order: Indices = np.empty(0, np.int64)
        self.set_epoch(0)

    def __len__(self) -> int:
        """Count the steps of an epoch."""
        return math.ceil(self._share / self._size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order in which groups come from now on."""
        count = len(self.groups)
        order = np.arange(count) if self._seed is None else epoch_order(self._seed, epoch, count)
        self._order = np.resize(order, self._share * self.replicas)

    def rows(self, step: int, replica: int = 0) -> Indices:
        """Name the groups of a batch."""
        share = self._order[replica :: self.replicas]
        return share[step * self._size : (step + 1) * self._size]

    def arrays(self, step: int, replica: int = 0) -> tuple[np.ndarray, ...]:
        """Read a whole batch at once; labels come last, where there are any."""
        batch = self.groups.batch(self.rows(step, replica))
        return tuple(array for array in batch if array is not None)

    def dataset(self, loading: BatchLoading, replicas: range | None = None) -> tf.data.Dataset:
        """Make the dataset of an epoch; it follows `set_epoch` whenever it is started anew.

        Args:
            loading: How batches are made ready.
            replicas: Those whose batches it serves, in turn within each step; None serves all.
        """
        served = range(self.replicas) if replicas is None else replicas
        places = np.array([(step, replica) for step in range(len(self)) for replica in served])
        # Batches are numpy arrays of this machine; each step moves its own to its device.
        with tf.device("/CPU:0"):
            numbers = tf.data.Dataset.from_tensor_slices(places)
            # Autograph would leave the code that it generates in TMPDIR when the process is killed.
            tensors = tf.autograph.experimental.do_not_convert(self._tensors)
            batches = numbers.map(tensors, num_parallel_calls=loading.workers or None)
            return batches.prefetch(loading.ahead)

    def _tensors(self, place: tf.Tensor) -> Tensors:
        dtypes = [tf.float32, tf.float32, tf.int64, tf.complex64][: 4 if self.groups.labelled else 3]
        # numpy_function forgets shapes: they are put back, for convolutions need them.
        values = tf.numpy_function(lambda place: self.arrays(*place.tolist()), [place], dtypes)
        C, N = self.groups.indices.shape[1], self.groups.side
        shapes: list[tuple[Any, ...]] = [(None, C, N, N), (None, C, 2), (None,), (None, C, N, N)]
        return tuple(tf.ensure_shape(value, shape) for value, shape in zip(values, shapes, strict=False))


@dataclass
class Source:
    """Batches, and the dataset that serves them where the training runs."""

    batches: Batches
    dataset: Any

    def __len__(self) -> int:
        """Count the steps of an epoch."""
        return len(self.batches)

    def start(self, epoch: int) -> Any:
        """Begin an epoch."""
        self.batches.set_epoch(epoch)
        return iter(self.dataset)


def make_source(batches: Batches, place: DevicePlacement, loading: BatchLoading) -> Source:
    """Serve batches to every device of a place, each worker those of its own devices."""
    if place.replicas == 1:
        return Source(batches, batches.dataset(loading))

    def serve(context: tf.distribute.InputContext) -> tf.data.Dataset:
        local = place.replicas // context.num_input_pipelines
        first = context.input_pipeline_id * local
        return batches.dataset(loading, range(first, first + local))

    return Source(batches, place.strategy.distribute_datasets_from_function(serve))


def make_sources(plan: Plan, place: DevicePlacement) -> tuple[Source, Source | None, list[str]]:
    """Make what a training learns from and what judges it, and a sentence on each setting without effect."""
    loading, notes = BatchLoading.of(plan.execution)
    size, seed = plan.batch_size, plan.training.seed
    learned = plan.batches_of(plan.groups.train)
    train = Batches(learned, size, shuffle_seed=seed, replicas=place.replicas)
    if not len(plan.groups.validation):
        return make_source(train, place, loading), None, notes
    judging = Batches(plan.batches_of(plan.groups.validation), size, replicas=place.replicas)
    return make_source(train, place, loading), make_source(judging, place, loading), notes
