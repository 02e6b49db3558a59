"""Half precision where the settings ask for it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from ptycho.config.config import PyTorchExecutionConfig
from ptycho.network.precision import Precision
from ptycho.raw_data import RawData
from ptycho.tf.devices import find_place
from ptycho.tf.model import PtychoNetwork
from ptycho.tf.module import Arithmetic, PtychoModule
from ptycho.tf.precision import POLICIES, policy_of, scales_loss
from ptycho.tf.train import train
from ptycho.training.loss import LossWeights
from ptycho.training.optimisation import Optimisation

EACH = pytest.mark.parametrize("precision", POLICIES)
COARSER = "execution.precision: CPUs have no float16 arithmetic, bf16-mixed is used"

OVERFLOW = """
import numpy as np
from ptycho.tf.start import start
start()
import tensorflow as tf
from ptycho.config.config import PyTorchExecutionConfig
from ptycho.training.loss import LossWeights
from ptycho.network.settings import NetworkSettings
from ptycho.tf.model import PtychoNetwork
from ptycho.tf.module import Arithmetic, PtychoModule
from ptycho.tf.devices import find_place
from ptycho.training.optimisation import Optimisation

place = find_place(PyTorchExecutionConfig(accelerator="cpu", devices=2, strategy="mirrored"))
with place.strategy.scope():
    settings = NetworkSettings(architecture="unet", n_filters_scale=1, unet_stages=1)
    network = PtychoNetwork(settings, np.ones((64, 64), np.complex64), 900.0, dtype="mixed_float16")
    weights = LossWeights(nll=0, mae=1)
    module = PtychoModule(network, weights, Optimisation(), place, Arithmetic("16-mixed"))
