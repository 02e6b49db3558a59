"""RawData: the public contract of one scan."""

from __future__ import annotations

import logging
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho import params
from ptycho.physics.fourier import far_field_amplitude
from ptycho.raw_data import RawData
from ptycho.scan import npz
from ptycho.scan.errors import ScanError
from ptycho.scan.options import ScanOptions


def in_memory(arrays: dict[str, Any], **more: Any) -> RawData:
    """Make a scan from arrays in memory."""
    return RawData.from_coords_without_pc(
        arrays["xcoords"], arrays["ycoords"], arrays["diff3d"], arrays["probeGuess"], None, **more
    )


# ---- reading and writing


def test_file_round_trip_keeps_everything(jail: Path, tiny_scan: RawData) -> None:
    """What is written comes back, and nothing has to be guessed the second time."""
    path = tiny_scan.to_file("scan.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = RawData.from_file(path)
    for name in (
        "diff3d",
        "xcoords",
        "ycoords",
        "xcoords_start",
        "probeGuess",
        "objectGuess",
        "Y",
        "scan_index",
    ):
        np.testing.assert_array_equal(getattr(again, name), getattr(tiny_scan, name))
    assert (again.metadata, again.quantity, again.source) == (tiny_scan.metadata, "counts", path)
    np.testing.assert_array_equal(again.positions, tiny_scan.positions)
    np.testing.assert_array_equal(again.amplitudes([3]), tiny_scan.amplitudes([3]))
    assert "'diff3d' holds detector counts: the file says so" in again.decisions


def test_frames_are_mapped_not_read(jail: Path, tiny_scan: RawData) -> None:
    """A file written uncompressed is mapped; subsets and reads leave the frames where they are."""
    again = RawData.from_file(tiny_scan.to_file("scan.npz"))
    assert isinstance(again.diff3d, np.memmap)
    assert again.subset([1, 2])._accepted.frames.raw is again._accepted.frames.raw
    packed = RawData.from_file(tiny_scan.to_file("packed.npz", compressed=True))
    np.testing.assert_array_equal(packed.diff3d, again.diff3d)


def test_mapped_frames_travel_as_a_place(jail: Path, tiny_scan: RawData) -> None:
    """Pickling a mapped scan, as loading processes do, sends no frame; the copy reads the same."""
    mapped = RawData.from_file(tiny_scan.to_file("scan.npz")).subset([4, 2])
    content = pickle.dumps(mapped._accepted.frames)
    assert len(content) < 2_000
    np.testing.assert_array_equal(pickle.loads(content).amplitudes(), mapped.amplitudes())
    again = pickle.loads(pickle.dumps(tiny_scan))
    np.testing.assert_array_equal(again.amplitudes(), tiny_scan.amplitudes())


def test_two_files_are_read_alike(jail: Path, tiny_scan: RawData) -> None:
    """Training and test scan are read with the same options."""
    for name in ("a.npz", "b.npz"):
        tiny_scan.to_file(name)
    train, test = RawData.from_files("a.npz", "b.npz", options=ScanOptions(crop_px=32))
    assert (train.N, test.N) == (32, 32)
    assert (train.source, test.source) == (Path("a.npz"), Path("b.npz"))


def test_decisions_are_logged(scan_arrays: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Every decision is kept on the scan and logged with the place it concerns."""
    with caplog.at_level(logging.INFO, logger="ptycho.scan.intake"):
        scan = in_memory(scan_arrays)
    assert scan.decisions == [
        "'diff3d' holds detector counts: every value is a whole number",
        "zero frequency of 'diff3d' is in the middle, where the energy is",
        "positions name the patch centre: there is no object to test",
    ]
    assert caplog.messages == [f"arrays in memory: {decision}" for decision in scan.decisions]


def test_missing_file_is_not_found() -> None:
    """A file that is not there is a FileNotFoundError."""
    with pytest.raises(FileNotFoundError) as caught:
        RawData.from_file("nowhere.npz")
    assert str(caught.value) == "scan file not found: nowhere.npz\n  expected  an .npz file"


# ---- quantity


def test_entry_points_have_their_own_custom(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Numbers that tell nothing are intensities in memory and amplitudes in a file, with one warning each."""
    scan_arrays["diff3d"] = scan_arrays["diff3d"] * 1.1
    with pytest.warns(UserWarning, match="taken as detector counts") as memory:
        assert in_memory(scan_arrays).quantity == "counts"
    with pytest.warns(UserWarning, match=r"taken as amplitudes \(square roots of counts\)") as file:
        assert RawData.from_file(npz.write("scan.npz", scan_arrays)).quantity == "amplitude"
    assert len(memory) == len(file) == 1


def test_caller_settles_the_quantity(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """The argument beats the options, on every entry point, and the given options stay as they are."""
    scan_arrays["diff3d"] = scan_arrays["diff3d"] * 1.1
    path = npz.write("scan.npz", scan_arrays)
    options = ScanOptions(quantity="amplitude")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert in_memory(scan_arrays, options=options, quantity="counts").quantity == "counts"
        assert RawData.from_file(path, options=options, quantity="counts").quantity == "counts"
        assert RawData.from_file(path, options=options).quantity == "amplitude"
    assert options.quantity == "amplitude"


def test_diff3d_stays_as_given(scan_arrays: dict[str, Any]) -> None:
    """The attribute holds the given counts, untouched by crop, bin and root."""
    scan = in_memory(scan_arrays, options=ScanOptions(crop_px=8, bin=2))
    assert scan.diff3d is scan_arrays["diff3d"]
    assert scan.amplitudes().shape == (12, 4, 4)


def test_squares_of_uint16_do_not_overflow(scan_arrays: dict[str, Any]) -> None:
    """Amplitudes given as 16-bit integers keep their energy."""
    scan_arrays["diff3d"] = np.full((12, 16, 16), 60_000, np.uint16)
    scan = in_memory(scan_arrays, quantity="amplitude")
    assert scan.mean_square() == pytest.approx(256 * 60_000.0**2)


# ---- geometry


def test_corner_centred_file_reads_the_same(jail: Path, tiny_scan: RawData) -> None:
    """Frames with zero frequency at the corner give the same amplitudes, with one warning."""
    path = tiny_scan.to_file("scan.npz")
    arrays = dict(np.load(path))
    arrays["diff3d"] = np.fft.ifftshift(arrays["diff3d"], axes=(1, 2))
    npz.write(path, arrays)
    with pytest.warns(UserWarning, match="at the corner") as warned:
        scan = RawData.from_file(path)
    assert len(warned) == 1
    np.testing.assert_array_equal(scan.amplitudes(), tiny_scan.amplitudes())


def test_legacy_order_reads_the_same(jail: Path, tiny_scan: RawData) -> None:
    """(H, W, n) gives the same amplitudes, with one warning (FORMAT-001)."""
    path = tiny_scan.to_file("scan.npz")
    arrays = dict(np.load(path))
    arrays["diff3d"] = np.moveaxis(arrays["diff3d"], 0, -1)
    npz.write(path, arrays, compressed=False)
    with pytest.warns(UserWarning, match="FORMAT-001") as warned:
        scan = RawData.from_file(path)
    assert len(warned) == 1
    np.testing.assert_array_equal(scan.amplitudes([0, 35]), tiny_scan.amplitudes([0, 35]))


def test_corner_positions_become_centres(jail: Path, tiny_scan: RawData) -> None:
    """Positions that name corners are moved; the attributes keep what the file says."""
    path = tiny_scan.to_file("scan.npz")
    arrays = dict(np.load(path)) | {"position_origin": np.array("corner")}
    for key in ("xcoords", "ycoords", "xcoords_start", "ycoords_start"):
        arrays[key] = arrays[key] - 32
    declared = RawData.from_file(npz.write(path, arrays))
    del arrays["position_origin"]
    found = RawData.from_file(npz.write(path, arrays))
    for scan in (declared, found):
        np.testing.assert_allclose(scan.positions, tiny_scan.positions)
        np.testing.assert_allclose(scan.nominal_positions, tiny_scan.positions)
        np.testing.assert_allclose(scan.xcoords, tiny_scan.xcoords - 32)
        np.testing.assert_array_equal(scan.object_origin_px, [32.0, 32.0])
    again = RawData.from_file(declared.to_file("again.npz"))
    np.testing.assert_allclose(again.positions, tiny_scan.positions)


def test_unknown_declared_origin_is_refused(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """A file that declares another origin is refused."""
    with pytest.raises(ScanError) as caught:
        RawData.from_file(npz.write("scan.npz", scan_arrays | {"position_origin": "middle"}))
    assert str(caught.value) == (
        "'position_origin' of scan.npz is \"middle\"\n"
        '  expected  "centre" or "corner"\n'
        '  try       data.position_origin = "centre"'
    )


def test_crop_carries_positions_and_truth_along(tiny_scan: RawData) -> None:
    """On a cropped detector the coarse object and the coarse positions still belong together."""
    scan = RawData(
        *(tiny_scan.xcoords, tiny_scan.ycoords, None, None, tiny_scan.diff3d),
        *(tiny_scan.probeGuess, None, tiny_scan.objectGuess),
        options=ScanOptions(crop_px=48, quantity="counts", centre="middle", position_origin="centre"),
    )
    np.testing.assert_allclose(scan.positions, tiny_scan.positions * 0.75)
    assert scan.object_truth is not None
    assert tiny_scan.object_truth is not None
    assert scan.object_truth.shape == tuple(int(0.75 * side) for side in tiny_scan.object_truth.shape)
    assert scan.probe_modes is not None
    assert scan.probe_modes.shape == (1, 48, 48)
    assert "frames of 64 px: the middle 48 px were kept and binned by 1" in scan.decisions


def test_masked_pixels_take_no_part(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """NaN under the mask is no error, comes out as zero, and is reported as bad."""
    bad = np.zeros((16, 16), bool)
    bad[0, :3] = True
    frames = scan_arrays["diff3d"].astype(np.float32)
    frames[:, bad] = np.nan
    path = npz.write("scan.npz", scan_arrays | {"diff3d": frames, "hot": bad})
    scan = RawData.from_file(path, options=ScanOptions(mask="hot"))
    assert scan.mask is not None
    np.testing.assert_array_equal(scan.mask, ~bad)
    assert np.all(scan.amplitudes()[:, bad] == 0)
    assert "3 of 256 detector pixels are masked" in scan.decisions
    with pytest.raises(ScanError, match=r"frame 0 of 'diff3d' in scan\.npz holds NaN values"):
        RawData.from_file(path)


def test_object_pixel_in_metres(scan_arrays: dict[str, Any]) -> None:
    """The side of an object pixel follows from the geometry of the options."""
    options = ScanOptions(pixel_size_m=1e-4, wavelength_m=1e-10, distance_m=4.0, crop_px=8)
    assert in_memory(scan_arrays, options=options).object_pixel_m == pytest.approx(1e-10 * 4.0 / (8 * 1e-4))
    assert in_memory(scan_arrays).object_pixel_m is None


# ---- refusals


def test_probe_of_another_size_is_refused(scan_arrays: dict[str, Any]) -> None:
    """A probe that is not on the grid of the frames is refused with what might be meant."""
    for side, attempt in (
        (8, "data.crop_px = 8, if the probe belongs to the middle of the detector"),
        (32, "probeGuess[..., 8:24, 8:24], if it is only padded"),
    ):
        with pytest.raises(ScanError) as caught:
            in_memory(scan_arrays | {"probeGuess": np.ones((side, side), complex)})
        assert str(caught.value) == (
            f"'probeGuess' in arrays in memory is {side} x {side} pixels, the frames are 16 x 16\n"
            "  expected  a probe on the grid of the frames, 16 x 16\n"
            f"  try       {attempt}"
        )


def test_small_probe_serves_a_cropped_detector(scan_arrays: dict[str, Any]) -> None:
    """A probe on the grid of the cropped frames is taken as it is."""
    probe = np.ones((2, 8, 8), np.complex64)
    scan = in_memory(scan_arrays | {"probeGuess": probe}, options=ScanOptions(crop_px=8))
    assert scan.probe_modes is not None
    np.testing.assert_array_equal(scan.probe_modes, probe)


@pytest.mark.parametrize(("kind", "value"), [("NaN", np.nan), ("infinite", np.inf), ("negative", -1.0)])
def test_impossible_values_name_the_frame(
    jail: Path, scan_arrays: dict[str, Any], kind: str, value: float
) -> None:
    """One bad value in one frame is refused, with file, key and frame."""
    frames = scan_arrays["diff3d"].astype(np.float32)
    frames[7, 3, 3] = value
    path = npz.write("scan.npz", scan_arrays | {"diff3d": frames}, compressed=False)
    with pytest.raises(ScanError) as caught:
        RawData.from_file(path)
    assert str(caught.value) == (
        f"frame 7 of 'diff3d' in scan.npz holds {kind} values (1 pixels in 1 frames)\n"
        "  expected  finite values of zero or more\n"
        "  try       data.mask = a file or key that marks the bad pixels, or leave these frames out"
    )


def test_every_pattern_needs_a_position(scan_arrays: dict[str, Any]) -> None:
    """Fewer positions than frames are refused; surplus ones are dropped with a warning."""
    short = scan_arrays | {key: scan_arrays[key][:10] for key in ("xcoords", "ycoords")}
    with pytest.raises(ScanError, match=r"12 frames but 10 positions in .* Every pattern needs a position\."):
        in_memory(short)
    with pytest.warns(RuntimeWarning, match="the last 2 positions were dropped"):
        scan = in_memory(scan_arrays | {"diff3d": scan_arrays["diff3d"][:10]})
    assert scan.n_frames == len(scan.xcoords) == len(scan.positions) == len(scan.scan_index) == 10


def test_labels_of_another_shape_are_refused(scan_arrays: dict[str, Any]) -> None:
    """Labelled patches must match the frames."""
    with pytest.raises(ScanError) as caught:
        RawData(
            *(scan_arrays["xcoords"], scan_arrays["ycoords"], None, None, scan_arrays["diff3d"]),
            *(scan_arrays["probeGuess"], None, None, np.ones((12, 8, 8), np.complex64)),
        )
    assert str(caught.value) == (
        "the labelled patches 'Y' in arrays in memory have shape (12, 8, 8)\n"
        "  expected  one complex patch per frame: (12, 16, 16)"
    )


def test_missing_labels_are_named(scan_arrays: dict[str, Any]) -> None:
    """Asking for labels that are not there names rule and keys (DATA-SUP-001)."""
    scan = in_memory(scan_arrays)
    assert scan.Y is None
    with pytest.raises(ScanError) as caught:
        scan.labels([0])
    assert str(caught.value) == (
        "supervised training needs the object patch of every frame, and arrays in memory has none "
        "(DATA-SUP-001)\n"
        "  expected  an array 'Y' or 'label' of shape (12, 16, 16), complex64\n"
        '  try       model.model_type = "pinn", which learns from the frames alone'
    )


def test_labels_follow_the_bin_but_not_the_crop(tiny_scan: RawData) -> None:
    """A binned detector sees the middle of each patch; a cropped one sees other pixels, and has no labels."""
    arrays = (tiny_scan.xcoords, tiny_scan.ycoords, None, None, tiny_scan.diff3d, tiny_scan.probeGuess, None)
    binned = RawData(*arrays, None, tiny_scan.Y, options=ScanOptions(bin=2))
    np.testing.assert_array_equal(binned.labels([4]), tiny_scan.labels([4])[:, 16:48, 16:48])
    cropped = RawData(*arrays, None, tiny_scan.Y, options=ScanOptions(crop_px=32))
    assert cropped.Y is None
    assert cropped.decisions[-1] == (
        "the labelled patches 'Y' belong to the uncropped detector's finer pixels; left out"
    )


# ---- subsets and known objects


def test_subset_takes_all_that_belongs_along(tiny_scan: RawData) -> None:
    """Positions, frames, labels and index of a subset are those of its frames."""
    chosen = np.array([30, 2, 17])
    tiny_scan.scan_index = np.arange(36)
    assert tiny_scan.mean_square() == pytest.approx(np.sum(tiny_scan.diff3d, dtype=float) / 36)
    part = tiny_scan.subset(chosen)
    np.testing.assert_array_equal(part.scan_index, chosen)
    assert (len(part), part.n_frames, len(tiny_scan)) == (3, 3, 36)
    np.testing.assert_array_equal(part.positions, tiny_scan.positions[chosen])
    np.testing.assert_array_equal(part.amplitudes(), tiny_scan.amplitudes()[chosen])
    np.testing.assert_array_equal(part.labels([1]), tiny_scan.labels([2]))
    np.testing.assert_array_equal(part.diff3d, tiny_scan.diff3d[chosen])
    assert part.mean_square() == pytest.approx(np.sum(tiny_scan.diff3d[chosen], dtype=float) / 3)
    half = tiny_scan.subset(tiny_scan.positions[:, 1] < np.median(tiny_scan.positions[:, 1]))
    assert len(half) == 18


def test_known_object_gives_its_own_frames(tiny_scan: RawData) -> None:
    """from_simulation computes noiseless amplitudes, with the true patches as labels."""
    assert tiny_scan.objectGuess is not None
    x, y = np.rint(tiny_scan.xcoords), np.rint(tiny_scan.ycoords)
    scan = RawData.from_simulation(x, y, tiny_scan.probeGuess, tiny_scan.objectGuess)
    corner = int(y[5]) - 32, int(x[5]) - 32
    patch = tiny_scan.objectGuess[corner[0] : corner[0] + 64, corner[1] : corner[1] + 64]
    np.testing.assert_array_equal(scan.labels([5])[0], patch)
    expected = far_field_amplitude(patch[None], scan.probe_modes)
    np.testing.assert_allclose(scan.amplitudes([5]), expected, rtol=1e-4, atol=1e-4)
    assert scan.quantity == "amplitude"
    np.testing.assert_array_equal(scan.scan_index, np.zeros(36))


def test_object_off_the_scan_is_no_truth(tiny_scan: RawData) -> None:
    """An object that does not hold every patch stays an attribute, but no reconstruction is judged by it."""
    assert tiny_scan.objectGuess is not None
    small = tiny_scan.objectGuess[:70, :70]
    arrays = (tiny_scan.xcoords, tiny_scan.ycoords, None, None, tiny_scan.diff3d, tiny_scan.probeGuess, None)
    scan = RawData(*arrays, small)
    assert scan.objectGuess is small
    assert scan.object_truth is None
    assert RawData(*arrays, np.ones((200, 200))).object_truth is None


def test_stack_of_objects_is_no_object(tiny_scan: RawData) -> None:
    """from_simulation needs one object."""
    with pytest.raises(ScanError) as caught:
        RawData.from_simulation([0.0], [0.0], np.ones((8, 8)), np.ones((2, 32, 32)))
    assert str(caught.value) == "'objectGuess' has shape (2, 32, 32)\n  expected  complex, of shape (H, W)"


# ---- groups


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
def emptied_params() -> Any:
    """Lend an emptied legacy dict, and put back what it held."""
    held = dict(params.cfg)
    params.cfg.clear()
    yield params.cfg
    params.cfg.clear()
    params.cfg.update(held)


def test_gridsize_needs_a_populated_dict(tiny_scan: RawData, emptied_params: Any) -> None:
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


def test_gridsize_comes_from_the_legacy_dict(tiny_scan: RawData, emptied_params: Any) -> None:
    """A populated dict gives the gridsize."""
    emptied_params["gridsize"] = 2
    assert tiny_scan.generate_grouped_data(64, K=6, nsamples=5)["nn_indices"].shape == (5, 4)


# ---- the real scan


def test_siemens_star_is_read_as_its_readme_says(shared_data: Any) -> None:
    """Counts, zero frequency in the middle, and positions on the object that explain the frames."""
    path = shared_data("siemens_star_aps_N128.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scan = RawData.from_file(path)
    assert (scan.n_frames, scan.N, scan.quantity) == (516, 128, "counts")
    assert scan.mean_square() == pytest.approx(461_213, rel=1e-5)
    assert scan.object_truth is not None
    modes = npz.read_array(path, "recon_probe_modes")
    centres = npz.read_array(path, "recon_patch_center_yx_px")[:, ::-1]
    np.testing.assert_allclose(scan.positions, centres, atol=1e-3)
    frames = np.arange(0, 516, 8)
    corners = np.rint(scan.positions[frames]).astype(int) - 64
    patches = np.stack([scan.object_truth[y : y + 128, x : x + 128] for x, y in corners])
    predicted, measured = far_field_amplitude(patches, modes), scan.amplitudes(frames)
    scale = np.vdot(predicted, measured) / np.vdot(predicted, predicted)
    misfit = np.linalg.norm(scale * predicted - measured) ** 2 / np.linalg.norm(measured) ** 2
    assert misfit < 0.012
    swapped = far_field_amplitude(patches.swapaxes(1, 2), modes)
    assert np.linalg.norm(scale * swapped - measured) ** 2 / np.linalg.norm(measured) ** 2 > 5 * misfit


def test_both_layouts_of_the_siemens_star_agree(shared_data: Any) -> None:
    """The published file, in another layout, gives the same amplitudes and the same path."""
    one = RawData.from_file(shared_data("siemens_star_aps_N128.npz"))
    with pytest.warns(UserWarning, match="zero frequency of 'data' is at the corner"):
        other = RawData.from_file(shared_data("siemens-star-small.npz.bz2"))
    np.testing.assert_array_equal(other.amplitudes(), one.amplitudes())
    shift = other.positions - one.positions
    assert np.ptp(shift, axis=0).max() < 1e-3
