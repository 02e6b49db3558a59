"""Corrected positions tell what the stage did, and noise moves none of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.reconstruction.positions_fit import MovingPositions, fit_stage, stage_error

RNG = np.random.default_rng(0)
SPIRAL = (
    60
    * np.sqrt(np.arange(1, 301)[:, None] / 300)
    * np.column_stack([np.cos(2.4 * np.arange(300)), np.sin(2.4 * np.arange(300))])
)
RASTER = 5.0 * np.stack(np.meshgrid(np.arange(12.0), np.arange(12.0)), -1).reshape(-1, 2)


@given(scale=st.floats(0.9, 1.1), degrees=st.floats(-5, 5), drift=st.floats(-3, 3), constant=st.floats(-9, 9))
def test_what_a_stage_did_is_read_off(scale, degrees, drift, constant):
    """Scale, rotation and drift of exact positions come back, and nothing is left for single frames."""
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = SPIRAL @ turn + constant + np.linspace(0, drift, 300)[:, None]
    error = stage_error(SPIRAL, moved)
    assert error.scale == pytest.approx((scale, scale), abs=1e-6)
    assert error.rotation_deg == pytest.approx(degrees, abs=1e-6)
    assert error.shear_deg == pytest.approx(0, abs=1e-6)
    assert error.drift_px == pytest.approx((drift, drift), abs=1e-6)
    assert error.rest_px == pytest.approx(0, abs=1e-6)


def test_a_drift_along_a_raster_is_a_scale():
    """Rows are time there: the two look alike, and a scale is what is told."""
    error = stage_error(RASTER, RASTER * [1.0, 1.02])
    assert error.drift_px == (0.0, 0.0)
    assert error.scale == pytest.approx((1.0, 1.02))
    assert str(error) == (
        "scale 1.0000 x 1.0200, rotation 0.00 deg, shear 0.00 deg, drift 0.00, 0.00 px; beyond it "
        "0.00 px a frame"
    )


def test_the_stage_moves_first():
    """In the first corrections only what all frames say together moves them."""
    shifts = np.column_stack([RNG.normal(0, 0.3, (144, 2)), np.ones(144)]).astype(np.float32)
    moving = MovingPositions(RASTER, 8.0, noise=0.0)
    moving.follow(shifts)
    steps = shifts[:, :2] - shifts[:, :2].mean(0)
    np.testing.assert_allclose(moving.positions - RASTER, fit_stage(RASTER, steps), atol=1e-6)


def test_noise_moves_no_frame():
    """Shifts that are as large as photon noise makes them leave every frame where it is."""
    shifts = np.column_stack([RNG.normal(0, 0.1, (144, 2)), np.full(144, 2.0)]).astype(np.float32)
    moving = MovingPositions(RASTER, 8.0, noise=0.01)
    for _ in range(5):
        moving.follow(shifts)
    np.testing.assert_array_equal(moving.positions, RASTER)


def test_no_frame_leaves_its_bounds():
    """However long it is pulled, a frame stays within the bound of where it was measured."""
    shifts = np.column_stack([np.where(np.arange(144) % 2, 5.0, -5.0)] * 2 + [np.zeros(144)])
    moving = MovingPositions(RASTER, 3.0, noise=0.0)
    for _ in range(20):
        moving.follow(shifts.astype(np.float32))
    assert np.abs(moving.positions - RASTER).max() == pytest.approx(3.0)
