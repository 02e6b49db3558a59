"""Random beams have unit energy, lie in the middle, and are known as well or as badly as asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.optics.waves import radius_px
from ptycho.zoo.beams import KINDS, RIM, RIM_ENERGY, draw_beam, misjudge


@given(st.sampled_from([32, 48, 64]), st.integers(0, 2**20))
def test_a_beam_can_be_sampled(N: int, seed: int) -> None:
    """Its modes have unit energy together, hardly reach the rim, and are orthogonal, strongest first."""
    probe = draw_beam(N, np.random.default_rng(seed))
    energy = (np.abs(probe) ** 2).sum(axis=0)
    assert probe.shape[1:] == (N, N)
    assert energy.sum() == pytest.approx(1, rel=1e-6)
    main = np.abs(probe[0]) ** 2
    assert main[radius_px(N) > RIM * N].sum() <= RIM_ENERGY * main.sum() * (1 + 1e-9)
    flat = probe.reshape(len(probe), -1)
    gram = np.abs(flat @ flat.conj().T)
    np.testing.assert_allclose(gram - np.diag(np.diag(gram)), 0, atol=1e-9)
    assert np.argmax(np.diag(gram)) == 0


@pytest.mark.parametrize(
    "kind", sorted(set(KINDS), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__
)
def test_every_kind_of_beam_is_finite(kind) -> None:
    """Whatever is drawn, there is light and no number that is none."""
    beam = kind(64, np.random.default_rng(3))
    assert np.isfinite(beam).all()
    assert np.abs(beam).max() > 0


@pytest.mark.parametrize(("size", "low", "high"), [(0.0, 0.99, 1.0), (0.5, 0.7, 0.97), (1.5, 0.0, 0.8)])
def test_a_misjudged_beam_resembles_the_true_one(size: float, low: float, high: float) -> None:
    """The larger the phase error over its spectrum, the smaller the overlap; the energy stays."""
    rng = np.random.default_rng(1)
    true = draw_beam(64, rng)
    known = misjudge(true, rng, size)
    assert np.linalg.norm(known) == pytest.approx(np.linalg.norm(true))
    assert low <= abs(np.vdot(known, true)) / np.linalg.norm(true) ** 2 <= high
