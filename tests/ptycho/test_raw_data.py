"""RawData: one scan, made from files, arrays or a known object."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.physics.fourier import far_field_amplitude
from ptycho.raw_data import RawData
from ptycho.settings.data import ScanOptions


def in_memory(arrays: dict[str, Any], **more: Any) -> RawData:
    """Make a scan from arrays in memory."""
    return RawData.from_coords_without_pc(
        arrays["xcoords"], arrays["ycoords"], arrays["diff3d"], arrays["probeGuess"], None, **more
    )


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
    assert again.subset([1, 2])._valid.frames.raw is again._valid.frames.raw
    packed = RawData.from_file(tiny_scan.to_file("packed.npz", compressed=True))
    np.testing.assert_array_equal(packed.diff3d, again.diff3d)


def test_two_files_are_read_alike(jail: Path, tiny_scan: RawData) -> None:
    """Training and test scan are read with the same options."""
    for name in ("a.npz", "b.npz"):
        tiny_scan.to_file(name)
    train, test = RawData.from_files("a.npz", "b.npz", options=ScanOptions(crop_px=32))
    assert (train.N, test.N) == (32, 32)
    assert (train.source, test.source) == (Path("a.npz"), Path("b.npz"))


def test_missing_file_is_not_found() -> None:
    """A file that is not there is a FileNotFoundError."""
    with pytest.raises(FileNotFoundError) as caught:
        RawData.from_file("nowhere.npz")
    assert str(caught.value).startswith("scan file not found: nowhere.npz\n  expected  a scan file")


def test_entry_points_have_their_own_custom(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Numbers that tell nothing are intensities in memory and amplitudes in a file, with one warning each."""
    scan_arrays["diff3d"] = scan_arrays["diff3d"] * np.linspace(1.0, 1.2, 16)
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


def test_stack_of_objects_is_no_object(tiny_scan: RawData) -> None:
    """from_simulation needs one object."""
    with pytest.raises(ScanError) as caught:
        RawData.from_simulation([0.0], [0.0], np.ones((8, 8)), np.ones((2, 32, 32)))
    assert str(caught.value) == "'objectGuess' has shape (2, 32, 32)\n  expected  complex, of shape (H, W)"


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


@pytest.mark.parametrize(("nsamples", "told"), [(1, 1), (2, 0)])
def test_a_single_group_is_worth_a_warning(
    nsamples: int, told: int, tiny_scan: RawData, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that leaves nsamples at 1 hears that its picture will be one patch."""
    tiny_scan.generate_grouped_data(tiny_scan.N, K=4, nsamples=nsamples, gridsize=1)
    n = len(tiny_scan)
    text = (
        f"one group is drawn of a scan of {n} positions: what is made of it shows one patch; "
        f"nsamples = {n} takes all"
    )
    heard = [record.getMessage() for record in caplog.records if record.name == "ptycho.scan.raw_data"]
    assert heard == [text] * told


def test_misspelt_options_are_refused() -> None:
    """A scan is not read by a word that nobody knows."""
    with pytest.raises(ScanError, match=r"data\.centre = 'bogus'"):
        RawData(
            [0.0, 9.0],
            [0.0, 9.0],
            None,
            None,
            np.ones((2, 8, 8), np.uint8),
            None,
            None,
            options=ScanOptions(centre="bogus"),  # type: ignore[arg-type]
        )


def test_nominal_positions_can_take_the_place_of_measured_ones() -> None:
    """The same frames, laid where they were meant to be."""
    scan = RawData([0.0, 9.0], [0.0, 9.0], [1.0, 8.0], [2.0, 7.0], np.ones((2, 8, 8), np.uint8), None, None)
    np.testing.assert_array_equal(scan.at_nominal_positions().positions, [[1.0, 2.0], [8.0, 7.0]])
    np.testing.assert_array_equal(scan.positions, [[0.0, 0.0], [9.0, 9.0]])
