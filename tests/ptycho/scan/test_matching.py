"""Frames and positions that are not one of each are matched as settings say, or as the frames show."""

from __future__ import annotations

import warnings
from itertools import count
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.files.number_ranges import written_numbers
from ptycho.raw_data import RawData
from ptycho.scan.matching import match_frames
from ptycho.settings.data import ScanOptions
from ptycho.simulate.scan import Simulation, simulate

Array = np.ndarray[Any, Any]

SEEDS = st.integers(0, 2**16)
NUMBERS = count()


def scanned(seed: int = 0, n: int = 40, photons: float = 1e4, step: float = 4.0) -> tuple[Array, Array]:
    """Give frames that change from place to place, and their positions, shapes (n, 16, 16) and (n, 2)."""
    rng = np.random.default_rng(seed)
    places = np.stack([np.arange(n) % 8, np.arange(n) // 8], axis=1) + rng.uniform(-0.25, 0.25, (n, 2))
    places *= step
    phases = rng.uniform(0, 2 * np.pi, (16, 16, 2))
    light = 1 + np.cos(np.einsum("np,rcp->nrc", places, np.cos(phases)) + phases[..., 0])
    return rng.poisson(light * photons / light[0].sum()), places


def read(folder: Path, frames: Array, places: Array, **options: Any) -> RawData:
    """Write a scan as HDF5, the frames first, and read it."""
    path = folder / f"scan-{next(NUMBERS)}.h5"
    with h5py.File(path, "w") as file:
        file["frames"], file["x"], file["y"] = frames, *places.T
    return RawData.from_file(path, options=ScanOptions(position_unit="px", bad_pixels="mask", **options))


def taken_at(scan: RawData, frames: Array, places: Array) -> bool:
    """Tell whether a scan holds these frames at these positions."""
    return np.array_equal(scan.diff3d, frames) and np.allclose(
        np.stack([scan.xcoords, scan.ycoords], axis=1), places
    )


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=SEEDS,
    extra=st.sets(st.integers(0, 49), max_size=6),
    missed=st.sets(st.integers(0, 39), max_size=6),
    bad=st.sets(st.integers(0, 30), max_size=3),
)
def test_settings_say_what_has_no_partner(
    tmp_path: Path, seed: int, extra: set[int], missed: set[int], bad: set[int]
) -> None:
    """Exposures without a position, missed triggers and bad frames, once named, leave the right pairs."""
    frames, places = scanned(seed)
    lit, where = np.delete(frames, list(missed), axis=0), np.delete(places, list(missed), axis=0)
    extra = {number for number in extra if number < len(lit)}
    recorded = np.empty((len(lit) + len(extra), 16, 16), frames.dtype)
    own = np.setdiff1d(np.arange(len(recorded)), list(extra))
    recorded[own], recorded[sorted(extra)] = lit, lit[: len(extra)][::-1]
    named = {"frames_without_position": extra, "positions_without_frame": missed, "leave_out": bad}
    options = {name: written_numbers(list(numbers)) for name, numbers in named.items() if numbers}
    kept = ~np.isin(own, list(bad))
    assert taken_at(read(tmp_path, recorded, places, **options), lit[kept], where[kept])


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=SEEDS, times=st.integers(2, 4), order=st.sampled_from(["together", "runs"]))
def test_exposures_of_a_position_are_told_by_the_frames(
    tmp_path: Path, seed: int, times: int, order: str
) -> None:
    """Several frames a position go to it whichever way they follow each other, and the order is said."""
    rng = np.random.default_rng(seed)
    frames, places = scanned(seed, photons=2e4)
    axis = 1 if order == "together" else 0
    many = rng.poisson(np.stack([frames] * times, axis=axis).reshape(-1, 16, 16))
    where = np.stack([places] * times, axis=axis).reshape(-1, 2)
    scan = read(tmp_path, many, places)
    assert taken_at(scan, many, where)
    assert any(f"{times} frames at each position" in note for note in scan.decisions)
    assert taken_at(read(tmp_path, many, places, exposures=order), many, where)


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS, times=st.sampled_from([2, 4, 5]), step=st.floats(0.05, 2.0))
def test_a_scan_that_moves_is_no_exposure(seed: int, times: int, step: float) -> None:
    """Frames that all lie elsewhere are never laid on too few positions; the error says what settles it."""
    frames, _ = scanned(seed, step=step)
    with pytest.raises(ScanError) as caught:
        match_frames(frames, len(frames) // times, ScanOptions(), Path("scan.h5"))
    assert 'data.exposures = "together"' in str(caught.value)
    assert "Every pattern needs a position." in str(caught.value)


def test_frames_that_do_not_change_tell_no_order() -> None:
    """Equal frames leave the order of the exposures open."""
    with pytest.raises(ScanError, match="the frames do not tell in which order"):
        match_frames(np.ones((24, 16, 16)), 12, ScanOptions(), None)


def test_the_advice_for_surplus_frames_works(tmp_path: Path) -> None:
    """What the error of too few positions names, typed as it stands, takes the frames that have one."""
    frames, places = scanned()
    for recorded, setting in (
        (np.concatenate([frames[:3], frames]), "0:3"),
        (np.concatenate([frames, frames[:3]]), "40:"),
    ):
        with pytest.raises(ScanError) as caught:
            read(tmp_path, recorded, places)
        assert f'"{setting}" if the ' in str(caught.value)
        assert taken_at(read(tmp_path, recorded, places, frames_without_position=setting), frames, places)


def test_surplus_positions_are_told_with_the_setting(tmp_path: Path) -> None:
    """Positions that are dropped for want of frames are warned of, with the setting that names others."""
    frames, places = scanned()
    with pytest.warns(RuntimeWarning, match='the last 2 .* dropped; data.positions_without_frame = "0:2"'):
        scan = read(tmp_path, frames[:38], places)
    assert taken_at(scan, frames[:38], places[:38])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert taken_at(
            read(tmp_path, frames[2:], places, positions_without_frame="0:2"), frames[2:], places[2:]
        )
    with pytest.warns(RuntimeWarning, match="39 positions for 38 frames: the last 1 positions were dropped"):
        read(tmp_path, frames[2:], places, positions_without_frame="0")


def test_a_number_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A frame or position beyond the last is an error that says how many there are."""
    frames, places = scanned()
    with pytest.raises(ScanError) as caught:
        read(tmp_path, frames, places, leave_out="3,40")
    assert str(caught.value) == (
        f'data.leave_out = "3,40": there is no 40 among 40 frames of {next(tmp_path.iterdir())}\n'
        "  expected  numbers from 0 to 39, and ranges of them"
    )


def test_the_legacy_order_with_frames_beside_the_scan(tmp_path: Path) -> None:
    """An NPZ file with the frames last, and more of them than positions, is read as its settings say."""
    scan = simulate(Simulation(N=16, n_frames=30, nphotons=1e5))
    recorded = np.concatenate([scan.diff3d[:4], scan.diff3d]).transpose(1, 2, 0)
    path = tmp_path / "scan.npz"
    np.savez(path, diff3d=recorded, xcoords=scan.xcoords, ycoords=scan.ycoords)
    with pytest.warns(UserWarning, match="legacy order"):
        taken = RawData.from_file(path, options=ScanOptions(frames_without_position="0:4"))
    assert np.array_equal(taken.amplitudes(), scan.amplitudes())
    assert np.array_equal(taken.xcoords, scan.xcoords)


def test_the_legacy_order_of_sides_that_positions_divide(tmp_path: Path) -> None:
    """A side that is a multiple of the positions is no number of exposures where the last axis fits."""
    frames, places = scanned(n=8)
    path, legacy = tmp_path / "scan.npz", frames.transpose(1, 2, 0)
    np.savez(path, diff3d=legacy, xcoords=places[:, 0], ycoords=places[:, 1])
    with pytest.warns(UserWarning, match="legacy order"):
        of_file = RawData.from_file(path, options=ScanOptions(bad_pixels="mask"))
    assert taken_at(of_file, frames, places)
    with pytest.warns(UserWarning, match="legacy order"):
        in_memory = RawData(*places.T, None, None, legacy, None, None)
    assert taken_at(in_memory, frames, places)
