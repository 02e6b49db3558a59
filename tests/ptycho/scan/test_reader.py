"""Scan files of every known layout."""

from __future__ import annotations

import bz2
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ptycho.errors import ScanError
from ptycho.files import npz
from ptycho.scan.reader import read_scan


def test_uncompressed_frames_stay_on_the_disk(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Frames of an uncompressed file are mapped, those of a compressed one are read."""
    stored = read_scan(npz.write("stored.npz", scan_arrays, compressed=False))
    packed = read_scan(npz.write("packed.npz", scan_arrays, compressed=True))
    assert isinstance(stored.arrays["diff3d"], np.memmap)
    assert not isinstance(packed.arrays["diff3d"], np.memmap)
    np.testing.assert_array_equal(stored.arrays["diff3d"], packed.arrays["diff3d"])


@pytest.mark.parametrize("key", ["diff3d", "diffraction"])
@pytest.mark.parametrize("label", ["Y", "label"])
def test_both_names_are_read(jail: Path, scan_arrays: dict[str, Any], key: str, label: str) -> None:
    """Frames and labels have two names each."""
    arrays = {key: scan_arrays.pop("diff3d"), label: np.ones((12, 16, 16), np.complex64), **scan_arrays}
    contents = read_scan(npz.write("scan.npz", arrays))
    assert contents.frames_key == key
    assert set(contents.arrays) == {"diff3d", "xcoords", "ycoords", "probeGuess", "Y"}


def test_file_may_say_what_it_holds(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Quantity, origin and metadata are taken from the file."""
    said = {"quantity": "counts", "position_origin": "corner", "_metadata": json.dumps({"a": [1, 2]})}
    contents = read_scan(npz.write("scan.npz", scan_arrays | said))
    assert (contents.quantity, contents.origin, contents.metadata) == ("counts", "corner", {"a": [1, 2]})


def test_exports_of_ptychodus_hold_intensities(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """A file with the client's list of bad pixels holds counts at patch centres, whatever their dtype."""
    np.savez(jail / "scan.npz", **scan_arrays, bad_pixels=np.zeros(scan_arrays["diff3d"].shape[1:], bool))
    contents = read_scan(jail / "scan.npz")
    assert (contents.quantity, contents.origin) == ("counts", "centre")


def test_old_metadata_is_read_without_pickle(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Metadata that an older program pickled as one string is read as that string."""
    np.savez("scan.npz", _metadata=np.array('{"a": 1}', dtype=object), **scan_arrays)
    assert read_scan(Path("scan.npz")).metadata == {"a": 1}


@pytest.mark.parametrize("key", ["xcoords", "ycoords"])
def test_missing_positions_are_named(jail: Path, scan_arrays: dict[str, Any], key: str) -> None:
    """A file without positions is refused with the keys found."""
    del scan_arrays[key]
    with pytest.raises(ScanError) as caught:
        read_scan(npz.write("scan.npz", scan_arrays))
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
        read_scan(npz.write("scan.npz", scan_arrays | {"_metadata": text}))


def tike_arrays(scan_arrays: dict[str, Any]) -> dict[str, Any]:
    """Lay a scan out as tike does."""
    corner = np.fft.ifftshift(scan_arrays["diff3d"], axes=(1, 2)).astype(np.float32)
    scan = np.stack([scan_arrays["ycoords"], scan_arrays["xcoords"]], axis=1).astype(np.float32)
    return {
        "data": corner[None],
        "scan": scan[None],
        "probe": scan_arrays["probeGuess"][None, None, None, None],
    }


def test_tike_layout_is_read(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """In tike's layout rows come before columns, and positions are corners."""
    contents = read_scan(npz.write("tike.npz", tike_arrays(scan_arrays)))
    assert (contents.frames_key, contents.origin) == ("data", "corner")
    np.testing.assert_array_equal(contents.arrays["xcoords"], scan_arrays["xcoords"])
    np.testing.assert_array_equal(contents.arrays["ycoords"], scan_arrays["ycoords"])
    assert contents.arrays["diff3d"].shape == (12, 16, 16)


def test_tike_positions_must_be_pairs(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """Positions of another shape are refused."""
    arrays = tike_arrays(scan_arrays) | {"scan": np.ones((1, 12, 3))}
    with pytest.raises(ScanError) as caught:
        read_scan(npz.write("tike.npz", arrays))
    assert str(caught.value) == (
        "'scan' in tike.npz has shape (12, 3)\n"
        "  expected  (frames, 2): row and column of each patch's corner, in pixels"
    )


def test_bzip2_is_unpacked(jail: Path, scan_arrays: dict[str, Any]) -> None:
    """A file compressed as a whole is read, and leaves nothing behind that it needs."""
    plain = npz.write("scan.npz", scan_arrays, compressed=False)
    Path("scan.npz.bz2").write_bytes(bz2.compress(plain.read_bytes()))
    contents = read_scan(Path("scan.npz.bz2"))
    np.testing.assert_array_equal(contents.arrays["diff3d"], scan_arrays["diff3d"])
    assert not isinstance(contents.arrays["diff3d"], np.memmap)


def test_damaged_bzip2_is_refused(jail: Path) -> None:
    """A file that only ends like bzip2 is refused, and a missing one is not found."""
    path = Path("scan.npz.bz2")
    with pytest.raises(FileNotFoundError) as missing:
        read_scan(path)
    assert str(missing.value) == "scan file not found: scan.npz.bz2\n  expected  an .npz file"
    path.write_bytes(b"no")
    with pytest.raises(ScanError) as caught:
        read_scan(path)
    assert str(caught.value).startswith("scan.npz.bz2 is not a bzip2 file (")
    assert str(caught.value).endswith(
        "\n  expected  an .npz file, or one compressed by bzip2\n"
        "  try       copy the file again; an interrupted copy looks like this"
    )
