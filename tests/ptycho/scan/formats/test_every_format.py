"""What holds for every format: a scan reads back as it was, and whatever is wrong with a file is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import layouts
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layouts import LAYOUTS, N, make, written

from ptycho.errors import ScanError
from ptycho.raw_data import RawData
from ptycho.scan.scan_file import open_scan
from ptycho.scan.scan_format import find_format, read_header
from ptycho.settings.data import ScanOptions
from ptycho.settings.registries import FORMATS

MADE = make()
HDF5 = [
    name
    for name in LAYOUTS
    if name not in {"npy", "npz", "ptyrex", "shelves_mat5", "tiff", "tiff_files", "tike"}
]
POSITIONS = ("translation", "pseudo", "scan_positions", "/positions", "encoder", "points", "data/x", "data/y")


def require_the_scan(scan: RawData, *, geometry: bool = True) -> None:
    """Assert that frames and places are those that were written, and the pixel of the object."""
    np.testing.assert_array_equal(scan.diff3d, MADE.frames)
    places = np.stack([MADE.x, MADE.y], axis=1)
    np.testing.assert_allclose(scan.positions - scan.positions[0], places - places[0], atol=1e-3)
    if geometry and scan.object_pixel_m is not None:
        assert scan.object_pixel_m == pytest.approx(layouts.OBJECT_PIXEL_M, rel=1e-5)


@contextmanager
def one_clear_error(folder: Path) -> Iterator[None]:
    """Accept an error that names a file of the scan and says more than a line; any other is a failure."""
    try:
        yield
    except ScanError as error:
        text = str(error)
        assert any(path.name in text for path in folder.iterdir()), text
        assert "\n  " in text, text


def test_every_format_has_a_layout() -> None:
    """A format that is registered is tried with everything on this page."""
    assert {read_by for _, read_by, _ in LAYOUTS.values()} == set(FORMATS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_scan_reads_back_as_it_was(jail: Path, name: str) -> None:
    """Frames, places, geometry and bad pixels come back, whatever the file is called."""
    path, options = written(name, jail, MADE)
    assert find_format(open_scan(path)).name == LAYOUTS[name][1]
    scan = RawData.from_file(path, options=options)
    require_the_scan(scan)
    if LAYOUTS[name][2]:
        np.testing.assert_array_equal(scan.mask, ~MADE.bad)
    assert read_header(path).frame_shape == (N, N) or name in {"npz", "tike"}


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(share=st.floats(0.02, 0.98), which=st.integers(0, 2))
def test_a_cut_file_is_one_clear_error(jail: Path, name: str, share: float, which: int) -> None:
    """Wherever a copy stopped, of whichever of its files: an error that names it, or enough was there."""
    for left in jail.iterdir():
        left.unlink()
    path, options = written(name, jail, MADE)
    files = sorted(jail.iterdir())
    cut = files[which % len(files)]
    content = cut.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    if cut.suffix in {".csv", ".dat"}:
        return  # A table that ends within a number is a table all the same; a missing row is counted below.
    with one_clear_error(jail):
        require_the_scan(RawData.from_file(path, options=options))


DAMAGES: dict[str, Any] = {
    "missing": None,
    "text": "text",
    "of too many axes": np.ones((2, 2, 2, 2, 2)),
    "empty": np.zeros(0),
    "a pair": np.ones(2),
    "complex": np.ones((3, 3), complex),
    "no number": np.full((), np.nan),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", HDF5)
def test_a_wrong_key_never_passes_as_right(jail: Path, name: str, damage: str) -> None:
    """Any dataset that is missing or holds something else: one clear error, or the scan as it was."""
    path, _ = written(name, jail, MADE)
    with h5py.File(path) as file:
        keys = all_datasets(file)
    for number, key in enumerate(keys):
        folder = jail / f"{number}"  # HDF5 lets nobody change a file that somebody reads.
        folder.mkdir()
        path, options = written(name, folder, MADE)
        with h5py.File(path, "a") as file:
            del file[key]
            if DAMAGES[damage] is not None:
                file[key] = DAMAGES[damage]
        try:
            with one_clear_error(folder):
                require_the_scan(RawData.from_file(path, options=options))
        except AssertionError as error:
            raise AssertionError(f"{key} is {damage}: {error}") from error


def all_datasets(file: h5py.File) -> list[str]:
    """List the datasets of a file that lie in it."""
    names: list[str] = []
    file.visititems(lambda key, item: names.append(key) if isinstance(item, h5py.Dataset) else None)
    return names


def rewrite(path: Path, change: Callable[[str, Any], Any]) -> None:
    """Write a file anew with every dataset changed; links and attributes stay."""
    new = path.with_name("rewritten")
    with h5py.File(path) as source, h5py.File(new, "w") as target:
        copy_group(source, target, change)
    new.replace(path)


def copy_group(source: Any, target: Any, change: Callable[[str, Any], Any]) -> None:
    """Copy a group with what lies in it."""
    target.attrs.update(source.attrs)
    for name in source:
        link = source.get(name, getlink=True)
        if isinstance(link, h5py.SoftLink | h5py.ExternalLink):
            target[name] = link
        elif isinstance(source[name], h5py.Group):
            copy_group(source[name], target.create_group(name), change)
        else:
            target[name] = change(source[name].name, source[name][()])
            target[name].attrs.update(source[name].attrs)


def is_number(value: Any) -> bool:
    """Tell an array of numbers."""
    return np.asarray(value).dtype.kind in "iufb"


def big_endian(_key: str, value: Any) -> Any:
    """Store numbers with the large byte first."""
    value = np.asarray(value)
    return value.astype(value.dtype.newbyteorder(">")) if is_number(value) else value


def scalars_in_arrays(_key: str, value: Any) -> Any:
    """Store a number in an array of one, as MATLAB and some beamlines do."""
    return np.asarray(value).reshape(1, 1) if is_number(value) and np.ndim(value) == 0 else value


def small_floats(_key: str, value: Any) -> Any:
    """Store frames as floats of two bytes, which hold counts of this size exactly."""
    return value.astype(np.float16) if np.ndim(value) >= 3 and is_number(value) else value


def signed(_key: str, value: Any) -> Any:
    """Store frames as signed numbers of two bytes."""
    return value.astype(np.int16) if np.ndim(value) >= 3 and is_number(value) else value


def positions_of_three_axes(key: str, value: Any) -> Any:
    """Store positions with an axis of one between."""
    return np.expand_dims(value, 1) if is_position(key) and is_number(value) else value


def positions_turned(key: str, value: Any) -> Any:
    """Store pairs of positions along the other axis."""
    return np.transpose(value) if is_position(key) and is_number(value) else value


def frames_of_one_colour(_key: str, value: Any) -> Any:
    """Store frames with a last axis of one."""
    return value[..., np.newaxis] if np.ndim(value) == 3 and is_number(value) else value


def texts_as_bytes(_key: str, value: Any) -> Any:
    """Store texts in arrays of bytes."""
    return np.array([value]) if isinstance(value, bytes) else value


def is_position(key: str) -> bool:
    """Tell the datasets of positions by their names."""
    return any(name in key for name in POSITIONS)


CHANGES = (
    big_endian,
    scalars_in_arrays,
    small_floats,
    signed,
    positions_of_three_axes,
    positions_turned,
    frames_of_one_colour,
    texts_as_bytes,
)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", HDF5)
def test_another_way_of_storing_is_the_same_scan(
    jail: Path, name: str, change: Callable[[str, Any], Any]
) -> None:
    """Byte order, kinds of numbers and axes of length one mean nothing; what is not read is refused."""
    path, options = written(name, jail, MADE)
    rewrite(path, change)
    with one_clear_error(jail):
        require_the_scan(RawData.from_file(path, options=options))
    if change is frames_of_one_colour or (change is positions_turned and name == "ptyd"):
        return  # Rank four is a raster in some layouts: refused there.
    require_the_scan(RawData.from_file(path, options=options))


@pytest.mark.parametrize("name", HDF5)
def test_linked_datasets_are_the_same_scan(jail: Path, name: str) -> None:
    """Datasets may lie anywhere, in the file or in another one: links are followed."""
    path, options = written(name, jail, MADE)
    moved: dict[str, Any] = {}
    with h5py.File(path, "a") as file:
        for number, key in enumerate(all_datasets(file)):
            if "chunks" in key or key in {"dp", "data", "fmask"}:
                continue  # A name more in these files makes them another layout.
            moved[f"store/{number}"] = key
            with h5py.File(jail / "store.h5", "a") as store:
                file.copy(key, store, f"store/{number}")
            del file[key]
            file[key] = h5py.ExternalLink("store.h5", f"/store/{number}")
    require_the_scan(RawData.from_file(path, options=options))


@pytest.mark.parametrize("unit", ["um", "µm", "μm", "Micrometers", "micron", "MICROMETRE"])
@pytest.mark.parametrize("kind", [str, bytes, np.bytes_])
def test_a_unit_may_be_spelled_anyhow(jail: Path, unit: str, kind: Any) -> None:
    """Text, bytes or a list of one, in words or signs: micrometres are micrometres."""
    path, options = written("nexus", jail, MADE)
    spelled: Any = unit if kind is str else unit.encode()
    spelled = np.array([spelled]) if kind is np.bytes_ else spelled
    with h5py.File(path, "a") as file:
        for axis in "xy":
            values = file[f"entry_1/data/{axis}"][()] * 1e3
            file[f"entry_1/data/{axis}"][...] = values
            file[f"entry_1/data/{axis}"].attrs["units"] = spelled
    require_the_scan(RawData.from_file(path, options=options))


@pytest.mark.parametrize(
    ("name", "key", "opposite"),
    [
        ("cxi", "entry_1/instrument_1/detector_1/mask", lambda mask: (mask == 0).astype(np.uint32)),
        ("eiger", "entry/instrument/detector/detectorSpecific/pixel_mask", lambda mask: mask == 0),
        ("nexus", "entry_1/instrument_1/detector_1/pixel_mask", lambda mask: mask == 0),
        ("ptychodus", "bad_pixels", lambda mask: ~mask),
        ("shelves_mat73", "fmask", lambda mask: 1 - mask),
    ],
)
def test_a_mask_of_good_pixels_is_understood(
    jail: Path, name: str, key: str, opposite: Callable[[Any], Any]
) -> None:
    """Where most pixels are marked the marks are those of good ones, and that is said."""
    path, options = written(name, jail, MADE)
    with h5py.File(path, "a") as file:
        mask = file[key][()]
        del file[key]
        file[key] = opposite(mask)
    scan = RawData.from_file(path, options=options)
    require_the_scan(scan)
    np.testing.assert_array_equal(scan.mask, ~MADE.bad)
    assert any("marks are those of good ones" in decision for decision in scan.decisions)


def test_the_raster_of_ptyrex_turns(jail: Path) -> None:
    """The angle of the scan turns the raster; what PtyREX would do to the frames is said."""
    path, options = written("ptyrex", jail, MADE)
    text = path.read_text().replace('"rotation": 0.0', '"rotation": 90.0').replace('"00"', '"11"')
    path.write_text(text)
    scan = RawData.from_file(path, options=options)
    np.testing.assert_allclose(scan.xcoords - scan.xcoords[0], -(MADE.y - MADE.y[0]), atol=1e-6)
    np.testing.assert_allclose(scan.ycoords - scan.ycoords[0], MADE.x - MADE.x[0], atol=1e-6)
    assert any("orientation = 11" in decision for decision in scan.decisions)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('"data_key": "data/frames"', '"data_key": 3', "scan_0 is 3"),
        ("/elsewhere/frames.h5", "/elsewhere/gone.h5", "a file that is missing: /elsewhere/gone.h5"),
        ('"dR"', '"step"', "scan/dR is None"),
        ('"data_key": "data/frames"', '"data_key": "gone"', "there is no 'gone' in"),
    ],
)
def test_ptyrex_says_what_is_missing(jail: Path, old: str, new: str, text: str) -> None:
    """A setting that is missing or of another kind is named with its path."""
    path, options = written("ptyrex", jail, MADE)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ScanError, match=re.escape(text)):
        RawData.from_file(path, options=options)


def test_electrons_of_ptyrex_are_electrons(jail: Path) -> None:
    """The kind of radiation decides what an energy means."""
    path, _ = written("ptyrex", jail, MADE)
    path.write_text(path.read_text().replace('"xray"', '"electron"').replace("8000.0", "300000.0"))
    facts = read_header(path).geometry.facts()
    assert facts["wavelength_m"] == pytest.approx(1.969e-12, rel=1e-3)


def test_options_are_left_as_they_were(jail: Path) -> None:
    """Reading a scan changes nothing of how it was to be read."""
    path, options = written("cxi", jail, MADE)
    RawData.from_file(path, options=options)
    assert options == ScanOptions()
