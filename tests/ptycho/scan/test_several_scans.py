"""Several scans of one file or of several files: none mixes with another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.scan.grouping import share_out
from ptycho.scan.reading import read_scans
from ptycho.scan.scan import Scan
from ptycho.settings.data import ScanOptions
from ptycho.simulate.scan import Simulation, simulate

SIDE = 32


def scanned(seed: int, *, n: int = 36, photons: float = 1e5) -> RawData:
    """Simulate a small scan of an object of its own."""
    scan = simulate(Simulation(N=SIDE, n_frames=n, nphotons=photons, seed=seed, object_seed=seed))
    return RawData.from_coords_without_pc(
        scan.xcoords, scan.ycoords, scan.diff3d, scan.probeGuess, None, quantity="counts"
    )


def both(first: RawData, second: RawData, **options: Any) -> RawData:
    """Put the arrays of two scans into one, numbered 4 and 9."""
    arrays = [
        np.concatenate([getattr(scan, name) for scan in (first, second)])
        for name in ("xcoords", "ycoords", "diff3d")
    ]
    numbers = np.repeat([4, 9], [len(first), len(second)])
    return RawData.from_coords_without_pc(
        *arrays, first.probeGuess, numbers, options=ScanOptions(**options), quantity="counts"
    )


@pytest.fixture(scope="module")
def scans() -> tuple[RawData, RawData]:
    """Give two scans of two samples."""
    return scanned(1), scanned(2)


def test_two_samples_are_two_scans(scans: tuple[RawData, RawData]) -> None:
    """Frames that lie side by side and look unlike are of two samples: each is a scan with its number."""
    scan = both(*scans)
    assert [part.number for part in scan.parts] == [4, 9]
    assert [part.name for part in scan.parts] == [
        "arrays in memory, scan 4",
        "arrays in memory, scan 9",
    ]
    for part, own in zip(scan.parts, scans, strict=True):
        np.testing.assert_array_equal(part.diff3d, own.diff3d)
        np.testing.assert_allclose(part.positions, own.positions)
        assert part.probeGuess is not None


def test_one_sample_stays_one_scan(scans: tuple[RawData, RawData]) -> None:
    """Every other frame under another number: the frames show one sample, and stay together."""
    scan = scanned(3, n=144)
    halves = [scan.subset(np.arange(start, 144, 2)) for start in (0, 1)]
    joined = both(*halves)
    assert len(joined.parts) == 1
    assert "2 parts of one scan: they share" in " ".join(joined.decisions)
    assert len(both(*halves, scan_index="split").parts) == 2
    assert len(both(*scans, scan_index="ignore").parts) == 1


@pytest.mark.parametrize("gridsize", [1, 2])
@pytest.mark.parametrize("joined", [True, False])
def test_no_group_mixes_scans(scans: tuple[RawData, RawData], gridsize: int, joined: bool) -> None:
    """All frames of a group are of one scan, and every scan has its share of the groups."""
    scan = RawData.concatenate(scans) if joined else both(*scans)
    groups = scan.generate_grouped_data(SIDE, K=6, nsamples=40, seed=1, gridsize=gridsize)["nn_indices"]
    assert groups.shape == (40, gridsize**2)
    of_group = scan.scan_index[groups]
    assert np.all(of_group == of_group[:, :1])
    assert np.unique(of_group[:, 0], return_counts=True)[1].tolist() == [20, 20]


def test_groups_of_joined_scans_are_their_own(scans: tuple[RawData, RawData]) -> None:
    """Frames, coordinates and scale of a group are those that its scan alone gives."""
    bright = scanned(1, photons=1e6)
    scan = RawData.concatenate([scans[0], bright])
    grouped = scan.generate_grouped_data(SIDE, nsamples=72, seed=1, gridsize=1)
    for part, rows in zip(scan.parts, scan.part_rows, strict=True):
        own = part.generate_grouped_data(SIDE, nsamples=36, seed=1, gridsize=1)
        here = np.isin(grouped["nn_indices"][:, 0], rows)
        for key in ("diffraction", "X_full", "coords_nn", "coords_relative"):
            np.testing.assert_allclose(grouped[key][here], own[key], err_msg=key)


def test_joined_scans_keep_what_is_theirs(scans: tuple[RawData, RawData]) -> None:
    """Amplitudes, positions, probe and scale of each part are those of the scan that was put there."""
    scan = RawData.concatenate(scans)
    assert len(scan) == 72
    np.testing.assert_array_equal(
        scan.amplitudes([70, 1]), [scans[1].amplitudes([34])[0], scans[0].amplitudes([1])[0]]
    )
    np.testing.assert_array_equal(scan.diff3d[36:], scans[1].diff3d)
    assert scan.scan_index.tolist() == [0] * 36 + [1] * 36
    assert scan.parts == scans
    assert scan.mean_square() == pytest.approx(np.mean([one.mean_square() for one in scans]), rel=1e-6)
    assert RawData.concatenate([scan, scans[0]]).parts == (*scans, scans[0])


@given(st.lists(st.integers(0, 71), min_size=1, unique=True))
def test_a_choice_of_frames_keeps_their_scans(chosen: list[int]) -> None:
    """Some frames of two scans, in any order, still know to which scan each belongs."""
    scan = RawData.concatenate(_twins())
    some = scan.subset(chosen)
    numbers = np.full(len(chosen), -1)
    for part, rows in zip(some.parts, some.part_rows, strict=True):
        np.testing.assert_array_equal(part.positions, some.positions[rows])
        np.testing.assert_array_equal(part.amplitudes(), some.amplitudes(rows))
        numbers[rows] = some.scan_index[rows[0]]
    np.testing.assert_array_equal(numbers, [index // 36 for index in chosen])


def _twins(_made: list[RawData] = []) -> list[RawData]:  # noqa: B006  Made once for all examples.
    if not _made:
        _made += [scanned(1), scanned(2)]
    return _made


def test_scans_that_do_not_go_together_are_told(scans: tuple[RawData, RawData]) -> None:
    """Frames of another side, or of another kind, are refused with both scans and both figures."""
    other = scans[1]
    small = RawData.from_coords_without_pc(
        other.xcoords, other.ycoords, other.diff3d[:, 8:24, 8:24], None, None, quantity="counts"
    )
    with pytest.raises(ScanError, match=r"those of arrays in memory are 32 px wide; .* are 16 px wide"):
        RawData.concatenate([scans[0], small])
    roots = RawData.from_coords_without_pc(
        other.xcoords, other.ycoords, np.sqrt(other.diff3d), None, None, quantity="amplitude"
    )
    with pytest.raises(ScanError, match=r"hold counts; .* hold amplitude"):
        RawData.concatenate([scans[0], roots])
    with pytest.raises(ValueError, match="no scans to put together"):
        Scan.concatenate([])


def test_files_are_read_behind_each_other(jail: Path, scans: tuple[RawData, RawData]) -> None:
    """The files that `data.more_scans` names are scans of their own, called by their files."""
    first, second = (scan.to_file(Path(f"{name}.npz")) for name, scan in zip("ab", scans, strict=True))
    scan = read_scans(first, ScanOptions(more_scans=(second,)))
    assert [part.name for part in scan.parts] == ["a.npz", "b.npz"]
    assert any(decision.startswith("b.npz: 'diff3d' holds") for decision in scan.decisions)
    with pytest.raises(ScanError, match="belongs to one scan, and 2 are named"):
        read_scans(first, ScanOptions(more_scans=(second,), probe="probe.npz"))


@given(st.integers(0, 1000), st.lists(st.integers(1, 500), min_size=1, max_size=8))
def test_shares_add_up(total: int, sizes: list[int]) -> None:
    """Shares are whole, add up to what is shared, and differ from the exact ones by less than one."""
    shares = share_out(total, sizes)
    assert sum(shares) == total
    assert all(
        abs(share - total * size / sum(sizes)) < 1 + 1e-9 for share, size in zip(shares, sizes, strict=True)
    )
