"""Acceptance of a scan: what is decided about its geometry, and what is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.raw_data import RawData
from ptycho.settings.data import ScanOptions


def in_memory(arrays: dict[str, Any], **more: Any) -> RawData:
    """Make a scan from arrays in memory."""
    return RawData.from_coords_without_pc(
        arrays["xcoords"], arrays["ycoords"], arrays["diff3d"], arrays["probeGuess"], None, **more
    )


def test_decisions_are_logged(scan_arrays: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    """Every decision is kept on the scan and logged with the place it concerns."""
    with caplog.at_level(logging.INFO, logger="ptycho.scan.validate"):
        scan = in_memory(scan_arrays)
    assert scan.decisions == [
        "'diff3d' holds detector counts: every value is a whole number",
        "zero frequency of 'diff3d' is in the middle, where the energy is",
        "positions name the patch centre: there is no object to test",
    ]
    assert caplog.messages == [f"arrays in memory: {decision}" for decision in scan.decisions]


def test_object_off_the_scan_is_no_truth(tiny_scan: RawData) -> None:
    """An object that does not hold every patch stays an attribute, but no reconstruction is judged by it."""
    assert tiny_scan.objectGuess is not None
    small = tiny_scan.objectGuess[:70, :70]
    arrays = (tiny_scan.xcoords, tiny_scan.ycoords, None, None, tiny_scan.diff3d, tiny_scan.probeGuess, None)
    scan = RawData(*arrays, small)
    assert scan.objectGuess is small
    assert scan.object_truth is None
    assert RawData(*arrays, np.ones((200, 200))).object_truth is None


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


def test_a_last_axis_of_one_changes_nothing(jail: Path, tiny_scan: RawData) -> None:
    """Frames (n, N, N, 1) with positions in metres are the scan that (n, N, N) are."""
    arrays = dict(np.load(tiny_scan.to_file("scan.npz")))
    for key in ("xcoords", "ycoords", "xcoords_start", "ycoords_start"):
        arrays[key] = 1e-7 * arrays[key]
    options = ScanOptions(position_unit="m", energy_kev=8.0, distance_m=1.0, pixel_size_m=75e-6)
    npz.write("plain.npz", arrays)
    npz.write("more.npz", arrays | {"diff3d": arrays["diff3d"][..., np.newaxis]})
    plain, more = (RawData.from_file(name, options=options) for name in ("plain.npz", "more.npz"))
    np.testing.assert_array_equal(more.positions, plain.positions)


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
    """NaN under the mask is no error, comes out as zero, and is reported as bad; in memory none is masked."""
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
    with pytest.raises(ScanError, match="frame 0 of 'diff3d' in arrays in memory holds NaN values"):
        in_memory(scan_arrays | {"diff3d": frames})


def test_object_pixel_in_metres(scan_arrays: dict[str, Any]) -> None:
    """The side of an object pixel follows from the geometry of the options."""
    options = ScanOptions(pixel_size_m=1e-4, wavelength_m=1e-10, distance_m=4.0, crop_px=8)
    assert in_memory(scan_arrays, options=options).object_pixel_m == pytest.approx(1e-10 * 4.0 / (8 * 1e-4))
    assert in_memory(scan_arrays).object_pixel_m is None


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
        "  expected  one complex patch per frame: (12, 16, 16)\n"
        "  try       leaving 'Y' out, or cutting the patches to the size of the frames"
    )
