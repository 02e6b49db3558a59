"""Adam with a rate of its own for the probe, and gradients kept in bounds."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from ptycho.tf.optimiser import BoundedAdam
from ptycho.training.optimisation import ADAM_BETAS, ADAM_EPSILON, Optimisation

SHAPES = {"probe": (1, 4, 4, 2), "log_gain": (), "core/conv/kernel": (3, 3, 2, 5), "core/conv/bias": (5,)}

Arrays = dict[str, np.ndarray]


def draw(rng: np.random.Generator, scale: float = 1.0) -> Arrays:
    """Draw a number for everything that is learned."""
    return {name: scale * rng.standard_normal(shape) for name, shape in SHAPES.items()}


def adam_of(start: Arrays, **values: Any) -> BoundedAdam:
    """Make an optimiser of fresh variables."""
    variables = {name: keras.Variable(array.astype(np.float32), name="v") for name, array in start.items()}
    return BoundedAdam(variables, Optimisation(**{"learning_rate": 1e-2} | values))


def step(adam: BoundedAdam, gradients: Arrays, *missing: str) -> None:
    """Take a step."""
    adam.apply(
        [None if name in missing else tf.constant(gradients[name].astype(np.float32)) for name in adam.names]
    )


def values_of(adam: BoundedAdam) -> Arrays:
    """Read the variables."""
    return {name: variable.numpy() for name, variable in zip(adam.names, adam.learned, strict=True)}


def moves(adam: BoundedAdam, start: Arrays) -> dict[str, float]:
    """Tell how far each variable has moved at most."""
    return {name: float(np.abs(value - start[name]).max()) for name, value in values_of(adam).items()}


def plain_adam(start: np.ndarray, gradients: list[np.ndarray], rate: float) -> np.ndarray:
    """Follow Kingma and Ba, ICLR 2015, algorithm 1, in double precision, as torch does."""
    first, second = ADAM_BETAS
    value, m, v = start.astype(np.float64), np.zeros_like(start), np.zeros_like(start)
    for number, gradient in enumerate(gradients, start=1):
        m = first * m + (1 - first) * gradient
        v = second * v + (1 - second) * gradient**2
        unbiased = m / (1 - first**number), v / (1 - second**number)
        value = value - rate * unbiased[0] / (np.sqrt(unbiased[1]) + ADAM_EPSILON)
    return value


@pytest.mark.parametrize("scale", [1.0, 1e-7])
def test_steps_are_those_of_plain_adam(rng: np.random.Generator, scale: float) -> None:
    """Over several steps every variable moves as Adam on paper does, for tiny gradients as well."""
    start, gradients = draw(rng), [draw(rng, scale) for _ in range(6)]
    adam = adam_of(start)
    for given in gradients:
        step(adam, given)
    for name, value in values_of(adam).items():
        expected = plain_adam(start[name], [given[name] for given in gradients], 1e-2)
        assert value - start[name] == pytest.approx(expected - start[name], rel=1e-3, abs=1e-6)


def test_probe_has_its_own_rate(rng: np.random.Generator) -> None:
    """The first step of Adam is as long as the rate: the probe's is its own."""
    start = draw(rng)
    adam = adam_of(start, probe_learning_rate=1e-4)
    step(adam, draw(rng))
    moved = moves(adam, start)
    assert moved.pop("probe") == pytest.approx(1e-4, rel=0.01)
    assert list(moved.values()) == pytest.approx([1e-2] * 3, rel=0.01)


def test_probe_follows_the_network_by_default(rng: np.random.Generator) -> None:
    """Without a rate of its own the probe takes the network's."""
    start = draw(rng)
    adam = adam_of(start)
    step(adam, draw(rng))
    assert moves(adam, start)["probe"] == pytest.approx(1e-2, rel=0.01)


def test_rates_can_be_chosen_anew(rng: np.random.Generator) -> None:
    """`set_rates` holds from the next step on, for the network and for the probe."""
    start = draw(rng)
    adam = adam_of(start)
    adam.set_rates(1e-3, 1e-5)
    step(adam, draw(rng))
    moved = moves(adam, start)
    assert moved.pop("probe") == pytest.approx(1e-5, rel=0.05)
    assert list(moved.values()) == pytest.approx([1e-3] * 3, rel=0.01)


