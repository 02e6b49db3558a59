"""The training of the packaged network: rates, going on where it was, and what it leaves."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ptycho.zoo.every_scan import read_network
from ptycho_torch.nn.universal import BETAS, LOSSES, STATE, WARM_UP, WEIGHTS, Course, train


def test_the_rate_rises_stays_and_falls() -> None:
    """Before the fall it does not depend on the number of steps: what stopped early becomes whole by it."""
    course, longer = Course(1000, 0.4, 2e-3, 0), Course(2000, 0.4, 2e-3, 0)
    rates = [course.rate_at(step) for step in range(1000)]
    assert rates[0] == pytest.approx(2e-3 / WARM_UP)
    assert set(rates[WARM_UP:600]) == {2e-3}
    assert rates[600:] == sorted(rates[600:], reverse=True)
    assert rates[-1] == pytest.approx(2e-3 / 400)
    assert rates[:600] == [longer.rate_at(step) for step in range(600)]


def test_a_training_goes_on_where_it_was(tmp_path: Path) -> None:
    """Stopped and taken up, it leaves the weights of one that was not, and a row for each stretch."""
    torch.set_num_threads(1)
    course = Course(4, 0.5, 2e-3, 1)
    train(course, tmp_path / "whole", workers=0, save_every=2)
    for steps in (2, 4):
        # Rates of the second course hold for both stretches: the first ends before they fall.
        train(
            Course(steps, 0.5 if steps == 4 else 0.01, 2e-3, 1), tmp_path / "parts", workers=0, save_every=2
        )
    whole, parts = (read_network(tmp_path / name / WEIGHTS).weights for name in ("whole", "parts"))
    assert whole.keys() == parts.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(parts[name], array, err_msg=name)
    with (tmp_path / "parts" / LOSSES).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["2", "4"]
    assert all(0 < float(row["amplitude"]) < 1 for row in rows)
    assert (tmp_path / "parts" / STATE).exists()


SIGNED = st.tuples(st.sampled_from([-1.0, 1.0]), st.floats(-4, 4)).map(lambda pair: pair[0] * 10 ** pair[1])


@given(st.lists(SIGNED, min_size=1, max_size=60))
def test_no_step_is_much_longer_than_the_rate(gradients: list[float]) -> None:
    """However gradients grow, shrink or turn from lesson to lesson, no weight runs away."""
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([weight], lr=0.1, betas=BETAS)
    for gradient in gradients:
        before = weight.item()
        weight.grad = torch.full_like(weight, gradient)
        optimiser.step()
        assert abs(weight.item() - before) <= 1.17 * 0.1
