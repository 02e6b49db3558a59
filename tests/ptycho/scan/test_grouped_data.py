"""The grouped dict: frames and coordinates of neighbours, side by side."""

from __future__ import annotations

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.settings import legacy_dict as params


@pytest.mark.parametrize("gridsize", [1, 2, 3])
def test_grouped_data_has_the_contract_shapes(tiny_scan: RawData, gridsize: int) -> None:
    """Keys, shapes and dtypes of the grouped dict are those of the contract, all numpy."""
    C, B = gridsize**2, 8
    grouped = tiny_scan.generate_grouped_data(64, K=C + 3, nsamples=B, seed=1, gridsize=gridsize)
    shapes = {
        "diffraction": ((B, 64, 64, C), np.float32),
        "X_full": ((B, 64, 64, C), np.float32),
        "Y": ((B, 64, 64, C), np.complex64),
        "coords_offsets": ((B, 1, 2, 1), np.float64),
        "coords_relative": ((B, 1, 2, C), np.float64),
        "coords_nn": ((B, 1, 2, C), np.float64),
        "coords_start_offsets": ((B, 1, 2, 1), np.float64),
        "coords_start_relative": ((B, 1, 2, C), np.float64),
        "coords_start_nn": ((B, 1, 2, C), np.float64),
        "nn_indices": ((B, C), np.int64),
    }
    assert set(grouped) == {*shapes, "objectGuess"}
    for name, (shape, dtype) in shapes.items():
        assert (grouped[name].shape, grouped[name].dtype) == (shape, dtype), name
    assert grouped["objectGuess"] is tiny_scan.objectGuess


def test_members_keep_their_own_frames(tiny_scan: RawData) -> None:
    """Channel c of group b is frame nn_indices[b, c], with its own position [x, y] and its own patch."""
    grouped = tiny_scan.generate_grouped_data(64, K=6, nsamples=9, seed=4, gridsize=2)
    for b, group in enumerate(grouped["nn_indices"]):
        for c, frame in enumerate(group):
            np.testing.assert_array_equal(
                grouped["diffraction"][b, :, :, c], tiny_scan.amplitudes([frame])[0]
            )
            np.testing.assert_array_equal(grouped["Y"][b, :, :, c], tiny_scan.labels([frame])[0])
            np.testing.assert_array_equal(grouped["coords_nn"][b, 0, :, c], tiny_scan.positions[frame])
    back = grouped["coords_offsets"] - grouped["coords_relative"]
    np.testing.assert_allclose(back, grouped["coords_nn"], atol=1e-9)
    np.testing.assert_allclose(grouped["coords_relative"].sum(axis=-1), 0.0, atol=1e-9)


@pytest.mark.parametrize("quantity", ["counts", "amplitude"])
def test_normalised_frames_have_the_agreed_energy(tiny_scan: RawData, quantity: str) -> None:
    """X has a mean energy of (N/2)² over the scan, whatever the file holds and whatever its dose."""
    frames = tiny_scan.diff3d if quantity == "counts" else np.sqrt(tiny_scan.diff3d.astype(float)) * 0.01
    scan = RawData(
        *(tiny_scan.xcoords, tiny_scan.ycoords, None, None, frames, tiny_scan.probeGuess, None),
        quantity=quantity,  # type: ignore[arg-type]
    )
    grouped = scan.generate_grouped_data(64, nsamples=36, gridsize=1)
    assert np.sum(grouped["X_full"].astype(float) ** 2) / 36 == pytest.approx(32.0**2, rel=1e-5)
    ratio = grouped["X_full"].max() / grouped["diffraction"].max()
    np.testing.assert_allclose(grouped["X_full"], grouped["diffraction"] * ratio, rtol=1e-5)


def test_same_seed_gives_the_same_groups(tiny_scan: RawData) -> None:
    """Groups are reproducible from the seed."""
    one, same, other = (
        tiny_scan.generate_grouped_data(64, K=6, nsamples=9, seed=seed, gridsize=2)["nn_indices"]
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_grouping_phrases_reach_the_caller(tiny_scan: RawData) -> None:
    """The phrases of the contract appear literally."""
    few = tiny_scan.subset(np.arange(3))
    with pytest.raises(
        ValueError, match=r"Dataset has only 3 points but 4 coordinates per group requested\."
    ):
        few.generate_grouped_data(64, K=6, nsamples=2, gridsize=2)
    with pytest.raises(ValueError, match="K=3 must be >= C=4"):
        tiny_scan.generate_grouped_data(64, K=3, nsamples=2, gridsize=2)
    with pytest.raises(ValueError, match=r"Requesting 99 groups but only 36 points \(OVERSAMPLING-001\)"):
        tiny_scan.generate_grouped_data(64, K=6, nsamples=99, gridsize=2)
    many = tiny_scan.generate_grouped_data(
        64, K=6, nsamples=99, gridsize=2, seed=0, enable_oversampling=True, neighbor_pool_size=6
    )
    assert len({tuple(sorted(group)) for group in many["nn_indices"]}) == 99
    assert len(tiny_scan.generate_grouped_data(64, nsamples=99, gridsize=1)["nn_indices"]) == 36


@pytest.mark.parametrize(("N", "attempt"), [(32, "data.crop_px = 32"), (128, "model.N = 64")])
def test_other_frame_sizes_are_refused(tiny_scan: RawData, N: int, attempt: str) -> None:
    """N must be the side of the frames."""
    with pytest.raises(ScanError) as caught:
        tiny_scan.generate_grouped_data(N, gridsize=1)
    assert str(caught.value) == (
        f"N = {N}, but the frames of arrays in memory are 64 x 64\n  expected  N = 64\n  try       {attempt}"
    )


@pytest.fixture
def emptied_params(monkeypatch: pytest.MonkeyPatch) -> params.LegacyDict:
    """Put an empty legacy dict, which nobody has populated, in the place of the real one."""
    monkeypatch.setattr(params, "cfg", params.LegacyDict({}))
    return params.cfg


def test_gridsize_needs_a_populated_dict(tiny_scan: RawData, emptied_params: params.LegacyDict) -> None:
    """Without gridsize and before a configuration was written, the missing call is named (CONFIG-001)."""
    with pytest.raises(params.UnpopulatedError) as caught:
        tiny_scan.generate_grouped_data(64)
    assert str(caught.value) == (
        "CONFIG-001: RawData.generate_grouped_data would read 'gridsize' from params.cfg, "
        "which no configuration has populated\n"
        "  expected  update_legacy_dict(params.cfg, config) before any data helper\n"
        "  try       from ptycho.config.config import update_legacy_dict; "
        "update_legacy_dict(params.cfg, config)"
    )


def test_gridsize_comes_from_the_legacy_dict(tiny_scan: RawData, emptied_params: params.LegacyDict) -> None:
    """A populated dict gives the gridsize."""
    emptied_params["gridsize"] = 2
    assert tiny_scan.generate_grouped_data(64, K=6, nsamples=5)["nn_indices"].shape == (5, 4)
