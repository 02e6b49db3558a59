"""The unit of positions that no file names is found, as the setting that takes it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ptycho.scan.geometry import LENGTHS_M, Fact, Geometry
from ptycho.scan.position_units import likely_unit

SIDE_PX = 64


@given(
    unit=st.sampled_from(["m", "mm", "um", "nm"]),
    step=st.floats(0.05, 0.5),
    pixel_m=st.floats(5e-9, 1e-7),
    seed=st.integers(0, 99),
)
def test_the_unit_that_makes_a_scan_is_named(unit: str, step: float, pixel_m: float, seed: int) -> None:
    """Whatever unit a raster of overlapping frames was written in, its setting is offered, first."""
    rng = np.random.default_rng(seed)
    places = np.stack(np.meshgrid(np.arange(8.0), np.arange(9.0)), axis=-1).reshape(-1, 2)
    metres = (places + rng.uniform(-0.2, 0.2, places.shape)) * step * SIDE_PX * pixel_m
    geometry = Geometry(Fact(1e-10, "a"), Fact(SIDE_PX * pixel_m * 75e-6 / 1e-10, "b"), Fact(75e-6, "c"))
    x, y = metres.T / LENGTHS_M[unit]
    assert f'data.position_unit = "{unit}"' in likely_unit(x, y, geometry, SIDE_PX).hint
    assert (
        f'data.position_unit = "{unit}" with data.energy_kev'
        in likely_unit(*(metres.T / np.ptp(metres) * 15e-6 / LENGTHS_M[unit]), Geometry(), SIDE_PX).hint
    )
