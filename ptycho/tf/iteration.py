"""Sweeps of iterative ptychography on a device of TensorFlow."""

import functools
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from ptycho.physics import sweeps
from ptycho.physics.operations import Operations
from ptycho.physics.sweeps import Dampings, Estimate, FrameBatch, StepKind
from ptycho.reconstruction.iteration import CompiledStep

from . import operations


@dataclass(frozen=True)
class TensorFlowSweeps:
    """TensorFlow on a device, as `reconstruction.iteration` computes with it.

    Attributes:
        device: Where to compute, as TensorFlow calls it; None lets TensorFlow choose.
    """

    device: str | None = None

    @property
    def operations(self) -> Operations:
        """Operations of TensorFlow."""
        return operations

    def array(self, values: NDArray[Any]) -> tf.Tensor:
        """Bring numbers to the device."""
        with tf.device(self.device):
            return tf.constant(values)

    def step(self, kind: StepKind, N: int) -> CompiledStep:
        """Give a compiled step."""
        compiled = _compiled_step(kind, N)

        def step(*arguments: Any) -> Any:
            with tf.device(self.device):
                return compiled(*arguments)

        return step


@functools.cache
def _compiled_step(kind: StepKind, N: int) -> Any:
    """Compile a step for patches of side N, once for all scans, batch sizes and numbers of modes."""
    signature = [
        Estimate(tf.TensorSpec([None], tf.complex64), tf.TensorSpec([None, N, N], tf.complex64)),
        FrameBatch(
            tf.TensorSpec([None, N, N]),
            tf.TensorSpec([None, N, N], tf.int64),
            tf.TensorSpec([None, 2]),
        ),
        tf.TensorSpec([N, N], tf.bool),
        Dampings(tf.TensorSpec([]), tf.TensorSpec([])),
    ]
    return tf.function(functools.partial(sweeps.step, operations, kind), input_signature=signature)