def test_fixed_probe_leaves_the_rates_alone(rng: np.random.Generator) -> None:
    """Where no probe is learned, every variable takes the network's rate."""
    start = {name: array for name, array in draw(rng).items() if name != "probe"}
    adam = adam_of(start, probe_learning_rate=1e-5)
    step(adam, draw(rng))
    assert list(moves(adam, start).values()) == pytest.approx([1e-2] * 3, rel=0.01)


def test_missing_gradient_leaves_a_variable(rng: np.random.Generator) -> None:
    """What the loss does not depend on stays, with its momentum; all others move as if it were not there."""
    start, gradients = draw(rng), draw(rng)
    without, whole = adam_of(start), adam_of(start)
    step(without, gradients, "log_gain")
    step(whole, gradients)
    assert moves(without, start)["log_gain"] < 1e-7
    assert without.state()["momentum/log_gain"] == 0
    for name in SHAPES.keys() - {"log_gain"}:
        assert np.array_equal(values_of(without)[name], values_of(whole)[name])


def taken_in(adam: BoundedAdam) -> Arrays:
    """Read the bounded gradients off the momenta of a first step."""
    state = adam.state()
    return {name: state[f"momentum/{name}"] / (1 - ADAM_BETAS[0]) for name in SHAPES}


def test_unbounded_gradients_are_taken_whole(rng: np.random.Generator) -> None:
    """Without a limit gradients reach the momenta as they are."""
    adam, gradients = adam_of(draw(rng)), draw(rng, 100)
    step(adam, gradients)
    for name, found in taken_in(adam).items():
        assert found == pytest.approx(gradients[name], rel=1e-5)


def test_norm_bounds_all_gradients_together(rng: np.random.Generator) -> None:
    """The norm is that of all variables, the probe and the gain included."""
    gradients = draw(rng)
    adam = adam_of(draw(rng), gradient_clip_val=0.5, gradient_clip_algorithm="norm")
    step(adam, gradients)
    length = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    for name, found in taken_in(adam).items():
        assert found == pytest.approx(gradients[name] * 0.5 / length, rel=1e-4)


def test_value_bounds_each_number(rng: np.random.Generator) -> None:
    """Each number of each gradient ends within the limit."""
    gradients = draw(rng)
    adam = adam_of(draw(rng), gradient_clip_val=0.5, gradient_clip_algorithm="value")
    step(adam, gradients)
    for name, found in taken_in(adam).items():
        assert found == pytest.approx(np.clip(gradients[name], -0.5, 0.5), rel=1e-4)


def test_agc_bounds_the_units_of_the_network(rng: np.random.Generator) -> None:
    """Kernels and biases are bounded by their weights; probe and gain, which have no units, are not."""
    start, gradients = draw(rng), draw(rng, 10)
    adam = adam_of(start, gradient_clip_val=0.01, gradient_clip_algorithm="agc")
    step(adam, gradients)
    found = taken_in(adam)
    for name in ("probe", "log_gain"):
        assert found[name] == pytest.approx(gradients[name], rel=1e-4)
    assert np.abs(found["core/conv/bias"]) == pytest.approx(0.01 * np.abs(start["core/conv/bias"]), rel=1e-4)
    units = np.linalg.norm(found["core/conv/kernel"].reshape(-1, 5), axis=0)
    assert units == pytest.approx(
        0.01 * np.linalg.norm(start["core/conv/kernel"].reshape(-1, 5), axis=0), rel=1e-4
    )


def test_restored_optimiser_continues_identically(rng: np.random.Generator) -> None:
    """Variables and state carried over, the next steps are the same, bit for bit."""
    first = adam_of(draw(rng))
    for _ in range(3):
        step(first, draw(rng))
    second = adam_of(values_of(first))
    second.restore(first.state())
    assert second.state()["steps"] == 3
    for _ in range(2):
        gradients = draw(rng)
        step(first, gradients)
        step(second, gradients)
    found = values_of(second)
    assert all(np.array_equal(value, found[name]) for name, value in values_of(first).items())


def test_state_of_fewer_variables_is_refused(rng: np.random.Generator) -> None:
    """An optimiser cannot go on where another learned less; the error names what is missing."""
    start = draw(rng)
    fewer = adam_of({name: array for name, array in start.items() if name != "log_gain"})
    with pytest.raises(KeyError) as caught:
        adam_of(start).restore(fewer.state())
    assert str(caught.value) == "'momentum/log_gain'"
