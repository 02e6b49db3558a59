"""NPZ files of named arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.raw_data import RawData
from ptycho.scan.scan_format import read_contents, read_header


def test_uncompressed_frames_stay_on_the_disk(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Frames of an uncompressed file are mapped, those of a compressed one are read."""
    stored = read_contents(npz.write("stored.npz", scan_arrays, compressed=False))
    packed = read_contents(npz.write("packed.npz", scan_arrays, compressed=True))
    assert isinstance(stored.arrays["diff3d"], np.memmap)
    assert not isinstance(packed.arrays["diff3d"], np.memmap)
    np.testing.assert_array_equal(stored.arrays["diff3d"], packed.arrays["diff3d"])


@pytest.mark.parametrize("key", ["diff3d", "diffraction"])
@pytest.mark.parametrize("label", ["Y", "label"])
def test_both_names_are_read(jail: Path, scan_arrays: dict[str, Any], key: str, label: str) -> None:
    """Frames and labels have two names each."""
    arrays = {key: scan_arrays.pop("diff3d"), label: np.ones((12, 16, 16), np.complex64), **scan_arrays}
    contents = read_contents(npz.write("scan.npz", arrays))
    assert contents.frames_key == key
    assert set(contents.arrays) == {"diff3d", "xcoords", "ycoords", "probeGuess", "Y"}


def test_file_may_say_what_it_holds(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Quantity, origin and metadata are taken from the file."""
    said = {"quantity": "counts", "position_origin": "corner", "_metadata": json.dumps({"a": [1, 2]})}
    contents = read_contents(npz.write("scan.npz", scan_arrays | said))
    assert (contents.quantity, contents.origin, contents.metadata) == ("counts", "corner", {"a": [1, 2]})


def test_exports_of_ptychodus_hold_intensities(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """A file with the client's list of bad pixels holds counts at patch centres, whatever their dtype."""
    np.savez(jail / "scan.npz", **scan_arrays, bad_pixels=np.zeros(scan_arrays["diff3d"].shape[1:], bool))
    contents = read_contents(jail / "scan.npz")
    assert (contents.quantity, contents.origin) == ("counts", "centre")


def test_old_metadata_is_read_without_pickle(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Metadata that an older program pickled as one string is read as that string."""
    np.savez("scan.npz", _metadata=np.array('{"a": 1}', dtype=object), **scan_arrays)
    assert read_contents(Path("scan.npz")).metadata == {"a": 1}


@pytest.mark.parametrize("key", ["xcoords", "ycoords"])
def test_missing_positions_are_named(jail: Path, scan_arrays: dict[str, Any], key: str) -> None:
    """A file without positions is refused with the keys found."""
    del scan_arrays[key]
    with pytest.raises(ScanError) as caught:
        read_contents(npz.write("scan.npz", scan_arrays))
    other = "ycoords" if key == "xcoords" else "xcoords"
    assert str(caught.value) == (
        f"scan.npz holds no positions: there is no '{key}'\n"
        "  expected    'xcoords' and 'ycoords', one number per frame, in pixels of the object grid\n"
        f"  known here  diff3d, {other}, probeGuess"
    )


@pytest.mark.parametrize("text", ["{nphotons", "[1, 2]"])
def test_damaged_metadata_is_refused(jail: Path, scan_arrays: dict[str, Any], text: str) -> None:
    """Metadata that is no JSON table is refused, not ignored."""
    with pytest.raises(ScanError, match=r"'_metadata' in scan\.npz is not a JSON table"):
        read_contents(npz.write("scan.npz", scan_arrays | {"_metadata": text}))


def test_counts_key_comes_first(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """'diff3d' is preferred when 'diffraction' is there too."""
    arrays = {"diffraction": np.sqrt(scan_arrays["diff3d"]), **scan_arrays}
    assert read_contents(npz.write("scan.npz", arrays)).frames_key == "diff3d"


def test_missing_frames_name_the_keys(jail: Path) -> None:
    """Without frames the error names both keys and what there is."""
    with pytest.raises(ScanError) as caught:
        read_contents(npz.write("scan.npz", {"xcoords": np.ones(3), "frames": np.ones(3)}))
    assert str(caught.value) == (
        "scan.npz holds no diffraction frames\n"
        "  expected    an array 'diffraction' or 'diff3d' of shape (frames, N, N)\n"
        "  known here  xcoords, frames\n"
        "  try         np.savez(path, diff3d=frames, ...)"
    )


def test_the_header_needs_no_whole_scan(jail: Path) -> None:
    """The settings learn of probe and photons from a file that lacks all else, and of what is missing."""
    photons = json.dumps({"physics_parameters": {"nphotons": 5e7}})
    path = npz.write("scan.npz", {"probeGuess": np.ones((3, 8, 8)), "_metadata": photons})
    header = read_header(path)
    assert (header.probe_shape, header.doubt) == ((3, 8, 8), "")
    assert header.metadata == {"physics_parameters": {"nphotons": 5e7}}
    bare = read_header(npz.write("bare.npz", {"xcoords": np.ones(3)}))
    assert (bare.probe_shape, bare.doubt) == (None, "there is no 'probeGuess' in bare.npz")


@pytest.mark.parametrize("value", ["far", np.nan, -1.0, 1j, np.ones(2)], ids=str)
def test_what_is_no_length_is_passed_over(jail: Path, scan_arrays: dict[str, Any], value: Any) -> None:
    """An array that is called like a length or the centre and is none leaves the scan as it is."""
    npz.write("scan.npz", scan_arrays | {"distance_m": value, "centre_px": np.array(["a", "b"])})
    scan = RawData.from_file("scan.npz")
    assert "distance_m" not in scan.lengths_m()


@pytest.mark.parametrize("layout", ["nominal", "pairs"])
def test_positions_go_by_other_names(jail: Path, scan_arrays: dict[str, Any], layout: str) -> None:
    """Nominal coordinates alone, or pairs beside 'data', are the positions, and that is said."""
    frames, x, y = (scan_arrays.pop(key) for key in ("diff3d", "xcoords", "ycoords"))
    arrays = (
        {"diffraction": frames, "xcoords_start": x, "ycoords_start": y}
        if layout == "nominal"
        else {"data": frames, "positions_px": np.stack([x, y], axis=1)}
    )
    scan = RawData.from_file(npz.write("scan.npz", arrays | scan_arrays))
    np.testing.assert_array_equal(scan.xcoords, x)
    np.testing.assert_array_equal(scan.ycoords, y)
    assert any(note.startswith("positions: ") for note in scan.decisions)


@pytest.mark.parametrize("good", [False, True])
def test_a_mask_in_the_file_is_taken(jail: Path, scan_arrays: dict[str, Any], good: bool) -> None:
    """Pixels that the file marks are masked; a mask that marks most of them marks the good ones."""
    bad = np.zeros((16, 16), bool)
    bad[2, 5] = True
    scan = RawData.from_file(npz.write("scan.npz", scan_arrays | {"mask": ~bad if good else bad}))
    assert scan.mask is not None
    np.testing.assert_array_equal(scan.mask, ~bad)
