"""Sweeps of iterative ptychography on a device of TensorFlow."""

import functools
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import tensorflow as tf
from numpy.typing import NDArray

from ptycho.physics import sweeps
from ptycho.physics.operations import Operations
from ptycho.physics.sweeps import Dampings, Estimate, FrameBatch, PatchPixels, Pulls, StepKind
from ptycho.reconstruction.iteration import SweepFunctions
from ptycho.reconstruction.workers import beside_this_one, threads_for_sweeps

from . import operations


@dataclass(frozen=True)
class TensorFlowSweeps:
    """TensorFlow on a device, as `reconstruction.iteration` computes with it.

    Attributes:
        device: Where to compute, as TensorFlow calls it; None lets TensorFlow choose.
        threads: CPU threads that go through portions of the frames beside each other.
    """

    operations: ClassVar[Operations] = operations
    device: str | None = None
    threads: int = 1

    @classmethod
    def on(cls, device: str | None, setting: int | None) -> Self:
        """Compute on a device, with as many CPU threads as are set, or one; one where a GPU computes."""
        kind = "cpu" if device is None else str(tf.DeviceSpec.from_string(device).device_type)
        return cls(device, threads_for_sweeps(setting or 1, kind))

    def workers(self, pixels: int) -> AbstractContextManager[Executor | None]:  # noqa: ARG002  As is set.
        """Give threads to a sweep beside its own; those that TensorFlow has stay as many as they are."""
        return nullcontext(beside_this_one(self.threads))

    def array(self, values: NDArray[Any]) -> tf.Tensor:
        """Bring numbers to the device."""
        with tf.device(self.device):
            return tf.constant(values)

    def functions(self, kind: StepKind, N: int) -> SweepFunctions:
        """Give the compiled arithmetic."""
        return SweepFunctions(*(self._here(function) for function in _compiled(kind, N)))

    def _here(self, function: Any) -> Any:
        def on_device(*arguments: Any) -> Any:
            with tf.device(self.device):
                return function(*arguments)

        return on_device


@functools.cache
def _compiled(kind: StepKind, N: int) -> list[Any]:
    """Compile for patches of side N, once for all scans, batch sizes and numbers of modes."""
    row, modes, frames = (
        tf.TensorSpec([None], tf.complex64),
        tf.TensorSpec([None, N, N], tf.complex64),
        tf.TensorSpec([None, N, N]),
    )
    estimate = Estimate(row, modes)
    batch = FrameBatch(frames, tf.TensorSpec([None], tf.int64), tf.TensorSpec([None, 2]))
    asked = Pulls(row, tf.TensorSpec([None]), modes, tf.TensorSpec([N, N]), tf.TensorSpec([2]))
    pixels = PatchPixels(tf.TensorSpec([N, N], tf.int64), tf.TensorSpec([N]), tf.TensorSpec([N, N], tf.bool))
    dampings = Dampings(*[tf.TensorSpec([])] * 3)
    signatures: list[tuple[Any, list[Any]]] = [
        (sweeps.step, [estimate, batch, pixels, dampings]),
        (sweeps.pull, [estimate, batch, pixels, tf.TensorSpec([])]),
        (sweeps.move, [estimate, asked, dampings]),
    ]
    return [
        tf.function(functools.partial(function, operations, kind), input_signature=signature, autograph=False)
        for function, signature in signatures
    ]
