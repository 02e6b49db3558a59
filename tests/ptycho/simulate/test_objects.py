"""Random objects: transmissions within their limits, the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.settings.registries import OBJECTS
from ptycho.simulate.kinds import ObjectKind
from ptycho.simulate.objects import Contrast, draw_object
from ptycho.simulate.scan import Simulation, simulate

EVERY_FAMILY = pytest.mark.parametrize("family", list(OBJECTS))


@EVERY_FAMILY
def test_object_keeps_its_limits(family: str) -> None:
    """Amplitude and phase use the whole of their ranges, and no more."""
    contrast = Contrast(amplitude=(0.3, 0.9), phase_rad=(-0.5, 1.5))
    drawn = draw_object(family, (120, 150), np.random.default_rng(1), contrast)
    assert (drawn.shape, drawn.dtype) == ((120, 150), np.complex64)
    for values, (low, high) in ((np.abs(drawn), contrast.amplitude), (np.angle(drawn), contrast.phase_rad)):
        assert values.min() == pytest.approx(low, abs=1e-3)
        assert values.max() == pytest.approx(high, abs=1e-3)
        assert values.std() > 0.1 * (high - low)


@EVERY_FAMILY
def test_seed_makes_the_object(family: str) -> None:
    """The same seed draws the same object, another seed an unrelated one."""
    one, same, other = (draw_object(family, (150, 150), np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert abs(np.corrcoef(np.abs(one).ravel(), np.abs(other).ravel())[0, 1]) < 0.35


@EVERY_FAMILY
def test_phase_does_not_follow_amplitude(family: str) -> None:
    """Over several objects amplitude and phase are uncorrelated."""
    drawn = [draw_object(family, (150, 150), np.random.default_rng(seed)) for seed in range(8)]
    correlations = [np.corrcoef(np.abs(each).ravel(), np.angle(each).ravel())[0, 1] for each in drawn]
    assert abs(np.mean(correlations)) < 0.15


def test_unknown_family_names_the_known() -> None:
    """A family that does not exist is refused with those that do."""
    with pytest.raises(ScanError) as caught:
        draw_object("clouds", (10, 10), np.random.default_rng(0))
    assert str(caught.value) == (
        'there is no family of objects "clouds"\n'
        "  known here  circuit, dead_leaves, lines, spokes, textures\n"
        '  try         object_family = "textures"'
    )


def test_a_family_brought_along_is_drawn() -> None:
    """An object added at run time is simulated by its name, and unknown again when it is taken out."""
    OBJECTS.add("slope", ObjectKind("a slope", lambda shape, rng: np.indices(shape)[1].astype(float)))
    try:
        truth = simulate(Simulation(N=32, n_frames=4, object_family="slope")).object_truth
        assert truth is not None
        assert np.all(np.diff(np.abs(truth), axis=1) >= 0)
    finally:
        OBJECTS.remove("slope")
    with pytest.raises(ScanError, match="no family of objects"):
        simulate(Simulation(object_family="slope"))