X = np.ones((2, 1, 64, 64), np.float32)
X[1] = np.inf  # The second device's, and no other's.
relative, scan = np.zeros((2, 1, 2), np.float32), np.zeros(2, np.int64)
data = tf.data.Dataset.from_tensor_slices((X, relative, scan)).batch(1)
before = [variable.numpy() for variable in network.trainable_variables]
module.learn(iter(place.strategy.distribute_datasets_from_function(lambda context: data)))
same = [np.array_equal(a, v.numpy()) for a, v in zip(before, network.trainable_variables)]
print(place.replicas, all(same), module.optimiser_state()["loss_scale"])
"""


@pytest.fixture
def make_module(make_network: Callable[..., PtychoNetwork]) -> Callable[..., PtychoModule]:
    """Make a small module of a precision on the CPU."""

    def make(precision: Precision, **optimisation: Any) -> PtychoModule:
        network = make_network(policy_of(precision), architecture="unet", unet_stages=1)
        place = find_place(PyTorchExecutionConfig(accelerator="cpu"))
        weights = LossWeights(nll=0, mae=1)
        return PtychoModule(network, weights, Optimisation(**optimisation), place, Arithmetic(precision))

    return make


def batches(scale: float = 1.0) -> Any:
    """Draw two single frames, again and again."""
    X = scale * np.random.default_rng(1).random((2, 1, 64, 64), np.float32)
    data = tf.data.Dataset.from_tensors((X, np.zeros((2, 1, 2), np.float32), np.zeros(2, np.int64)))
    return iter(data.repeat())


@pytest.mark.parametrize(
    ("precision", "compute"), [("32-true", "float32"), ("bf16-mixed", "bfloat16"), ("16-mixed", "float16")]
)
def test_weights_stay_in_single_precision(precision: Precision, compute: str) -> None:
    """Each policy computes in its own numbers, and keeps weights in single ones."""
    policy = keras.dtype_policies.get(policy_of(precision))
    assert (policy.compute_dtype, policy.variable_dtype) == (compute, "float32")


@EACH
def test_every_weight_is_single(make_module: Callable[..., PtychoModule], precision: Precision) -> None:
    """Kernels, biases, probe, scales and what Adam remembers hold 32 bits; convolutions compute in fewer."""
    module = make_module(precision)
    half = {"32-true": "float32", "bf16-mixed": "bfloat16", "16-mixed": "float16"}[precision]
    assert {layer.compute_dtype for _, layer in module.network.core.blocks.parts("core/")} == {half}
    assert {variable.dtype for variable in module.network.trainable_variables} == {"float32"}
    assert module.network.probe.dtype == tf.complex64
    assert {a.dtype.name for name, a in module.optimiser_state().items() if "/" in name} == {"float32"}


@EACH
def test_learning_is_finite_and_falls(make_module: Callable[..., PtychoModule], precision: Precision) -> None:
    """Steps on one batch lower a finite loss, and leave finite weights."""
    module = make_module(precision)
    given = batches()
    losses = [module.score([module.learn(given)]).loss for _ in range(6)]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    assert all(np.isfinite(variable).all() for variable in module.network.trainable_variables)


def test_half_precision_is_half(make_module: Callable[..., PtychoModule]) -> None:
    """The same weights judge the same batch a little differently with fewer bits."""
    found = {name: make_module(name) for name in POLICIES}
    losses = {name: made.score([made.validate(batches())]).loss for name, made in found.items()}
    assert len(set(losses.values())) == 3
    assert list(losses.values()) == pytest.approx([losses["32-true"]] * 3, rel=1e-2)


def test_training_tells_the_coarser_precision(
    prepared: Callable[..., Any], tiny_scan: RawData, tmp_path: Path
) -> None:
    """A training in half precision has finite losses, says what it took, and hands single weights back."""
    trained = train(prepared({"precision": "16-mixed"}), tiny_scan, tmp_path)
    assert COARSER in trained.decisions
    assert all(np.isfinite(list(row.values())).all() for row in trained.history)
    assert {layer.compute_dtype for _, layer in trained.network.core.blocks.parts("core/")} == {"float32"}


@EACH
def test_only_float16_scales_the_loss(make_module: Callable[..., PtychoModule], precision: Precision) -> None:
    """Float16 alone has too few exponents for small gradients: its optimiser knows a scale."""
    assert scales_loss(precision) is (precision == "16-mixed")
    assert ("loss_scale" in make_module(precision).optimiser_state()) is (precision == "16-mixed")


def test_scale_of_the_loss_leaves_no_trace(make_module: Callable[..., PtychoModule]) -> None:
    """Gradients reach bounds and Adam unscaled: momenta are those of the same step in single precision."""
    states = []
    for precision in ("16-mixed", "32-true"):
        module = make_module(precision, gradient_clip_val=0.5)
        module.learn(batches())
        states.append(module.optimiser_state())
    for name, array in states[1].items():
        if name.startswith("momentum/core"):
            assert np.linalg.norm(states[0][name] - array) < 0.2 * np.linalg.norm(array)


def test_overflow_takes_no_step(make_module: Callable[..., PtychoModule]) -> None:
    """A gradient that is not finite halves the scale; weights, momenta and the count of steps stay."""
    module = make_module("16-mixed")
    module.learn(batches())
    before = module.optimiser_state()
    weights = [variable.numpy() for variable in module.network.trainable_variables]
    module.learn(batches(np.inf))
    after = module.optimiser_state()
    assert after.pop("loss_scale") == before.pop("loss_scale") / 2
    assert after.pop("steps_at_this_scale") == before.pop("steps_at_this_scale") - 1 == 0
    assert all(np.array_equal(array, after[name]) for name, array in before.items())
    left = module.network.trainable_variables
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(weights, left, strict=True))


def test_scale_goes_on_where_it_stood(make_module: Callable[..., PtychoModule]) -> None:
    """The scale and the steps it has lasted are part of the optimiser's state."""
    first, second = make_module("16-mixed"), make_module("16-mixed")
    held = first.optimiser_state() | {"loss_scale": np.array(2.0**9), "steps_at_this_scale": np.array(7)}
    second.restore_optimiser(held)
    found = second.optimiser_state()
    assert (found["loss_scale"], found["steps_at_this_scale"]) == (2**9, 7)


@pytest.mark.slow
def test_overflow_on_one_device_stops_all() -> None:
    """Where devices share a step, the overflow of one keeps the weights of all."""
    done = subprocess.run(
        [sys.executable, "-c", OVERFLOW],
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "2 True 16384.0\n"
